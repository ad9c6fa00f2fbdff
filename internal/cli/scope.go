package cli

import (
	"context"
	"fmt"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/stack"
)

// scope is what following the configuration may touch, and what its accounts and
// cost report need besides; without a configuration nil and the defaults. One with
// mistakes is refused: what it would permit may not be what somebody meant. Warnings
// are told.
func (a *commandLine) scope(ctx context.Context) (*stack.Schedules, stack.Costs, error) {
	name := a.configName()
	if name == "" {
		return nil, stack.Costs{CloudWatch: config.DefaultMetrics > 0}, nil
	}
	read, err := a.openConfig(ctx, true)
	if err == nil && len(read.Errors) > 0 {
		err = read.Errors
	}
	if err != nil {
		return nil, stack.Costs{}, err
	}
	s, costs := app.Permissions(read.Config, name)
	if !a.quiet {
		for _, w := range s.Warnings() {
			fmt.Fprintln(a.Stderr, "warning:", w)
		}
	}
	return s, costs, nil
}

// deployer is what the configuration says of the stack that is deployed.
func (a *commandLine) deployer(ctx context.Context) (stack.Deployer, error) {
	if a.configName() == "" {
		return stack.Deployer{}, nil
	}
	read, err := a.openConfig(ctx, true)
	if err != nil {
		return stack.Deployer{}, err
	}
	d := read.Config.Deploy
	return stack.Deployer{
		Stack: d.Stack, RolePath: d.RolePath, Boundary: d.PermissionsBoundary, Bucket: d.ArtifactBucket, ServiceRole: d.ServiceRole,
	}, nil
}
