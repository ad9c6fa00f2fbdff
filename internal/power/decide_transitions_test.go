package power_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// TestDecisionsAtTransitions goes to where two rows of the table of decisions
// meet, and reads the reasons that people see.
func TestDecisionsAtTransitions(t *testing.T) {
	started := func(at string) fleet.Tags { return fleet.Tags{fleet.TagLast: "start 2026-11-" + at + "Z"} }
	refused := func(at string) fleet.Tags { return fleet.Tags{fleet.TagLast: "refused 2026-11-" + at + "Z"} }
	stopNew := func(r *power.Rule) { r.StopNew = true }
	enforce := func(r *power.Rule) { r.Enforce = true }
	ready := func(r *power.Rule) { r.Ready = 30 * time.Minute }
	const twice = "Mon-Fri 08:00-19:00; Mon-Fri 19:40-20:00"
	ineligible := fleet.Ineligible{Managed: fleet.Reason{Code: "managed", Text: "is somebody else's"}}
	never := ineligible
	never.Cannot = fleet.Reason{Code: "instance-store-root", Text: "has a root volume that would be lost"}
	include := func(r *power.Rule) { r.IncludeManaged = true }
	tests := []struct {
		name     string
		now      string
		machine  fleet.Machine // with its state, cause and flags
		started  string
		stopped  string
		created  string
		tags     fleet.Tags
		change   func(*power.Rule)
		schedule string
		want     string // action, reason code, and a part of the text
	}{
		{name: "unmanaged", now: "Wed 10:00", machine: fleet.Machine{State: fleet.Running}, started: "Mon 08:00", schedule: "Mon 08:00-09:00; unmanaged Wed", change: enforce, want: " unmanaged nobody"},
		{name: "unmanaged and stopped", now: "Wed 10:00", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseCall}, stopped: "Mon 08:00", schedule: "Mon 08:00-09:00; unmanaged Wed", change: enforce, want: " unmanaged nobody"},

		{name: "being interrupted by Spot", now: "Tue 10:00", machine: fleet.Machine{State: fleet.Stopping, Cause: fleet.CauseSpot}, started: "Mon 08:00", want: " spot-interrupted by itself"},
		{name: "came back from an interruption", now: "Tue 22:00", machine: fleet.Machine{State: fleet.Running, Cause: fleet.CauseSpot}, started: "Tue 08:00", want: "stop stop should not run since Tue 2026-11-17 19:00 UTC"},

		{name: "ineligible to be stopped", now: "Tue 22:00", machine: fleet.Machine{State: fleet.Running, Ineligible: ineligible}, started: "Tue 08:00", change: enforce, want: " managed somebody else's"},
		{name: "of another service, and included", now: "Tue 22:00", machine: fleet.Machine{State: fleet.Running, Ineligible: ineligible}, started: "Tue 08:00", change: include, want: "stop stop"},
		{name: "of another service, included and stopped", now: "Tue 10:00", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseCall, Ineligible: ineligible}, stopped: "Mon 19:00", change: include, want: "start start"},
		{name: "included, and cannot be stopped", now: "Tue 22:00", machine: fleet.Machine{State: fleet.Running, Ineligible: never}, started: "Tue 08:00", change: include, want: " instance-store-root would be lost"},
		{name: "ineligible to be started", now: "Tue 10:00", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseCall, Ineligible: ineligible}, stopped: "Mon 08:00", change: enforce, want: " managed somebody else's"},

		{name: "started by AWS itself at night", now: "Tue 22:00", machine: fleet.Machine{State: fleet.Running, StartedByAWS: true}, started: "Tue 20:00", want: "stop stop"},
		{name: "refused at T", now: "Tue 19:30", machine: fleet.Machine{State: fleet.Running}, started: "Tue 08:00", tags: refused("17T19:00:00"), want: " stop-protected the next try is at Tue 2026-11-17 20:00 UTC"},

		{name: "ours, wanted in half an hour", now: "Wed 07:30", machine: fleet.Machine{State: fleet.Running}, started: "Wed 07:25", tags: started("18T07:25:00"), want: " started-early from Wed 2026-11-18 08:00 UTC on"},
		{name: "ours, wanted in more than half an hour", now: "Wed 07:29:59", machine: fleet.Machine{State: fleet.Running}, started: "Wed 07:25", tags: started("18T07:25:00"), want: "stop stop"},
		{name: "a person's, wanted in half an hour", now: "Wed 07:30", machine: fleet.Machine{State: fleet.Running}, started: "Wed 07:25", want: " started-by-hand until Wed 2026-11-18 08:00 UTC"},
		{name: "ours from yesterday, wanted soon", now: "Wed 07:45", machine: fleet.Machine{State: fleet.Running}, started: "Tue 08:00", tags: started("17T08:00:00"), want: "stop stop"},
		{name: "ours, just as its window ended, and wanted again soon", now: "Tue 19:15", schedule: twice, machine: fleet.Machine{State: fleet.Running}, started: "Tue 19:00", tags: started("17T18:59:00"), want: " started-early from Tue 2026-11-17 19:40"},
		{name: "ours, and soon nobody's business", now: "Tue 19:15", schedule: "Mon-Fri 08:00-19:00; unmanaged Tue 19:30-20:00", machine: fleet.Machine{State: fleet.Running}, started: "Tue 19:01", tags: started("17T19:00:00"), want: "stop stop"},
		{
			name: "ours, wanted within the lead", now: "Wed 04:10", machine: fleet.Machine{State: fleet.Running}, started: "Wed 04:05", tags: started("18T04:05:00"),
			change: func(r *power.Rule) { r.Ready = 2 * time.Hour }, want: " started-early from Wed 2026-11-18 06:00",
		},

		{name: "unmanaged within the lead", now: "Wed 07:45", schedule: "Mon-Fri 08:00-19:00; unmanaged Mon-Fri 06:00-08:00", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseCall}, stopped: "Tue 19:00", change: ready, want: " unmanaged"},
		{name: "soon unmanaged", now: "Wed 05:45", schedule: "Mon-Fri 08:00-19:00; unmanaged Mon-Fri 06:00-08:00", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseCall}, stopped: "Tue 19:00", change: ready, want: " as-wanted"},
		{name: "start-only, within the lead", now: "Wed 07:35", schedule: "start Mon-Fri 08:00", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseCall}, stopped: "Wed 07:29", change: ready, want: "start start since Wed 2026-11-18 07:30"},
		{name: "start-only, stopped within the lead", now: "Wed 07:35", schedule: "start Mon-Fri 08:00", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseCall}, stopped: "Wed 07:30", change: ready, want: " stopped-by-hand until Thu 2026-11-19 07:30"},
		{name: "a second stop in spite of a lead", now: "Tue 22:00", schedule: "start 08:00; stop 19:00; stop 21:00", machine: fleet.Machine{State: fleet.Running}, started: "Tue 20:00", change: ready, want: "stop stop since Tue 2026-11-17 21:00"},
		{name: "between two stops", now: "Tue 20:30", schedule: "start 08:00; stop 19:00; stop 21:00", machine: fleet.Machine{State: fleet.Running}, started: "Tue 20:00", change: ready, want: " started-by-hand until Tue 2026-11-17 21:00"},

		{
			name: "ours, and the least uptime is not over", now: "Tue 19:05", machine: fleet.Machine{State: fleet.Running}, started: "Tue 18:30", tags: started("17T18:30:00"),
			change: func(r *power.Rule) { r.MinUptime = time.Hour }, want: "stop stop",
		},
		{
			name: "the least uptime is told", now: "Tue 19:05", machine: fleet.Machine{State: fleet.Running}, started: "Tue 18:30",
			change: func(r *power.Rule) { r.MinUptime = 90 * time.Minute }, want: " min-uptime runs for at least 1h30m",
		},
		{
			name: "in whole hours", now: "Tue 19:05", machine: fleet.Machine{State: fleet.Running}, started: "Tue 18:30",
			change: func(r *power.Rule) { r.MinUptime = 2 * time.Hour }, want: " min-uptime runs for at least 2h",
		},
		{
			name: "in seconds", now: "Tue 18:30:20", schedule: "Mon-Fri 08:00-18:30", machine: fleet.Machine{State: fleet.Running}, started: "Tue 18:29:50",
			change: func(r *power.Rule) { r.MinUptime = 40 * time.Second }, want: " min-uptime runs for at least 40s",
		},

		{name: "new, and nobody says so", now: "Tue 22:00", machine: fleet.Machine{State: fleet.Running}, created: "Tue 20:00", started: "Tue 20:00", want: " started-by-hand"},
		{name: "new at T", now: "Tue 22:00", machine: fleet.Machine{State: fleet.Running}, created: "Tue 19:00", started: "Tue 19:00", change: stopNew, want: "stop new"},
		{name: "new before T", now: "Tue 22:00", machine: fleet.Machine{State: fleet.Running}, created: "Tue 10:00", started: "Tue 10:00", change: stopNew, want: "stop stop"},
		{name: "created a while before it was started", now: "Tue 22:00", machine: fleet.Machine{State: fleet.Running}, created: "Tue 19:58", started: "Tue 20:00", change: stopNew, want: " started-by-hand"},
		{name: "nobody knows when it was created", now: "Tue 22:00", machine: fleet.Machine{State: fleet.Running}, started: "Tue 20:00", change: stopNew, want: " started-by-hand"},

		{name: "shut down from inside today, and the time is known", now: "Tue 10:00", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseItself}, started: "Tue 08:00", stopped: "Tue 07:59", want: " shut-down until Tue 2026-11-17 19:00 UTC"},
		{name: "stopped today, nobody knows when", now: "Tue 10:00", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseCall}, started: "Tue 08:00", want: " stopped-by-hand after its last start at Tue 2026-11-17 08:00 UTC"},
		{name: "stopped manually at T", now: "Tue 10:00", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseCall}, started: "Mon 08:00", stopped: "Tue 08:00", want: " stopped-by-hand was stopped manually at Tue 2026-11-17 08:00 UTC"},
		{name: "failed just before T", now: "Tue 08:01", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseAWS, Why: "no key"}, started: "Tue 07:59", want: "start stopped-by-aws no key"},
		{name: "the next try is told", now: "Tue 08:50", machine: fleet.Machine{State: fleet.Stopped, Cause: fleet.CauseAWS}, started: "Tue 08:30", want: " retry-later the next try is at Tue 2026-11-17 09:00 UTC"},

		{name: "never", now: "Tue 10:00", schedule: "never", machine: fleet.Machine{State: fleet.Running}, started: "Tue 08:00", want: " started-by-hand until its schedule changes"},
		{name: "never, and ours", now: "Tue 10:00", schedule: "never", machine: fleet.Machine{State: fleet.Running}, started: "Tue 08:00", tags: started("17T08:00:00"), want: "stop stop since ever"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := running(1).Machine
			m.State, m.Cause, m.Why, m.Ineligible, m.StartedByAWS = tt.machine.State, tt.machine.Cause, tt.machine.Why, tt.machine.Ineligible, tt.machine.StartedByAWS
			m.Started, m.Stopped, m.Created = clock(t, tt.started), clock(t, tt.stopped), clock(t, tt.created)
			maps.Copy(m.Tags, tt.tags)
			text := office
			if tt.schedule != "" {
				text = tt.schedule
			}
			var change []func(*power.Rule)
			if tt.change != nil {
				change = append(change, tt.change)
			}
			step := power.NewRuleSet(follow(t, text, change...)).Evaluate(m, nil, clock(t, tt.now))
			words := strings.SplitN(tt.want, " ", 3)
			if string(step.Action) != words[0] || step.Reason.Code != words[1] || len(words) > 2 && !strings.Contains(step.Reason.Text, words[2]) {
				t.Errorf("%q %s (%s), want %q", step.Action, step.Reason.Code, step.Reason.Text, tt.want)
			}
		})
	}
}

// A machine is hibernated where the rule asks for it and the machine can.
func TestHibernation(t *testing.T) {
	for _, rule := range []bool{true, false} {
		for _, configured := range []bool{true, false} {
			m := running(1).Machine
			m.Started, m.Hibernates = clock(t, "Tue 08:00"), configured
			s := power.NewRuleSet(follow(t, office, func(r *power.Rule) { r.Hibernate = rule })).Evaluate(m, nil, clock(t, "Tue 22:00"))
			if s.Action != power.Stop || s.Hibernate != (rule && configured) {
				t.Errorf("rule %v, machine %v: %q, hibernate %v", rule, configured, s.Action, s.Hibernate)
			}
		}
	}
}
