package sheet

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// Format says how a column's values are shown.
type Format int

// The formats, with the type of value that goes with each. Any column may also
// hold nil, which is an empty cell: the value is not known.
const (
	Text    Format = iota // string
	Count                 // int64
	Money                 // price.USD, two decimals shown
	Rate                  // price.USD, as many decimals as the price list has
	Hours                 // time.Duration, as decimal hours
	Moment                // time.Time, in the report's zone
	Status                // string: a price.Status or a verdict, coloured by its [Grade]
	Decimal               // float64, with up to two decimals
	Mixed                 // any of the above, each in its own format
)

// Column is one column of a table.
type Column struct {
	Header string
	Format Format
}

// Table is one sheet of the report, for any writer.
type Table struct {
	Name    string
	Columns []Column
	// Frozen counts the columns that stay visible when scrolling sideways.
	Frozen int
	// Printed counts the columns that fit on a sheet of paper; 0 means all.
	Printed int
	// Len is the number of rows. Rows yields their values; the slice is
	// reused, so it must not be kept.
	Len  int
	Rows iter.Seq[[]any]
}

// field is a column together with how a row T fills it.
type field[T any] struct {
	header string
	format Format
	value  func(T) any
}

func table[T any](name string, frozen int, rows []T, fields []field[T]) Table {
	t := Table{Name: name, Frozen: frozen, Len: len(rows)}
	for _, f := range fields {
		t.Columns = append(t.Columns, Column{f.header, f.format})
	}
	t.Rows = func(yield func([]any) bool) {
		values := make([]any, len(fields))
		for _, row := range rows {
			for n, f := range fields {
				values[n] = f.value(row)
			}
			if !yield(values) {
				return
			}
		}
	}
	return t
}

// Tables are the report's sheets in their order.
func (w Workbook) Tables() []Table {
	tables := append([]Table{w.instancesTable(), w.typesTable()}, w.chartTables()...)
	tables = append(tables, w.unattachedTable(), w.linesTable(), w.recommendationsTable())
	if w.Trend != nil {
		tables = append(tables, trendTables(w.Trend)...)
	}
	if w.Changes != nil {
		tables = append(tables, changesTable(w.Changes))
	}
	if w.Savings != nil {
		tables = append(tables, savingsTables(w.Savings)...)
	}
	if w.Reconciliation != nil {
		tables = append(tables, reconciliationTables(w.Reconciliation)...)
	}
	if w.Backups != nil {
		tables = append(tables, w.backupsTable())
	}
	return append(tables, w.pricesTable(), w.totalsTable(), w.runTable())
}

// amountOf is the amount, or nil where it is not known.
func amountOf(a cost.Amount) any {
	if !a.Known {
		return nil
	}
	return a.USD
}

