package stack

// MetricNamespace is the namespace of CloudWatch in which the function says how its
// runs ended: Succeeded and Failed of each job of a stack, and how old the newest
// report is.
const MetricNamespace = "nightshift"

// alarm is an alarm of the template on one metric: it fires above the threshold.
// What was not measured is in order.
type alarm struct {
	ID, Description   string
	Namespace, Metric string
	Dimensions        []variable
	Statistic         string
	Period            string // a text of YAML, in seconds
	Threshold         int
}

// maxReportAge is a week and a day, in seconds: how old the newest report of a
// weekly one may be.
const maxReportAge = 8 * 24 * 60 * 60

// functionTimeout is the function's timeout in seconds, as in the template.
const functionTimeout = 900

// awaited is a job of which the template has an alarm where it does not come, which is
// calculated.
type awaited struct {
	ID, Job, Description string
	// Condition is that of the schedule; empty where there always is one.
	Condition string
}

func awaitedJobs(rules, copies bool) []awaited {
	var list []awaited
	if rules {
		list = append(list, awaited{"Power", powerJob, "nightshift did not follow the schedules for three intervals", ""})
	}
	if copies {
		list = append(list, awaited{"Backup", backupJob, "nightshift did not look for copies that are due for two intervals", "HasBackup"})
	}
	return list
}

// alarms are those of the template, but for those of jobs that did not come. A function's
// metrics are shared by all of its jobs.
func alarms(rules, copies bool) []alarm {
	function := []variable{{"FunctionName", "!Ref Function"}}
	list := []alarm{
		{"Errors", "A run of nightshift failed", "AWS/Lambda", "Errors", function, "Sum", "300", 0},
		{"Throttles", "A run of nightshift found no concurrency free", "AWS/Lambda", "Throttles", function, "Sum", "300", 0},
		{"Duration", "A run of nightshift took more than 80 % of the time that the function has", "AWS/Lambda", "Duration", function, "Maximum", "300", functionTimeout * 1000 * 8 / 10},
		{
			"Undelivered", "An event of nightshift could not be handled and is in the queue", "AWS/SQS", "ApproximateNumberOfMessagesVisible",
			[]variable{{"QueueName", "!GetAtt Undelivered.QueueName"}},
			"Maximum", "300", 0,
		},
		{
			"Dropped", "A schedule of nightshift could not call the function", "AWS/Scheduler", "InvocationDroppedCount",
			[]variable{{"ScheduleGroup", "!Ref Schedules"}},
			"Sum", "300", 0,
		},
	}
	if rules {
		power := []variable{{"Stack", "!Ref AWS::StackName"}, {"Job", powerJob}}
		list = append(list,
			alarm{"PowerFailed", "Each run of three intervals failed in part or as a whole", MetricNamespace, "Failed", power, "Minimum", "!Ref PowerPeriod", 0},
			alarm{"Report", "The newest cost report is older than eight days", MetricNamespace, "ReportAgeSeconds", power, "Maximum", "3600", maxReportAge})
	}
	if copies {
		list = append(list, alarm{
			"BackupFailed", "Each run of backups of two intervals failed in part or as a whole", MetricNamespace, "Failed",
			[]variable{{"Stack", "!Ref AWS::StackName"}, {"Job", backupJob}},
			"Minimum", "!Ref BackupPeriod", 0,
		})
	}
	return list
}
