package schedule_test

import (
	"archive/zip"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// parse reads a schedule in a zone or ends the test.
func parse(t testing.TB, text, zone string) *schedule.Schedule {
	t.Helper()
	location, err := schedule.LoadZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedule.Parse(text, location)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// transitions lists the transitions in (from, to) as "15:04 UTC state" with
// their dates.
func transitions(t testing.TB, s *schedule.Schedule, from, to string) []string {
	t.Helper()
	var list []string
	at, end := instant(t, from), instant(t, to)
	for {
		next, ok := s.Next(at)
		if !ok || !next.At.Before(end) {
			return list
		}
		list = append(list, next.At.UTC().Format("01-02T15:04Z ")+string(next.State))
		at = next.At
	}
}

func TestClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, zone, text, from, to string
		want                       []string
	}{
		{
			"a window around the gap", "America/New_York", "01:00-04:00", "2026-03-08T00:00:00-05:00", "2026-03-08T12:00:00-04:00",
			[]string{"03-08T06:00Z running", "03-08T08:00Z stopped"},
		},
		{
			"a start in the gap", "America/New_York", "02:30-04:00", "2026-03-08T00:00:00-05:00", "2026-03-08T12:00:00-04:00",
			[]string{"03-08T07:00Z running", "03-08T08:00Z stopped"},
		},
		{
			"an end in the gap", "America/New_York", "01:00-02:30", "2026-03-08T00:00:00-05:00", "2026-03-08T12:00:00-04:00",
			[]string{"03-08T06:00Z running", "03-08T07:00Z stopped"},
		},
		{
			"a window inside the gap keeps its length", "America/New_York", "02:10-02:50", "2026-03-08T00:00:00-05:00", "2026-03-08T12:00:00-04:00",
			[]string{"03-08T07:00Z running", "03-08T07:40Z stopped"},
		},
		{
			"the gap itself", "America/New_York", "02:00-03:00", "2026-03-08T00:00:00-05:00", "2026-03-08T12:00:00-04:00",
			[]string{"03-08T07:00Z running", "03-08T08:00Z stopped"},
		},
		{
			"the repeated hour", "America/New_York", "01:00-02:00", "2026-11-01T00:00:00-04:00", "2026-11-01T12:00:00-05:00",
			[]string{"11-01T05:00Z running", "11-01T07:00Z stopped"},
		},
		{
			"an end in the repeated hour", "America/New_York", "00:00-01:30", "2026-10-31T23:00:00-04:00", "2026-11-01T12:00:00-05:00",
			[]string{"11-01T04:00Z running", "11-01T06:30Z stopped"},
		},
		{
			"a start in the repeated hour", "America/New_York", "01:30-03:00", "2026-11-01T00:00:00-04:00", "2026-11-01T12:00:00-05:00",
			[]string{"11-01T05:30Z running", "11-01T08:00Z stopped"},
		},
		{
			"start and stop in the gap", "Europe/Berlin", "start 02:15; stop 02:45", "2026-03-29T00:00:00+01:00", "2026-03-29T12:00:00+02:00",
			[]string{"03-29T01:00Z running"},
		},
		{
			"start and stop in the repeated hour", "Europe/Berlin", "start 02:15; stop 02:45", "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00",
			[]string{"10-25T00:15Z running", "10-25T01:45Z stopped"},
		},
		{
			"half an hour of gap", "Australia/Lord_Howe", "02:00-02:30", "2026-10-04T00:00:00+10:30", "2026-10-04T12:00:00+11:00",
			[]string{"10-03T15:30Z running", "10-03T16:00Z stopped"},
		},
		{
			"half an hour twice", "Australia/Lord_Howe", "01:30-02:00", "2026-04-05T00:00:00+11:00", "2026-04-05T12:00:00+10:30",
			[]string{"04-04T14:30Z running", "04-04T15:30Z stopped"},
		},
		{
			"three quarters of an hour", "Asia/Kathmandu", "09:00-17:00", "2026-05-05T00:00:00+05:45", "2026-05-06T00:00:00+05:45",
			[]string{"05-05T03:15Z running", "05-05T11:15Z stopped"},
		},
		{
			"an offset that changed by 15 minutes", "Asia/Kathmandu", "00:05-00:10", "1985-12-31T12:00:00Z", "1986-01-01T12:00:00Z",
			[]string{"12-31T18:30Z running", "12-31T18:35Z stopped"},
		},
		{
			"Samoa skips 30 December", "Pacific/Apia", "08:00-19:00", "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00",
			[]string{"12-29T18:00Z running", "12-30T05:00Z stopped", "12-30T18:00Z running", "12-31T05:00Z stopped"},
		},
		{
			"a night over the day that is skipped", "Pacific/Apia", "22:00-06:00", "2011-12-29T12:00:00-10:00", "2012-01-01T12:00:00+14:00",
			[]string{"12-30T08:00Z running", "12-30T10:00Z stopped", "12-31T08:00Z running", "12-31T16:00Z stopped"},
		},
		{
			"Kwajalein skips 21 August", "Pacific/Kwajalein", "08:00-19:00", "1993-08-20T00:00:00-12:00", "1993-08-23T00:00:00+12:00",
			[]string{"08-20T20:00Z running", "08-21T07:00Z stopped", "08-21T20:00Z running", "08-22T07:00Z stopped"},
		},
		{
			"negative daylight saving", "Europe/Dublin", "01:30-02:30", "2026-10-25T00:00:00+01:00", "2026-10-25T12:00:00Z",
			[]string{"10-25T00:30Z running", "10-25T02:30Z stopped"},
		},
		{
			"no midnight in São Paulo", "America/Sao_Paulo", "00:00-06:00", "2018-11-03T12:00:00-03:00", "2018-11-04T12:00:00-02:00",
			[]string{"11-04T03:00Z running", "11-04T08:00Z stopped"},
		},
		{
			"a whole day without its midnight", "America/Sao_Paulo", "Sun", "2018-11-03T12:00:00-03:00", "2018-11-05T12:00:00-02:00",
			[]string{"11-04T03:00Z running", "11-05T02:00Z stopped"},
		},
		{
			"23:00 twice in São Paulo", "America/Sao_Paulo", "Sat", "2018-02-17T00:00:00-02:00", "2018-02-18T12:00:00-03:00",
			[]string{"02-18T03:00Z stopped"},
		},
		{
			"no midnight in Cairo", "Africa/Cairo", "Fri 00:00-00:30", "2026-04-23T12:00:00+02:00", "2026-04-24T12:00:00+03:00",
			[]string{"04-23T22:00Z running", "04-23T22:30Z stopped"},
		},
		{
			"no midnight in Beirut", "Asia/Beirut", "Sat 22:00-Sun 00:30", "2026-03-28T12:00:00+02:00", "2026-03-29T12:00:00+03:00",
			[]string{"03-28T20:00Z running", "03-28T22:00Z stopped"},
		},
		{
			"a day is over when the next begins, also where its first hour comes twice", "Atlantic/Azores", "Sat", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00-01:00",
			[]string{"10-25T00:00Z stopped"},
		},
		{
			"00:00 is a wall time and may come twice", "Atlantic/Azores", "Sat 22:00-00:00", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00-01:00",
			[]string{"10-24T22:00Z running", "10-25T01:00Z stopped"},
		},
		{
			"Ramadan in Casablanca", "Africa/Casablanca", "02:00-03:00", "2026-02-15T00:00:00+01:00", "2026-02-15T12:00:00Z",
			[]string{"02-15T01:00Z running", "02-15T03:00Z stopped"},
		},
		{
			"two hours of gap", "Antarctica/Troll", "01:30-02:00", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00+02:00",
			[]string{"03-29T01:00Z running", "03-29T01:30Z stopped"},
		},
		{
			"two hours twice", "Antarctica/Troll", "01:30-02:30", "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00Z",
			[]string{"10-24T23:30Z running", "10-25T02:30Z stopped"},
		},
		{
			"the standard time changed in mid-year", "Asia/Pyongyang", "23:30-24:00", "2018-05-04T00:00:00+08:30", "2018-05-05T12:00:00+09:00",
			[]string{"05-04T15:00Z running", "05-04T15:30Z stopped"},
		},
		{
			"seconds in the offset", "Africa/Monrovia", "00:00-00:30", "1972-01-05T12:00:00Z", "1972-01-08T12:00:00Z",
			[]string{"01-06T00:44Z running", "01-06T01:14Z stopped", "01-07T00:44Z running", "01-07T01:14Z stopped", "01-08T00:00Z running", "01-08T00:30Z stopped"},
		},
		{
			"a weekend over the change", "Europe/London", "Fri 20:00-Mon 06:00", "2026-03-27T00:00:00Z", "2026-03-31T00:00:00Z",
			[]string{"03-27T20:00Z running", "03-30T05:00Z stopped"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := transitions(t, parse(t, c.text, c.zone), c.from, c.to)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s in %s (-want +got):\n%s", c.text, c.zone, diff)
			}
		})
	}
}

