package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/stack"
)

// DeployInput says what is installed, and how. What it leaves empty the
// configuration says.
type DeployInput struct {
	Stack string
	// Region is that of the stack; empty means that of the credentials' profile.
	Region string
	// Program is the file that becomes the function.
	Program string
	// Parameters are values of the template that replace those of the
	// configuration.
	Parameters map[string]string
	// Role is the ARN of a role that CloudFormation works with.
	Role           string
	AllowDowngrade bool
	// Enable lets the schedules of a first deployment begin.
	Enable bool
}

// DeployResult is how a deployment or a removal ended.
type DeployResult struct {
	Run
	deploy.Result
	// Alarms are the subscriptions of the topic of alarms.
	Alarms []deploy.Subscription
}

// PlanDeployment finds out what a deployment would change. The plan has a change
// set, which [Session.Deploy] executes and [Session.DiscardDeployment] removes.
// A configuration with errors and a program that cannot be the function are
// refused before AWS is asked anything.
func (s *Session) PlanDeployment(ctx context.Context, in DeployInput) (deploy.Deployment, error) {
	request, err := s.deployRequest(in)
	if err != nil {
		return deploy.Deployment{}, err
	}
	ctx, run := s.app.begin(ctx, "deploy")
	plan, err := s.planDeployment(ctx, in, request, run.Run)
	run.end(fleet.StatusOf(err))
	return plan, err
}

func (s *Session) planDeployment(ctx context.Context, in DeployInput, request deploy.Request, run Run) (deploy.Deployment, error) {
	d, err := s.deployer(ctx, in.Region, run)
	if err != nil {
		return deploy.Deployment{}, err
	}
	plan, err := d.Plan(ctx, request)
	if err == nil && s.Config != nil && s.Config.Journal != "" && !strings.HasPrefix(s.Config.Journal, "s3://") {
		plan.Diff.Notes = append(plan.Diff.Notes, fmt.Sprintf("the journal %s is a folder, which the function does not have: name s3://bucket/prefix, or its runs are not recorded", s.Config.Journal))
	}
	return plan, err
}

// Deploy carries a plan out and follows it to its end. An error that is a
// [deploy.Detached] leaves it to AWS.
func (s *Session) Deploy(ctx context.Context, plan deploy.Deployment) (DeployResult, error) {
	ctx, run := s.app.begin(ctx, "deploy")
	result, err := s.deploy(ctx, plan, run.Run)
	result.Run = run.end(fleet.StatusOf(err))
	return result, err
}

func (s *Session) deploy(ctx context.Context, plan deploy.Deployment, run Run) (DeployResult, error) {
	d, err := s.deployer(ctx, string(plan.Region), run)
	if err != nil {
		return DeployResult{}, err
	}
	var program []byte
	if plan.NewCode() {
		if program, err = s.app.program(plan.Binary.Path); err != nil {
			return DeployResult{}, err
		}
	}
	var result DeployResult
	if result.Result, err = d.Deploy(ctx, plan, program); err == nil {
		if result.Alarms, err = d.Alarms(ctx, result.Outputs); err != nil {
			result.Warnings, err = append(result.Warnings, err.Error()), nil
		}
	}
	return result, err
}

// DeploymentAlarms are the subscriptions of the topic of alarms of the stack that a
// plan found.
func (s *Session) DeploymentAlarms(ctx context.Context, plan deploy.Deployment) ([]deploy.Subscription, error) {
	d, err := s.deployer(ctx, string(plan.Region), Run{})
	if err != nil {
		return nil, err
	}
	return d.Alarms(ctx, plan.Outputs)
}

// discardTime is how long that may take for a caller that has given up.
const discardTime = 30 * time.Second

// DiscardDeployment removes the change set of a plan, and a stack that is nothing
// but its name. It does so although the caller has given up.
func (s *Session) DiscardDeployment(ctx context.Context, plan deploy.Deployment) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTime)
	defer cancel()
	d, err := s.deployer(ctx, string(plan.Region), Run{})
	if err != nil {
		return err
	}
	return d.Discard(ctx, plan)
}

