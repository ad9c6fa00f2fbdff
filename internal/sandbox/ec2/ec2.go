// Package ec2 is Amazon EC2 with EBS.
package ec2

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// ec2Call is one EC2 request.
type ec2Call struct {
	service.Query
	resources int    // ids named
	attribute string // to be changed
}

// ec2Action is an operation of EC2.
type ec2Action func(*ec2Call) *wire.Error

func ec2Actions() map[string]ec2Action {
	return map[string]ec2Action{
		"AttachVolume":                         (*ec2Call).attachVolume,
		"CreateSnapshot":                       (*ec2Call).createSnapshot,
		"CreateSnapshots":                      (*ec2Call).createSnapshots,
		"CreateTags":                           func(c *ec2Call) *wire.Error { return c.changeTags(true) },
		"CreateVolume":                         (*ec2Call).createVolume,
		"DeleteSnapshot":                       (*ec2Call).deleteSnapshot,
		"DeleteTags":                           func(c *ec2Call) *wire.Error { return c.changeTags(false) },
		"DescribeAddresses":                    (*ec2Call).describeAddresses,
		"DescribeCapacityReservations":         (*ec2Call).describeReservations,
		"DescribeFastSnapshotRestores":         (*ec2Call).describeFast,
		"DescribeHosts":                        (*ec2Call).describeHosts,
		"DescribeImages":                       (*ec2Call).describeImages,
		"DescribeInstanceAttribute":            (*ec2Call).describeAttribute,
		"DescribeInstanceCreditSpecifications": (*ec2Call).describeCredits,
		"DescribeInstanceStatus":               (*ec2Call).describeStatus,
		"DescribeInstanceTypes":                (*ec2Call).describeTypes,
		"DescribeInstances":                    (*ec2Call).describeInstances,
		"DescribeLaunchTemplateVersions":       (*ec2Call).describeTemplateVersions,
		"DescribeLaunchTemplates":              (*ec2Call).describeTemplates,
		"DescribeLockedSnapshots":              (*ec2Call).describeLocked,
		"DescribeRegions":                      (*ec2Call).describeRegions,
		"DescribeSnapshotAttribute":            (*ec2Call).describeSnapshotAttribute,
		"DescribeSnapshots":                    (*ec2Call).describeSnapshots,
		"DescribeSpotInstanceRequests":         (*ec2Call).describeSpots,
		"DescribeSpotPriceHistory":             (*ec2Call).describeSpotPrices,
		"DescribeTags":                         (*ec2Call).describeTags,
		"DescribeVolumes":                      (*ec2Call).describeVolumes,
		"ListSnapshotsInRecycleBin":            (*ec2Call).listBin,
		"LockSnapshot":                         (*ec2Call).lockSnapshot,
		"ModifyInstanceAttribute":              (*ec2Call).modifyAttribute,
		"ModifySnapshotAttribute":              (*ec2Call).modifySnapshotAttribute,
		"RebootInstances":                      (*ec2Call).reboot,
		"ResetSnapshotAttribute":               (*ec2Call).resetSnapshotAttribute,
		"RestoreSnapshotFromRecycleBin":        (*ec2Call).restoreFromBin,
		"RunInstances":                         (*ec2Call).runInstances,
		"StartInstances":                       (*ec2Call).start,
		"StopInstances":                        (*ec2Call).stop,
		"TerminateInstances":                   (*ec2Call).terminate,
		"UnlockSnapshot":                       (*ec2Call).unlockSnapshot,
	}
}

// Service is Amazon EC2.
func Service() service.Service {
	return service.Service{
		Name: "ec2", Operations: slices.Sorted(maps.Keys(ec2Actions())),
		Read: (*wire.Request).ReadQuery, Refusal: wire.RefuseEC2, Serve: serveEC2, Names: names,
	}
}

