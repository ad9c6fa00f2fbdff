package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"

	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/text"
)

// runsView is the list of runs.
type runsView struct {
	Jobs  []jobRow
	Rows  []runRow
	Pages paging
	Read  source
}

// jobRow is a job and how it is doing.
type jobRow struct {
	Name, When, Problem string
	Next, LastSuccess   moment
	Running             bool
}

func (p *pages) runs(e *estate, r *http.Request) (view, error) {
	shown, pages := page(e.Runs, r.URL.Query(), "/runs")
	v := runsView{Pages: pages, Read: e.sources()[1]}
	for _, one := range shown {
		v.Rows = append(v.Rows, e.runRow(one))
	}
	for _, j := range e.Jobs {
		v.Jobs = append(v.Jobs, jobRow{j.Name, j.When.String(), text.Printable(j.Problem), e.when(j.Next), e.ago(j.LastSuccess), j.Running})
	}
	return view{template: "runs", title: p.texts.get("nav.runs"), data: v}, nil
}

// messagesShown is how many messages of a run are shown.
const messagesShown = 10

// runView is one run.
type runView struct {
	runRow
	Targets  []string
	Outcomes []outcomeRow
	Messages []string
	More     int // messages that are not shown
	Calls    []callRow
	Pages    paging
}

type outcomeRow struct {
	Name, ID, Link, Where, Action, Reason, Schedule string
	Result                                          fleet.Result
	At                                              moment
}

type callRow struct {
	Action string
	Count  int
}

func (p *pages) run(e *estate, r *http.Request) (view, error) {
	name := r.PathValue("run")
	n := slices.IndexFunc(e.Runs, func(one journal.Record) bool { return one.Run == name })
	if n < 0 {
		return view{}, fleet.Errorf(fleet.ErrNotFound, "%s", p.texts.get("missing.run", text.Printable(name)))
	}
	record := e.Runs[n]
	v := runView{runRow: e.runRow(record)}
	for _, t := range record.Targets {
		v.Targets = append(v.Targets, e.accountName(string(t.Account))+" "+string(t.Region))
	}
	for _, line := range record.Errors[:min(len(record.Errors), messagesShown)] {
		v.Messages = append(v.Messages, text.Clip(text.PrintableLines(line), longMessage))
	}
	v.More = len(record.Errors) - len(v.Messages)
	// What failed comes first.
	order := []fleet.Result{fleet.Failed, fleet.Deferred, fleet.Done, fleet.Skipped}
	outcomes := slices.Clone(record.Outcomes)
	slices.SortStableFunc(outcomes, func(a, b journal.Outcome) int { return slices.Index(order, a.Result) - slices.Index(order, b.Result) })
	shown, pages := page(outcomes, r.URL.Query(), "/runs/"+url.PathEscape(name))
	v.Pages = pages
	for _, o := range shown {
		row := outcomeRow{
			Name: text.Clip(text.Printable(o.Name), longName), ID: string(o.ID), Where: e.accountName(string(o.Target.Account)) + " " + string(o.Target.Region),
			Action: o.Action, Reason: text.Clip(text.Printable(o.Text), longReason), Schedule: text.Clip(text.Printable(o.Schedule), longSchedule), Result: o.Result, At: e.when(o.At),
		}
		if found := e.byID[o.ID]; len(found) > 0 {
			row.Link = found[0].link
			for _, m := range found {
				if m.target.Target == o.Target {
					row.Link = m.link
				}
			}
		}
		if row.Name == "" {
			row.Name = row.ID
		}
		v.Outcomes = append(v.Outcomes, row)
	}
	for _, action := range slices.Sorted(maps.Keys(record.Calls)) {
		v.Calls = append(v.Calls, callRow{action, record.Calls[action]})
	}
	return view{template: "run", title: p.texts.get("run.title", record.Job), data: v}, nil
}
