package sandbox

import "time"

// checksTake is how long the status checks of a started instance say
// "initializing". AWS names no time; a few minutes are usual.
const checksTake = 2 * time.Minute

// describeStatus is DescribeInstanceStatus: of running instances, or of those
// in any state where IncludeAllInstances is set.
func (c *ec2Call) describeStatus() *apiError {
	ids := c.form.texts("InstanceId")
	all := c.form.flag("IncludeAllInstances")
	fs, err := readFilters(c.form, c.statusFilters(), otherStatusFilters()...)
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "instancesSet")
	if err != nil {
		return err
	}
	candidates := c.region.reservations
	only := map[*instance]bool{}
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
	var rows []*instance
	for _, res := range candidates {
		for _, i := range res.instances {
			i.settle(c.now)
			if p.after(res.seq, i.index) && !i.gone && !c.hidden(i) && (len(ids) == 0 || only[i]) &&
				(all || c.shown(i).state == running) && matchAll(fs, i) {
				rows = append(rows, i)
			}
		}
	}
	rows, token := cutPage(p, rows, func(i *instance) (uint64, int) { return i.reservation.seq, i.index })
	c.out.open("instanceStatusSet")
	for _, i := range rows {
		status, reachability := c.checks(i)
		c.out.open("item")
		c.out.text("instanceId", i.id)
		c.out.text("availabilityZone", i.zone)
		c.out.state("instanceState", c.shown(i).state)
		c.out.check("systemStatus", systemStatus(status), systemStatus(reachability))
		c.out.check("instanceStatus", status, reachability)
		c.out.end("item")
	}
	c.out.end("instanceStatusSet")
	c.out.some("nextToken", token)
	return nil
}

// checks are the instance's own status check and the one test that it is made
// of. They need a running instance.
func (c *ec2Call) checks(i *instance) (status, reachability string) {
	switch {
	case c.shown(i).state != running:
		return "not-applicable", ""
	case c.now.Before(i.checked.Add(checksTake)):
		return "initializing", "initializing"
	}
	for _, h := range c.faults {
		if h.Kind == Impair && strikes(h, i) {
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

func (d *doc) check(name, status, reachability string) {
	d.open(name)
	d.text("status", status)
	if reachability != "" {
		d.open("details")
		d.open("item")
		d.text("name", "reachability")
		d.text("status", reachability)
		d.end("item")
		d.end("details")
	}
	d.end(name)
}

// statusFilters are the filters of DescribeInstanceStatus.
func (c *ec2Call) statusFilters() fields[*instance] {
	instances := c.instanceFilters()
	return fields[*instance]{
		"availability-zone":   instances["availability-zone"],
		"instance-state-code": instances["instance-state-code"],
		"instance-state-name": instances["instance-state-name"],
		"instance-status.status": func(i *instance) []string {
			status, _ := c.checks(i)
			return one(status)
		},
		"instance-status.reachability": func(i *instance) []string {
			_, reachability := c.checks(i)
			return one(reachability)
		},
		"system-status.status": func(i *instance) []string {
			status, _ := c.checks(i)
			return one(systemStatus(status))
		},
		"system-status.reachability": func(i *instance) []string {
			_, reachability := c.checks(i)
			return one(systemStatus(reachability))
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
