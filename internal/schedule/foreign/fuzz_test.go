package foreign_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/schedule/foreign"
)

// hostile are texts that have hurt parsers.
func hostile() []string {
	return []string{
		"", "on", "off", "off=(m-f,19);on=(m-f,7);tz=pt", "off=[(M-F,21),(U,18)];on=[(M-F,6),(U,10)]", "offu3du28M-Fu2c18u29u3btzu3dAustraliau2fSydney",
		"off=u28M-Fu2c18u29", "u", "u2", "U28u29", "off=()", "off=(,)", "off=(-,)", "tz=../../etc/passwd", "tz=Local", "tz=\x00",
		"Mon-Fri 07:30-20:30 Europe/Berlin", "Sat-Sun 00:00-24:00 CET,Fri-Fri 20:00-24:00 CET", "always", "never",
		"2026-12-24T00:00:00+00:00-2026-12-26T00:00:00+00:00", "1970-01-01T00:00:00Z-2100-12-31T23:59:59Z", "0000-01-01T00:00:00Z-9999-12-31T23:59:59Z",
		"0800;1800;utc;mon,tue", "none;1800;utc;weekdays", "default", ";;;", ";;;;;;;;;;",
		"u=1 u=2 H:M=19:30", "d=_ H=_ M=00 M=10", "uTH:M=6T02:30", "dTH:M=01T03:00", "d=31 H=_ M=0",
		strings.Repeat("(", 5000), strings.Repeat("off=(m,1);", 500), strings.Repeat("Mon-Fri 00:00-01:00 UTC,", 150), strings.Repeat("u28", 1300),
		"1/1", "1-15/2,L,15W,20-L", "mon#1,friL,L", "nov-feb,jan/3", "*", "?", "1/10", "31W", "off=\x1b[31m", "off=(\x1b,\x1b,3)", "Mon\x07-Fri 1:00-2:00", "\xff\xfe", "d=\x1b[2J",
	}
}

// check asks a reading the usual questions: an answer or an error of the right
// kind, in little time.
func check(t *testing.T, reading foreign.Reading, err error) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, fleet.ErrInvalid) {
			t.Fatalf("error of the wrong kind: %v", err)
		}
		presentable(t, err.Error())
		return
	}
	for _, warning := range reading.Warnings {
		presentable(t, warning)
	}
	if reading.Ignore {
		return
	}
	s, err := schedule.New(reading.Definition, time.UTC)
	if err != nil {
		if !errors.Is(err, fleet.ErrInvalid) {
			t.Fatalf("error of the wrong kind: %v", err)
		}
		return
	}
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	next, ok := s.Next(at)
	if ok && !next.At.After(at) {
		t.Fatalf("the transition after %s is at %s", at, next.At)
	}
	if last, ok := s.Last(at); ok && last.At.After(at) {
		t.Fatalf("the transition before %s is at %s", at, last.At)
	}
	s.At(at)
}

// presentable refuses messages that are very long or steer a terminal.
func presentable(t *testing.T, message string) {
	t.Helper()
	if len(message) > 1000 || strings.ContainsFunc(message, unicode.IsControl) {
		t.Fatalf("message of %d characters: %q", len(message), message)
	}
}

// TestHostileValues holds that no value keeps a run waiting.
func TestHostileValues(t *testing.T) {
	const limit = 2 * time.Second // they take milliseconds; machines are slow under -race
	timed := func(what string, ask func()) {
		begin := time.Now()
		ask()
		if took := time.Since(begin); took > limit {
			t.Errorf("%s takes %s", what, took)
		}
	}
	texts := append(hostile(),
		strings.Repeat("Mon-Fri 01:00-02:00 America/New_York,", 110),
		strings.Repeat("off=[", 800), "off=["+strings.Repeat("(m-u,1),", 500)+"(m,2)]",
		strings.Repeat("1/11,", 800)+"1", strings.Repeat("mon#1,", 600)+"mon", strings.Repeat("d=1 ", 900)+"H:M=19:30")
	for _, text := range texts {
		for _, format := range foreign.Formats() {
			timed(string(format)+" "+text[:min(len(text), 40)], func() {
				reading, err := foreign.Read(format, text, time.UTC)
				check(t, reading, err)
			})
		}
		periods := make([]foreign.Period, 200)
		for i := range periods {
			periods[i] = foreign.Period{BeginTime: "01:00", EndTime: "02:30", MonthDays: text, Months: "2"}
		}
		timed("Instance Scheduler "+text[:min(len(text), 40)], func() {
			reading, err := foreign.InstanceScheduler(foreign.InstanceSchedule{Timezone: "Europe/London", Periods: periods})
			check(t, reading, err)
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range foreign.Formats() {
			reading, err := foreign.Read(format, text, time.UTC)
			check(t, reading, err)
		}
		reading, err := foreign.Downscaler(text, "Mon-Fri 20:00-06:00 UTC,2026-12-24T00:00:00Z-2026-12-26T12:00:00Z", time.UTC)
		check(t, reading, err)
	})
}

func FuzzInstanceScheduler(f *testing.F) {
	for _, text := range hostile() {
		f.Add("09:00", "17:00", text, "", "")
		f.Add("", "17:00", "", text, "")
		f.Add("9:00", "", "mon", "", text)
		f.Add(text, text, text, text, text)
	}
	f.Fuzz(func(t *testing.T, begin, end, weekDays, monthDays, months string) {
		p := foreign.Period{Name: "p", BeginTime: begin, EndTime: end, WeekDays: weekDays, MonthDays: monthDays, Months: months}
		reading, err := foreign.InstanceScheduler(foreign.InstanceSchedule{Name: months, Timezone: "UTC", Periods: []foreign.Period{p, {Name: "q", EndTime: "23:59"}}})
		check(t, reading, err)
	})
}

func BenchmarkRead(b *testing.B) {
	for _, value := range []struct {
		format foreign.Format
		text   string
	}{
		{foreign.FormatCustodian, "off=[(M-F,21),(U,18)];on=[(M-F,6),(U,10)];tz=pt"},
		{foreign.FormatDownscaler, "Mon-Fri 07:30-20:30 Europe/Berlin"},
		{foreign.FormatDowntime, "Mon-Fri 20:00-24:00 Europe/Berlin,Sat-Sun 00:00-24:00 Europe/Berlin"},
		{foreign.FormatEC2Scheduler, "0800;1800;utc;mon,tue"},
		{foreign.FormatLightsOffStop, "u=1 u=2 u=3 u=4 u=5 H:M=19:30"},
	} {
		b.Run(string(value.format), func(b *testing.B) {
			for b.Loop() {
				if _, err := foreign.Read(value.format, value.text, time.UTC); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
