package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

// The longest search, of how many words at most, and the longest tag. Each word is looked
// for in every machine.
const (
	maxQuery = 200
	maxWords = 8
	maxTag   = 400
)

// filter is what a list of machines is narrowed to.
type filter struct {
	Query, Tag, Account, Schedule, State string
	// TagError says why the tag cannot be looked for.
	TagError                    string
	Accounts, Schedules, States []choice
	tag                         fleet.Tag
}

// machinesView is a list of machines.
type machinesView struct {
	Filter filter
	Rows   []machineRow
	Count  string
	Pages  paging
	// Any is true where some filter is set.
	Any bool
}

// machineRow is a machine in a list.
type machineRow struct {
	Name, ID, Link, Kind, Type string
	Account, Region            string
	Schedule, Reason           string
	State                      fleet.State
	Desired                    schedule.State
	Condition                  condition
	Override                   moment
	Next                       moment
	NextState                  schedule.State
}

// paging leads through a list that is longer than a page.
type paging struct {
	First, Last, Total int
	Before, After      string // links, empty where there is none
	Number, Of         int
}

// page cuts out of a list what is to be shown.
func page[T any](list []T, query url.Values, path string) ([]T, paging) {
	return pageOf(list, query, path, perPage)
}

func pageOf[T any](list []T, query url.Values, path string, size int) ([]T, paging) {
	p := paging{Total: len(list), Of: max((len(list)+size-1)/size, 1)}
	number, err := strconv.Atoi(query.Get("page"))
	if err != nil {
		number = 1
	}
	p.Number = min(max(number, 1), p.Of)
	from := (p.Number - 1) * size
	to := min(from+size, len(list))
	p.First, p.Last = min(from+1, to), to
	link := func(number int) string {
		q := url.Values{}
		for key, values := range query {
			if values[0] != "" && key != "page" {
				q.Set(key, values[0])
			}
		}
		if number > 1 {
			q.Set("page", strconv.Itoa(number))
		}
		if len(q) == 0 {
			return path
		}
		return path + "?" + q.Encode()
	}
	if p.Number > 1 {
		p.Before = link(p.Number - 1)
	}
	if p.Number < p.Of {
		p.After = link(p.Number + 1)
	}
	return list[from:to], p
}

// filter reads what a list is to be narrowed to.
func (e *estate) filter(query url.Values) filter {
	f := filter{
		Query: cut(query.Get("q"), maxQuery), Tag: cut(query.Get("tag"), maxTag), Account: query.Get("account"), Schedule: query.Get("schedule"), State: query.Get("state"),
	}
	if f.Tag != "" {
		tag, err := fleet.ParseTag(strings.TrimSpace(f.Tag))
		if err != nil {
			f.TagError = err.Error()
		}
		f.tag = tag
	}
	for _, a := range e.accounts {
		a.Chosen = a.Value == f.Account
		f.Accounts = append(f.Accounts, a)
	}
	for _, state := range []string{"running", "stopped", string(failed), string(outOfSchedule), string(manual), "override", string(skipped)} {
		f.States = append(f.States, choice{state, e.texts.get("filter.state." + state), state == f.State})
	}
	f.Schedules = e.scheduleChoices(f.Schedule)
	return f
}

// set enters what a list is narrowed to into the query of a link.
func (f filter) set(query url.Values) {
	for key, value := range map[string]string{"q": f.Query, "tag": f.Tag, "account": f.Account, "schedule": f.Schedule, "state": f.State} {
		if value != "" {
			query.Set(key, value)
		}
	}
}

// scheduleChoices are the schedules to choose from: those of the file, and one of a
// tag where it is chosen.
func (e *estate) scheduleChoices(chosen string) []choice {
	var all []choice
	for _, s := range e.configured() {
		all = append(all, choice{s.Name, s.Name, s.Name == chosen})
	}
	if chosen != "" && !slices.ContainsFunc(all, func(c choice) bool { return c.Chosen }) {
		all = append(all, choice{chosen, text.Printable(chosen), true})
	}
	return all
}