func serveEC2(r *service.Call) wire.Answer {
	run := ec2Actions()[r.Action]
	if run == nil {
		if r.Action == "" {
			return r.Refuse(wire.Invalid("MissingAction", "The request must contain the parameter Action"))
		}
		return r.Refuse(wire.Invalid("InvalidAction", "The action "+r.Action+" is not valid for this web service."))
	}
	r.Params.Accept("Action", "Version", "DryRun", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders")
	reg := r.InRegion()
	reg.Mu.Lock()
	defer reg.Mu.Unlock()
	c := &ec2Call{Query: service.Query{Call: r, Region: reg, Now: r.Organization.Clock.Now(), Out: wire.NewDoc()}}
	reg.Settle(c.Now)
	c.Out.Root(r.Action+"Response", ec2Namespace)
	c.Out.Text("requestId", r.ID)
	err := run(c)
	r.IDs = c.resources
	if err != nil {
		return r.Refuse(err)
	}
	c.Out.End(r.Action + "Response")
	return wire.Answer{Status: http.StatusOK, Body: c.Out.Bytes(), Header: r.AnswerHeader("text/xml;charset=UTF-8")}
}

func missingParameter(name string) *wire.Error {
	return wire.Invalid("MissingParameter", "The request must contain the parameter "+name)
}

// authorize is that of Query, with the attribute that the call changes.
func (c *ec2Call) authorize(arn string, resourceTags state.Tags, keys []string) *wire.Error {
	return c.Call.Authorize(arn, &policy.Context{ResourceTags: resourceTags, TagKeys: keys, Region: c.Region.Name, Attribute: c.attribute})
}

// checkDryRun ends a call that only asked whether it would be allowed.
func (c *ec2Call) checkDryRun() *wire.Error {
	if c.DryRun {
		return wire.Fail(http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	return nil
}

// readOnly finishes the checks of a Describe call, whose parameters have all
// been read.
func (c *ec2Call) readOnly() *wire.Error {
	if err := c.Params.UnknownParameter(); err != nil {
		return err
	}
	if err := c.authorize("*", nil, nil); err != nil {
		return err
	}
	return c.checkDryRun()
}

// instancesNamed finds the instances that ids name, once each: all or an error
// that names the wrong ones.
func (c *ec2Call) instancesNamed(ids []string) ([]*state.Instance, *wire.Error) {
	c.resources = len(ids)
	for _, id := range ids {
		if !wellFormed(id, "i-") {
			return nil, wire.Invalid("InvalidInstanceID.Malformed", `Invalid id: "`+id+`"`)
		}
	}
	var found []*state.Instance
	var missing []string
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		i := c.Region.Instances[id]
		if i != nil {
			i.Settle(c.Now)
		}
		if i == nil || i.Gone || c.hidden(i) {
			missing = append(missing, id)
			continue
		}
		found = append(found, i)
	}
	switch len(missing) {
	case 0:
		return found, nil
	case 1:
		return nil, wire.Invalid("InvalidInstanceID.NotFound", "The instance ID '"+missing[0]+"' does not exist")
	}
	return nil, wire.Invalid("InvalidInstanceID.NotFound", "The instance IDs '"+strings.Join(missing, ", ")+"' do not exist")
}

// wellFormed says whether an id is a prefix and 8 or 17 hex digits.
func wellFormed(id, prefix string) bool {
	hex, ok := strings.CutPrefix(id, prefix)
	if !ok || len(hex) != 8 && len(hex) != 17 {
		return false
	}
	return !strings.ContainsFunc(hex, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}

// describeRegions lists the enabled regions, with AllRegions the others too.
func (c *ec2Call) describeRegions() *wire.Error {
	type row struct{ name, status string }
	fs, err := wire.ReadFilters(c.Params, wire.Fields[row]{
		"region-name":   func(r row) []string { return wire.NonEmpty(r.name) },
		"endpoint":      func(r row) []string { return wire.NonEmpty("ec2." + r.name + ".amazonaws.com") },
		"opt-in-status": func(r row) []string { return wire.NonEmpty(r.status) },
	})
	if err != nil {
		return err
	}
	all := c.Params.Flag("AllRegions")
	requested := c.Params.Texts("RegionName")
	if err := c.readOnly(); err != nil {
		return err
	}
	common := state.CommonRegions()
	var rows []row
	for name := range c.Caller.Account.Regions {
		status := "opted-in"
		if slices.Contains(common, name) {
			status = "opt-in-not-required"
		}
		rows = append(rows, row{name, status})
	}
	for _, name := range append(optInRegions(), common...) {
		if c.Caller.Account.Regions[name] == nil {
			rows = append(rows, row{name, "not-opted-in"})
		}
	}
	for _, name := range requested {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.name == name }) {
			return wire.Invalid("InvalidParameterValue", "Invalid region: "+name)
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.name, b.name) })
	c.Out.Open("regionInfo")
	for _, r := range rows {
		if r.status == "not-opted-in" && !all && len(requested) == 0 ||
			len(requested) > 0 && !slices.Contains(requested, r.name) || !wire.MatchAll(fs, r) {
			continue
		}
		c.Out.Open("item")
		c.Out.Text("regionName", r.name)
		c.Out.Text("regionEndpoint", "ec2."+r.name+".amazonaws.com")
		c.Out.Text("optInStatus", r.status)
		c.Out.End("item")
	}
	c.Out.End("regionInfo")
	return nil
}

// optInRegions are some that an account has to ask for.
func optInRegions() []string {
	return []string{"af-south-1", "ap-east-1", "ap-southeast-3", "eu-south-1", "il-central-1", "me-south-1"}
}

const ec2Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"
