package sheet

import (
	"nightshift/internal/cost/trend"
	"nightshift/internal/price"
)

// changeLine is one row of the sheet Movers: a resource or a sum.
type changeLine struct {
	trend.ResourceChange
	sum   *trend.ChangeSum
	label string
}

func changesTable(m *trend.Changes) Table {
	var lines []changeLine
	for _, change := range m.Top {
		lines = append(lines, changeLine{ResourceChange: change})
	}
	if m.Others.Count > 0 {
		lines = append(lines, changeLine{sum: &m.Others, label: "All others that changed"})
	}
	lines = append(lines, changeLine{sum: &m.Total, label: "All resources"})
	part := func(of func(trend.Change) price.USD) func(changeLine) any {
		return func(l changeLine) any { return of(l.change()) }
	}
	before, after := m.From.String(), m.To.String()
	return table("Movers", 2, lines, []field[changeLine]{
		{"Name", Text, func(l changeLine) any {
			if l.sum != nil {
				return l.label
			}
			return l.Name
		}},
		{"ResourceId", Text, func(l changeLine) any { return l.ID }},
		{"Kind", Text, func(l changeLine) any { return string(l.Kind) }},
		{"Type", Text, func(l changeLine) any { return l.Type }},
		{"Account", Text, func(l changeLine) any { return string(l.Account) }},
		{"Region", Text, func(l changeLine) any { return string(l.Region) }},
		{"MainCause", Text, func(l changeLine) any { return l.change().Cause() }},
		{"Before " + before + " (USD/month)", Money, changeLine.before},
		{"After " + after + " (USD/month)", Money, changeLine.after},
		{"Difference(USD)", Money, part(trend.Change.Sum)},
		{"New(USD)", Money, part(func(c trend.Change) price.USD { return c.New })},
		{"Gone(USD)", Money, part(func(c trend.Change) price.USD { return c.Gone })},
		{"TypeChanged(USD)", Money, part(func(c trend.Change) price.USD { return c.Type })},
		{"Resized(USD)", Money, part(func(c trend.Change) price.USD { return c.Size })},
		{"PriceChanged(USD)", Money, part(func(c trend.Change) price.USD { return c.Price })},
		{"HoursChanged(USD)", Money, part(func(c trend.Change) price.USD { return c.Hours })},
		{"Other(USD)", Money, part(func(c trend.Change) price.USD { return c.Other })},
	})
}

func (l changeLine) change() trend.Change {
	if l.sum != nil {
		return l.sum.Change
	}
	return l.Change
}

func (l changeLine) before() any {
	if l.sum != nil {
		return l.sum.Before
	}
	return optional(l.Before)
}

func (l changeLine) after() any {
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
