package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// ec2Call is one EC2 request.
type ec2Call struct {
	queryCall
	resources int    // ids named
	attribute string // to be changed
}

// ec2Action is an operation of EC2.
type ec2Action func(*ec2Call) *apiError

func ec2Actions() map[string]ec2Action {
	return map[string]ec2Action{
		"AttachVolume":                         (*ec2Call).attachVolume,
		"CreateTags":                           func(c *ec2Call) *apiError { return c.changeTags(true) },
		"CreateVolume":                         (*ec2Call).createVolume,
		"DeleteTags":                           func(c *ec2Call) *apiError { return c.changeTags(false) },
		"DescribeAddresses":                    (*ec2Call).describeAddresses,
		"DescribeCapacityReservations":         (*ec2Call).describeReservations,
		"DescribeHosts":                        (*ec2Call).describeHosts,
		"DescribeInstanceAttribute":            (*ec2Call).describeAttribute,
		"DescribeInstanceCreditSpecifications": (*ec2Call).describeCredits,
		"DescribeInstanceStatus":               (*ec2Call).describeStatus,
		"DescribeInstanceTypes":                (*ec2Call).describeTypes,
		"DescribeInstances":                    (*ec2Call).describeInstances,
		"DescribeRegions":                      (*ec2Call).describeRegions,
		"DescribeSnapshots":                    (*ec2Call).describeSnapshots,
		"DescribeSpotInstanceRequests":         (*ec2Call).describeSpots,
		"DescribeSpotPriceHistory":             (*ec2Call).describeSpotPrices,
		"DescribeTags":                         (*ec2Call).describeTags,
		"DescribeVolumes":                      (*ec2Call).describeVolumes,
		"ModifyInstanceAttribute":              (*ec2Call).modifyAttribute,
		"RebootInstances":                      (*ec2Call).reboot,
		"RunInstances":                         (*ec2Call).runInstances,
		"StartInstances":                       (*ec2Call).start,
		"StopInstances":                        (*ec2Call).stop,
		"TerminateInstances":                   (*ec2Call).terminate,
	}
}

// ec2Service is Amazon EC2.
func ec2Service() service {
	return service{
		name: "ec2", operations: slices.Sorted(maps.Keys(ec2Actions())),
		read: (*request).readQuery, refusal: refuseEC2, serve: serveEC2, names: namesInstance,
	}
}

func serveEC2(r *call) answer {
	run := ec2Actions()[r.action]
	if run == nil {
		if r.action == "" {
			return r.refuse(invalid("MissingAction", "The request must contain the parameter Action"))
		}
		return r.refuse(invalid("InvalidAction", "The action "+r.action+" is not valid for this web service."))
	}
	r.form.accept("Action", "Version", "DryRun", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders")
	reg := r.here()
	reg.mu.Lock()
	defer reg.mu.Unlock()
	c := &ec2Call{queryCall: queryCall{call: r, region: reg, now: r.org.clock.Now(), out: newDoc()}}
	reg.settle(c.now)
	c.out.root(r.action+"Response", ec2Namespace)
	c.out.text("requestId", r.id)
	err := run(c)
	r.ids = c.resources
	if err != nil {
		return r.refuse(err)
	}
	c.out.end(r.action + "Response")
	return answer{status: http.StatusOK, body: c.out.bytes(), header: r.header("text/xml;charset=UTF-8")}
}

func missingParameter(name string) *apiError {
	return invalid("MissingParameter", "The request must contain the parameter "+name)
}

// authorize is that of queryCall, with the attribute that the call changes.
func (c *ec2Call) authorize(arn string, resourceTags tags, keys []string) *apiError {
	return c.call.authorize(arn, &policyContext{resourceTags: resourceTags, tagKeys: keys, region: c.region.name, attribute: c.attribute})
}

// checkDryRun ends a call that only asked whether it would be allowed.
func (c *ec2Call) checkDryRun() *apiError {
	if c.dryRun {
		return fail(http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	return nil
}

// readOnly finishes the checks of a Describe call, whose parameters have all
// been read.
func (c *ec2Call) readOnly() *apiError {
	if err := c.form.unknownParameter(); err != nil {
		return err
	}
	if err := c.authorize("*", nil, nil); err != nil {
		return err
	}
	return c.checkDryRun()
}

// instancesNamed finds the instances that ids name, once each: all or an error
// that names the wrong ones.
func (c *ec2Call) instancesNamed(ids []string) ([]*instance, *apiError) {
	c.resources = len(ids)
	for _, id := range ids {
		if !wellFormed(id, "i-") {
			return nil, invalid("InvalidInstanceID.Malformed", `Invalid id: "`+id+`"`)
		}
	}
	var found []*instance
	var missing []string
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		i := c.region.instances[id]
		if i != nil {
			i.settle(c.now)
		}
		if i == nil || i.gone || c.hidden(i) {
			missing = append(missing, id)
			continue
		}
		found = append(found, i)
	}
	switch len(missing) {
	case 0:
		return found, nil
	case 1:
		return nil, invalid("InvalidInstanceID.NotFound", "The instance ID '"+missing[0]+"' does not exist")
	}
	return nil, invalid("InvalidInstanceID.NotFound", "The instance IDs '"+strings.Join(missing, ", ")+"' do not exist")
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
func (c *ec2Call) describeRegions() *apiError {
	type row struct{ name, status string }
	fs, err := readFilters(c.form, fields[row]{
		"region-name":   func(r row) []string { return one(r.name) },
		"endpoint":      func(r row) []string { return one("ec2." + r.name + ".amazonaws.com") },
		"opt-in-status": func(r row) []string { return one(r.status) },
	})
	if err != nil {
		return err
	}
	all := c.form.flag("AllRegions")
	wanted := c.form.texts("RegionName")
	if err := c.readOnly(); err != nil {
		return err
	}
	common := commonRegions()
	var rows []row
	for name := range c.caller.account.regions {
		status := "opted-in"
		if slices.Contains(common, name) {
			status = "opt-in-not-required"
		}
		rows = append(rows, row{name, status})
	}
	for _, name := range append(optInRegions(), common...) {
		if c.caller.account.regions[name] == nil {
			rows = append(rows, row{name, "not-opted-in"})
		}
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.name == name }) {
			return invalid("InvalidParameterValue", "Invalid region: "+name)
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.name, b.name) })
	c.out.open("regionInfo")
	for _, r := range rows {
		if r.status == "not-opted-in" && !all && len(wanted) == 0 ||
			len(wanted) > 0 && !slices.Contains(wanted, r.name) || !matchAll(fs, r) {
			continue
		}
		c.out.open("item")
		c.out.text("regionName", r.name)
		c.out.text("regionEndpoint", "ec2."+r.name+".amazonaws.com")
		c.out.text("optInStatus", r.status)
		c.out.end("item")
	}
	c.out.end("regionInfo")
	return nil
}

// optInRegions are some that an account has to ask for.
func optInRegions() []string {
	return []string{"af-south-1", "ap-east-1", "ap-southeast-3", "eu-south-1", "il-central-1", "me-south-1"}
}

const ec2Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"
