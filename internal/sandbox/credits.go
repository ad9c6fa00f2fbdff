package sandbox

import "fmt"

// describeCredits is DescribeInstanceCreditSpecifications: of the instances
// that are named, which must be burstable, or of all that pay without limit.
func (c *ec2Call) describeCredits() *apiError {
	ids := c.form.texts("InstanceId")
	fs, err := readFilters(c.form, fields[*instance]{"instance-id": func(i *instance) []string { return one(i.id) }})
	if err != nil {
		return err
	}
	switch {
	case len(ids) > 0 && c.form.has("MaxResults"):
		return invalid("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
	case len(ids) > 1000:
		return invalid("InvalidParameterValue", fmt.Sprintf("%d instance IDs: the maximum is 1000", len(ids)))
	}
	p, err := c.page(1000, len(fs) > 0)
	if err != nil {
		return err
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	var rows []*instance
	if len(ids) > 0 {
		found, err := c.instancesNamed(ids)
		if err != nil {
			return err
		}
		for _, i := range found {
			if i.creditOption() == "" {
				return invalid("InstanceCreditSpecification.NotSupported",
					"The instance '"+i.id+"' does not use CPU credits; only burstable performance instances do.")
			}
			if matchAll(fs, i) {
				rows = append(rows, i)
			}
		}
	} else {
		rows = c.unlimited(p, fs)
	}
	rows, token := cutPage(p, rows, func(i *instance) (uint64, int) { return i.reservation.seq, i.index })
	c.out.open("instanceCreditSpecificationSet")
	for _, i := range rows {
		c.out.open("item")
		c.out.text("instanceId", i.id)
		c.out.text("cpuCredits", i.creditOption())
		c.out.end("item")
	}
	c.out.end("instanceCreditSpecificationSet")
	c.out.some("nextToken", token)
	return nil
}

// unlimited are the instances with that option which a page has left to show.
func (c *ec2Call) unlimited(p page, fs []filter[*instance]) []*instance {
	var rows []*instance
	for _, res := range c.region.reservations {
		for _, i := range res.instances {
			if !p.after(res.seq, i.index) {
				continue
			}
			i.settle(c.now)
			if !i.gone && !c.hidden(i) && i.creditOption() == creditsUnlimited && matchAll(fs, i) {
				rows = append(rows, i)
			}
		}
		if p.size > 0 && len(rows) > p.size {
			break
		}
	}
	return rows
}

// creditsAtLaunch reads the credit option that a launch asks for.
func creditsAtLaunch(p *params, kind typeSpec) (string, *apiError) {
	wanted := p.text("CreditSpecification.CpuCredits")
	switch {
	case wanted == "":
	case wanted != creditsStandard && wanted != creditsUnlimited:
		return "", invalid("InvalidParameterValue", "Value ("+wanted+") for parameter cpuCredits is invalid. It must be standard or unlimited.")
	case !kind.burstable():
		return "", invalid("InvalidParameterCombination", "The parameter CreditSpecification is not supported for the instance type "+kind.Name+".")
	}
	return wanted, nil
}