func TestZoneNamesAreThoseOfTheDatabase(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("there is no go command: ", err)
	}
	file, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip("this Go has no time zone database beside it: ", err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	var names []string
	for _, f := range file.File {
		if !strings.HasSuffix(f.Name, "/") && f.Name != "Factory" {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, schedule.ZoneNames()); diff != "" {
		t.Errorf("write the names anew into zones.txt (-database +zones.txt):\n%s", diff)
	}
}

func TestUnknownZones(t *testing.T) {
	for name, says := range map[string]string{
		"Asia/Soul":             `"Asia/Seoul"`,
		"asia/seoul":            `"Asia/Seoul"`,
		"Europe/Berln":          `"Europe/Berlin"`,
		"Local":                 "depends on the machine",
		"":                      "IANA",
		"PST":                   `did you mean`,
		"localtime":             "unknown",
		"../../etc/localtime":   "unknown",
		"Mars/Olympus_Mons":     "IANA",
		"Asia/Seoul\nAsia/Aden": "unknown",
	} {
		_, err := schedule.LoadZone(name)
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want an error that says %q", name, err, says)
		}
	}
	for _, name := range schedule.ZoneNames() {
		if zone, err := schedule.LoadZone(name); err != nil || zone.String() != name {
			t.Errorf("%s is %v, %v", name, zone, err)
		}
	}
}
