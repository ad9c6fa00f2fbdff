package web

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/trend"
	"nightshift/internal/price"
	"nightshift/internal/text"
	"nightshift/internal/watch"
)

const (
	// amountsShown is how many rows a table of amounts has at most.
	amountsShown = 20
	changesShown = 20
	// perRecommendations is shorter than other lists: a command can be long.
	perRecommendations = 25
)

// costsView is what the estate costs.
type costsView struct {
	Read       source
	Month      string
	Tiles      []tile
	Tables     []amountsTable
	Savings    []savedRow
	SavedTotal savedRow
	// SavedAny is true where it is known what was saved, be it nothing.
	SavedAny               bool
	SavedFrom              string
	Trend                  *chart
	Changes                []changeRow
	ChangesFrom, ChangesTo string
	Notes                  []string
	Recommendations        string
}

// amountsTable splits the total up.
type amountsTable struct {
	Title, Of string
	Rows      []amountsRow
}

type amountsRow struct {
	Name                           string
	MonthToDate, RunRate, Forecast string
	Bar                            string // how wide, of 100
}

type savedRow struct {
	Schedule, Link          string
	Instances               int
	Off, Gross, Billed, Net string
}

type changeRow struct {
	Name, ID, Type, Account, Cause string
	Before, After, Change          string
	More                           bool
}

func (p *pages) costs(e *estate, _ *http.Request) (view, error) {
	c := &e.Cost
	v := costsView{Read: e.sources()[2], Notes: c.Notes}
	shown := view{template: "costs", title: p.texts.get("nav.costs")}
	if c.At.IsZero() {
		shown.data = v
		return shown, nil
	}
	v.Month = c.Month.Start.In(e.zone).Format("January 2006")
	v.Tiles = e.costTiles()
	v.Tables = append(v.Tables, e.amounts(p.texts.get("costs.services"), p.texts.get("service"), c.Services, c.Total))
	for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
		v.Tables = append(v.Tables, e.amounts(p.texts.get("costs.tag", text.Printable(key)), text.Printable(key), c.Tags[key], c.Total))
	}
	var targets []watch.NamedAmounts
	for _, t := range c.Targets {
		targets = append(targets, watch.NamedAmounts{Name: e.accountName(string(t.Account)) + " " + string(t.Region), Amounts: t.Amounts})
	}
	v.Tables = append(v.Tables, e.amounts(p.texts.get("costs.targets"), p.texts.get("account"), targets, c.Total))
	e.savings(&v)
	if c.Trend != nil {
		v.Trend = e.trend(c.Trend)
	}
	e.changes(&v)
	shown.data = v
	return shown, nil
}

func (e *estate) costTiles() []tile {
	total := e.Cost.Total
	tiles := []tile{
		{Name: e.texts.get("amount.mtd"), Value: roughUSD(total.MonthToDate), Note: e.texts.get("amount.mtd.note")},
		{Name: e.texts.get("amount.rate"), Value: roughUSD(total.RunRate), Note: e.texts.get("amount.rate.note")},
		{Name: e.texts.get("amount.forecast"), Value: roughUSD(total.Forecast), Note: e.texts.get("amount.forecast.note")},
	}
	if s := e.Cost.Savings; s != nil {
		tiles = append(tiles, tile{Name: e.texts.get("amount.saved"), Value: roughUSD(s.Total.Net), Note: e.texts.get("amount.saved.note")})
	}
	if len(e.Cost.Recommendations) > 0 {
		var sum price.USD
		for _, r := range e.Cost.Recommendations {
			sum = sum.Add(r.Saving.USD)
		}
		note := e.texts.get("amount.could.note", e.texts.count(len(e.Cost.Recommendations), "recommendation"))
		tiles = append(tiles, tile{Name: e.texts.get("amount.could"), Value: roughUSD(sum), Note: note, Link: "/recommendations"})
	}
	if e.Cost.Rows > 0 {
		percent := strconv.FormatFloat(100*float64(e.Cost.Priced)/float64(e.Cost.Rows), 'f', 1, 64)
		tiles = append(tiles, tile{
			Name: e.texts.get("amount.coverage"), Value: percent + "%",
			Note: e.texts.get("amount.coverage.note", e.Cost.Priced, e.Cost.Rows), Bad: e.Cost.Priced < e.Cost.Rows,
		})
	}
	return tiles
}

// accountName is what people call the account of an id.
func (e *estate) accountName(id string) string {
	if n := slices.IndexFunc(e.accounts, func(c choice) bool { return c.Value == id }); n >= 0 {
		return e.accounts[n].Text
	}
	return id
}

