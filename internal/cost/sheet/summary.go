package sheet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/cost"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// How many recommendations, changes and reasons of a difference the summary names.
const (
	recommendationsShown = 5
	changesShown         = 3
	labelsShown          = 3
)

// Summary is the report's answer on one page. It is data: every writer shows it
// in its own way.
type Summary struct {
	Title string // "EC2 and EBS costs, November 2026"
	Scope string // of what and when
	Basis string // what the prices are
	// Headline are the few figures that matter most.
	Headline []Figure
	Blocks   []Block
}

// Block is a group of figures under a title.
type Block struct {
	Title   string
	Figures []Figure
}

// Figure is one value of the summary.
type Figure struct {
	Label  string
	Value  any // as in a cell of a table with this format
	Format Format
	Unit   string // "USD", "USD a month", empty where the value says it
	Note   string
	// Sheet names the table with the details, empty where there is none.
	Sheet string
	// Sum, if not empty, is what Value adds up, so that a workbook can add it up
	// with a formula.
	Sum []ColumnSum
}

// ColumnSum is the sum of a table's column: of its first Rows rows, or of all
// where Rows is 0.
type ColumnSum struct {
	Table, Column string
	Rows          int
}

const (
	usd        = "USD"
	usdAMonth  = "USD a month"
	totalSheet = "Totals"
	runSheet   = "Run"
)

// Summary sums the report up. Amounts that are not known are in none of its
// sums, and it says how many there are.
func (w Workbook) Summary() Summary {
	s := Summary{
		Title: "EC2 and EBS costs, " + w.Month.Start.Format("January 2006"),
		Scope: w.scope(),
		Basis: "List prices, before discounts, Savings Plans, credits and tax.",
	}
	s.Headline = w.headline()
	for _, block := range []Block{w.spending(), w.bill(), w.changes(), w.idle(), w.advice(), w.saved(), w.backups(), w.trust()} {
		if len(block.Figures) > 0 {
			s.Blocks = append(s.Blocks, block)
		}
	}
	return s
}

// scope says of what and when the report is.
func (w Workbook) scope() string {
	accounts, regions := map[fleet.Account]bool{}, map[fleet.Region]bool{}
	for _, t := range w.Targets {
		accounts[t.Account], regions[t.Region] = true, true
	}
	who := text.Count(len(accounts), "account", "accounts")
	if len(accounts) == 1 {
		for account := range accounts {
			who = "account " + string(account)
		}
	}
	where := text.Count(len(regions), "region", "regions")
	if len(regions) <= 3 {
		where = strings.Join(text.Strings(slices.Sorted(maps.Keys(regions))), ", ")
	}
	return strings.Join([]string{who, where, w.Month.Now.Format("2006-01-02 15:04 MST")}, " · ")
}

// dollars is an amount in cents with commas between thousands.
func dollars(u price.USD) string { return text.Commas(u.Cents().String()) }

// money is a figure in dollars that adds up a column of the totals.
func (w Workbook) money(label string, amount price.USD, unit, column string) Figure {
	return Figure{
		Label: label, Value: amount, Format: Money, Unit: unit, Sheet: totalSheet,
		Sum: []ColumnSum{{totalSheet, column, max(len(w.Totals)-1, 0)}},
	}
}

func (w Workbook) headline() []Figure {
	all := w.Total()
	toDate := w.money("Month to date", all.TotalToDate, usd, "TotalMonthToDate(USD)")
	so, whole := w.Month.Now.Sub(w.Month.Start), w.Month.End.Sub(w.Month.Start)
	toDate.Note = fmt.Sprintf("%.0f of the month's %.0f hours", so.Hours(), whole.Hours())
	forecast := w.money("Forecast for "+w.Month.Start.Format("January"), all.Forecast, usd, "ForecastMonth(USD)")
	forecast.Note = "if all stays as it is and schedules are followed"
	rate := w.money("Run rate", all.RunRate, usdAMonth, "RunRateMonthly(USD)")
	rate.Note = "730 hours of what is running and stored now"
	return []Figure{toDate, forecast, rate}
}

