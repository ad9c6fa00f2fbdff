package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// operations shows whether nightshift does its work.
func operations(q queries) board {
	return forPrometheus(board{
		file: "nightshift-operations.json", uid: "nightshift-operations", title: "nightshift / Operations",
		description: "Whether nightshift does its work: jobs, machines that are not where they should be, AWS and messages.",
		since:       "6h", refresh: "1m",
		rows: []row{
			{"Answers", []line{across(low, operationsAnswers(q)...)}},
			{"Trend", []line{
				across(high, q.outOfSchedule(), q.transitions()),
				across(high, q.runs(), q.durations(), q.notices()),
				across(high, q.requests(), q.refusals()),
			}},
			{"To act on", []line{
				across(tall, q.jobs()),
				{tall, []cell{{14, q.targets()}, {10, q.failedRequests()}}},
				{tall, []cell{{8, q.recipients()}, {16, q.versions()}}},
			}},
		},
	})
}

func operationsAnswers(q queries) []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		answer("Scrapes", "Whether every nightshift that was chosen answers Prometheus. Where one that runs jobs does not, machines are not stopped and started.",
			// All jobs that are chosen are all jobs of Prometheus: others than ours do not count.
			count, orNone("min("+pick("up")+" and on (job) "+pick("nightshift_build_info")+")"), thresholds(bad, step{1, good})).
			Mappings([]dashboard.ValueMapping{says("0", "Down", bad, 0), says("1", "Up", good, 1)}),
		answer("Late jobs", "Jobs whose last run without a failure began more than two of their intervals and ten minutes ago. The table of jobs names them.",
			count, orNone("count("+q.late()+")"), thresholds(good, step{1, bad})),
		answer("Out of schedule", "Machines that are not in their desired state and that nightshift would change. After a transition there are some for a run or two.",
			count, q.sum("", "machines_out_of_schedule"), thresholds(good, step{1, warning})),
		answer("Longest out of schedule", "How long the machine has been out of schedule that has been so longest. More than a few runs of power means that something keeps it there.",
			seconds, orNone("max("+q.age("schedule", "out_of_schedule_oldest_timestamp_seconds")+")"),
			thresholds(good, step{900, warning}, step{1800, bad})),
		answer("Unreadable", "Accounts and regions whose machines the last sweep could not read. What is shown of them is old.",
			count, "sum(1 - "+q.once("target_up")+")", thresholds(good, step{1, bad})),
		answer("Configuration", "Whether the newest configuration is in force. If it has errors, the one before it is, and the log says what is wrong.",
			count, "min("+q.once("config_valid")+")", thresholds(bad, step{1, good})).
			Mappings([]dashboard.ValueMapping{says("0", "Errors", bad, 0), says("1", "In force", good, 1)}),
	}
}

// late are the jobs whose last success is older than two intervals.
func (q queries) late() string {
	return "(time() - " + q.once("job_last_success_timestamp_seconds") + ") > 2 * " + q.once("job_expected_interval_seconds") + " + 600" +
		" and " + q.once("job_last_run_timestamp_seconds") + " > 0 and " + q.once("job_expected_interval_seconds") + " > 0"
}

func (q queries) outOfSchedule() cog.Builder[dashboard.Panel] {
	return stacked("Out of schedule", "Machines that nightshift would stop or start, by schedule. After a transition they become none within a run or two; a level that stays is a fault.",
		count, series{q.sum("schedule", "machines_out_of_schedule"), "{{schedule}}"}).Decimals(0)
}

func (q queries) transitions() cog.Builder[dashboard.Panel] {
	p := bars("Stops and starts", "What AWS accepted, what failed, and what a run left to the next one, in each interval.",
		series{q.sum("action", "transitions_total"), "{{action}}"},
		series{q.sum("action", "transition_failures_total"), "{{action}} failed"},
		series{q.sum("action", "transition_deferrals_total"), "{{action}} deferred"})
	return coloured(coloured(p, ".* failed", bad), ".* deferred", warning)
}

func (q queries) runs() cog.Builder[dashboard.Panel] {
	p := bars("Runs of jobs", "Runs that ended in each interval, and those of them that failed as a whole or in part.",
		series{q.sum("job_name", "job_runs_total") + " - " + q.sum("job_name", "job_failures_total"), "{{job_name}}"},
		series{q.sum("job_name", "job_failures_total"), "{{job_name}} failed"})
	return coloured(p, ".* failed", bad)
}

func (q queries) durations() cog.Builder[dashboard.Panel] {
	return graph("Duration of runs", "How long the last run of each job took. A run that comes close to the interval of its job is a reason to look at throttling.",
		seconds, series{aggregate("max", "job_name", q.once("job_duration_seconds")), "{{job_name}}"})
}

func (q queries) notices() cog.Builder[dashboard.Panel] {
	p := bars("Messages", "Messages that a recipient accepted, tries that failed, and those that wait to be sent again.",
		series{q.own("recipient", "notices_total"), "{{recipient}}"},
		series{q.own("recipient", "notice_failures_total"), "{{recipient}} failed"},
		series{q.sum("", "notices_pending"), "pending"})
	return coloured(coloured(p, ".* failed", bad), "pending", warning)
}

