package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

const (
	// nextShown is how many transitions of a machine are shown, within nextDays.
	nextShown = 6
	nextDays  = 14
	actsShown = 50
)

// machineView is one machine: what is asked of it and why, what comes and what was.
type machineView struct {
	machineRow
	// Failure is which act failed, FailedAt when, and Decision why it is to be done.
	Failure, Decision string
	FailedAt          moment
	Full              string // the ARN
	By                string
	Since             moment
	Started           moment
	Stopped           moment
	Warnings          []string
	Next              []coming
	Acts              []actRow
	Tags              []fleet.Tag
	Days              []string
	Picture           *picture
	Windows           string
	Rule              int
	Read              moment
	Old               bool
	Unreachable       string
	Explain           string // the command
	Override          overrideView
	Others            []machineRow
}

// actRow is something that a run did with a machine.
type actRow struct {
	At        moment
	Job, Link string
	Action    string
	Result    fleet.Result
	Reason    string
	Schedule  string
}

func (p *pages) machine(e *estate, r *http.Request) (view, error) {
	found, err := e.named(r.PathValue("id"), r.URL.Query().Get("in"))
	if err != nil {
		return view{}, err
	}
	m := found[0] // which links to the others
	v := p.machineView(e, m)
	v.Override = p.overrideView(e, m, visitOf(r.Context()))
	return view{template: "machine", title: m.name, data: v}, nil
}

func (p *pages) machineView(e *estate, m *machine) machineView {
	step := m.Step
	v := machineView{
		machineRow: e.row(m), Full: m.Machine.ARN, By: text.Printable(step.Desired.By),
		Since: e.when(step.Desired.Since), Started: e.when(m.Machine.Started), Stopped: e.when(m.Machine.Stopped), Rule: step.Desired.Rule,
		Read: e.ago(m.target.At), Old: e.now.Sub(m.target.At) > e.stale(), Unreachable: text.Printable(m.target.Err),
		Explain: "nightshift power explain " + e.word(m),
	}
	if m.overridden(e.now) {
		v.By = e.texts.get("machine.by.override")
	}
	if f := m.failure; f != nil {
		v.Failure, v.FailedAt, v.Decision = e.texts.get("problem."+string(f.Action)), e.ago(f.At), text.Printable(step.Reason.Text)
	}
	for _, w := range step.Desired.Warnings {
		v.Warnings = append(v.Warnings, text.Printable(w))
	}
	if s := e.schedules[step.Desired.Schedule]; s != nil {
		v.Windows = s.Definition().String()
		monday := schedule.Monday(e.now.In(s.Zone()))
		for n := range 7 {
			v.Days = append(v.Days, monday.AddDate(0, 0, n).Format("Mon 2"))
		}
		drawn := e.machinePicture(m, s, monday)
		v.Picture = &drawn
		v.Next = e.ahead(m, s)
	}
	acts := e.actsOf(m)
	for _, a := range acts[:min(len(acts), actsShown)] {
		link := ""
		if slices.ContainsFunc(e.Runs, func(r journal.Record) bool { return r.Run == a.Run }) {
			link = "/runs/" + url.PathEscape(a.Run)
		}
		v.Acts = append(v.Acts, actRow{
			At: e.when(a.At), Job: a.Job, Link: link, Action: string(a.Action), Result: a.Result,
			Reason: text.Printable(a.Reason.Text), Schedule: text.Printable(a.Schedule),
		})
	}
	for key, value := range m.Machine.Tags {
		v.Tags = append(v.Tags, fleet.Tag{Key: text.Printable(key), Value: text.Printable(value)})
	}
	slices.SortFunc(v.Tags, func(a, b fleet.Tag) int { return strings.Compare(a.Key, b.Key) })
	for _, other := range e.byID[m.Machine.ID] {
		if other != m {
			v.Others = append(v.Others, e.row(other))
		}
	}
	return v
}

// ahead are the next transitions of a machine.
func (e *estate) ahead(m *machine, s *schedule.Schedule) []coming {
	var all []coming
	for _, span := range m.Desired.Ahead(s, e.now, e.now.Add(nextDays*24*time.Hour)) {
		if len(all) == nextShown {
			break
		}
		if !span.From.After(e.now) {
			continue
		}
		all = append(all, coming{
			At: e.when(span.From), Starts: span.State == schedule.Running, Stops: span.State == schedule.Stopped,
			What: e.texts.get("ahead." + string(span.State)), Why: e.why(m.Desired.Schedule, span.From, span.State, overrideAt(m.Desired.Override, span.From)),
		})
	}
	return all
}

// shellWord is a text as one word of a shell's command.
func shellWord(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
