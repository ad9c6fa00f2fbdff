package function

import (
	"context"
	"encoding/json"
	"time"
)

// metricNamespace is that of CloudWatch which the alarms of the stack read.
const metricNamespace = "nightshift"

// The metrics of a run, each with the dimensions Stack and Job.
const (
	metricSucceeded = "Succeeded"        // 1 where the run ended without an error of the whole
	metricFailed    = "Failed"           // 1 where the whole or a part failed
	metricReportAge = "ReportAgeSeconds" // how old the newest report is
)

// metric declares a metric of the embedded metric format.
type metric struct {
	Name, Unit string
}

// directive says which members of a line are metrics and which dimensions.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

// measure writes what became of a run as one line of CloudWatch's embedded metric
// format, where the function is part of a stack: Lambda's own metrics are shared by
// all jobs, and do not know of a part that failed.
func (h Handler) measure(ctx context.Context, job string, r result, err error) {
	stack := h.Env("NIGHTSHIFT_STACK")
	if stack == "" {
		return
	}
	now := time.Now()
	metrics := []metric{{metricSucceeded, "Count"}, {metricFailed, "Count"}}
	line := map[string]any{
		"level": "INFO", "Stack": stack, "Job": job,
		metricSucceeded: count(err == nil), metricFailed: count(err != nil || r.partly),
	}
	if !r.newest.IsZero() {
		metrics = append(metrics, metric{metricReportAge, "Seconds"})
		line[metricReportAge] = int64(max(now.Sub(r.newest), 0) / time.Second)
	}
	line["_aws"] = map[string]any{
		"Timestamp":         now.UnixMilli(),
		"CloudWatchMetrics": []directive{{metricNamespace, [][]string{{"Stack", "Job"}}, metrics}},
	}
	text, jsonErr := json.Marshal(line)
	if jsonErr == nil {
		_, jsonErr = h.Metrics.Write(append(text, '\n')) // at once, so that it is one event of the log
	}
	if jsonErr != nil {
		h.Log.ErrorContext(ctx, "the metrics could not be written", "error", jsonErr)
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}