// instancesTable begins with the thirteen columns that the report has always
// had; EC2Monthly(USD) is month to date and EBSMonthly(USD) a full
// month, rounded to cents as they are shown. More are to the right.
func (w Workbook) instancesTable() Table {
	zone := w.Month.Now.Location()
	t := table("EC2_Detail_Costs", 2, w.Instances, []field[*cost.Instance]{
		{"Name", Text, func(i *cost.Instance) any { return i.Name }},
		{"InstanceId", Text, func(i *cost.Instance) any { return string(i.ID) }},
		{"InstanceType", Text, func(i *cost.Instance) any { return string(i.Type) }},
		{"State", Text, func(i *cost.Instance) any { return string(i.State) }},
		{"AZ", Text, func(i *cost.Instance) any { return string(i.Zone) }},
		{"Platform", Text, func(i *cost.Instance) any { return i.Platform }},
		{"vCPU", Count, func(i *cost.Instance) any { return vcpuText(i.Info) }},
		{"Memory", Text, func(i *cost.Instance) any { return memoryText(i.Info) }},
		{"VolumeSize(GB)", Count, func(i *cost.Instance) any { return i.VolumeGiB }},
		{"AttachedVolumes", Text, func(i *cost.Instance) any { return volumesText(i.Attached) }},
		{"EC2Monthly(USD)", Money, func(i *cost.Instance) any { return amountOf(i.EC2().Cents()) }},
		{"EBSMonthly(USD)", Money, func(i *cost.Instance) any { return amountOf(i.EBS.Cents()) }},
		{"TotalMonthly(USD)", Money, func(i *cost.Instance) any { return amountOf(i.EC2().Cents().Plus(i.EBS.Cents())) }},

		{"Account", Text, func(i *cost.Instance) any { return string(i.Target.Account) }},
		{"Region", Text, func(i *cost.Instance) any { return string(i.Target.Region) }},
		{"BilledPlatform", Text, func(i *cost.Instance) any { return i.Price.Platform }},
		{"UsageOperation", Text, func(i *cost.Instance) any { return i.Price.Operation }},
		{"Tenancy", Text, func(i *cost.Instance) any { return i.Price.Tenancy }},
		{"Lifecycle", Text, func(i *cost.Instance) any { return lifecycleText(i) }},
		{"PriceStatus", Status, func(i *cost.Instance) any { return string(i.PriceStatus) }},
		{"PriceNote", Text, func(i *cost.Instance) any { return i.PriceNote }},
		{"SKU", Text, func(i *cost.Instance) any { return i.Price.SKU }},
		{"Hourly(USD)", Rate, func(i *cost.Instance) any { return rateOf(i.Price) }},
		{"Hours", Hours, func(i *cost.Instance) any { return i.Hours }},
		{"HoursAtLeast", Hours, func(i *cost.Instance) any { return i.AtLeast }},
		{"HoursSource", Text, func(i *cost.Instance) any { return string(i.Source) }},
		{"LaunchTime", Moment, func(i *cost.Instance) any { return timeValue(i.LaunchTime, zone) }},
		{"EBSMonthToDate(USD)", Money, func(i *cost.Instance) any { return amountOf(i.EBSToDate) }},
		{"TotalMonthToDate(USD)", Money, func(i *cost.Instance) any { return amountOf(i.TotalToDate()) }},
		{"EC2AtLeast(USD)", Money, func(i *cost.Instance) any { return amountOf(i.EC2AtLeast()) }},
		{"RunRateMonthly(USD)", Money, func(i *cost.Instance) any { return amountOf(i.RunRate().Plus(i.EBS)) }},
		{"IfRunningMonthly(USD)", Money, func(i *cost.Instance) any { return amountOf(i.IfRunning().Plus(i.EBS)) }},
		{"EBSStatus", Status, func(i *cost.Instance) any { return string(i.EBSStatus) }},
		{"EBSNote", Text, func(i *cost.Instance) any { return i.EBSNote }},
		{"HoursAtMost", Hours, func(i *cost.Instance) any { return i.AtMost }},
		{"EC2AtMost(USD)", Money, func(i *cost.Instance) any { return amountOf(i.EC2AtMost()) }},
		{"Schedule", Text, func(i *cost.Instance) any { return i.Schedule }},
		{"HoursToCome", Hours, func(i *cost.Instance) any { return i.Planned }},
		{"ForecastMonth(USD)", Money, func(i *cost.Instance) any { return amountOf(i.Forecast()) }},
		{"MeanHourly(USD)", Rate, func(i *cost.Instance) any { return nonZero(i.Mean) }},
		{"EC2MonthToDate(USD)", Money, func(i *cost.Instance) any { return amountOf(i.EC2()) }},
	})
	t.Printed = 13
	return t
}

// nonZero is an amount, or nil for none.
func nonZero(u price.USD) any {
	if u == 0 {
		return nil
	}
	return u
}

// rateOf is the price of one unit, or nil where there is none.
func rateOf(p *cost.Price) any {
	if !p.Status.Usable() {
		return nil
	}
	return p.Rate.USD
}

