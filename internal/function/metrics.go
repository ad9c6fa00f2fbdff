package function

import (
	"context"
	"time"

	"nightshift/internal/metrics"
)

// measure writes what became of a run for CloudWatch, in lines of its embedded metric
// format, where the function is part of a stack: Lambda's own metrics are shared by all
// jobs, and do not know of a part that failed.
func (h Handler) measure(ctx context.Context, job string, r result, failure error) {
	stack := h.Env("NIGHTSHIFT_STACK")
	if stack == "" {
		return
	}
	lines, err := metrics.FunctionRun{
		Stack: stack, Job: job, At: time.Now(), Succeeded: failure == nil, Failed: failure != nil || r.partly,
		NewestReport: r.newest, Config: r.config, Power: r.power, Report: r.report, Backup: r.backup,
	}.Lines()
	for _, line := range lines {
		if err == nil {
			_, err = h.Metrics.Write(line) // each at once, so that it is one event of the log
		}
	}
	if err != nil {
		h.Log.ErrorContext(ctx, "the metrics could not be written", "error", err)
	}
}