// spending takes the month to date apart.
func (w Workbook) spending() Block {
	all := w.Total()
	whole := all.TotalToDate
	ec2 := Figure{
		Label: "EC2 instances", Value: all.EC2, Format: Money, Unit: usd, Sheet: "EC2_Detail_Costs",
		Note: share(all.EC2, whole) + fmt.Sprintf("%s, %s running", text.Count(all.Instances, "instance", "instances"), text.Number(int64(all.Running))),
		Sum:  []ColumnSum{{"EC2_Detail_Costs", "EC2MonthToDate(USD)", 0}},
	}
	ebs := w.money("EBS volumes", all.EBSToDate, usd, "EBSMonthToDate(USD)")
	ebs.Sheet = "EBS_Summary"
	ebs.Note = share(all.EBSToDate, whole) + text.Count(all.Volumes, "volume", "volumes")
	figures := []Figure{ec2, ebs}
	if len(w.Lines) > 0 {
		figures = append(figures, Figure{
			Label: "Other", Value: all.OtherToDate, Format: Money, Unit: usd, Sheet: "Other_Costs",
			Note: share(all.OtherToDate, whole) + strings.Join(w.lineKinds(), ", "),
			Sum:  []ColumnSum{{"Other_Costs", "MonthToDate(USD)", 0}},
		})
	}
	return Block{"Spent this month so far", figures}
}

// lineKinds names the kinds of lines, the dearest first.
func (w Workbook) lineKinds() []string {
	sums := map[cost.LineKind]price.USD{}
	for _, l := range w.Lines {
		sums[l.Kind] = sums[l.Kind].Add(l.ToDate.USD)
	}
	return text.Strings(slices.SortedFunc(maps.Keys(sums), func(a, b cost.LineKind) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b))
	}))
}

// share begins a note with how much of the whole a part is.
func share(part, whole price.USD) string {
	if whole <= 0 {
		return ""
	}
	return percent(part, whole) + " · "
}