func vcpuText(info *fleet.TypeInfo) any {
	if info == nil {
		return "-"
	}
	return int64(info.VCPU)
}

// memoryText writes memory as the price list does: "8 GiB", "0.5 GiB",
// "3,904 GiB".
func memoryText(info *fleet.TypeInfo) string {
	if info == nil {
		return "-"
	}
	gib := strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(float64(info.MemoryMiB)/1024, 'f', 2, 64), "0"), ".")
	return text.Commas(gib) + " GiB"
}

func volumesText(volumes []cost.VolumeShape) string {
	if len(volumes) == 0 {
		return "-"
	}
	var b strings.Builder
	for n, v := range volumes {
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(v.Type))
		b.WriteByte(':')
		b.WriteString(strconv.FormatInt(v.SizeGiB, 10))
		b.WriteString("GB")
	}
	return b.String()
}

func lifecycleText(i *cost.Instance) string {
	if i.Lifecycle == "" {
		return "on-demand"
	}
	return string(i.Lifecycle)
}

func timeValue(t time.Time, zone *time.Location) any {
	if t.IsZero() {
		return nil
	}
	return t.In(zone)
}

func (w Workbook) typesTable() Table {
	return table("EBS_Summary", 1, w.Types, []field[cost.TypeSummary]{
		{"VolumeType", Text, func(t cost.TypeSummary) any { return string(t.Type) }},
		{"TotalMonthlyUSD", Money, func(t cost.TypeSummary) any { return sumOf(t.Attached) }},
		{"Volumes", Count, func(t cost.TypeSummary) any { return int64(t.Attached.Count) }},
		{"SizeGiB", Count, func(t cost.TypeSummary) any { return t.Attached.GiB }},
		{"Unpriced", Count, func(t cost.TypeSummary) any {
			return int64(t.Attached.Unpriced + t.Unattached.Unpriced + t.Other.Unpriced)
		}},
		{"UnattachedMonthlyUSD", Money, func(t cost.TypeSummary) any { return sumOf(t.Unattached) }},
		{"UnattachedVolumes", Count, func(t cost.TypeSummary) any { return int64(t.Unattached.Count) }},
		{"UnattachedGiB", Count, func(t cost.TypeSummary) any { return t.Unattached.GiB }},
		{"OtherMonthlyUSD", Money, func(t cost.TypeSummary) any { return sumOf(t.Other) }},
		{"OtherVolumes", Count, func(t cost.TypeSummary) any { return int64(t.Other.Count) }},
		{"OtherGiB", Count, func(t cost.TypeSummary) any { return t.Other.GiB }},
	})
}

// sumOf is the sum in cents, or nil where not one of the volumes has a price.
func sumOf(s cost.VolumeSum) any {
	if s.Count > 0 && s.Unpriced == s.Count {
		return nil
	}
	return s.Monthly.Cents()
}

func (w Workbook) unattachedTable() Table {
	var rows []*cost.Volume
	for _, v := range w.Volumes {
		if v.Unattached() {
			rows = append(rows, v)
		}
	}
	zone := w.Month.Now.Location()
	return table("Unattached_Volumes", 2, rows, []field[*cost.Volume]{
		{"Name", Text, func(v *cost.Volume) any { return v.Name }},
		{"VolumeId", Text, func(v *cost.Volume) any { return string(v.ID) }},
		{"VolumeType", Text, func(v *cost.Volume) any { return string(v.Type) }},
		{"Size(GB)", Count, func(v *cost.Volume) any { return v.SizeGiB }},
		{"IOPS", Count, func(v *cost.Volume) any { return v.IOPS }},
		{"Throughput(MiB/s)", Count, func(v *cost.Volume) any { return v.ThroughputMiBps }},
		{"State", Text, func(v *cost.Volume) any { return v.State }},
		{"AZ", Text, func(v *cost.Volume) any { return string(v.Zone) }},
		{"Account", Text, func(v *cost.Volume) any { return string(v.Target.Account) }},
		{"Region", Text, func(v *cost.Volume) any { return string(v.Target.Region) }},
		{"Created", Moment, func(v *cost.Volume) any { return timeValue(v.Created, zone) }},
		{"Storage(USD)", Money, func(v *cost.Volume) any { return amountOf(v.Part("GiB")) }},
		{"IOPS(USD)", Money, func(v *cost.Volume) any { return amountOf(v.Part("IOPS")) }},
		{"Throughput(USD)", Money, func(v *cost.Volume) any { return amountOf(v.Part("MiB/s")) }},
		{"Monthly(USD)", Money, func(v *cost.Volume) any { return amountOf(v.Monthly) }},
		{"MonthToDate(USD)", Money, func(v *cost.Volume) any { return amountOf(v.ToDate) }},
		{"PriceStatus", Status, func(v *cost.Volume) any { return string(v.Status) }},
		{"PriceNote", Text, func(v *cost.Volume) any { return v.Note }},
		{"ForecastMonth(USD)", Money, func(v *cost.Volume) any { return amountOf(v.Forecast) }},
	})
}

