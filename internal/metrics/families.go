package metrics

import "slices"

// table are all families, by name too.
type table struct {
	list   []Family
	byName map[string]*Family
}

func newTable() table {
	t := table{list: Families(), byName: map[string]*Family{}}
	for n := range t.list {
		t.byName[t.list[n].Name] = &t.list[n]
	}
	return t
}

// Family is all that is said of a metric of Prometheus but its values.
type Family struct {
	Name, Help string
	Labels     []string
	Counter    bool // else a gauge
	// Budget is how many series it may have. Of a family whose labels have a fixed
	// number of values it only says how many these are.
	Budget int
	// folds are the labels that become "other" where the budget does not suffice:
	// first those of the first list, then those of the second.
	folds [][]int
	// join is how the values of series are joined that become one.
	join join
}

// join makes one value of two.
type join func(a, b float64) float64

func sum(a, b float64) float64 { return a + b }

// earliest is the earlier of two instants, of which 0 is none.
func earliest(a, b float64) float64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// oldest is the earlier of two instants, of which 0 is never and comes first.
func oldest(a, b float64) float64 { return min(a, b) }

// Other is the label's value of what has no series of its own.
const Other = "other"

// The schedules that are not names of the configuration.
const (
	Inline  = "inline"  // written into a tag
	Unknown = "unknown" // none, or one that cannot be read
)

// The label names that several families have.
const (
	labelAccount   = "aws_account_id"
	labelRegion    = "aws_region"
	labelSchedule  = "schedule"
	labelDesired   = "desired"
	labelActual    = "actual"
	labelJob       = "job_name"
	labelAction    = "action"
	labelRecipient = "recipient"
	labelService   = "aws_service"
	labelCode      = "code"
)

// The names of the families.
const (
	buildInfo          = "nightshift_build_info"
	machines           = "nightshift_machines"
	outOfSchedule      = "nightshift_machines_out_of_schedule"
	manual             = "nightshift_machines_manual"
	outOldest          = "nightshift_out_of_schedule_oldest_timestamp_seconds"
	nextTransition     = "nightshift_schedule_next_transition_timestamp_seconds"
	overrides          = "nightshift_overrides"
	invalidTags        = "nightshift_invalid_tags"
	transitions        = "nightshift_transitions_total"
	transitionFailures = "nightshift_transition_failures_total"
	transitionDeferred = "nightshift_transition_deferrals_total"
	jobRuns            = "nightshift_job_runs_total"
	jobFailures        = "nightshift_job_failures_total"
	jobLastSuccess     = "nightshift_job_last_success_timestamp_seconds"
	jobLastRun         = "nightshift_job_last_run_timestamp_seconds"
	jobNextRun         = "nightshift_job_next_run_timestamp_seconds"
	jobInterval        = "nightshift_job_expected_interval_seconds"
	jobDuration        = "nightshift_job_duration_seconds"
	costMonthToDate    = "nightshift_cost_month_to_date_usd"
	costForecast       = "nightshift_cost_forecast_usd"
	costRunRate        = "nightshift_cost_run_rate_usd"
	serviceMonthToDate = "nightshift_cost_service_month_to_date_usd"
	serviceRunRate     = "nightshift_cost_service_run_rate_usd"
	tagMonthToDate     = "nightshift_cost_tag_month_to_date_usd"
	tagRunRate         = "nightshift_cost_tag_run_rate_usd"
	savings            = "nightshift_savings_usd"
	recommendations    = "nightshift_recommendations"
	recommendedSaving  = "nightshift_recommendations_saving_usd"
	priceCoverage      = "nightshift_price_coverage_ratio"
	costLastSuccess    = "nightshift_cost_last_success_timestamp_seconds"
	backupVolumes      = "nightshift_backup_volumes"
	backupMissed       = "nightshift_backup_rpo_missed_volumes"
	backupOldest       = "nightshift_backup_oldest_good_copy_timestamp_seconds"
	backupCopies       = "nightshift_backup_copies"
	backupPending      = "nightshift_backup_pending_oldest_timestamp_seconds"
	backupWaiting      = "nightshift_backup_deletions_waiting"
	backupOrphans      = "nightshift_backup_orphaned_copies"
	backupCost         = "nightshift_backup_cost_usd"
	backupPublic       = "nightshift_backup_public_snapshots"
	backupSnapshots    = "nightshift_backup_snapshots"
	backupQuota        = "nightshift_backup_snapshot_quota"
	backupKeys         = "nightshift_backup_unusable_keys"
	backupUnusual      = "nightshift_backup_unusual_changes"
	backupLastRead     = "nightshift_backup_last_read_timestamp_seconds"
	awsRequests        = "nightshift_aws_requests_total"
	awsFailures        = "nightshift_aws_request_failures_total"
	awsThrottles       = "nightshift_aws_throttles_total"
	awsRetries         = "nightshift_aws_retries_total"
	targetUp           = "nightshift_target_up"
	targetLastRead     = "nightshift_target_last_read_timestamp_seconds"
	sweepInterval      = "nightshift_sweep_interval_seconds"
	journalLastRead    = "nightshift_journal_last_read_timestamp_seconds"
	observing          = "nightshift_observer"
	configValid        = "nightshift_config_valid"
	configReload       = "nightshift_config_last_reload_timestamp_seconds"
	leaseHeld          = "nightshift_lease_held"
	notices            = "nightshift_notices_total"
	noticeFailures     = "nightshift_notice_failures_total"
	noticesPending     = "nightshift_notices_pending"
	overflow           = "nightshift_metrics_overflow_total"
)

