package ec2

import (
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

func noReservation(id string) *wire.Error {
	return wire.Invalid("InvalidCapacityReservationId.NotFound", "The capacity reservation '"+id+"' does not exist")
}

// describeReservations is DescribeCapacityReservations.
func (c *ec2Call) describeReservations() *wire.Error {
	ids := c.Params.Texts("CapacityReservationId")
	fs, err := wire.ReadFilters(c.Params, c.reservationFilters(), "outpost-arn", "placement-group-arn", "availability-zone-id", "end-date")
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "")
	if err != nil {
		return err
	}
	list, err := named(c.Region.Other.Capacity, func(r *state.CapacityReservation) string { return r.ID }, ids, noReservation)
	if err != nil {
		return err
	}
	seq := func(r *state.CapacityReservation) uint64 { return r.Seq }
	rows, token := wire.CutPage(p, wire.Remaining(p, list, seq, fs), func(r *state.CapacityReservation) (uint64, int) { return r.Seq, 0 })
	c.Out.Open("capacityReservationSet")
	for _, r := range rows {
		for _, i := range r.Instances {
			i.Settle(c.Now)
		}
		c.Out.Open("item")
		writeCapacityReservation(c.Out, c.Region, r)
		c.Out.End("item")
	}
	c.Out.End("capacityReservationSet")
	c.Out.Optional("nextToken", token)
	return nil
}

func writeCapacityReservation(d *wire.Doc, reg *state.Region, r *state.CapacityReservation) {
	d.Text("capacityReservationId", r.ID)
	d.Text("ownerId", reg.Owner)
	d.Text("capacityReservationArn", reg.ARN("capacity-reservation", r.ID))
	d.Text("instanceType", r.Type.Name)
	d.Text("instancePlatform", r.Platform)
	d.Text("availabilityZone", r.Zone)
	d.Text("tenancy", "default")
	d.Number("totalInstanceCount", r.Capacity())
	d.Number("availableInstanceCount", r.Available())
	d.Flag("ebsOptimized", true)
	d.Flag("ephemeralStorage", false)
	d.Text("state", r.State())
	d.Time("startDate", r.Created)
	d.Text("endDateType", "unlimited")
	d.Text("instanceMatchCriteria", "targeted")
	d.Time("createDate", r.Created)
	d.Text("reservationType", "default")
	writeTags(d, r.Tags)
}

// reservationFilters are the filters of DescribeCapacityReservations.
func (c *ec2Call) reservationFilters() wire.Fields[*state.CapacityReservation] {
	return wire.Fields[*state.CapacityReservation]{
		"tag-key":                 func(r *state.CapacityReservation) []string { return r.Tags.Keys() },
		"tag-value":               func(r *state.CapacityReservation) []string { return r.Tags.Values() },
		"instance-type":           func(r *state.CapacityReservation) []string { return wire.NonEmpty(r.Type.Name) },
		"owner-id":                wire.Constant[*state.CapacityReservation](c.Region.Owner),
		"instance-platform":       func(r *state.CapacityReservation) []string { return wire.NonEmpty(r.Platform) },
		"availability-zone":       func(r *state.CapacityReservation) []string { return wire.NonEmpty(r.Zone) },
		"tenancy":                 wire.Constant[*state.CapacityReservation]("default"),
		"state":                   func(r *state.CapacityReservation) []string { return wire.NonEmpty(r.State()) },
		"start-date":              func(r *state.CapacityReservation) []string { return wire.NonEmpty(iso(r.Created)) },
		"end-date-type":           wire.Constant[*state.CapacityReservation]("unlimited"),
		"instance-match-criteria": wire.Constant[*state.CapacityReservation]("targeted"),
	}
}

// placementFilters are the filters of DescribeInstances about hosts and
// reservations.
func placementFilters() wire.Fields[*state.Instance] {
	host := func(i *state.Instance) []string {
		if i.Host == nil {
			return nil
		}
		return wire.NonEmpty(i.Host.ID)
	}
	return wire.Fields[*state.Instance]{
		"host-id": host,
		"affinity": func(i *state.Instance) []string {
			if i.Host == nil {
				return nil
			}
			return wire.NonEmpty("host")
		},
		"capacity-reservation-id": func(i *state.Instance) []string { return wire.NonEmpty(i.UsedReservation()) },
		"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id": func(i *state.Instance) []string {
			if i.Capacity == nil {
				return nil
			}
			return wire.NonEmpty(i.Capacity.ID)
		},
	}
}

// writeReservationTarget writes how an instance chooses its capacity.
func writeReservationTarget(d *wire.Doc, i *state.Instance) {
	d.Open("capacityReservationSpecification")
	if i.Capacity == nil {
		d.Text("capacityReservationPreference", "open")
	} else {
		d.Open("capacityReservationTarget")
		d.Text("capacityReservationId", i.Capacity.ID)
		d.End("capacityReservationTarget")
	}
	d.End("capacityReservationSpecification")
}
