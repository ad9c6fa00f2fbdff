package sheet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// How many rows the tables behind the charts have at most, the row of all
// others not counted: more bars cannot be read.
const (
	typesDrawn     = 12
	resourcesDrawn = 20
)

// Charts are the report's pictures. Each draws rows of one of Tables; one that
// would be empty is left out.
func (w Workbook) Charts() []Chart {
	var charts []Chart
	if n := len(w.costByType()); n > 0 {
		charts = append(charts, Chart{
			Title: "EC2 by instance type, month to date (USD)", Kind: BarChart,
			Table: byTypeTable, Category: "InstanceType", Values: []string{"EC2MonthToDate(USD)"}, Rows: n,
		})
	}
	if n := len(w.Types); n > 0 {
		charts = append(charts, Chart{
			Title: "EBS by volume type, full month (USD)", Kind: ColumnChart, Stacked: true,
			Table: byVolumeTypeTable, Category: "VolumeType", Values: w.volumeUses(), Rows: n,
		})
	}
	if w.Trend != nil && len(w.Trend.Weeks) > 1 {
		charts = append(charts, Chart{
			Title: "Cost by week (USD)", Kind: LineChart,
			Table: "Trend", Category: "Week", Values: []string{"EC2(USD)", "EBS(USD)", "Other(USD)"}, Rows: len(w.Trend.Weeks),
		})
	}
	if n := len(w.dearest()); n > 0 {
		charts = append(charts, Chart{
			Title: fmt.Sprintf("Top %d by cost, month to date (USD)", n), Kind: BarChart,
			Table: topTable, Category: "Resource", Values: []string{"MonthToDate(USD)"}, Rows: n,
		})
	}
	return charts
}

// The names of the tables that are there for the charts.
const (
	byTypeTable       = "By_Type"
	byVolumeTypeTable = "By_Volume_Type"
	topTable          = "Top_20"
)

// chartTables are the tables that are there for the charts.
func (w Workbook) chartTables() []Table {
	return []Table{
		table(byTypeTable, 1, w.costByType(), []field[typeCost]{
			{"InstanceType", Text, func(t typeCost) any { return t.name }},
			{"Instances", Count, func(t typeCost) any { return int64(t.instances) }},
			{"Running", Count, func(t typeCost) any { return int64(t.running) }},
			{"EC2MonthToDate(USD)", Money, func(t typeCost) any { return t.toDate }},
			{"EC2RunRateMonthly(USD)", Money, func(t typeCost) any { return t.runRate }},
		}),
		table(byVolumeTypeTable, 1, w.Types, []field[cost.TypeSummary]{
			{"VolumeType", Text, func(t cost.TypeSummary) any { return string(t.Type) }},
			{attachedUse, Money, func(t cost.TypeSummary) any { return t.Attached.Monthly }},
			{unattachedUse, Money, func(t cost.TypeSummary) any { return t.Unattached.Monthly }},
			{otherUse, Money, func(t cost.TypeSummary) any { return t.Other.Monthly }},
			{"All(USD)", Money, func(t cost.TypeSummary) any {
				return t.Attached.Monthly.Add(t.Unattached.Monthly).Add(t.Other.Monthly)
			}},
		}),
		table(topTable, 1, w.dearest(), []field[ranked]{
			{"Resource", Text, func(s ranked) any { return s.label }},
			{"Kind", Text, func(s ranked) any { return s.kind }},
			{"Id", Text, func(s ranked) any { return s.id }},
			{"Account", Text, func(s ranked) any { return string(s.target.Account) }},
			{"Region", Text, func(s ranked) any { return string(s.target.Region) }},
			{"MonthToDate(USD)", Money, func(s ranked) any { return s.toDate }},
			{"RunRateMonthly(USD)", Money, func(s ranked) any { return s.runRate }},
		}),
	}
}

// What volumes are used for, as in the legend of their chart.
const (
	attachedUse   = "Attached(USD)"
	unattachedUse = "Unattached(USD)"
	otherUse      = "Of instances left out(USD)"
)