// ClearDeployment deletes a stack that can only be made anew.
func (s *Session) ClearDeployment(ctx context.Context, plan deploy.Deployment) (DeployResult, error) {
	return s.RemoveDeployment(ctx, deploy.Removal{
		Stack: plan.Stack, StackID: plan.StackID, Account: plan.Account, Region: plan.Region, Status: plan.Status, Role: plan.Role,
	})
}

// DeploymentState is how a stack is doing, with the last run in the journal.
type DeploymentState struct {
	deploy.State
	LastRun *journal.Record `json:"last_run,omitempty"`
}

// DeploymentStatus is how a stack is doing.
func (s *Session) DeploymentStatus(ctx context.Context, in DeployInput) (DeploymentState, error) {
	ctx, run := s.app.begin(ctx, "deploy")
	state, err := s.deploymentStatus(ctx, in, run.Run)
	run.end(fleet.StatusOf(err))
	return state, err
}

func (s *Session) deploymentStatus(ctx context.Context, in DeployInput, run Run) (DeploymentState, error) {
	d, err := s.deployer(ctx, in.Region, run)
	if err != nil {
		return DeploymentState{}, err
	}
	var state DeploymentState
	if state.State, err = d.Status(ctx, s.stackName(in)); err != nil || s.Config == nil || s.Config.Journal == "" {
		return state, err
	}
	history, err := s.History(ctx, HistoryInput{Query: journal.Query{Last: 1}})
	if err != nil {
		state.Problems = append(state.Problems, err.Error())
	}
	if len(history.Runs) > 0 {
		state.LastRun = &history.Runs[0]
	}
	return state, nil
}

// PlanRemoval finds out what removing a stack would take away, and what it would
// leave.
func (s *Session) PlanRemoval(ctx context.Context, in DeployInput) (deploy.Removal, error) {
	ctx, run := s.app.begin(ctx, "deploy")
	d, err := s.deployer(ctx, in.Region, run.Run)
	var plan deploy.Removal
	if err == nil {
		plan, err = d.PlanRemoval(ctx, s.stackName(in), s.serviceRole(in))
	}
	run.end(fleet.StatusOf(err))
	return plan, err
}

// RemoveDeployment deletes a stack and follows it to its end.
func (s *Session) RemoveDeployment(ctx context.Context, plan deploy.Removal) (DeployResult, error) {
	ctx, run := s.app.begin(ctx, "deploy")
	d, err := s.deployer(ctx, string(plan.Region), run.Run)
	var result DeployResult
	if err == nil {
		result.Result, err = d.Remove(ctx, plan)
	}
	result.Run = run.end(fleet.StatusOf(err))
	return result, err
}

// deployer works with our own credentials in the region of the stack.
func (s *Session) deployer(ctx context.Context, region string, run Run) (deploy.Deployer, error) {
	var where regions
	if region != "" {
		named, err := fleet.ParseRegion(region)
		if err != nil {
			return deploy.Deployer{}, err
		}
		where.named = named
	} else if s.Config != nil {
		where.fallback = s.Config.FirstRegion()
	}
	session, err := s.app.session(ctx, where)
	if err != nil {
		return deploy.Deployer{}, err
	}
	if session.Region() == "" {
		return deploy.Deployer{}, fleet.Errorf(fleet.ErrInvalid, "no region: pass --region, or set AWS_REGION")
	}
	account, err := session.Account(ctx)
	if err != nil {
		return deploy.Deployer{}, err
	}
	at := session.Region()
	return deploy.Deployer{
		Stacks: session.Stacks(at), Artifacts: session.Artifacts(account, at), Functions: session.Functions(at), Topics: session.Topics(at),
		Account: account, Region: at, NewID: func() string { return strings.ToLower(rand.Text()[:12]) },
		Heard: func(e deploy.Event) { s.app.observer.StackChanged(run, e) },
		Waits: func(stack deploy.Stack, waited time.Duration) { s.app.observer.StackBusy(run, stack, waited) },
	}, nil
}

func (s *Session) stackName(in DeployInput) string {
	if s.Config != nil {
		return cmp.Or(in.Stack, s.Config.Deploy.Stack)
	}
	return cmp.Or(in.Stack, config.DefaultStack)
}

