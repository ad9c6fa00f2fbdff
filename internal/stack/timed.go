package stack

import (
	"fmt"
	"strconv"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// timed is a job that runs at times of its own: a schedule of the template, whose
// parameters begin with its prefix.
type timed struct {
	// Name is the job's in nightshift.yaml, ID and Prefix name the schedule and its
	// parameters in the template.
	Name, ID, Prefix string
	// When describes the parameter, Does the schedule.
	When, Does string
	// Fallback is the expression by default, as a text of YAML.
	Fallback string
	// Optional is true where an empty expression leaves the schedule out.
	Optional bool
	// Input is the event. Age is for how many seconds and Retries how often it is
	// tried again where the function cannot be called.
	Input        string
	Age, Retries int
}

// timedJobs are the jobs of the template, an entry each. Machines that follow
// rules must not be stopped and started by their tag, too: where there are rules
// these two are left out unless somebody sets when. Where nothing is copied there is no
// job for it.
func timedJobs(rules, copies bool) []timed {
	stop, start := "cron(0 19 ? * MON-FRI *)", "cron(0 8 ? * MON-FRI *)"
	if rules {
		stop, start = `""`, `""`
	}
	const scheduledAt = `, "scheduled_at": "<aws.scheduler.scheduled-time>"}`
	jobs := []timed{
		{"stop", "Stop", "TagStop", "When to stop the tagged instances", "Stops the tagged instances", stop, true, `{"action": "stop"` + scheduledAt, 600, 10},
		{"start", "Start", "TagStart", "When to start the tagged instances", "Starts the tagged instances", start, true, `{"action": "start"` + scheduledAt, 600, 10},
		{"report", "Report", "Report", "When to write the cost report", "Writes the cost report", "cron(0 7 ? * MON *)", true, `{"action": "report"` + scheduledAt, 21600, 30},
	}
	if rules {
		// Each run decides anew from what it finds, so that a late one does no harm
		// and a lost one is made good by the next.
		jobs = append(jobs, timed{powerJob, "Power", "Power", "How often to follow the schedules of the configuration", "Stops and starts what follows schedules", "rate(5 minutes)", false, `{"action": "power"}`, 300, 5})
	}
	if copies {
		// What is due follows from the copies that there are, in the same way.
		jobs = append(jobs, timed{backupJob, "Backup", "Backup", "How often to look for copies that are due", "Makes the copies that are due", "rate(15 minutes)", true, `{"action": "backup"}`, 900, 5})
	}
	return jobs
}

// The jobs that alarms wait for, and how many of their intervals.
const (
	powerJob    = "power"
	backupJob   = "backup"
	ticks       = 3
	backupTicks = 2
)

// ScheduleParameters are the parameters of the template for the times of its jobs,
// by their names in nightshift.yaml. A job that has no time is left out where the
// template allows that; an unknown one is an error of kind [fleet.ErrInvalid], as is
// a time that EventBridge Scheduler cannot say. The template has the job backup only
// where something is copied: then it is among the times, also without a time.
func ScheduleParameters(times map[string]schedule.Recurrence) (map[string]string, error) {
	parameters, known := map[string]string{}, map[string]bool{}
	for _, job := range timedJobs(true, true) {
		known[job.Name] = true
		when, given := times[job.Name]
		if job.Name == backupJob && !given {
			continue
		}
		if when.IsZero() {
			if job.Optional {
				parameters[job.Prefix+"Schedule"], parameters[job.Prefix+"TimeZone"] = "", ""
			}
			continue
		}
		expression, zone, err := Expression(when)
		if err != nil {
			return nil, fmt.Errorf("job %s: %w", job.Name, err)
		}
		parameters[job.Prefix+"Schedule"], parameters[job.Prefix+"TimeZone"] = expression, zone
		switch job.Name {
		case powerJob:
			parameters["PowerPeriod"] = seconds(ticks * when.Interval())
		case backupJob:
			parameters["BackupPeriod"] = seconds(backupTicks * when.Interval())
		}
	}
	for name := range times {
		if !known[name] {
			return nil, fleet.Errorf(fleet.ErrInvalid, "the stack has no job %q", name)
		}
	}
	return parameters, nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
