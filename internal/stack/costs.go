package stack

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// Costs is what a cost report can use in addition to what every report does. The
// zero value is nothing of it.
type Costs struct {
	// CostExplorer lets the bill be read by resource, CloudWatch the samples of
	// instances be counted. Both are paid.
	CostExplorer, CloudWatch bool
	// Organization lets the accounts of the organization be listed.
	Organization bool
	// Offers lets the files of the price list be found, for prices as of a date.
	Offers bool
	// Roles are roles in other accounts. One in [fleet.AnyAccount] is the role of
	// that name in any account that trusts this one.
	Roles []fleet.RoleARN
	// History, PriceCache and Bill are s3://bucket/prefix: where rows of earlier
	// reports and prices are kept, and where an export of the bill is read.
	// Empty means not in AWS.
	History, PriceCache, Bill string
}

// check refuses what would make a policy that allows nothing, or too much.
func (c Costs) check() error {
	var errs []error
	for what, location := range map[string]string{"history": c.History, "price cache": c.PriceCache, "bill": c.Bill} {
		if _, _, ok := object(location); location != "" && !ok {
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "%s %q: use s3://bucket/prefix", what, location))
		}
	}
	for _, role := range c.Roles {
		if role.Account == fleet.AnyAccount {
			role.Account = "123456789012"
		}
		if _, err := fleet.ParseRoleARN(role.String()); err != nil {
			errs = append(errs, fmt.Errorf("role: %w", err))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// written gives the costs with texts as a policy needs them.
func (c Costs) written(value func(string) string) Costs {
	c.History, c.PriceCache, c.Bill = value(c.History), value(c.PriceCache), value(c.Bill)
	c.Roles = slices.Clone(c.Roles)
	for n := range c.Roles {
		c.Roles[n].Name = value(c.Roles[n].Name) // a path may hold what IAM reads as a wildcard
	}
	return c
}

// costed adds the statements for costs. What cannot be limited shares one.
func (s Scope) costed(list *statements, ops operations) {
	c := s.Costs
	list.allow("ReadCosts", ops.where(func(a action) bool {
		return a.access == accessAny && a.needs != needsNothing && a.needs != needsBackups
	}), []string{"*"}, nil)
	var roles []string
	for _, role := range c.Roles {
		roles = append(roles, role.String())
	}
	if slices.Sort(roles); len(roles) > 0 {
		list.allow("WorkInOtherAccounts", ops.with(accessRole), slices.Compact(roles), nil)
	}
	s.location(list, ops, location{"History", c.History, Report | Observe, Report})
	s.location(list, ops, location{"Prices", c.PriceCache, Report | Forecast | Observe | Backup, Report | Forecast | Backup})
	s.location(list, ops, location{"Bill", c.Bill, Report, 0})
}

// location is a place in S3, s3://bucket/prefix, with the jobs that read it and
// those that write it.
type location struct {
	name, uri   string
	read, write Jobs
}

// location lets objects of a place be read and written, and their names be
// listed.
func (s Scope) location(list *statements, ops operations, p location) {
	bucket, prefix, ok := object(p.uri)
	if !ok {
		return
	}
	var only Condition
	if prefix = strings.TrimSuffix(prefix, "/"); prefix != "" {
		prefix += "/"
		only = Condition{"StringLike": {"s3:prefix": {prefix + "*"}}}
	}
	var verb string
	var granted []access
	if p.read != 0 && s.does(p.read) {
		verb, granted = "Read", append(granted, accessRead)
	}
	if p.write != 0 && s.does(p.write) {
		verb, granted = "Keep", append(granted, accessWrite)
	}
	list.allow(verb+p.name, ops.with(granted...), []string{s.arn("s3", "", "", bucket+"/"+prefix+"*")}, nil)
	if slices.Contains(granted, accessRead) {
		list.allow("List"+p.name, ops.with(accessList), []string{s.arn("s3", "", "", bucket)}, only)
	}
}

// Trust is the trust policy of that role. The caller is the ARN of the user or
// role that nightshift runs as, or the id of its account, which then decides
// for itself who may. With an external id, which may be empty, only callers
// that know it may assume the role; see "Access to AWS accounts owned by third
// parties" in the IAM user guide.
func Trust(caller, external string) (Document, error) {
	if _, err := fleet.ParseAccount(caller); err == nil {
		caller = "arn:aws:iam::" + caller + ":root"
	}
	if !matches(`arn:`+partitionForm+`:iam::\d{12}:(root|(role|user)/[\w+=,.@/-]+)`, caller) {
		return Document{}, fleet.Errorf(fleet.ErrInvalid, "caller %q: give an account id, or the ARN of a role or user", caller)
	}
	s := Statement{
		Sid: "AssumedByNightshift", Effect: "Allow",
		Principal: map[string]Values{"AWS": {caller}}, Action: []string{"sts:AssumeRole"},
	}
	if external != "" {
		if len(external) > 1224 || !matches(`[\w+=,.@:/-]{2,}`, external) {
			return Document{}, fleet.Errorf(fleet.ErrInvalid, "the external id must have 2 to 1,224 letters, digits and characters of _+=,.@:/-")
		}
		s.Condition = Condition{"StringEquals": {"sts:ExternalId": {external}}}
	}
	return Document{Version: policyVersion, Statement: []Statement{s}}, nil
}
