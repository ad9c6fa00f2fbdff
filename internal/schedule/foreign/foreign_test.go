package foreign_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/schedule/foreign"
)

// TestRead holds what values mean in our own notation, and what is warned of.
func TestRead(t *testing.T) {
	const (
		c  = foreign.FormatCustodian
		d  = foreign.FormatDownscaler
		dd = foreign.FormatDowntime
		e  = foreign.FormatEC2Scheduler
		up = foreign.FormatLightsOffStart
		dn = foreign.FormatLightsOffStop
	)
	for _, test := range []struct {
		format  foreign.Format
		value   string
		want    string // Definition.String, or "ignore"
		warning string // part of the only warning
	}{
		{c, "", "start Mon-Fri 07:00; stop Mon-Fri 19:00 Europe/Berlin", ""},
		{c, "on", "start Mon-Fri 07:00; stop Mon-Fri 19:00 Europe/Berlin", ""},
		{c, "OFF", "ignore", ""},
		{c, "on;tz=pt", "start Mon-Fri 07:00; stop Mon-Fri 19:00 America/Los_Angeles", ""},
		{c, "Offhours tz=PT", "start Mon-Fri 07:00; stop Mon-Fri 19:00 America/Los_Angeles", ""},
		{c, "off=[(M-F,21),(U,18)];on=[(M-F,6),(U,10)];tz=et;", "start Mon-Fri 06:00; start Sun 10:00; stop Mon-Fri 21:00; stop Sun 18:00 America/New_York", ""},
		{c, "off=(s-m,23);tz=asia/seoul", "start Mon-Fri 07:00; stop Sat-Mon 23:00 Asia/Seoul", ""},
		{c, "offu3du28M-Fu2c18u29u3btzu3dAustraliau2fSydney", "start Mon-Fri 07:00; stop Mon-Fri 18:00 Australia/Sydney", ""},
		{c, "off=(u,0);on=(u,6);tz=ist", "start Sun 06:00; stop Sun 00:00 Europe/Dublin", "tz=ist is Europe/Dublin"},
		{c, "off=(m-f,19); on=(m-f,7);tz=utc", "start Mon-Fri 07:00; stop Mon-Fri 19:00 Etc/UTC", "blanks"},
		{c, "off=(m-f,2);on=(m-f,7);tz=et", "start Mon-Fri 07:00; stop Mon-Fri 02:00 America/New_York", "skip or repeat 02:00"},
		{c, "off=(m-f,9);on=(f-s,9);tz=utc", "start Fri,Sat 09:00; stop Mon-Fri 09:00 Etc/UTC", "on and off both name 09:00"},

		{d, "Mon-Fri 07:30-20:30 Europe/Berlin", "Mon-Fri 07:30-20:30 Europe/Berlin", ""},
		{d, "Mon-Fri 07:30-20:30", "Mon-Fri 07:30-20:30 Europe/Berlin", ""},
		{d, "Sat-Sun 00:00-24:00 CET,Fri-Fri 20:00-24:00 CET", "Sat,Sun; Fri 20:00-24:00 CET", ""},
		{d, "always", "always Europe/Berlin", ""},
		{d, "False", "never Europe/Berlin", ""},
		{d, "Mon-Sun 00:00-24:00 UTC", "always UTC", ""},
		{d, "Mon-Fri 22:00-06:00 UTC", "Mon-Fri 22:00-06:00 UTC", "ends on the next day"},
		{d, "2026-12-24T18:00:00+01:00 - 2026-12-26T06:00:00+01:00", "2026-12-24 17:00-2026-12-26 05:00 UTC", "exclusive"},
		{dd, "always", "never Europe/Berlin", ""},
		{dd, "never", "always Europe/Berlin", ""},
		{dd, "Mon-Fri 20:00-24:00 UTC,Sat-Sun 00:00-24:00 UTC", "Mon-Fri 00:00-20:00 UTC", ""},
		{dd, "Fri-Mon 22:00-06:00 UTC", "Sat-Mon 06:00-22:00; Tue 06:00-24:00; Wed,Thu; Fri 00:00-22:00 UTC", "ends on the next day"},

		{e, "0800;1800;utc;mon,tue", "Mon,Tue 08:00-18:00 UTC", ""},
		{e, "0800;1800;us/pacific;weekdays", "Mon-Fri 08:00-18:00 US/Pacific", ""},
		{e, "default", "08:00-18:00 Europe/Berlin", ""},
		{e, "true", "08:00-18:00 Europe/Berlin", ""},
		{e, "none", "ignore", ""},
		{e, "none;1900;utc;all", "stop 19:00 UTC", ""},
		{e, "0700;none;utc", "start 07:00 UTC", ""},
		{e, "2200;0600;utc;weekdays", "Mon-Fri 22:00-06:00 UTC", "on the morning after"},

		{dn, "u=1 u=2 H:M=19:30", "stop Mon 19:30; stop Tue 19:30 UTC", ""},
		{dn, "d=_ H=19 H=21 M=30", "stop 19:30; stop 21:30 UTC", ""},
		{up, "uTH:M=6T02:30 dTH:M=01T03:00", "start 1 03:00; start Sat 02:30 UTC", ""},
		{dn, "d=_ H:M=11:15", "stop 11:15 UTC", "full ten minutes"},
	} {
		reading, err := foreign.Read(test.format, test.value, zone(t, "Europe/Berlin"))
		if err != nil {
			t.Errorf("%s %q: %v", test.format, test.value, err)
			continue
		}
		got := "ignore"
		if !reading.Ignore {
			got = reading.Definition.String()
			if _, err := schedule.New(reading.Definition, nil); err != nil {
				t.Errorf("%s %q: %v", test.format, test.value, err)
			}
		}
		if got != test.want {
			t.Errorf("%s %q: %s, want %s", test.format, test.value, got, test.want)
		}
		if warned := strings.Join(reading.Warnings, "\n"); (test.warning == "") != (warned == "") || !strings.Contains(warned, test.warning) || len(reading.Warnings) > 1 {
			t.Errorf("%s %q: warnings %q, want one with %q", test.format, test.value, reading.Warnings, test.warning)
		}
	}
}