// cut is the beginning of a text that is too long.
func cut(s string, characters int) string {
	if runes := []rune(s); len(runes) > characters {
		return string(runes[:characters])
	}
	return s
}

// find is the machines that a filter leaves, in order.
func (e *estate) find(f filter) []*machine {
	words := strings.Fields(strings.ToLower(f.Query))
	words = words[:min(len(words), maxWords)]
	var found []*machine
	for _, m := range e.machines {
		if f.fits(m, e) && !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(m.words, word) }) {
			found = append(found, m)
		}
	}
	return found
}

func (f filter) fits(m *machine, e *estate) bool {
	switch {
	case f.TagError != "",
		f.Account != "" && f.Account != string(m.target.Account),
		f.Schedule != "" && f.Schedule != m.Desired.Schedule,
		f.tag.Key != "" && !f.tag.On(m.Machine.Tags):
		return false
	}
	switch f.State {
	case "":
		return true
	case "running":
		return m.runs()
	case "stopped":
		return m.Machine.State == fleet.Stopped || m.Machine.State == fleet.Stopping
	case "override":
		return m.overridden(e.now)
	}
	return string(m.condition) == f.State
}

func (p *pages) machines(e *estate, r *http.Request) (view, error) {
	query := r.URL.Query()
	v := machinesView{Filter: e.filter(query)}
	found := e.find(v.Filter)
	shown, pages := page(found, query, "/machines")
	v.Pages = pages
	v.Any = v.Filter.Query+v.Filter.Tag+v.Filter.Account+v.Filter.Schedule+v.Filter.State != ""
	v.Count = e.texts.count(len(found), "machine")
	if v.Any {
		v.Count = e.texts.get("machines.of", text.Number(int64(len(found))), e.texts.count(len(e.machines), "machine"))
	}
	for _, m := range shown {
		row := e.row(m)
		row.Name, row.Schedule, row.Reason = m.short, text.Clip(row.Schedule, longName), text.Clip(row.Reason, longReason)
		v.Rows = append(v.Rows, row)
	}
	return view{template: "machines", title: p.texts.get("nav.machines"), data: v}, nil
}

func (e *estate) row(m *machine) machineRow {
	row := machineRow{
		Name: m.name, ID: string(m.Machine.ID), Link: m.link, Kind: e.texts.get("kind." + string(m.Machine.Kind)), Type: string(m.Machine.Type),
		Account: accountName(m.target), Region: string(m.target.Region), Schedule: text.Printable(m.Desired.Schedule),
		Reason: text.Printable(m.Reason.Text), State: m.Machine.State, Desired: m.Desired.State, Condition: m.condition,
	}
	if m.failure != nil {
		row.Reason = text.Printable(m.failure.Reason.Text)
	}
	if m.overridden(e.now) {
		row.Override = e.when(m.Desired.Override.Until)
	}
	if m.managed() && m.Machine.Eligible() && m.Desired.Until.After(e.now) {
		row.Next, row.NextState = e.when(m.Desired.Until), m.next
	}
	return row
}

// named are the machines of an id, in the place that is asked for where one is: ids
// are unique within their account and region.
func (e *estate) named(id, place string) ([]*machine, error) {
	var found []*machine
	for _, m := range e.byID[fleet.ResourceID(id)] {
		if place == "" || place == m.place() {
			found = append(found, m)
		}
	}
	if len(found) == 0 {
		return nil, fleet.Errorf(fleet.ErrNotFound, "%s", e.texts.get("missing.machine", text.Printable(cmp.Or(id, `""`))))
	}
	return found, nil
}

// word is what commands call a machine: its id, or its ARN where others have that id, too.
func (e *estate) word(m *machine) string {
	if len(e.byID[m.Machine.ID]) > 1 && m.Machine.ARN != "" {
		return shellWord(m.Machine.ARN)
	}
	return shellWord(string(m.Machine.ID))
}