// linesTable are the costs that are neither an instance's hours nor a volume.
func (w Workbook) linesTable() Table {
	zone := w.Month.Now.Location()
	t := table("Other_Costs", 2, w.Lines, []field[*cost.Line]{
		{"Kind", Text, func(l *cost.Line) any { return string(l.Kind) }},
		{"Name", Text, func(l *cost.Line) any { return l.Name }},
		{"Id", Text, func(l *cost.Line) any { return l.ID }},
		{"Of", Text, func(l *cost.Line) any { return l.ParentID }},
		{"Type", Text, func(l *cost.Line) any { return l.Type }},
		{"State", Text, func(l *cost.Line) any { return l.State }},
		{"Since", Moment, func(l *cost.Line) any { return timeValue(l.Since, zone) }},
		{"Quantity", Decimal, func(l *cost.Line) any { return l.Quantity }},
		{"Unit", Text, func(l *cost.Line) any { return l.Unit }},
		{"Price(USD)", Rate, func(l *cost.Line) any { return rateOf(l.Price) }},
		{"MonthToDate(USD)", Money, func(l *cost.Line) any { return amountOf(l.ToDate) }},
		{"Monthly(USD)", Money, func(l *cost.Line) any { return amountOf(l.Monthly) }},
		{"ForecastMonth(USD)", Money, func(l *cost.Line) any { return amountOf(l.Forecast) }},
		{"PriceStatus", Status, func(l *cost.Line) any { return string(l.Status) }},
		{"PriceNote", Text, func(l *cost.Line) any { return l.Note }},
		{"SKU", Text, func(l *cost.Line) any { return l.Price.SKU }},
		{"AZ", Text, func(l *cost.Line) any { return string(l.Zone) }},
		{"Account", Text, func(l *cost.Line) any { return string(l.Target.Account) }},
		{"Region", Text, func(l *cost.Line) any { return string(l.Target.Region) }},
	})
	t.Printed = 14
	return t
}

func (w Workbook) recommendationsTable() Table {
	t := table("Findings", 2, w.Recommendations, []field[recommend.Recommendation]{
		{"Finding", Text, func(f recommend.Recommendation) any { return f.Code }},
		{"Resource", Text, func(f recommend.Recommendation) any { return f.Resource }},
		{"Name", Text, func(f recommend.Recommendation) any { return f.Name }},
		{"SavingMonthly(USD)", Money, func(f recommend.Recommendation) any { return f.Saving }},
		{"Certain", Text, func(f recommend.Recommendation) any {
			if f.Certain {
				return "yes"
			}
			return "at most"
		}},
		{"Reason", Text, func(f recommend.Recommendation) any { return f.Reason }},
		{"Fix", Text, func(f recommend.Recommendation) any { return f.Fix() }},
		{"Account", Text, func(f recommend.Recommendation) any { return string(f.Target.Account) }},
		{"Region", Text, func(f recommend.Recommendation) any { return string(f.Target.Region) }},
		{"Advice", Text, func(f recommend.Recommendation) any { return f.Advice }},
	})
	t.Printed = 6
	return t
}