// TestReadErrors holds that a typo is an error with the right spelling, never
// a schedule.
func TestReadErrors(t *testing.T) {
	const (
		c  = foreign.FormatCustodian
		d  = foreign.FormatDownscaler
		dd = foreign.FormatDowntime
		e  = foreign.FormatEC2Scheduler
		dn = foreign.FormatLightsOffStop
	)
	for _, test := range []struct {
		format foreign.Format
		value  string
		want   string
	}{
		{c, "garbage", "is not understood"},
		{c, "of", `did you mean "off"?`},
		{c, "offf=(m-f,7)", `did you mean "off"?`},
		{c, "off=(mon-fri,19)", `did you mean "M-F"?`},
		{c, "off=(thu,19)", `did you mean "H"?`},
		{c, "off=(m-f,19:30)", "has minutes"},
		{c, "off=(m,w,f,19)", "off=[(m,19),(w,19),(f,19)]"},
		{c, "off=(m-f,24)", "must be 0 to 23"},
		{c, "off=(m-f)", "needs days and an hour"},
		{c, "off=(m-f,19", "brackets"},
		{c, "off=(m-f,19);off=(s,13)", "stands twice"},
		{c, "tz=Europe/Berln", `did you mean "Europe/Berlin"?`},
		{c, "tz=local", "unknown time zone"},
		{d, "", "the value is empty"},
		{d, "alway", `did you mean "always"?`},
		{d, "Mon-Fry 07:30-20:30 UTC", `did you mean "Fri"?`},
		{d, "Monday-Friday 07:30-20:30 UTC", `did you mean "Mon"?`},
		{d, "Mon-Fri 07:30-25:30 UTC", "must be like 07:30-20:30"},
		{d, "Mon-Fri 00:00-00:00 UTC", "00:00-24:00"},
		{d, "Mon-Fri 07:30-20:30 UTC,Sat-Sat 07:30-20:30 Asia/Seoul", "two time zones"},
		{d, "Mon-Fri 07:30-20:30 Asia/Soul", `did you mean "Asia/Seoul"?`},
		{d, "2026-12-26T18:00:00Z-2026-12-24T18:00:00Z", "ends before it begins"},
		{d, "2026-12-24T18:00:00Z-2226-12-24T18:00:00Z", "1970 to 2100"},
		{d, "2026-12-24T18:00:00Z-2026-12-34T18:00:00Z", "is not like"},
		{dd, "", "the value is empty"},
		{e, "", "is not understood"},
		{e, "defalt", `did you mean "default"?`},
		{e, "0800", "is not understood"},
		{e, "0800;2500;utc", "must be like 1800"},
		{e, "0800;1800;utc;tues", `did you mean "tue"?`},
		{e, "0800;1800;utc;weekday", `did you mean "weekdays"?`},
		{e, "0800;0800;utc;all", "same time"},
		{e, "none;none", "neither starts nor stops"},
		{dn, "", "empty"},
		{dn, "u=8 H:M=19:30", "1 (Monday) to 7 (Sunday)"},
		{dn, "u=1", "names no time"},
		{dn, "H:M=19:30", "names no days"},
		{dn, "d=_ h:m=19:30", `did you mean "H:M"?`},
		{"custodain", "on", `did you mean "custodian"?`},
	} {
		reading, err := foreign.Read(test.format, test.value, time.UTC)
		if err == nil {
			t.Errorf("%s %q: %s, want an error", test.format, test.value, reading.Definition)
			continue
		}
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %q: error %q, want one of kind invalid with %q", test.format, test.value, err, test.want)
		}
	}
}

