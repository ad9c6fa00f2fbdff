package app

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// Try is the dry run of one job by the deployed function.
type Try struct {
	Job string `json:"job"`
	// Status is the function's answer in a sentence.
	Status string `json:"status"`
	// Stops and Starts are what it would stop and start.
	Stops    []power.Act   `json:"stops,omitempty"`
	Starts   []power.Act   `json:"starts,omitempty"`
	Duration time.Duration `json:"duration_ns"`
	// Error is why it failed; empty where it did not.
	Error string `json:"error,omitempty"`
}

// tryTime is how long a function may fail because its role, which was made a
// moment ago, is not known everywhere yet.
const tryTime = time.Minute

// TryDeployment lets the function of a stack do each of its jobs as a dry run:
// nothing is changed, stored or paid for. With fresh the function's role may need
// a minute until it can be used.
func (s *Session) TryDeployment(ctx context.Context, in DeployInput, fresh bool) ([]Try, error) {
	ctx, run := s.app.begin(ctx, "deploy")
	tries, err := s.tryDeployment(ctx, in, fresh, run.Run)
	status := fleet.StatusOf(err)
	if err == nil && slices.ContainsFunc(tries, func(t Try) bool { return t.Error != "" }) {
		status = fleet.StatusPartial
	}
	run.end(status)
	return tries, err
}

func (s *Session) tryDeployment(ctx context.Context, in DeployInput, fresh bool, run Run) ([]Try, error) {
	d, err := s.deployer(ctx, in.Region, run)
	if err != nil {
		return nil, err
	}
	stack, err := d.Stacks.Stack(ctx, s.stackName(in))
	if err != nil {
		return nil, err
	}
	patience := time.Duration(0)
	if fresh {
		patience = tryTime
	}
	var tries []Try
	for _, job := range deploy.Jobs(stack.Parameters) {
		t := Try{Job: job}
		started := s.app.options.Now()
		answer, waited, err := d.Try(ctx, stack.Outputs[deploy.OutputFunction], job, patience)
		patience -= waited
		t.Duration = s.app.options.Now().Sub(started)
		switch {
		case ctx.Err() != nil:
			return tries, ctx.Err()
		case err != nil:
			t.Error = err.Error()
			if errors.Is(err, fleet.ErrCredentials) {
				return append(tries, t), err
			}
		default:
			t.read(answer)
		}
		tries = append(tries, t)
	}
	return tries, nil
}

// read takes from the function's answer what people want to know. Those of
// power and backup are in an envelope, those of stop, start and report are not.
func (t *Try) read(answer []byte) {
	var err error
	switch t.Job {
	case "report":
		var a struct {
			Instances int  `json:"instances"`
			Complete  bool `json:"complete"`
		}
		err = json.Unmarshal(answer, &a)
		t.Status = "would write a report of " + text.Count(a.Instances, "instance", "instances")
		if !a.Complete {
			t.Status += ", which is not complete"
		}
	case "power":
		var a struct {
			Data power.Summary `json:"data"`
		}
		err = json.Unmarshal(answer, &a)
		t.Status, t.Stops, t.Starts = a.Data.Status, a.Data.Stopped, a.Data.Started
	case "backup":
		var a struct {
			Data BackupSummary `json:"data"`
		}
		err = json.Unmarshal(answer, &a)
		t.Status = a.Data.Status
	default:
		var a power.Answer
		err = json.Unmarshal(answer, &a)
		t.Status = a.Status
		for _, id := range a.Instances {
			act := power.Act{Kind: fleet.KindInstance, ID: id}
			if t.Job == string(power.Stop) {
				t.Stops = append(t.Stops, act)
			} else {
				t.Starts = append(t.Starts, act)
			}
		}
	}
	if err != nil {
		t.Error = "the answer of the function cannot be read: " + err.Error()
	}
}
