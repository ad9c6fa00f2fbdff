package history

import (
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// record is a row as the file has it. Names are those that SQL engines take
// without quotes; words that a resource may not have are null. Money is a
// decimal with the ten places of the price list, which holds amounts below a
// hundred million dollars; what is not known is null.
type record struct {
	Generated      time.Time         `parquet:"generated,timestamp(millisecond)"`
	Account        string            `parquet:"account,dict"`
	Region         string            `parquet:"region,dict"`
	Kind           string            `parquet:"kind,dict"`
	ID             string            `parquet:"id"`
	Name           string            `parquet:"name"`
	Type           string            `parquet:"type,optional,dict"`
	State          string            `parquet:"state,optional,dict"`
	Zone           string            `parquet:"zone,optional,dict"`
	Lifecycle      string            `parquet:"lifecycle,optional,dict"`
	Tenancy        string            `parquet:"tenancy,optional,dict"`
	Operation      string            `parquet:"operation,optional,dict"`
	ParentID       string            `parquet:"belongs_to,optional"`
	Schedule       string            `parquet:"schedule,optional,dict"`
	Tags           map[string]string `parquet:"tags" parquet-key:",dict" parquet-value:",dict"`
	Seconds        int64             `parquet:"seconds"`
	SecondsElapsed int64             `parquet:"seconds_elapsed,dict"`
	SecondsMonth   int64             `parquet:"seconds_month,dict"`
	HoursSource    string            `parquet:"hours_source,optional,dict"`
	PriceStatus    string            `parquet:"price_status,optional,dict"`
	Parts          []part            `parquet:"parts,list"`
	ToDate         *int64            `parquet:"to_date_usd,decimal(10:18)"`
	Monthly        *int64            `parquet:"monthly_usd,decimal(10:18)"`
	Forecast       *int64            `parquet:"forecast_usd,decimal(10:18)"`
}

type part struct {
	Dimension string  `parquet:"dimension,dict"`
	Quantity  float64 `parquet:"quantity"`
	Unit      string  `parquet:"unit,dict"`
	Rate      *int64  `parquet:"rate_usd,decimal(10:18)"`
	SKU       string  `parquet:"sku,optional,dict"`
	Monthly   *int64  `parquet:"monthly_usd,decimal(10:18)"`
}

// fill takes the values of a row. It uses the space of the parts before.
func (r *record) fill(row trend.Row) {
	parts := r.Parts[:0]
	for _, p := range row.Parts {
		parts = append(parts, part{p.Dimension, p.Quantity, p.Unit, units(p.Rate), p.SKU, units(p.Monthly)})
	}
	*r = record{
		Generated: row.Generated.UTC(), Account: string(row.Account), Region: string(row.Region), Kind: string(row.Kind),
		ID: row.ID, Name: row.Name, Type: row.Type, State: row.State, Zone: string(row.Zone),
		Lifecycle: string(row.Lifecycle), Tenancy: row.Tenancy, Operation: row.Operation, ParentID: row.ParentID,
		Schedule: row.Schedule, Tags: row.Tags,
		Seconds: row.Seconds, SecondsElapsed: row.SecondsElapsed, SecondsMonth: row.SecondsMonth,
		HoursSource: row.HoursSource, PriceStatus: row.PriceStatus, Parts: parts,
		ToDate: units(row.ToDate), Monthly: units(row.Monthly), Forecast: units(row.Forecast),
	}
}

// row is the record as a row. Words that many rows have are kept once.
func (r record) row(once words) trend.Row {
	row := trend.Row{
		Generated: r.Generated.UTC(), Account: fleet.Account(once.of(r.Account)), Region: fleet.Region(once.of(r.Region)),
		Kind: trend.RowKind(once.of(r.Kind)), ID: r.ID, Name: r.Name, Type: once.of(r.Type), State: once.of(r.State),
		Zone: fleet.Zone(once.of(r.Zone)), Lifecycle: fleet.Lifecycle(once.of(r.Lifecycle)),
		Tenancy: once.of(r.Tenancy), Operation: once.of(r.Operation), ParentID: r.ParentID, Schedule: once.of(r.Schedule),
		Seconds: r.Seconds, SecondsElapsed: r.SecondsElapsed, SecondsMonth: r.SecondsMonth,
		HoursSource: once.of(r.HoursSource), PriceStatus: once.of(r.PriceStatus),
		ToDate: amount(r.ToDate), Monthly: amount(r.Monthly), Forecast: amount(r.Forecast),
	}
	row.Tags = once.tags(r.Tags)
	for _, p := range r.Parts {
		row.Parts = append(row.Parts, trend.RowPart{
			Dimension: once.of(p.Dimension), Quantity: p.Quantity, Unit: once.of(p.Unit),
			Rate: amount(p.Rate), SKU: once.of(p.SKU), Monthly: amount(p.Monthly),
		})
	}
	return row
}

// spent are the columns of a record that a trend is made from.
type spent struct {
	Account  string            `parquet:"account,dict"`
	Region   string            `parquet:"region,dict"`
	Kind     string            `parquet:"kind,dict"`
	ID       string            `parquet:"id"`
	Type     string            `parquet:"type,optional,dict"`
	Tags     map[string]string `parquet:"tags" parquet-key:",dict" parquet-value:",dict"`
	Elapsed  int64             `parquet:"seconds_elapsed,dict"`
	ToDate   *int64            `parquet:"to_date_usd,decimal(10:18)"`
	Forecast *int64            `parquet:"forecast_usd,decimal(10:18)"`
}

func (s spent) row(once words) trend.Row {
	return trend.Row{
		Account: fleet.Account(once.of(s.Account)), Region: fleet.Region(once.of(s.Region)), Kind: trend.RowKind(once.of(s.Kind)),
		ID: s.ID, Type: once.of(s.Type), Tags: once.tags(s.Tags), SecondsElapsed: s.Elapsed, ToDate: amount(s.ToDate), Forecast: amount(s.Forecast),
	}
}

func units(a cost.Amount) *int64 {
	if !a.Known {
		return nil
	}
	n := int64(a.USD)
	return &n
}

func amount(n *int64) cost.Amount {
	if n == nil {
		return cost.Amount{}
	}
	return cost.Amount{USD: price.USD(*n), Known: true}
}

// words keeps each word of a file once.
type words map[string]string

func (w words) of(word string) string {
	if kept, ok := w[word]; ok {
		return kept
	}
	w[word] = word
	return word
}

func (w words) tags(all map[string]string) fleet.Tags {
	if len(all) == 0 {
		return nil
	}
	tags := make(fleet.Tags, len(all))
	for key, value := range all {
		tags[w.of(key)] = w.of(value)
	}
	return tags
}
