package config_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

func TestMisspeltTags(t *testing.T) {
	c := mustLoad(t, `
timezone: Asia/Seoul
schedules: {office-hours: Mon-Fri 08:00-19:00}
power:
  rules:
    - { tag: Environment=production, ignore: true }
    - { tag: AutoStopStart=Yes, schedule: office-hours }
    - { tag: Schedule }
    - { tag: Role=database, kinds: [db-instance], schedule: office-hours }
`)
	for _, test := range []struct{ key, value, meant string }{
		{"AutoStopStart", "yes", "AutoStopStart=Yes"},
		{"AutoStopStart", "Yse", "AutoStopStart=Yes"},
		{"AutoStopStart", "Yes ", "AutoStopStart=Yes"},
		{"autostopstart", "Yes", "AutoStopStart=Yes"},
		{"Shedule", "office-hours", "Schedule=office-hours"},
		{"schedule", "Mon-Fri 09:00-18:00", "Schedule=Mon-Fri 09:00-18:00"},
		{"Environmnt", "production", "Environment=production"},
		{"AutoStopStart", "No", ""},      // somebody's decision
		{"Scheduler", "quartz", ""},      // another tool's tag
		{"Role", "databse", ""},          // a rule for another kind
		{"aws:AutoStopStart", "Yes", ""}, // nobody can write these
		{"Name", "office-hours", ""},
	} {
		m := fleet.Machine{Kind: fleet.KindInstance, Tags: fleet.Tags{test.key: test.value}}
		tag, meant, found := c.Misspelt(m)
		if found != (test.meant != "") || meant.String() != test.meant || found && tag != (fleet.Tag{Key: test.key, Value: test.value}) {
			t.Errorf("%s=%q means %q (%v), want %q", test.key, test.value, meant, found, test.meant)
		}
	}
	for key, want := range map[string]string{
		"nightshift:override": "", "nightshift:last": "", "Name": "",
		"nightshift:overide": "nightshift:override", "Nightshift:Override": "nightshift:override", "nightshift:sizes": "",
	} {
		if _, meant, _ := config.MisspeltOwn(fleet.Tags{key: "x"}); meant != want {
			t.Errorf("%s means %q, want %q", key, meant, want)
		}
	}
}

// The calendar that the documents hold is read from the folder of the
// configuration.
func TestCalendarOfTheDocuments(t *testing.T) {
	file := "../../docs/test.yaml" // it is not there: only its place counts
	c, err := config.Load(file, func(name string) (io.ReadCloser, error) {
		if name == file {
			return io.NopCloser(strings.NewReader("timezone: Asia/Seoul\nschedules: {desk: {running: [Mon-Fri 08:00-19:00], holidays: [kr-holidays.ics]}}\n")), nil
		}
		return os.Open(filepath.Clean(name))
	})
	if err != nil {
		t.Fatal(err)
	}
	desk, err := c.Find("desk", nil)
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[int]bool{24: true, 25: false} {
		at := time.Date(2026, 12, day, 9, 0, 0, 0, c.Zone)
		if running := desk.Schedule.At(at) == "running"; running != want {
			t.Errorf("%s: running is %v", at, running)
		}
	}
}

// What `nightshift check --example` prints needs no other file.
func TestExampleStandsAlone(t *testing.T) {
	const name = "nightshift.yaml"
	_, err := config.Load(name, func(other string) (io.ReadCloser, error) {
		if other != name {
			t.Errorf("it needs %s", other)
		}
		return io.NopCloser(strings.NewReader(config.Example)), nil
	})
	if err != nil {
		t.Error(err)
	}
	linked, err := os.ReadFile("../../docs/nightshift.example.yaml")
	if err != nil || string(linked) != config.Example {
		t.Errorf("the documents hold another example: %v", err)
	}
}