func (s *Session) serviceRole(in DeployInput) string {
	if s.Config != nil {
		return cmp.Or(in.Role, s.Config.Deploy.ServiceRole)
	}
	return in.Role
}

// deployRequest makes the request from the configuration and the program.
func (s *Session) deployRequest(in DeployInput) (deploy.Request, error) {
	r := deploy.Request{
		Stack: s.stackName(in), Overrides: in.Parameters, Role: s.serviceRole(in), AllowDowngrade: in.AllowDowngrade, Enable: in.Enable,
	}
	if len(s.Errors) > 0 {
		return r, s.Errors
	}
	if err := errors.Join(config.CheckStackName(r.Stack), checkOverrides(in.Parameters)); err != nil {
		return r, err
	}
	architecture := in.Parameters["Architecture"]
	var schedules *stack.Schedules
	costs := stack.Costs{CloudWatch: config.DefaultMetrics > 0}
	if s.Config != nil {
		if !s.Config.ZoneGiven { // then it has no jobs at a time, and --param TimeZone would not bring them
			return r, fleet.Errorf(fleet.ErrInvalid, "the configuration has no time zone: set timezone in it, which its jobs at a time need")
		}
		var err error
		if r.Given, err = deployParameters(s.Config); err != nil {
			return r, err
		}
		if err = checkInAWS(s.Config, in.Parameters, r.Given); err != nil {
			return r, err
		}
		if r.Config, err = s.configFiles(); err != nil {
			return r, err
		}
		architecture = cmp.Or(architecture, s.Config.Deploy.Architecture)
		schedules, costs = Permissions(s.Config, "")
		r.Bucket, r.Protect = s.Config.Deploy.ArtifactBucket, &s.Config.Deploy.TerminationProtection
		r.Tags = map[string]string{}
		for _, t := range s.Config.Deploy.Tags {
			r.Tags[t.Key] = t.Value
		}
	}
	template, err := stack.Template(amazon.Actions(), schedules, costs)
	if err != nil {
		return r, err
	}
	r.Template = string(template)
	program, err := s.app.program(in.Program)
	if err != nil {
		return r, err
	}
	r.Binary, err = deploy.CheckBinary(in.Program, program, architecture)
	return r, err
}

// PackFunction is the archive that a deployment uploads of a program, for whoever
// uploads it by hand.
func PackFunction(file string) ([]byte, error) {
	program, err := readProgram(file)
	if err != nil {
		return nil, err
	}
	if _, err := deploy.CheckBinary(file, program, ""); err != nil {
		return nil, err
	}
	return deploy.Zip(program)
}

// program is the program that was read last, or the one in a file: what is uploaded
// is what was planned, also where the file has changed meanwhile.
func (a *App) program(file string) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lastProgram != nil && a.programFile == file {
		return a.lastProgram, nil
	}
	program, err := readProgram(file)
	if err == nil {
		a.programFile, a.lastProgram = file, program
	}
	return program, err
}

func readProgram(file string) ([]byte, error) {
	in, err := blob.OpenFile(file)
	if err != nil {
		return nil, fleet.Errorf(fleet.ErrInvalid, "--binary: %w", err)
	}
	defer func() { _ = in.Close() }() // it was only read
	return io.ReadAll(in)
}

// configFiles are the files of the configuration as they were read, by their names
// beside nightshift.yaml, which is how it is called whatever its name is here.
func (s *Session) configFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	own := s.ref.String()
	folder := own[:strings.LastIndexAny(own, `/\`)+1]
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		beside := deploy.ConfigFile
		if name != own {
			beside = path.Clean(strings.TrimPrefix(name, folder))
			if path.IsAbs(beside) || strings.HasPrefix(beside, "../") || strings.Contains(beside, "://") {
				return nil, fleet.Errorf(fleet.ErrInvalid, "the calendar %s is not beside the configuration, and would not be found in AWS: move it there", name)
			}
		}
		files[beside] = s.files[name].Bytes()
	}
	return files, nil
}