// The budgets of what grows with the estate. Together with the fixed families and
// those of Go and the process they stay below 2,000 series.
const (
	machinesBudget  = 360
	targetsBudget   = 110
	billedBudget    = 70 // accounts and regions with their costs
	schedulesBudget = 30
	jobsBudget      = 10
	namesBudget     = 25 // services, codes
	tagsBudget      = 80 // all keys together
	perTagBudget    = 21 // values of one key, "other" among them
	callsBudget     = 90
)

// Families are all metrics of nightshift, in the order in which they are documented.
func Families() []Family {
	return slices.Concat(machineFamilies(), jobFamilies(), costFamilies(), backupFamilies(), processFamilies())
}

func machineFamilies() []Family {
	target := []string{labelAccount, labelRegion}
	return []Family{
		{
			Name: machines, Help: "Machines that rules select, by desired and actual state.", Budget: machinesBudget, join: sum,
			Labels: []string{labelAccount, labelRegion, labelSchedule, "kind", labelDesired, labelActual}, folds: [][]int{{2}, {0, 1, 2}},
		},
		{
			Name: outOfSchedule, Help: "Machines that are not in their desired state and that nightshift would change.", Budget: 4 * schedulesBudget, join: sum,
			Labels: []string{labelSchedule, labelDesired, labelActual}, folds: [][]int{{0}},
		},
		{
			Name: manual, Help: "Machines that a person started or stopped against their schedule, which is respected.", Budget: 2 * schedulesBudget, join: sum,
			Labels: []string{labelSchedule, labelActual}, folds: [][]int{{0}},
		},
		{
			Name: outOldest, Help: "Since when the machine has been out of schedule that has been so longest; 0 where none is.", Budget: schedulesBudget, join: earliest,
			Labels: []string{labelSchedule}, folds: [][]int{{0}},
		},
		{
			Name: nextTransition, Help: "When a schedule next asks for a state.", Budget: 2 * schedulesBudget, join: earliest,
			Labels: []string{labelSchedule, labelDesired}, folds: [][]int{{0}},
		},
		{Name: overrides, Help: "Overrides that hold now, by the state that they ask for.", Budget: 2, join: sum, Labels: []string{"state"}},
		{Name: invalidTags, Help: "Machines that are skipped because a tag or the definition of their schedule cannot be read.", Budget: 1, join: sum},
		{
			Name: targetUp, Help: "1 where the last sweep read all machines of the account and region, else 0.", Budget: targetsBudget, join: oldest,
			Labels: target, folds: [][]int{{0, 1}},
		},
		{
			Name: targetLastRead, Help: "When the machines of the account and region were read last; 0 for never.", Budget: targetsBudget, join: oldest,
			Labels: target, folds: [][]int{{0, 1}},
		},
		{Name: sweepInterval, Help: "How often the machines are read where no job has done so.", Budget: 1, join: sum},
		{Name: transitions, Help: "Stops and starts that AWS accepted.", Counter: true, Budget: 2, join: sum, Labels: []string{labelAction}},
		{Name: transitionFailures, Help: "Stops and starts that failed.", Counter: true, Budget: 2, join: sum, Labels: []string{labelAction}},
		{Name: transitionDeferred, Help: "Stops and starts that a run left to the next one.", Counter: true, Budget: 2, join: sum, Labels: []string{labelAction}},
	}
}

func jobFamilies() []Family {
	job := func(f Family) Family {
		f.Labels, f.Budget, f.folds = []string{labelJob}, jobsBudget, [][]int{{0}}
		return f
	}
	return []Family{
		job(Family{Name: jobRuns, Help: "Runs of a job that ended.", Counter: true, join: sum}),
		job(Family{Name: jobFailures, Help: "Runs of a job that failed as a whole or in part.", Counter: true, join: sum}),
		job(Family{Name: jobLastSuccess, Help: "When the last run of the job without a failure began; 0 for never.", join: oldest}),
		job(Family{Name: jobLastRun, Help: "When the last run of the job began; 0 for never.", join: oldest}),
		job(Family{Name: jobNextRun, Help: "When the job is due next; 0 for never.", join: earliest}),
		job(Family{Name: jobInterval, Help: "The longest time between two runs of the job that is planned.", join: func(a, b float64) float64 { return max(a, b) }}),
		job(Family{Name: jobDuration, Help: "How long the last run of the job took.", join: func(a, b float64) float64 { return max(a, b) }}),
		job(Family{Name: leaseHeld, Help: "1 where this process holds the lease of the job, else 0.", join: oldest}),
		{Name: journalLastRead, Help: "When the journal was read last; 0 for never.", Budget: 1, join: oldest},
	}
}

