package config_test

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	c := mustLoad(t, `
schedules: {office: Mon-Fri 08:00-19:00 Asia/Seoul, night: 20:00-06:00}
power:
  rules:
    - {tag: Env=prod, ignore: true}
    - {tag: Schedule}
    - {tag: Team=data, schedule: night}
`)
	for _, tt := range []struct {
		names, tags []string
		want, err   string
	}{
		{nil, nil, "office night", ""},
		{[]string{"night", "Sat 10:00-12:00"}, nil, "night Sat 10:00-12:00", ""},
		{nil, []string{"Schedule=office"}, "office", ""},
		{nil, []string{"Other=1", "Team=data"}, "night", ""},
		{nil, []string{"Env=prod", "Schedule=office"}, "", `"Env=prod, Schedule=office" leaves machines alone`},
		{nil, []string{"Team=ops"}, "", "no rule is for the tag Team=ops"},
		{[]string{"offcie", "night"}, nil, "night", `there is no schedule "offcie"`},
		{[]string{"ignore"}, nil, "", `"ignore" leaves machines alone`},
	} {
		chosen, err := c.Choose(tt.names, tt.tags)
		var names []string
		for _, named := range chosen {
			names = append(names, named.Name)
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%v, %v: %q, want %q", tt.names, tt.tags, got, tt.want)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%v, %v: %v, want %q", tt.names, tt.tags, err, tt.err)
		}
	}
	if _, err := mustLoad(t, "timezone: UTC\n").Choose(nil, nil); err == nil || !strings.Contains(err.Error(), "has no schedules") {
		t.Errorf("nothing to choose from: %v", err)
	}
}
