package app

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/stack"
)

// deployParameters are the values of the template's parameters that a
// configuration gives. All that it can say is there, also what is empty.
func deployParameters(c *config.Config) (map[string]string, error) {
	times := map[string]schedule.Recurrence{}
	for _, j := range c.Jobs {
		times[j.Name] = j.When
	}
	if len(stack.CopiedBy(c.Backup).Policies) > 0 {
		times[config.JobBackup] = c.Job(config.JobBackup) // also where it is never run
	} else {
		delete(times, config.JobBackup) // no policy is without an error
	}
	values, err := stack.ScheduleParameters(times)
	if err != nil {
		return nil, err
	}
	d := c.Deploy
	maps.Copy(values, map[string]string{
		"Regions":             strings.Join(c.Regions, ","),
		"AlarmEmail":          d.AlarmEmail,
		"AlarmTopicArn":       d.AlarmTopic,
		"ReportBucket":        d.ReportBucket,
		"ReportPrefix":        d.ReportPrefix,
		"ReportKeyArn":        d.ReportKey,
		"DataKeyArns":         strings.Join(d.DataKeys, ","),
		"KeyArns":             strings.Join(d.VolumeKeys, ","),
		"LicenseManager":      strconv.FormatBool(d.LicenseManager),
		"PermissionsBoundary": d.PermissionsBoundary,
		"RolePath":            d.RolePath,
		"LogRetentionDays":    strconv.Itoa(d.LogRetentionDays),
		"DryRun":              strconv.FormatBool(d.DryRun),
		"ScheduleState":       "DISABLED",
	})
	if d.Enabled {
		values["ScheduleState"] = "ENABLED"
	}
	values["TimeZone"] = c.Zone.String()
	return values, nil
}

// checkOverrides refuses values of parameters that AWS takes, but that cannot work,
// and parameters that belong to something else.
func checkOverrides(values map[string]string) error {
	instead := map[string]string{
		"CodeBucket": "set deploy.artifact_bucket in nightshift.yaml", "CodeKey": "name the program with --binary",
		"Config":        "name the configuration with --config",
		"PowerSchedule": "set jobs.power in nightshift.yaml, which the alarm follows, too", "PowerPeriod": "set jobs.power in nightshift.yaml",
		"BackupSchedule": "set jobs.backup in nightshift.yaml, which the alarm follows, too", "BackupPeriod": "set jobs.backup in nightshift.yaml",
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		var err error
		switch {
		case instead[name] != "":
			err = fmt.Errorf("deploy chooses the value itself: %s", instead[name])
		case name == "Regions" && value != "":
			_, err = parseRegions(strings.Split(value, ","))
		case name == "TimeZone" || strings.HasSuffix(name, "TimeZone") && value != "":
			_, err = schedule.LoadZone(value)
		}
		if err != nil {
			return fleet.Errorf(fleet.ErrInvalid, "--param %s: %w", name, err)
		}
	}
	return nil
}

// checkInAWS refuses what would have no effect on the function, or what it does not
// have: parameters that come after the configuration, given are those of that, and
// external ids in variables of this machine.
func checkInAWS(c *config.Config, overrides, given map[string]string) error {
	var errs []error
	for _, shadowed := range []struct{ name, key string }{{"Regions", "regions"}, {"TimeZone", "timezone"}} {
		if value, ok := overrides[shadowed.name]; ok && given[shadowed.name] != "" && value != given[shadowed.name] {
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid,
				"--param %s: has no effect, since the function takes %s from the configuration: change it there", shadowed.name, shadowed.key))
		}
	}
	for _, a := range c.Accounts {
		if a.ExternalIDEnv != "" {
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid,
				"accounts: %s has its external id in the variable %s, which the function does not have: write it as external_id, which AWS does not treat as a secret", a, a.ExternalIDEnv))
		}
	}
	return errors.Join(errs...)
}

// Permissions are what following a configuration may touch, and what its accounts
// and cost report need besides. The name says where the configuration is read
// from. Of places only those in AWS matter.
func Permissions(c *config.Config, name string) (*stack.Schedules, stack.Costs) {
	inS3 := func(place string) string {
		if strings.HasPrefix(place, "s3://") {
			return place
		}
		return ""
	}
	costs := stack.Costs{
		CostExplorer: c.Cost.CostExplorer > 0, CloudWatch: c.Cost.CloudWatch > 0, Offers: c.Cost.Prices != "",
		History: inS3(c.Cost.History), PriceCache: inS3(c.Cost.Prices), Bill: inS3(c.Cost.Bill),
	}
	for _, account := range c.Accounts {
		switch {
		case account.Organization != "":
			costs.Organization = true
			costs.Roles = append(costs.Roles, fleet.RoleARN{
				Partition: c.FirstRegion().Partition(), Account: fleet.AnyAccount, Name: account.Organization,
			})
		case account.Role != "":
			if role, err := fleet.ParseRoleARN(account.Role); err == nil { // the configuration has no errors
				costs.Roles = append(costs.Roles, role)
			}
		}
	}
	s := stack.Follow(c.Rules(), name, c.Journal)
	s.Notices, s.Backups = noticeNeeds(c.Notify), stack.CopiedBy(c.Backup)
	return s, costs
}

// noticeNeeds is what messages to people need in AWS.
func noticeNeeds(n config.Notify) stack.Notices {
	needs := stack.Notices{Recipients: len(n.Recipients) > 0}
	add := func(r config.Reference) {
		switch r.Scheme { //nolint:exhaustive // the others are not in AWS
		case config.Parameter:
			needs.Parameters = append(needs.Parameters, r.Name)
		case config.Secret:
			needs.Secrets = append(needs.Secrets, r.Name)
		}
	}
	for _, r := range n.Recipients {
		if r.Channel == config.SNS {
			needs.Topics = append(needs.Topics, r.Address.Name)
		}
		add(r.Address)
		add(r.Secret)
	}
	for _, job := range slices.Sorted(maps.Keys(n.Heartbeats)) {
		add(n.Heartbeats[job])
	}
	return needs
}