func (w Workbook) pricesTable() Table {
	return table("Prices", 3, w.Prices, []field[*cost.Price]{
		{"Kind", Text, func(p *cost.Price) any { return p.Kind }},
		{"Region", Text, func(p *cost.Price) any { return string(p.Region) }},
		{"Item", Text, func(p *cost.Price) any { return p.Item }},
		{"Tenancy", Text, func(p *cost.Price) any { return p.Tenancy }},
		{"Operation", Text, func(p *cost.Price) any { return p.Operation }},
		{"Platform", Text, func(p *cost.Price) any { return p.Platform }},
		{"Price(USD)", Rate, func(p *cost.Price) any { return rateOf(p) }},
		{"Unit", Text, func(p *cost.Price) any { return p.Rate.Unit }},
		{"PriceStatus", Status, func(p *cost.Price) any { return string(p.Status) }},
		{"PriceNote", Text, func(p *cost.Price) any { return p.Note }},
		{"SKU", Text, func(p *cost.Price) any { return p.SKU }},
		{"RateCode", Text, func(p *cost.Price) any { return p.Rate.Code }},
		{"Description", Text, func(p *cost.Price) any { return p.Rate.Description }},
		{"Effective", Moment, func(p *cost.Price) any { return timeValue(p.Rate.Effective, time.UTC) }},
		{"ListVersion", Text, func(p *cost.Price) any { return p.Version }},
		{"ListPublished", Moment, func(p *cost.Price) any { return timeValue(p.Published, time.UTC) }},
		{"UsedBy", Count, func(p *cost.Price) any { return int64(p.Uses) }},
	})
}

func (w Workbook) totalsTable() Table {
	return table("Totals", 2, w.Totals, []field[cost.Total]{
		{"Account", Text, func(t cost.Total) any {
			if t.Target.Region == "" {
				return "All"
			}
			return string(t.Target.Account)
		}},
		{"Region", Text, func(t cost.Total) any { return string(t.Target.Region) }},
		{"Instances", Count, func(t cost.Total) any { return int64(t.Instances) }},
		{"Running", Count, func(t cost.Total) any { return int64(t.Running) }},
		{"Volumes", Count, func(t cost.Total) any { return int64(t.Volumes) }},
		{"Unpriced", Count, func(t cost.Total) any { return int64(t.Unpriced) }},
		{"EC2Monthly(USD)", Money, func(t cost.Total) any { return t.EC2 }},
		{"EBSMonthly(USD)", Money, func(t cost.Total) any { return t.EBS }},
		{"TotalMonthly(USD)", Money, func(t cost.Total) any { return t.EC2.Add(t.EBS) }},
		{"EBSMonthToDate(USD)", Money, func(t cost.Total) any { return t.EBSToDate }},
		{"TotalMonthToDate(USD)", Money, func(t cost.Total) any { return t.TotalToDate }},
		{"EC2AtLeast(USD)", Money, func(t cost.Total) any { return t.EC2AtLeast }},
		{"EBSUnattached(USD)", Money, func(t cost.Total) any { return t.EBSUnattached }},
		{"EBSOther(USD)", Money, func(t cost.Total) any { return t.EBSOther }},
		{"RunRateMonthly(USD)", Money, func(t cost.Total) any { return t.RunRate }},
		{"OtherMonthly(USD)", Money, func(t cost.Total) any { return t.Other }},
		{"OtherMonthToDate(USD)", Money, func(t cost.Total) any { return t.OtherToDate }},
		{"TotalAtMost(USD)", Money, func(t cost.Total) any { return t.TotalAtMost }},
		{"ForecastMonth(USD)", Money, func(t cost.Total) any { return t.Forecast }},
	})
}