func (q queries) requests() cog.Builder[dashboard.Panel] {
	return bars("Requests to AWS", "Requests in each interval, by service. A scrape makes none.",
		series{q.own("aws_service", "aws_requests_total"), "{{aws_service}}"})
}

func (q queries) refusals() cog.Builder[dashboard.Panel] {
	return graph("Requests that failed", "Requests with an error, by its code, and those that AWS throttled or that were tried again. Some answers are expected, such as that an object is not there.",
		count,
		series{q.own("code", "aws_request_failures_total"), "{{code}}"},
		series{q.own("aws_service", "aws_throttles_total"), "{{aws_service}} throttled"},
		series{q.own("aws_service", "aws_retries_total"), "{{aws_service}} tried again"}).Interval("5m").Decimals(0)
}

func (q queries) jobs() cog.Builder[dashboard.Panel] {
	by := "job_name"
	return list("Jobs", "Each job, the most overdue first: how many of its intervals the last run without a failure is old. Above 2 look at the log of its last run.", by,
		column{
			expr: "(time() - " + aggregate("max", by, q.once("job_last_success_timestamp_seconds")+" > 0") + ") / (" +
				aggregate("max", by, q.once("job_expected_interval_seconds")) + " > 0)",
			name: "Intervals since success", unit: "none", levels: thresholds(good, step{2, bad}),
		},
		column{expr: q.instant("max", by, "job_last_success_timestamp_seconds"), name: "Last success", unit: instant, words: []dashboard.ValueMapping{never()}},
		column{expr: q.instant("max", by, "job_last_run_timestamp_seconds"), name: "Last run", unit: instant, words: []dashboard.ValueMapping{never()}},
		column{expr: q.instant("max", by, "job_next_run_timestamp_seconds"), name: "Next run", unit: instant, words: []dashboard.ValueMapping{says("0", "manual", plain, 0)}},
		column{expr: aggregate("max", by, q.once("job_expected_interval_seconds")), name: "Interval", unit: seconds},
		column{expr: aggregate("max", by, q.once("job_duration_seconds")), name: "Duration", unit: seconds},
		column{
			expr: aggregate("max", by, q.once("lease_held")), name: "Lease", unit: "none",
			words: []dashboard.ValueMapping{says("0", "not held", warning, 0), says("1", "held", good, 1)},
		},
	)
}

func (q queries) targets() cog.Builder[dashboard.Panel] {
	by := "aws_account_id aws_region"
	return list("Accounts and regions", "Each account and region, the ones that were read longest ago first. What is down cannot be reached or opened.", by,
		column{
			expr: "time() - " + aggregate("max", by, q.once("target_last_read_timestamp_seconds")+" > 0"), name: "Age", unit: seconds,
			levels: thresholds(good, step{900, warning}, step{3600, bad}),
		},
		column{
			expr: aggregate("max", by, q.once("target_up")), name: "State", unit: "none",
			words: []dashboard.ValueMapping{says("0", "down", bad, 0), says("1", "up", good, 1)},
		},
		column{expr: q.sum(by, "machines"), name: "Machines", unit: count},
	)
}

func (q queries) failedRequests() cog.Builder[dashboard.Panel] {
	by := "aws_service operation code"
	return list("Failing requests", "Requests to AWS that failed in the last minutes. AccessDenied and UnauthorizedOperation mean that the role lacks an action.", by,
		column{expr: q.own(by, "aws_request_failures_total") + " > 0", name: "Failed", unit: count, levels: thresholds(good, step{1, warning})})
}

func (q queries) recipients() cog.Builder[dashboard.Panel] {
	by := "recipient"
	return list("Recipients", "Who messages go to: tries that failed in the last minutes, and messages that were accepted.", by,
		column{expr: q.own(by, "notice_failures_total"), name: "Failed", unit: count, levels: thresholds(good, step{1, bad})},
		column{expr: q.own(by, "notices_total"), name: "Accepted", unit: count})
}

func (q queries) versions() cog.Builder[dashboard.Panel] {
	// of joins what a process says of itself to its version.
	of := func(expr string) string {
		return aggregate("max", "instance version revision goversion", pick("nightshift_build_info")+" * on (job, instance) group_left () "+expr)
	}
	return list("Instances", "Every nightshift that is scraped, with its version: whether it only observes, since when its configuration is in force, when it read the journal, how often it reads the machines, and series that were added to other in the last minutes because a metric had no room.",
		"instance version revision goversion",
		column{expr: of(pick("nightshift_observer")), name: "Role", unit: "none", words: []dashboard.ValueMapping{says("0", "runs jobs", plain, 0), says("1", "observes", plain, 1)}},
		column{expr: of(pick("nightshift_config_last_reload_timestamp_seconds")) + " * 1000", name: "Configuration", unit: instant, words: []dashboard.ValueMapping{never()}},
		column{expr: of(pick("nightshift_journal_last_read_timestamp_seconds")) + " * 1000", name: "Journal", unit: instant, words: []dashboard.ValueMapping{never()}},
		column{expr: of(pick("nightshift_sweep_interval_seconds")), name: "Sweep interval", unit: seconds},
		column{expr: of("(" + q.own("job instance", "metrics_overflow_total") + ")"), name: "Folded series", unit: count, levels: thresholds(good, step{1, warning})})
}