// volumeUses are the columns of the volumes' chart: those that are not all zero,
// and that of attached volumes always.
func (w Workbook) volumeUses() []string {
	uses := []string{attachedUse}
	if all := w.Total(); all.EBSUnattached > 0 {
		uses = append(uses, unattachedUse)
	}
	if all := w.Total(); all.EBSOther > 0 {
		uses = append(uses, otherUse)
	}
	return uses
}

// typeCost adds up the instances of a type, without their volumes.
type typeCost struct {
	name               string
	instances, running int
	toDate, runRate    price.USD
}

func (t *typeCost) add(u typeCost) {
	t.instances += u.instances
	t.running += u.running
	t.toDate = t.toDate.Add(u.toDate)
	t.runRate = t.runRate.Add(u.runRate)
}

// costByType are the dearest types, and all others in a last row.
func (w Workbook) costByType() []typeCost {
	index := map[fleet.InstanceType]int{}
	var types []typeCost
	for _, i := range w.Instances {
		n, ok := index[i.Type]
		if !ok {
			n = len(types)
			index[i.Type] = n
			types = append(types, typeCost{name: string(i.Type)})
		}
		one := typeCost{instances: 1, toDate: i.EC2().USD, runRate: i.RunRate().USD}
		if i.State == fleet.Running {
			one.running = 1
		}
		types[n].add(one)
	}
	slices.SortFunc(types, func(a, b typeCost) int {
		return cmp.Or(cmp.Compare(b.toDate, a.toDate), cmp.Compare(b.runRate, a.runRate), strings.Compare(a.name, b.name))
	})
	if len(types) <= typesDrawn+1 {
		return types
	}
	rest := typeCost{name: fmt.Sprintf("%d other types", len(types)-typesDrawn)}
	for _, t := range types[typesDrawn:] {
		rest.add(t)
	}
	return append(types[:typesDrawn], rest)
}

// ranked is anything with a cost of its own: an instance with the volumes that
// is on its row, a volume that is on none, a line.
type ranked struct {
	target          fleet.Target
	label, kind, id string
	toDate, runRate price.USD
}

// dearest are the resources that cost most this month so far, the dearest
// first; of equal ones those that the report lists first.
func (w Workbook) dearest() []ranked {
	top := make([]ranked, 0, resourcesDrawn+1)
	// It runs over all that there is, so the row is made only where it counts.
	insert := func(toDate price.USD, row func() ranked) {
		n, _ := slices.BinarySearchFunc(top, toDate, func(have ranked, want price.USD) int {
			if have.toDate >= want {
				return -1
			}
			return 1
		})
		if n == resourcesDrawn || toDate <= 0 {
			return
		}
		top = slices.Insert(top, n, row())
		top[n].toDate = toDate
		top = top[:min(len(top), resourcesDrawn)]
	}
	for _, i := range w.Instances {
		insert(i.EC2().USD.Add(i.EBSToDate.USD), func() ranked {
			return ranked{
				target: i.Target, label: labelled(i.Name, string(i.Type)), kind: "instance", id: string(i.ID),
				runRate: i.RunRate().USD.Add(i.EBS.USD),
			}
		})
	}
	for _, v := range w.Volumes {
		if v.BilledTo != "" {
			continue
		}
		insert(v.ToDate.USD, func() ranked {
			return ranked{
				target: v.Target, label: labelled(v.Name, string(v.Type)), kind: "volume", id: string(v.ID),
				runRate: v.Monthly.USD,
			}
		})
	}
	for _, l := range w.Lines {
		insert(l.ToDate.USD, func() ranked {
			return ranked{
				target: l.Target, label: labelled(cmp.Or(l.Name, l.ID), cmp.Or(l.Type, string(l.Kind))),
				kind: string(l.Kind), id: l.ID, runRate: l.Monthly.USD,
			}
		})
	}
	return top
}

// labelWidth is how many characters of a name a chart has space for.
const labelWidth = 20

// labelled is the label of a resource in a chart: its name, without the marks
// that turn the direction of text around, and its kind.
func labelled(name, kind string) string {
	letters := []rune(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, name))
	if len(letters) > labelWidth {
		letters = append(letters[:labelWidth-1], '…')
	}
	return string(letters) + " (" + kind + ")"
}
