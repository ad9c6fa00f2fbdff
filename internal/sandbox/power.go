package sandbox

import "time"

// stop is StopInstances: every id is checked before anything changes.
func (c *ec2Call) stop() *apiError {
	ids := c.form.texts("InstanceId")
	hibernate := c.form.flag("Hibernate")
	c.form.accept("Force", "SkipOsShutdown")
	batch, err := c.batch(ids)
	if err != nil {
		return err
	}
	for _, i := range batch {
		if i.state != running && i.state != stopping && i.state != stopped {
			return wrongState(i, "stopped")
		}
	}
	for _, i := range batch {
		switch {
		case i.spot != nil && !i.spot.persistent:
			return invalid("UnsupportedOperation", "You can't stop the Spot Instance '"+i.id+"' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.")
		case i.store:
			return invalid("UnsupportedOperation", "The instance '"+i.id+"' does not have an 'ebs' root device type and cannot be stopped.")
		case hibernate && !i.hibernation:
			return invalid("UnsupportedHibernationConfiguration", "The instance '"+i.id+"' is not configured for hibernation.")
		}
	}
	for _, i := range batch {
		if i.stopGuard {
			return invalid("OperationNotPermitted", "The instance '"+i.id+"' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.")
		}
	}
	return c.change(batch, func(i *instance) {
		if i.state == running {
			i.stop(c.now, c.slowed(i, i.stopTakes(c.region.rng)), hibernate)
		}
	})
}

// start is StartInstances.
func (c *ec2Call) start() *apiError {
	ids := c.form.texts("InstanceId")
	c.form.accept("AdditionalInfo")
	batch, err := c.batch(ids)
	if err != nil {
		return err
	}
	for _, i := range batch {
		if i.state != running && i.state != pending && i.state != stopped {
			return wrongState(i, "started")
		}
	}
	return c.change(batch, func(i *instance) {
		if i.state == stopped {
			i.start(c.now, c.slowed(i, i.startTakes(c.region.rng)))
			i.failsWith = c.failure(i)
		}
	})
}

// terminate is TerminateInstances.
func (c *ec2Call) terminate() *apiError {
	ids := c.form.texts("InstanceId")
	c.form.accept("Force", "SkipOsShutdown")
	batch, err := c.batch(ids)
	if err != nil {
		return err
	}
	for _, i := range batch {
		if i.endGuard {
			return invalid("OperationNotPermitted", "The instance '"+i.id+"' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.")
		}
	}
	return c.change(batch, func(i *instance) {
		if i.state == shuttingDown || i.state == terminated {
			return
		}
		i.terminate(c.now, c.slowed(i, between(c.region.rng, 20*time.Second, 40*time.Second)))
		c.region.release(i)
	})
}

// reboot is RebootInstances, which changes nothing that can be described.
func (c *ec2Call) reboot() *apiError {
	batch, err := c.batch(c.form.texts("InstanceId"))
	if err != nil {
		return err
	}
	for _, i := range batch {
		if i.state != running {
			return wrongState(i, "rebooted")
		}
	}
	c.out.flag("return", true)
	return nil
}

func wrongState(i *instance, done string) *apiError {
	return invalid("IncorrectInstanceState", "The instance '"+i.id+"' is not in a state from which it can be "+done+".")
}

// batch finds the instances of a mutating call and asks for permission on
// each; all or none.
func (c *ec2Call) batch(ids []string) ([]*instance, *apiError) {
	if err := c.form.unknownParameter(); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, missingParameter("InstanceId")
	}
	batch, err := c.instancesNamed(ids)
	if err != nil {
		return nil, err
	}
	for _, i := range batch {
		if err := c.authorize(c.region.arn("instance", i.id), i.tags, nil); err != nil {
			return nil, err
		}
	}
	if err := c.checkDryRun(); err != nil {
		return nil, err
	}
	return batch, c.refused(batch)
}

// change applies act to each instance and answers its states before and
// after.
func (c *ec2Call) change(batch []*instance, act func(*instance)) *apiError {
	c.out.open("instancesSet")
	for _, i := range batch {
		before := i.state
		act(i)
		c.out.open("item")
		c.out.text("instanceId", i.id)
		c.out.state("currentState", i.state)
		c.out.state("previousState", before)
		c.out.end("item")
	}
	c.out.end("instancesSet")
	return nil
}

func (d *doc) state(name string, s state) {
	d.open(name)
	d.number("code", int64(s))
	d.text("name", s.String())
	d.end(name)
}
