package ec2

import (
	"time"

	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// checksTake is how long the status checks of a started instance say
// "initializing". AWS names no time; a few minutes are usual.
const checksTake = 2 * time.Minute

// describeStatus is DescribeInstanceStatus: of running instances, or of those
// in any state where IncludeAllInstances is set.
func (c *ec2Call) describeStatus() *wire.Error {
	ids := c.Params.Texts("InstanceId")
	all := c.Params.Flag("IncludeAllInstances")
	fs, err := wire.ReadFilters(c.Params, c.statusFilters(), otherStatusFilters()...)
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "instancesSet")
	if err != nil {
		return err
	}
	candidates := c.Region.Reservations
	only := map[*state.Instance]bool{}
	if len(ids) > 0 {
		found, err := c.instancesNamed(ids)
		if err != nil {
			return err
		}
		for _, i := range found {
			only[i] = true
		}
		candidates = reservationsOf(found)
	}
	var rows []*state.Instance
	for _, res := range candidates {
		for _, i := range res.Instances {
			i.Settle(c.Now)
			if p.After(res.Seq, i.Index) && !i.Gone && !c.hidden(i) && (len(ids) == 0 || only[i]) &&
				(all || c.shown(i).State == state.Running) && wire.MatchAll(fs, i) {
				rows = append(rows, i)
			}
		}
	}
	rows, token := wire.CutPage(p, rows, func(i *state.Instance) (uint64, int) { return i.Reservation.Seq, i.Index })
	c.Out.Open("instanceStatusSet")
	for _, i := range rows {
		status, reachability := c.checks(i)
		c.Out.Open("item")
		c.Out.Text("instanceId", i.ID)
		c.Out.Text("availabilityZone", i.Zone)
		writeState(c.Out, "instanceState", c.shown(i).State)
		writeCheck(c.Out, "systemStatus", systemStatus(status), systemStatus(reachability))
		writeCheck(c.Out, "instanceStatus", status, reachability)
		c.Out.End("item")
	}
	c.Out.End("instanceStatusSet")
	c.Out.Optional("nextToken", token)
	return nil
}

// checks are the instance's own status check and the one test that it is made
// of. They need a running instance.
func (c *ec2Call) checks(i *state.Instance) (status, reachability string) {
	switch {
	case c.shown(i).State != state.Running:
		return "not-applicable", ""
	case c.Now.Before(i.ChecksBegan.Add(checksTake)):
		return "initializing", "initializing"
	}
	for _, h := range c.Faults {
		if h.Kind == service.Impair && strikes(h, i) {
			return "impaired", "failed"
		}
	}
	return "ok", "passed"
}

// systemStatus is the check of AWS's own side, which nothing impairs here.
func systemStatus(own string) string {
	switch own {
	case "impaired":
		return "ok"
	case "failed":
		return "passed"
	}
	return own
}

func writeCheck(d *wire.Doc, name, status, reachability string) {
	d.Open(name)
	d.Text("status", status)
	if reachability != "" {
		d.Open("details")
		d.Open("item")
		d.Text("name", "reachability")
		d.Text("status", reachability)
		d.End("item")
		d.End("details")
	}
	d.End(name)
}

// statusFilters are the filters of DescribeInstanceStatus.
func (c *ec2Call) statusFilters() wire.Fields[*state.Instance] {
	instances := c.instanceFilters()
	return wire.Fields[*state.Instance]{
		"availability-zone":   instances["availability-zone"],
		"instance-state-code": instances["instance-state-code"],
		"instance-state-name": instances["instance-state-name"],
		"instance-status.status": func(i *state.Instance) []string {
			status, _ := c.checks(i)
			return wire.NonEmpty(status)
		},
		"instance-status.reachability": func(i *state.Instance) []string {
			_, reachability := c.checks(i)
			return wire.NonEmpty(reachability)
		},
		"system-status.status": func(i *state.Instance) []string {
			status, _ := c.checks(i)
			return wire.NonEmpty(systemStatus(status))
		},
		"system-status.reachability": func(i *state.Instance) []string {
			_, reachability := c.checks(i)
			return wire.NonEmpty(systemStatus(reachability))
		},
		"operator.managed":   instances["operator.managed"],
		"operator.principal": instances["operator.principal"],
	}
}

// otherStatusFilters are those that EC2 documents and the account does not
// know.
func otherStatusFilters() []string {
	return []string{
		"attached-ebs-status.status", "availability-zone-id", "event.code", "event.description", "event.instance-event-id",
		"event.not-after", "event.not-before", "event.not-before-deadline",
	}
}
