package ec2

import (
	"fmt"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// describeCredits is DescribeInstanceCreditSpecifications: of the instances
// that are named, which must be burstable, or of all that pay without limit.
func (c *ec2Call) describeCredits() *wire.Error {
	ids := c.Params.Texts("InstanceId")
	fs, err := wire.ReadFilters(c.Params, wire.Fields[*state.Instance]{"instance-id": func(i *state.Instance) []string { return wire.NonEmpty(i.ID) }})
	if err != nil {
		return err
	}
	switch {
	case len(ids) > 0 && c.Params.Has("MaxResults"):
		return wire.Invalid("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
	case len(ids) > 1000:
		return wire.Invalid("InvalidParameterValue", fmt.Sprintf("%d instance IDs: the maximum is 1000", len(ids)))
	}
	p, err := c.page(1000, len(fs) > 0)
	if err != nil {
		return err
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	var rows []*state.Instance
	if len(ids) > 0 {
		found, err := c.instancesNamed(ids)
		if err != nil {
			return err
		}
		for _, i := range found {
			if i.CreditOption() == "" {
				return wire.Invalid("InstanceCreditSpecification.NotSupported",
					"The instance '"+i.ID+"' does not use CPU credits; only burstable performance instances do.")
			}
			if wire.MatchAll(fs, i) {
				rows = append(rows, i)
			}
		}
	} else {
		rows = c.unlimited(p, fs)
	}
	rows, token := wire.CutPage(p, rows, func(i *state.Instance) (uint64, int) { return i.Reservation.Seq, i.Index })
	c.Out.Open("instanceCreditSpecificationSet")
	for _, i := range rows {
		c.Out.Open("item")
		c.Out.Text("instanceId", i.ID)
		c.Out.Text("cpuCredits", i.CreditOption())
		c.Out.End("item")
	}
	c.Out.End("instanceCreditSpecificationSet")
	c.Out.Optional("nextToken", token)
	return nil
}

// unlimited are the instances with that option which a page has left to show.
func (c *ec2Call) unlimited(p wire.Page, fs []wire.Filter[*state.Instance]) []*state.Instance {
	var rows []*state.Instance
	for _, res := range c.Region.Reservations {
		for _, i := range res.Instances {
			if !p.After(res.Seq, i.Index) {
				continue
			}
			i.Settle(c.Now)
			if !i.Gone && !c.hidden(i) && i.CreditOption() == state.CreditsUnlimited && wire.MatchAll(fs, i) {
				rows = append(rows, i)
			}
		}
		if p.Size > 0 && len(rows) > p.Size {
			break
		}
	}
	return rows
}

// creditsAtLaunch reads the credit option that a launch asks for.
func creditsAtLaunch(p *wire.Params, kind catalog.Type) (string, *wire.Error) {
	requested := p.Text("CreditSpecification.CpuCredits")
	switch {
	case requested == "":
	case requested != state.CreditsStandard && requested != state.CreditsUnlimited:
		return "", wire.Invalid("InvalidParameterValue", "Value ("+requested+") for parameter cpuCredits is invalid. It must be standard or unlimited.")
	case !kind.Burstable():
		return "", wire.Invalid("InvalidParameterCombination", "The parameter CreditSpecification is not supported for the instance type "+kind.Name+".")
	}
	return requested, nil
}