func TestInstanceScheduler(t *testing.T) {
	full := func(p foreign.Period) foreign.InstanceSchedule {
		p.Name = "p"
		return foreign.InstanceSchedule{Name: "s", Timezone: "Europe/London", Periods: []foreign.Period{p}}
	}
	night := full(foreign.Period{BeginTime: "19:00", EndTime: "23:59", WeekDays: "mon-fri"})
	night.Periods = append(night.Periods, foreign.Period{Name: "morning", BeginTime: "0:00", EndTime: "10:00", WeekDays: "tue-sat"})
	mixed := full(foreign.Period{BeginTime: "09:00", EndTime: "18:00"})
	mixed.Periods = append(mixed.Periods, foreign.Period{Name: "late", BeginTime: "23:30"})
	kept := full(foreign.Period{BeginTime: "09:00", EndTime: "18:00", InstanceType: "t3.micro"})
	kept.UseMaintenanceWindow, kept.SSMMaintenanceWindow = true, []string{"patch"}
	for name, test := range map[string]struct {
		in       foreign.InstanceSchedule
		want     string
		warnings []string // parts, one a warning
	}{
		"office":   {full(foreign.Period{BeginTime: "09:00", EndTime: "17:00", WeekDays: "mon-fri"}), "Mon-Fri 09:00-17:00 Europe/London", nil},
		"quarter":  {full(foreign.Period{WeekDays: "mon#1", Months: "jan/3"}), "Jan,Apr,Jul,Oct Mon#1 Europe/London", nil},
		"days":     {full(foreign.Period{MonthDays: "1-7,15W,L", EndTime: "9:00", BeginTime: "8:00"}), "1-7,last,15W 08:00-09:00 Europe/London", nil},
		"winter":   {full(foreign.Period{Months: "nov-feb"}), "Nov-Feb Europe/London", nil},
		"steps":    {full(foreign.Period{MonthDays: "1/15"}), "1,16,31 Europe/London", []string{"only its last digit (5)"}},
		"last":     {full(foreign.Period{WeekDays: "friL,0"}), "Mon,last-Fri Europe/London", nil},
		"short":    {full(foreign.Period{MonthDays: "31W"}), "31W Europe/London", []string{"without that day"}},
		"midnight": {night, "Mon-Fri 19:00-24:00; Tue-Sat 00:00-10:00 Europe/London", nil},
		"all day":  {full(foreign.Period{BeginTime: "00:00", EndTime: "23:59", WeekDays: "sat"}), "Sat Europe/London", nil},
		"always":   {full(foreign.Period{BeginTime: "00:00", EndTime: "23:59"}), "always Europe/London", nil},
		"over":     {full(foreign.Period{BeginTime: "22:00", EndTime: "06:00"}), "22:00-06:00 Europe/London", []string{"on the next day"}},
		"gap":      {full(foreign.Period{BeginTime: "01:30", EndTime: "05:00"}), "01:30-05:00 Europe/London", []string{"skip or repeat 01:30"}},
		"running":  {foreign.InstanceSchedule{OverrideStatus: "Running", Timezone: "UTC"}, "always UTC", []string{"override_status"}},
		"stopped":  {foreign.InstanceSchedule{OverrideStatus: "stopped", Timezone: "UTC"}, "never UTC", []string{"override_status"}},
		"mixed":    {mixed, "09:00-18:00; 23:30-24:00; unmanaged 00:00-23:30 Europe/London", []string{"period late has no begin or no end"}},
		"kept":     {kept, "09:00-18:00 Europe/London", []string{"patch", "t3.micro"}},
	} {
		t.Run(name, func(t *testing.T) {
			reading, err := foreign.InstanceScheduler(test.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := reading.Definition.String(); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if len(reading.Warnings) != len(test.warnings) {
				t.Fatalf("warnings %q, want %d", reading.Warnings, len(test.warnings))
			}
			for i, want := range test.warnings {
				if !strings.Contains(reading.Warnings[i], want) {
					t.Errorf("warning %q, want %q", reading.Warnings[i], want)
				}
			}
			if _, err := schedule.New(reading.Definition, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInstanceSchedulerErrors(t *testing.T) {
	for want, in := range map[string]foreign.InstanceSchedule{
		"has no periods":               {Name: "s"},
		`did you mean "running"?`:      {OverrideStatus: "runnin"},
		`did you mean "Europe/London"`: {Timezone: "Europe/Londn"},
		"endtime":                      {Periods: []foreign.Period{{EndTime: "25:00"}}},
		`did you mean "tue"?`:          {Periods: []foreign.Period{{WeekDays: "tues"}}},
		`did you mean "wednesday"?`:    {Periods: []foreign.Period{{WeekDays: "wdnesday"}}},
		`did you mean "january"?`:      {Periods: []foreign.Period{{Months: "janvier"}}},
		"must be 1 to 31":              {Periods: []foreign.Period{{MonthDays: "32"}}},
		"runs backwards":               {Periods: []foreign.Period{{MonthDays: "25-5"}}},
		"the step of":                  {Periods: []foreign.Period{{MonthDays: "1/0"}}},
		"must be 1 to 5":               {Periods: []foreign.Period{{WeekDays: "mon#6"}}},
		"at most 200":                  {Periods: make([]foreign.Period, 1000)},
		"so it never runs":             {Periods: []foreign.Period{{BeginTime: "8:00", EndTime: "08:00"}}},
	} {
		_, err := foreign.InstanceScheduler(in)
		if err == nil || !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one of kind invalid with %q", err, want)
		}
	}
}

func TestCustodianDefaults(t *testing.T) {
	base := foreign.DefaultCustodian(time.UTC)
	stopOnly, startOnly, everyDay, weekends := base, base, base, base
	stopOnly.StopOnly, startOnly.StartOnly, everyDay.Weekends, weekends.WeekendsOnly = true, true, false, true
	everyDay.OnHour, everyDay.OffHour = 6, 22
	for want, d := range map[string]foreign.CustodianDefaults{
		"stop Mon-Fri 19:00 UTC":              stopOnly,
		"start Mon-Fri 07:00 UTC":             startOnly,
		"start 06:00; stop 22:00 UTC":         everyDay,
		"start Mon 07:00; stop Fri 19:00 UTC": weekends,
	} {
		reading, err := foreign.Custodian("", d)
		if err != nil || reading.Definition.String() != want {
			t.Errorf("%s, %v, want %s", reading.Definition, err, want)
		}
	}
	base.SkipDays = []schedule.Date{{Year: 2026, Month: time.December, Day: 25}}
	reading, err := foreign.Custodian("", base)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedule.New(reading.Definition, nil)
	if err != nil {
		t.Fatal(err)
	}
	last, _ := s.Last(time.Date(2026, time.December, 28, 0, 0, 0, 0, time.UTC))
	if want := time.Date(2026, time.December, 24, 19, 0, 0, 0, time.UTC); !last.At.Equal(want) {
		t.Errorf("the last start or stop before the skipped Friday and the weekend is %s, want %s", last.At, want)
	}
	base.OnHour = 24
	if _, err := foreign.Custodian("", base); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("on hour 24: %v", err)
	}
}

func TestFormatsAreKnown(t *testing.T) {
	formats := foreign.Formats()
	for _, f := range formats {
		if _, err := foreign.Read(f, "?", time.UTC); err == nil || strings.Contains(err.Error(), "unknown format") {
			t.Errorf("%s: %v", f, err)
		}
	}
	if !slices.IsSorted(formats) {
		t.Errorf("%q is not sorted", formats)
	}
}
