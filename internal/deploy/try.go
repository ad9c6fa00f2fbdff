package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/fleet"
)

// Jobs are the jobs that the schedules of a stack ask for, by its parameters.
func Jobs(parameters map[string]string) []string {
	var jobs []string
	for _, j := range []struct{ job, parameter string }{
		{"power", "PowerSchedule"},
		{"stop", "TagStopSchedule"},
		{"start", "TagStartSchedule"},
		{"report", "ReportSchedule"},
		{"backup", "BackupSchedule"},
	} {
		if parameters[j.parameter] != "" {
			jobs = append(jobs, j.job)
		}
	}
	return jobs
}

// tryPause is between two tries of a function whose role is not known everywhere
// yet.
const tryPause = 5 * time.Second

// Try lets a function do a job as a dry run and gives its answer. For as long as
// patience lasts it tries again where the function or its role cannot be used yet;
// it says how long that was.
func (d Deployer) Try(ctx context.Context, function, job string, patience time.Duration) (answer []byte, waited time.Duration, err error) {
	payload, err := json.Marshal(map[string]any{"action": job, "dry_run": true})
	if err != nil {
		return nil, 0, err
	}
	for {
		invocation, err := d.Functions.Invoke(ctx, function, payload)
		if err == nil && invocation.Failed {
			err = functionError(invocation.Payload)
		}
		unready := errors.Is(err, fleet.ErrDenied) || errors.Is(err, fleet.ErrConflict) || errors.Is(err, fleet.ErrThrottled) || errors.Is(err, errRole)
		if err == nil || !unready || waited >= patience {
			return invocation.Payload, waited, err
		}
		if err := d.Stacks.Pause(ctx, tryPause); err != nil {
			return nil, waited, err
		}
		waited += tryPause
	}
}

// errRole is the kind of an error that the function had with its own credentials.
var errRole = errors.New("the credentials of the function")

// functionError is the error with which a function ended, which Lambda gives with
// a type. Those of our function are in package function.
func functionError(payload []byte) error {
	var failure struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}
	if err := json.Unmarshal(payload, &failure); err != nil {
		return fmt.Errorf("the function failed: %s", payload)
	}
	switch failure.Type {
	case "Denied":
		return fleet.Errorf(fleet.ErrDenied, "the function: %s", failure.Message)
	case "Credentials":
		return fleet.Errorf(errRole, "the function: %s", failure.Message)
	default:
		return fmt.Errorf("the function: %s: %s", failure.Type, failure.Message)
	}
}