// amounts is a table of at most some rows; the others are summed up in the last.
func (e *estate) amounts(title, of string, rows []watch.NamedAmounts, total watch.Amounts) amountsTable {
	t := amountsTable{Title: title, Of: of}
	add := func(name string, a watch.Amounts) {
		t.Rows = append(t.Rows, amountsRow{name, usd(a.MonthToDate), usd(a.RunRate), usd(a.Forecast), share(a.MonthToDate, total.MonthToDate)})
	}
	for _, row := range rows[:min(len(rows), amountsShown)] {
		add(cmp.Or(text.Clip(text.Printable(row.Name), longName), e.texts.get("costs.untagged")), row.Amounts)
	}
	if len(rows) > amountsShown {
		var rest watch.Amounts
		for _, row := range rows[amountsShown:] {
			rest.MonthToDate, rest.RunRate, rest.Forecast = rest.MonthToDate.Add(row.MonthToDate), rest.RunRate.Add(row.RunRate), rest.Forecast.Add(row.Forecast)
		}
		add(e.texts.get("costs.others", len(rows)-amountsShown), rest)
	}
	return t
}

// share is a part of a whole in hundredths.
func share(part, whole price.USD) string {
	if whole <= 0 || part <= 0 {
		return "0"
	}
	return strconv.FormatFloat(min(100*part.Float()/whole.Float(), 100), 'f', 1, 64)
}

func (e *estate) savings(v *costsView) {
	s := e.Cost.Savings
	if s == nil {
		return
	}
	v.SavedAny = true
	v.SavedFrom = s.From.In(e.zone).Format("2 Jan 2006")
	for _, sum := range s.Schedules[:min(len(s.Schedules), amountsShown)] {
		v.Savings = append(v.Savings, savedRow{
			text.Clip(text.Printable(sum.Schedule), longName), "/machines?" + url.Values{"schedule": {sum.Schedule}}.Encode(), sum.Instances,
			hours(sum.Off), usd(sum.Gross), usd(sum.EBS.Add(sum.Addresses)), usd(sum.Net),
		})
	}
	total := s.Total
	v.SavedTotal = savedRow{Instances: total.Instances, Off: hours(total.Off), Gross: usd(total.Gross), Billed: usd(total.EBS.Add(total.Addresses)), Net: usd(total.Net)}
}

func hours(d time.Duration) string { return text.Number(int64(d.Round(time.Hour) / time.Hour)) }

func (e *estate) changes(v *costsView) {
	c := e.Cost.Changes
	if c == nil {
		return
	}
	v.ChangesFrom, v.ChangesTo = c.From.String(), c.To.String()
	amount := func(u *price.USD) string {
		if u == nil {
			return "–"
		}
		return usd(*u)
	}
	for _, r := range c.Top[:min(len(c.Top), changesShown)] {
		sum := r.Change.Sum()
		row := changeRow{
			text.Clip(text.Printable(cmp.Or(r.Name, r.ID)), longName), r.ID, r.Type, e.accountName(string(r.Account)) + " " + string(r.Region), e.texts.get("cause." + r.Change.Cause()),
			amount(r.Before), amount(r.After), usd(sum), sum > 0,
		}
		if sum > 0 {
			row.Change = "+" + row.Change
		}
		v.Changes = append(v.Changes, row)
	}
}

// recommendationsView is what could cost less.
type recommendationsView struct {
	Rows  []recommendationRow
	Kinds []choice
	Kind  string
	Total string
	Count string
	Pages paging
	Read  source
}

type recommendationRow struct {
	recommend.Listed
	Kind, Amount, Where string
}

func (p *pages) recommendations(e *estate, r *http.Request) (view, error) {
	query := r.URL.Query()
	v := recommendationsView{Kind: query.Get("kind"), Read: e.sources()[2]}
	counts := map[string]int{}
	var found []recommend.Listed
	var sum price.USD
	for _, one := range e.Cost.Recommendations {
		counts[one.Code]++
		if v.Kind == "" || v.Kind == one.Code {
			found = append(found, one)
			sum = sum.Add(one.Saving.USD)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		v.Kinds = append(v.Kinds, choice{code, p.texts.get("recommendations.kind", p.texts.get("code."+code), counts[code]), code == v.Kind})
	}
	v.Total, v.Count = usd(sum), p.texts.count(len(found), "recommendation")
	shown, pages := pageOf(found, query, "/recommendations", perRecommendations)
	v.Pages = pages
	for _, one := range shown {
		one.Name, one.Advice, one.Reason = text.Printable(one.Name), text.Printable(one.Advice), text.Printable(one.Reason)
		row := recommendationRow{one, p.texts.get("code." + one.Code), usd(one.Saving.USD), e.accountName(string(one.Account)) + " " + string(one.Region)}
		if !one.Certain {
			row.Amount = p.texts.get("recommendations.upto", row.Amount)
		}
		v.Rows = append(v.Rows, row)
	}
	return view{template: "recommendations", title: p.texts.get("nav.recommendations"), data: v}, nil
}

// weeksOf are the weeks or, where these are few, the months of a trend to draw.
func weeksOf(t *trend.Trend) (periods []trend.Period, months bool) {
	if len(t.Weeks) >= 3 || len(t.Months) < 2 {
		return t.Weeks[max(len(t.Weeks)-weeksShown, 0):], false
	}
	return t.Months[max(len(t.Months)-weeksShown, 0):], true
}