func costFamilies() []Family {
	byTarget := func(name, help string) Family {
		return Family{Name: name, Help: help, Labels: []string{labelAccount, labelRegion}, Budget: billedBudget, folds: [][]int{{0, 1}}, join: sum}
	}
	by := func(label, name, help string, budget int) Family {
		return Family{Name: name, Help: help, Labels: []string{label}, Budget: budget, folds: [][]int{{0}}, join: sum}
	}
	byTag := func(name, help string) Family {
		return Family{Name: name, Help: help, Labels: []string{"tag_key", "tag_value"}, Budget: tagsBudget, folds: [][]int{{1}, {0, 1}}, join: sum}
	}
	return []Family{
		byTarget(costMonthToDate, "Cost of this month until now at list prices."),
		byTarget(costForecast, "Cost of this month up to its end."),
		byTarget(costRunRate, "Cost of 730 hours of what exists now."),
		by(labelService, serviceMonthToDate, "Cost of this month until now by service; the sum is the total.", namesBudget),
		by(labelService, serviceRunRate, "Cost of 730 hours of what exists now by service; the sum is the total.", namesBudget),
		byTag(tagMonthToDate, "Cost of this month until now by the value of a tag; the sum of a key is the total."),
		byTag(tagRunRate, "Cost of 730 hours of what exists now by the value of a tag; the sum of a key is the total."),
		by(labelSchedule, savings, "What was saved this month because nightshift stopped machines: compute less what volumes and addresses cost meanwhile.", schedulesBudget),
		by(labelCode, recommendations, "Recommendations by their code.", namesBudget),
		by(labelCode, recommendedSaving, "What following the recommendations would save in a month.", namesBudget),
		{Name: priceCoverage, Help: "Share of the rows of the cost report that have a price.", Budget: 1, join: sum},
		{Name: costLastSuccess, Help: "When the costs were calculated last; 0 for never.", Budget: 1, join: oldest},
	}
}

func processFamilies() []Family {
	return []Family{
		{
			Name: awsRequests, Help: "Requests to AWS, each try of one counted.", Counter: true, Budget: callsBudget, join: sum,
			Labels: []string{labelService, "operation"}, folds: [][]int{{1}, {0, 1}},
		},
		{
			Name: awsFailures, Help: "Requests to AWS that failed, each try of one counted.", Counter: true, Budget: callsBudget / 2, join: sum,
			Labels: []string{labelService, "operation", labelCode}, folds: [][]int{{1, 2}, {0, 1, 2}},
		},
		{
			Name: awsThrottles, Help: "Requests to AWS that it refused because there were too many.", Counter: true, Budget: namesBudget, join: sum,
			Labels: []string{labelService}, folds: [][]int{{0}},
		},
		{
			Name: awsRetries, Help: "Requests to AWS that were not the first try.", Counter: true, Budget: namesBudget, join: sum,
			Labels: []string{labelService}, folds: [][]int{{0}},
		},
		{Name: observing, Help: "1 where this process runs no job and only observes, else 0.", Budget: 1, join: sum},
		{Name: configValid, Help: "1 where the newest configuration is in force, 0 where it has errors or there is none.", Budget: 1, join: sum},
		{Name: configReload, Help: "When the configuration came into force; 0 for never.", Budget: 1, join: oldest},
		{
			Name: notices, Help: "Messages that a recipient accepted.", Counter: true, Budget: namesBudget, join: sum,
			Labels: []string{labelRecipient}, folds: [][]int{{0}},
		},
		{
			Name: noticeFailures, Help: "Messages that could not be sent, each try counted.", Counter: true, Budget: namesBudget, join: sum,
			Labels: []string{labelRecipient}, folds: [][]int{{0}},
		},
		{Name: noticesPending, Help: "Messages that wait to be sent again.", Budget: 1, join: sum},
		{
			Name: overflow, Help: "Series that were added to the value other because their family has no room, once for each reading.", Counter: true,
			Budget: 60, join: sum, Labels: []string{"family"},
		},
		{Name: buildInfo, Help: "1, with the version of the program.", Budget: 1, join: sum, Labels: []string{"version", "revision", "goversion"}},
	}
}
