package cost

import "nightshift/internal/price"

// moverLine is one row of the sheet Movers: a resource or a sum.
type moverLine struct {
	Mover
	sum   *MoverSum
	label string
}

func (m *Movers) table() Table {
	var lines []moverLine
	for _, mover := range m.Top {
		lines = append(lines, moverLine{Mover: mover})
	}
	if m.Others.Count > 0 {
		lines = append(lines, moverLine{sum: &m.Others, label: "All others that changed"})
	}
	lines = append(lines, moverLine{sum: &m.Total, label: "All resources"})
	part := func(of func(Change) price.USD) func(moverLine) any {
		return func(l moverLine) any { return of(l.change()) }
	}
	before, after := m.From.String(), m.To.String()
	return table("Movers", 2, lines, []field[moverLine]{
		{"Name", Text, func(l moverLine) any {
			if l.sum != nil {
				return l.label
			}
			return l.Name
		}},
		{"ResourceId", Text, func(l moverLine) any { return l.ID }},
		{"Kind", Text, func(l moverLine) any { return string(l.Kind) }},
		{"Type", Text, func(l moverLine) any { return l.Type }},
		{"Account", Text, func(l moverLine) any { return string(l.Account) }},
		{"Region", Text, func(l moverLine) any { return string(l.Region) }},
		{"MainCause", Text, func(l moverLine) any { return l.change().Cause() }},
		{"Before " + before + " (USD/month)", Money, moverLine.before},
		{"After " + after + " (USD/month)", Money, moverLine.after},
		{"Difference(USD)", Money, part(Change.Sum)},
		{"New(USD)", Money, part(func(c Change) price.USD { return c.New })},
		{"Gone(USD)", Money, part(func(c Change) price.USD { return c.Gone })},
		{"TypeChanged(USD)", Money, part(func(c Change) price.USD { return c.Type })},
		{"Resized(USD)", Money, part(func(c Change) price.USD { return c.Size })},
		{"PriceChanged(USD)", Money, part(func(c Change) price.USD { return c.Price })},
		{"HoursChanged(USD)", Money, part(func(c Change) price.USD { return c.Hours })},
		{"Other(USD)", Money, part(func(c Change) price.USD { return c.Other })},
	})
}

func (l moverLine) change() Change {
	if l.sum != nil {
		return l.sum.Change
	}
	return l.Change
}

func (l moverLine) before() any {
	if l.sum != nil {
		return l.sum.Before
	}
	return optional(l.Before)
}

func (l moverLine) after() any {
	if l.sum != nil {
		return l.sum.After
	}
	return optional(l.After)
}

// optional is an amount, or an empty cell.
func optional(u *price.USD) any {
	if u == nil {
		return nil
	}
	return *u
}
