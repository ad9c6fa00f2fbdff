package sandbox

func noReservation(id string) *apiError {
	return invalid("InvalidCapacityReservationId.NotFound", "The capacity reservation '"+id+"' does not exist")
}

// describeReservations is DescribeCapacityReservations.
func (c *ec2Call) describeReservations() *apiError {
	ids := c.form.texts("CapacityReservationId")
	fs, err := readFilters(c.form, c.reservationFilters(), "outpost-arn", "placement-group-arn", "availability-zone-id", "end-date")
	if err != nil {
		return err
	}
	p, err := c.listing(1000, len(fs) > 0, ids, "")
	if err != nil {
		return err
	}
	list, err := named(c.region.holdings.capacity, func(r *capacityReservation) string { return r.id }, ids, noReservation)
	if err != nil {
		return err
	}
	seq := func(r *capacityReservation) uint64 { return r.seq }
	rows, token := cutPage(p, rest(p, list, seq, fs), func(r *capacityReservation) (uint64, int) { return r.seq, 0 })
	c.out.open("capacityReservationSet")
	for _, r := range rows {
		for _, i := range r.instances {
			i.settle(c.now)
		}
		c.out.open("item")
		c.out.capacityReservation(c.region, r)
		c.out.end("item")
	}
	c.out.end("capacityReservationSet")
	c.out.some("nextToken", token)
	return nil
}

func (d *doc) capacityReservation(reg *region, r *capacityReservation) {
	d.text("capacityReservationId", r.id)
	d.text("ownerId", reg.owner)
	d.text("capacityReservationArn", reg.arn("capacity-reservation", r.id))
	d.text("instanceType", r.kind.Name)
	d.text("instancePlatform", r.platform)
	d.text("availabilityZone", r.zone)
	d.text("tenancy", "default")
	d.number("totalInstanceCount", r.capacity())
	d.number("availableInstanceCount", r.available())
	d.flag("ebsOptimized", true)
	d.flag("ephemeralStorage", false)
	d.text("state", r.state())
	d.time("startDate", r.created)
	d.text("endDateType", "unlimited")
	d.text("instanceMatchCriteria", "targeted")
	d.time("createDate", r.created)
	d.text("reservationType", "default")
	d.tags(r.tags)
}

// reservationFilters are the filters of DescribeCapacityReservations.
func (c *ec2Call) reservationFilters() fields[*capacityReservation] {
	return fields[*capacityReservation]{
		"tag-key":                 func(r *capacityReservation) []string { return r.tags.keys() },
		"tag-value":               func(r *capacityReservation) []string { return r.tags.values() },
		"instance-type":           func(r *capacityReservation) []string { return one(r.kind.Name) },
		"owner-id":                always[*capacityReservation](c.region.owner),
		"instance-platform":       func(r *capacityReservation) []string { return one(r.platform) },
		"availability-zone":       func(r *capacityReservation) []string { return one(r.zone) },
		"tenancy":                 always[*capacityReservation]("default"),
		"state":                   func(r *capacityReservation) []string { return one(r.state()) },
		"start-date":              func(r *capacityReservation) []string { return one(iso(r.created)) },
		"end-date-type":           always[*capacityReservation]("unlimited"),
		"instance-match-criteria": always[*capacityReservation]("targeted"),
	}
}

// placementFilters are the filters of DescribeInstances about hosts and
// reservations.
func placementFilters() fields[*instance] {
	host := func(i *instance) []string {
		if i.host == nil {
			return nil
		}
		return one(i.host.id)
	}
	return fields[*instance]{
		"host-id": host,
		"affinity": func(i *instance) []string {
			if i.host == nil {
				return nil
			}
			return one("host")
		},
		"capacity-reservation-id": func(i *instance) []string { return one(i.usedReservation()) },
		"capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id": func(i *instance) []string {
			if i.capacity == nil {
				return nil
			}
			return one(i.capacity.id)
		},
	}
}

// reservationTarget writes how an instance chooses its capacity.
func (d *doc) reservationTarget(i *instance) {
	d.open("capacityReservationSpecification")
	if i.capacity == nil {
		d.text("capacityReservationPreference", "open")
	} else {
		d.open("capacityReservationTarget")
		d.text("capacityReservationId", i.capacity.id)
		d.end("capacityReservationTarget")
	}
	d.end("capacityReservationSpecification")
}