// percent is part of whole in tenths of a percent, never rounded up to 100.
func percent(part, whole price.USD) string {
	tenths := min(int64(float64(part)/float64(whole)*1000+0.5), 1000)
	if part < whole {
		tenths = min(tenths, 999)
	}
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// idle is what is paid for and used by nothing, by the full month.
func (w Workbook) idle() Block {
	var block Block
	add := func(label string, amount price.USD, n int, one, many, table string, sum ...ColumnSum) {
		if n > 0 {
			block.Figures = append(block.Figures, Figure{
				Label: label, Value: amount, Format: Money, Unit: usdAMonth, Note: text.Count(n, one, many), Sheet: table, Sum: sum,
			})
		}
	}
	block.Title = "Paid for and not in use"
	unattached := 0
	for _, t := range w.Types {
		unattached += t.Unattached.Count
	}
	add("Unattached volumes", w.Total().EBSUnattached, unattached, "volume", "volumes", "Unattached_Volumes",
		ColumnSum{"Unattached_Volumes", "Monthly(USD)", 0})
	var stopped price.USD
	n := 0
	for _, i := range w.Instances {
		if i.State == fleet.Stopped && i.EBS.USD > 0 {
			stopped = stopped.Add(i.EBS.USD)
			n++
		}
	}
	add("Volumes of stopped instances", stopped, n, "stopped instance", "stopped instances", "EC2_Detail_Costs")
	var addresses, capacity price.USD
	idle, reserved := 0, 0
	for _, l := range w.Lines {
		switch {
		case l.Idle():
			addresses = addresses.Add(l.Monthly.USD)
			idle++
		case l.Kind == cost.ReservationLine:
			capacity = capacity.Add(l.Monthly.USD)
			reserved++
		}
	}
	add("Idle public IPv4 addresses", addresses, idle, "address", "addresses", "Other_Costs")
	add("Unused reserved capacity", capacity, reserved, "reservation", "reservations", "Other_Costs")
	return block
}

// advice names the recommendations that would save most.
func (w Workbook) advice() Block {
	if len(w.Recommendations) == 0 {
		return Block{}
	}
	var sum price.USD
	for _, f := range w.Recommendations {
		sum = sum.Add(f.Saving)
	}
	figures := []Figure{{
		Label: "All findings", Value: sum, Format: Money, Unit: usdAMonth, Sheet: "Findings",
		Note: text.Count(len(w.Recommendations), "finding", "findings") + "; those of one resource may overlap",
		Sum:  []ColumnSum{{"Findings", "SavingMonthly(USD)", 0}},
	}}
	for _, f := range w.Recommendations[:min(len(w.Recommendations), recommendationsShown)] {
		note := f.Reason
		if !f.Certain {
			note = "at most: " + note
		}
		label := f.Code + ": " + cmp.Or(f.Name, f.Resource)
		figures = append(figures, Figure{Label: label, Value: f.Saving, Format: Money, Unit: usdAMonth, Note: note, Sheet: "Findings"})
	}
	return Block{"What could be saved", figures}
}

// bill compares what AWS billed with list prices, and says why they differ.
func (w Workbook) bill() Block {
	if w.Reconciliation == nil {
		return Block{}
	}
	all := w.Reconciliation.Total
	figures := []Figure{{
		Label: "Billed", Value: all.Billed, Format: Money, Unit: usd, Sheet: "Reconciliation",
		Note: fmt.Sprintf("%s, for which list prices come to %s", text.Count(all.Rows, "resource", "resources"), dollars(all.List)),
		Sum:  []ColumnSum{{"Reconciliation", "Billed(USD)", 0}},
	}}
	for _, l := range w.Reconciliation.Labels[:min(len(w.Reconciliation.Labels), labelsShown)] {
		figures = append(figures, Figure{
			Label: "Difference: " + string(l.Label), Value: l.Difference, Format: Money, Unit: usd, Sheet: "Reconciliation_By_Label",
			Note: text.Count(l.Rows, "resource", "resources"),
		})
	}
	return Block{"Billed this month so far", figures}
}

// changes names what changed most since an earlier report.
func (w Workbook) changes() Block {
	if w.Changes == nil || len(w.Changes.Top) == 0 {
		return Block{}
	}
	figure := func(label string, change trend.Change, before, after price.USD, note string) Figure {
		return Figure{
			Label: label, Value: change.Sum(), Format: Money, Unit: usdAMonth, Sheet: "Movers",
			Note: fmt.Sprintf("%s, from %s to %s", note, dollars(before), dollars(after)),
		}
	}
	sum := w.Changes.Total
	block := Block{
		"Changed since " + w.Changes.From.String(),
		[]Figure{figure("All resources", sum.Change, sum.Before, sum.After, text.Number(int64(sum.Count))+" of them changed")},
	}
	for _, m := range w.Changes.Top[:min(len(w.Changes.Top), changesShown)] {
		var before, after price.USD
		if m.Before != nil {
			before = *m.Before
		}
		if m.After != nil {
			after = *m.After
		}
		block.Figures = append(block.Figures, figure(cmp.Or(m.Name, m.ID)+" ("+m.Type+")", m.Change, before, after, m.Change.Cause()))
	}
	return block
}

// saved is what stopping machines saved.
func (w Workbook) saved() Block {
	if w.Savings == nil || w.Savings.Total.Instances == 0 {
		return Block{}
	}
	s := w.Savings
	return Block{"Saved by switching off", []Figure{{
		Label: "Not spent", Value: s.Total.Net, Format: Money, Unit: usd, Sheet: "Savings",
		Note: fmt.Sprintf("%s off for %s hours from %s to %s; volumes and addresses that went on costing are taken off",
			text.Count(s.Total.Instances, "instance", "instances"), text.Number(int64(s.Total.Off.Hours())), s.From.Format("2006-01-02"), s.To.Format("2006-01-02")),
		Sum: []ColumnSum{{"Savings", "Net(USD)", 0}},
	}}}
}

// trust says how far the report can be relied on.
func (w Workbook) trust() Block {
	all := w.Total()
	count := func(label string, n int, note, table string) Figure {
		return Figure{Label: label, Value: int64(n), Format: Count, Note: note, Sheet: table}
	}
	var figures []Figure
	if exact, whole := w.ExactShare(); whole > 0 {
		figures = append(figures, Figure{
			Label: "Exactly priced", Value: percent(exact, whole), Format: Text, Sheet: "Prices",
			Note: "of the money so far; the rest rests on a price that its row explains",
		})
	}
	figures = append(figures, count("Without a price", w.Missing(), "instances, volumes and others that are in no sum", "Prices"))
	least := all.TotalToDate.Add(all.EC2AtLeast).Add(-all.EC2)
	if doubt := all.TotalAtMost.Add(-least); doubt > 0 && w.Hours == cost.BestHours {
		figures = append(figures, Figure{
			Label: "Hours not certain", Value: doubt, Format: Money, Unit: usd, Sheet: "EC2_Detail_Costs",
			Note: fmt.Sprintf("the month to date is between %s and %s", dollars(least), dollars(all.TotalAtMost)),
		})
	}
	problems := count("Problems", len(w.Problems), "all that there is was read", runSheet)
	if len(w.Problems) > 0 {
		problems.Note = w.Problems[0].Error()
		if more := len(w.Problems) - 1; more > 0 {
			problems.Note += fmt.Sprintf("; and %s more", text.Number(int64(more)))
		}
	}
	figures = append(figures, problems)
	for _, s := range w.Spend {
		figures = append(figures, Figure{
			Label: "Paid for this report", Value: s.USD, Format: Rate, Unit: usd, Sheet: runSheet,
			Note: fmt.Sprintf("%s: %s %s of at most %s", s.Service, text.Number(int64(s.Used)), s.Unit, text.Number(int64(s.Cap))),
		})
	}
	return Block{"How far to trust it", figures}
}
