package foreign_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"nightshift/internal/schedule"
	"nightshift/internal/schedule/foreign"
)

// row is one line of testdata/schedule_cases.jsonl; testdata/README.md says
// where the facts are from.
type row struct {
	ID       string
	Source   string
	Origin   string // "upstream-test" or "observed"
	Kind     string
	Schedule json.RawMessage
	Tag      *struct{ Key, Value string }
	Policy   struct {
		Filter       string
		OptOut       bool     `json:"opt-out"`
		Weekends     *bool    `json:"weekends"`
		WeekendsOnly bool     `json:"weekends-only"`
		SkipDays     []string `json:"skip-days"`
		OnHour       *int     `json:"onhour"`
		OffHour      *int     `json:"offhour"`
		Fallback     string   `json:"fallback-schedule"`
		DefaultTZ    string   `json:"default_tz"`
	}
	Spec     string
	Field    string
	Input    json.RawMessage
	Timezone string
	Instant  time.Time
	Question string
	Expect   json.RawMessage
}

// expected is the row's answer; the lists of a custodian parse row come as
// JSON.
func (r row) expected() string {
	var text string
	if json.Unmarshal(r.Expect, &text) == nil {
		return text
	}
	return string(r.Expect)
}

func (r row) text(t *testing.T) string {
	t.Helper()
	var text string
	if err := json.Unmarshal(r.Input, &text); err != nil {
		t.Fatalf("%s: %v", r.ID, err)
	}
	return text
}

func loadRows(t *testing.T) []row {
	t.Helper()
	data, err := os.ReadFile("testdata/schedule_cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("line %d: %v", len(rows)+1, err)
		}
		rows = append(rows, r)
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return rows
}

// answer is what we say to a row, in the row's words.
type answer struct {
	text string
	// warned means that a reader of ours refused the text or warned.
	warned bool
}

// The tools that rows are from. The last two have no reader here: the rows
// evaluate the time rules.
const (
	instanceScheduler = "aws-solutions/instance-scheduler-on-aws"
	custodian         = "cloud-custodian/cloud-custodian"
	pyDownscaler      = "caas-team/py-kube-downscaler"
	goDownscaler      = "caas-team/GoKubeDownscaler"
	lightsOff         = "sqlxpert/lights-off-aws"
	evergreen         = "evergreen-ci/evergreen"
	cis               = "estemendoza/cloud-instance-scheduler"
)

func evaluate(t *testing.T, r row) answer {
	t.Helper()
	switch r.Source + " " + r.Kind {
	case instanceScheduler + " state":
		return stateOf(t, r, instanceSchedule(t, r))
	case instanceScheduler + " parse":
		return validity(t, fieldOf(t, r))
	case custodian + " event":
		return custodianEvent(t, r)
	case custodian + " parse":
		return custodianParse(t, r)
	case pyDownscaler + " span", goDownscaler + " span":
		return spanOf(t, r)
	case lightsOff + " event":
		return lightsOffEvent(t, r)
	case evergreen + " next":
		return evergreenNext(t, r)
	case evergreen + " parse":
		return validity(t, evergreenReading(t, r, r.Input))
	case cis + " state":
		return stateOf(t, r, cisReading(t, r))
	}
	t.Fatalf("%s: nobody judges rows of kind %q of %s", r.ID, r.Kind, r.Source)
	return answer{}
}

// read is what a reader gave.
type read struct {
	foreign.Reading
	err error
}

