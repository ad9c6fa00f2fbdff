package trend

import (
	"cmp"
	"iter"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// RowKind says what a row is: an instance, a volume, or a LineKind.
type RowKind string

// The kinds of rows that are not those of lines.
const (
	InstanceRow RowKind = "instance" // its hours, without its volumes
	VolumeRow   RowKind = "volume"
)

// Row is one resource of one day, as the history keeps it: what it is, how long
// it was there this month, by which prices it is billed, and what that comes
// to. Nothing is in two rows, so that rows can be added up. A month is that of
// Generated in the zone of the report.
type Row struct {
	Generated time.Time
	Account   fleet.Account
	Region    fleet.Region
	Kind      RowKind
	// ID is the resource. Account, region, kind and ID together are unique in a
	// day and the same on every day.
	ID, Name  string
	Type      string // instance type or family, volume type
	State     string
	Zone      fleet.Zone
	Lifecycle fleet.Lifecycle
	Tenancy   string // "Shared", "Dedicated" or "Host"; of instances
	Operation string // "RunInstances:0002"; of instances
	// Of is what it belongs to: the instance of a volume or an address, the
	// volume of a snapshot.
	ParentID string
	Schedule string
	Tags     fleet.Tags // those that the report keeps
	// Seconds is how long an instance ran, or anything else was there, in the
	// month so far; SecondsElapsed is the length of the month so far,
	// SecondsMonth of all of it.
	Seconds, SecondsElapsed, SecondsMonth int64
	HoursSource                           string // of instances
	PriceStatus                           string
	// Parts are what it is billed for in a full month. An instance has one part,
	// of 730 hours, whether it runs or not.
	Parts []RowPart
	// ToDate is this month so far, Forecast the whole of this month. Monthly is
	// the run rate: 730 hours of an instance that runs and nothing of others, a
	// full month of all else.
	ToDate, Monthly, Forecast cost.Amount
}

// RowPart is one line of a resource's bill.
type RowPart struct {
	Dimension string // "m5.large", "EBS:VolumeUsage.gp3"
	// Quantity is how much a full month has of it, in Unit.
	Quantity float64
	Unit     string
	// Rate is the price list's, which may be for another unit: throughput is in
	// MiB/s and its rate for a GiB/s.
	Rate    cost.Amount
	SKU     string
	Monthly cost.Amount // for a full month
}

// Day is one day of the history. Rows may end with an error, and then what it
// yielded is not the whole day.
type Day struct {
	Date Date // in the zone of the history
	Rows iter.Seq2[Row, error]
}

// DayOf is the day of a report as the history has it.
func DayOf(r cost.Report) Day {
	return Day{Date: DateOf(r.Month.Now), Rows: func(yield func(Row, error) bool) {
		for row := range RowsOf(r) {
			if !yield(row, nil) {
				return
			}
		}
	}}
}

// RowsOf are the resources of a report as rows of the history: instances,
// volumes, then lines.
func RowsOf(r cost.Report) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, i := range r.Instances {
			if !yield(instanceRow(r, i)) {
				return
			}
		}
		for _, v := range r.Volumes {
			if !yield(volumeRow(r, v)) {
				return
			}
		}
		for _, l := range r.Lines {
			if !yield(lineRow(r, l)) {
				return
			}
		}
	}
}

// commonRow is a row with what all kinds have; it was there since then.
func commonRow(r cost.Report, target fleet.Target, kind RowKind, since time.Time) Row {
	elapsed := cost.Seconds(r.Month.Now.Sub(r.Month.Start))
	there, month := r.Month.Share(since)
	return Row{
		Generated: r.Month.Now, Account: target.Account, Region: target.Region, Kind: kind,
		Seconds: there, SecondsElapsed: elapsed, SecondsMonth: month,
	}
}

func instanceRow(r cost.Report, i *cost.Instance) Row {
	row := commonRow(r, i.Target, InstanceRow, time.Time{})
	row.ID, row.Name, row.Type, row.State = string(i.ID), i.Name, string(i.Type), string(i.State)
	row.Zone, row.Lifecycle, row.Tenancy, row.Operation = i.Zone, i.Lifecycle, i.Price.Tenancy, i.Price.Operation
	row.Schedule, row.Tags = i.Schedule, i.Tags
	row.Seconds, row.HoursSource, row.PriceStatus = cost.Seconds(i.Hours), string(i.Source), string(i.PriceStatus)
	row.Parts = []RowPart{{
		Dimension: string(i.Type), Quantity: cost.RunRateMonth.Hours(), Unit: "Hrs",
		Rate: i.Price.Amount(), SKU: i.Price.SKU, Monthly: i.IfRunning(),
	}}
	row.ToDate, row.Monthly, row.Forecast = i.EC2(), i.RunRate(), i.EC2Forecast()
	return row
}

func volumeRow(r cost.Report, v *cost.Volume) Row {
	row := commonRow(r, v.Target, VolumeRow, v.Created)
	row.ID, row.Name, row.Type, row.State = string(v.ID), v.Name, string(v.Type), v.State
	row.Zone, row.Tags, row.PriceStatus = v.Zone, v.Tags, string(v.Status)
	row.ParentID = string(v.BilledTo)
	if row.ParentID == "" && len(v.AttachedTo) > 0 {
		row.ParentID = string(v.AttachedTo[0])
	}
	for _, p := range v.Parts {
		rate := p.Price.Amount()
		row.Parts = append(row.Parts, RowPart{
			Dimension: p.Price.Item, Quantity: float64(p.Quantity), Unit: p.Unit,
			Rate: rate, SKU: p.Price.SKU, Monthly: cost.Amount{USD: p.USD, Known: rate.Known},
		})
	}
	row.ToDate, row.Monthly, row.Forecast = v.ToDate, v.Monthly, v.Forecast
	return row
}

func lineRow(r cost.Report, l *cost.Line) Row {
	row := commonRow(r, l.Target, RowKind(l.Kind), l.Since)
	row.ID, row.Name, row.Type, row.State = cmp.Or(l.HistoryID, l.ID), l.Name, l.Type, l.State
	row.Zone, row.ParentID, row.Tags, row.PriceStatus = l.Zone, l.ParentID, l.Tags, string(l.Status)
	part := RowPart{Dimension: string(l.Kind), Quantity: l.Quantity, Unit: l.Unit, Monthly: l.Monthly}
	if l.Price != nil {
		part.Dimension, part.Rate, part.SKU = l.Price.Item, l.Price.Amount(), l.Price.SKU
	}
	row.Parts = []RowPart{part}
	row.ToDate, row.Monthly, row.Forecast = l.ToDate, l.Monthly, l.Forecast
	return row
}

// hoursShare is a fraction of a month.
type hoursShare struct{ num, den int64 }

// hours is the pace of the month so far: the part of it that an instance ran,
// and all of it of anything else. In the first second of a month the state
// decides.
func (r Row) hours() hoursShare {
	switch {
	case r.Kind != InstanceRow:
		return hoursShare{1, 1}
	case r.SecondsElapsed > 0:
		return hoursShare{r.Seconds, r.SecondsElapsed}
	case r.State == string(fleet.Running) || r.State == string(fleet.Pending):
		return hoursShare{1, 1}
	}
	return hoursShare{0, 1}
}

// of is that share of an amount.
func (s hoursShare) of(u price.USD) price.USD { return u.Times(s.num, s.den) }