func (r read) schedule(zone *time.Location) (*schedule.Schedule, error) {
	if r.err != nil {
		return nil, r.err
	}
	return schedule.New(r.Definition, zone)
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	if name == "" || name == "in-spec" || name == "Invalid" {
		return time.UTC
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func stateOf(t *testing.T, r row, reading read) answer {
	t.Helper()
	s, err := reading.schedule(zone(t, r.Timezone))
	if err != nil {
		return answer{"invalid", true}
	}
	words := map[schedule.State]string{schedule.Running: "on", schedule.Stopped: "off", schedule.Unmanaged: "any"}
	return answer{words[s.At(r.Instant)], len(reading.Warnings) > 0}
}

func validity(t *testing.T, reading read) answer {
	t.Helper()
	if _, err := reading.schedule(time.UTC); err != nil {
		return answer{"invalid", true}
	}
	return answer{"valid", len(reading.Warnings) > 0}
}

// instanceSchedule reads the schedule of a row as the configuration has it.
func instanceSchedule(t *testing.T, r row) read {
	t.Helper()
	var s struct {
		Periods []struct {
			Name, BeginTime, EndTime, WeekDays, MonthDays, Months string
		}
		OverrideStatus string `json:"override_status"`
	}
	if err := json.Unmarshal(r.Schedule, &s); err != nil {
		t.Fatalf("%s: %v", r.ID, err)
	}
	in := foreign.InstanceSchedule{Name: r.ID, Timezone: r.Timezone, OverrideStatus: s.OverrideStatus, StopNewInstances: true}
	for _, p := range s.Periods {
		in.Periods = append(in.Periods, foreign.Period{
			Name: p.Name, BeginTime: p.BeginTime, EndTime: p.EndTime,
			WeekDays: p.WeekDays, MonthDays: p.MonthDays, Months: p.Months,
		})
	}
	reading, err := foreign.InstanceScheduler(in)
	return read{reading, err}
}

func fieldOf(t *testing.T, r row) read {
	t.Helper()
	p := foreign.Period{Name: "p"}
	switch text := r.text(t); r.Field {
	case "begintime":
		p.BeginTime = text
	case "weekdays":
		p.WeekDays = text
	case "monthdays":
		p.MonthDays = text
	case "months":
		p.Months = text
	default:
		t.Fatalf("%s: unknown field %q", r.ID, r.Field)
	}
	reading, err := foreign.InstanceScheduler(foreign.InstanceSchedule{Name: "s", Timezone: "UTC", Periods: []foreign.Period{p}})
	return read{reading, err}
}

func custodianDefaults(t *testing.T, r row) foreign.CustodianDefaults {
	t.Helper()
	d := foreign.DefaultCustodian(zone(t, r.Timezone))
	if r.Policy.Weekends != nil {
		d.Weekends = *r.Policy.Weekends
	}
	d.WeekendsOnly = r.Policy.WeekendsOnly
	if r.Policy.OnHour != nil {
		d.OnHour = *r.Policy.OnHour
	}
	if r.Policy.OffHour != nil {
		d.OffHour = *r.Policy.OffHour
	}
	for _, day := range r.Policy.SkipDays {
		date, err := schedule.ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		d.SkipDays = append(d.SkipDays, date)
	}
	return d
}

// custodianEvent asks whether the filter fires in the hour of the instant. A
// value that we refuse acts on nothing.
func custodianEvent(t *testing.T, r row) answer {
	t.Helper()
	var value string
	switch {
	case r.Tag != nil:
		value = r.Tag.Value
	case r.Policy.Fallback != "":
		value = r.Policy.Fallback
	case !r.Policy.OptOut:
		return answer{"no-match", false} // no tag, so no rule matches
	}
	reading, err := foreign.Custodian(value, custodianDefaults(t, r))
	if err != nil {
		return answer{"no-match", true}
	}
	warned := len(reading.Warnings) > 0
	if reading.Ignore {
		return answer{"no-match", warned}
	}
	s, err := schedule.New(reading.Definition, nil)
	if err != nil {
		t.Fatalf("%s: %v", r.ID, err)
	}
	local := r.Instant.In(s.Zone())
	hour := local.Add(-time.Duration(local.Minute())*time.Minute - time.Duration(local.Second())*time.Second)
	want, word := schedule.Stopped, "stop"
	if r.Policy.Filter == "onhour" {
		want, word = schedule.Running, "start"
	}
	if fires(s, hour, hour.Add(time.Hour), want) {
		return answer{word, warned}
	}
	return answer{"no-match", warned}
}

// fires reports whether a transition to the state lies in [from, to).
func fires(s *schedule.Schedule, from, to time.Time, state schedule.State) bool {
	at := from.Add(-time.Nanosecond)
	for {
		next, ok := s.Next(at)
		if !ok || !next.At.Before(to) {
			return false
		}
		if next.State == state {
			return true
		}
		at = next.At
	}
}

// custodianParse compares the start and stop times with the days and hours of
// the row.
func custodianParse(t *testing.T, r row) answer {
	t.Helper()
	reading, err := foreign.Custodian(r.text(t), foreign.DefaultCustodian(zone(t, "America/New_York")))
	if err != nil {
		return answer{"invalid", true}
	}
	warned := len(reading.Warnings) > 0
	var want struct {
		On, Off [][2]json.RawMessage
	}
	if err := json.Unmarshal(r.Expect, &want); err != nil {
		return answer{"valid", warned}
	}
	if !sameDayTimes(t, want.On, reading.Definition.Start) || !sameDayTimes(t, want.Off, reading.Definition.Stop) {
		return answer{"other hours: " + reading.Definition.String(), warned}
	}
	return answer{r.expected(), warned}
}

func spanOf(t *testing.T, r row) answer {
	t.Helper()
	reading, err := foreign.Downscaler(r.Spec, "", time.UTC)
	s, err := read{reading, err}.schedule(time.UTC)
	if err != nil {
		return answer{"invalid", true}
	}
	warned := len(reading.Warnings) > 0
	if s.At(r.Instant) == schedule.Running {
		return answer{"match", warned}
	}
	return answer{"no-match", warned}
}

// lightsOffEvent asks whether the run at the instant acts. Runs are ten
// minutes apart.
func lightsOffEvent(t *testing.T, r row) answer {
	t.Helper()
	reading, err := foreign.LightsOff("", r.Spec)
	s, err := read{reading, err}.schedule(nil)
	if err != nil {
		return answer{"invalid", true}
	}
	warned := len(reading.Warnings) > 0
	if last, ok := s.Last(r.Instant); ok && r.Instant.Sub(last.At) < 10*time.Minute {
		return answer{"match", warned}
	}
	return answer{"no-match", warned}
}
