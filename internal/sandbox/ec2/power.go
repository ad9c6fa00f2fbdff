package ec2

import (
	"cmp"
	"strings"
	"time"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// stop is StopInstances: every id is checked before anything changes.
func (c *ec2Call) stop() *wire.Error {
	ids := c.Params.Texts("InstanceId")
	hibernate := c.Params.Flag("Hibernate")
	c.Params.Accept("Force", "SkipOsShutdown")
	batch, err := c.batch(ids)
	if err != nil {
		return err
	}
	for _, i := range batch {
		if i.State != state.Running && i.State != state.Stopping && i.State != state.Stopped {
			return wrongState(i, "stopped")
		}
	}
	for _, i := range batch {
		switch {
		case i.Spot != nil && !i.Spot.Persistent:
			return wire.Invalid("UnsupportedOperation", "You can't stop the Spot Instance '"+i.ID+"' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.")
		case i.InstanceStore:
			return wire.Invalid("UnsupportedOperation", "The instance '"+i.ID+"' does not have an 'ebs' root device type and cannot be stopped.")
		case hibernate && !i.Hibernation:
			return wire.Invalid("UnsupportedHibernationConfiguration", "The instance '"+i.ID+"' is not configured for hibernation.")
		}
	}
	for _, i := range batch {
		if i.StopProtection {
			return wire.Invalid("OperationNotPermitted", "The instance '"+i.ID+"' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.")
		}
	}
	return c.change(batch, func(i *state.Instance) {
		if i.State == state.Running {
			i.Stop(c.Now, c.slowed(i, i.StopTakes(c.Region.Rand)), hibernate)
		}
	})
}

// start is StartInstances.
func (c *ec2Call) start() *wire.Error {
	ids := c.Params.Texts("InstanceId")
	c.Params.Accept("AdditionalInfo")
	batch, err := c.batch(ids)
	if err != nil {
		return err
	}
	for _, i := range batch {
		if i.State != state.Running && i.State != state.Pending && i.State != state.Stopped {
			return wrongState(i, "started")
		}
	}
	return c.change(batch, func(i *state.Instance) {
		if i.State == state.Stopped {
			i.Start(c.Now, c.slowed(i, i.StartTakes(c.Region.Rand)))
			i.FailsWith = cmp.Or(c.failure(i), c.withoutKeys(i))
		}
	})
}

// terminate is TerminateInstances.
func (c *ec2Call) terminate() *wire.Error {
	ids := c.Params.Texts("InstanceId")
	c.Params.Accept("Force", "SkipOsShutdown")
	batch, err := c.batch(ids)
	if err != nil {
		return err
	}
	for _, i := range batch {
		if i.TerminationProtection {
			return wire.Invalid("OperationNotPermitted", "The instance '"+i.ID+"' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.")
		}
	}
	return c.change(batch, func(i *state.Instance) {
		if i.State == state.ShuttingDown || i.State == state.Terminated {
			return
		}
		i.Terminate(c.Now, c.slowed(i, random.Between(c.Region.Rand, 20*time.Second, 40*time.Second)))
		c.Region.Release(i)
	})
}

// reboot is RebootInstances, which changes nothing that can be described.
func (c *ec2Call) reboot() *wire.Error {
	batch, err := c.batch(c.Params.Texts("InstanceId"))
	if err != nil {
		return err
	}
	for _, i := range batch {
		if i.State != state.Running {
			return wrongState(i, "rebooted")
		}
	}
	c.Out.Flag("return", true)
	return nil
}

func wrongState(i *state.Instance, done string) *wire.Error {
	return wire.Invalid("IncorrectInstanceState", "The instance '"+i.ID+"' is not in a state from which it can be "+done+".")
}

// batch finds the instances of a mutating call and asks for permission on
// each; all or none.
func (c *ec2Call) batch(ids []string) ([]*state.Instance, *wire.Error) {
	if err := c.Params.UnknownParameter(); err != nil {
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
		if err := c.authorize(c.Region.ARN("instance", i.ID), i.Tags, nil); err != nil {
			return nil, err
		}
		if err := c.licensed(i); err != nil {
			return nil, err
		}
	}
	if err := c.checkDryRun(); err != nil {
		return nil, err
	}
	return batch, c.refused(batch)
}

// licensed asks for permission on the license configurations of an instance that
// is to start.
func (c *ec2Call) licensed(i *state.Instance) *wire.Error {
	if c.Action != "StartInstances" {
		return nil
	}
	for _, arn := range i.Licenses {
		if err := c.authorize(arn, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// withoutKeys is the reason with which a start will fail because EC2 is granted
// no use of the customer managed key of a volume; empty where there is none. The
// call itself succeeds.
func (c *ec2Call) withoutKeys(i *state.Instance) string {
	for _, a := range i.Attachments {
		if !strings.HasPrefix(a.Volume.KMSKey, "arn:") {
			continue // an alias of AWS's own key
		}
		use := policy.KeyUse{ForResource: true, Operations: []string{"Decrypt"}, Context: []string{"aws:ebs:id"}}
		if c.UseKey("kms:CreateGrant", a.Volume.KMSKey, use) != nil {
			return "Client.InternalError"
		}
	}
	return ""
}

// change applies act to each instance and answers its states before and
// after.
func (c *ec2Call) change(batch []*state.Instance, act func(*state.Instance)) *wire.Error {
	c.Out.Open("instancesSet")
	for _, i := range batch {
		before := i.State
		act(i)
		c.Out.Open("item")
		c.Out.Text("instanceId", i.ID)
		writeState(c.Out, "currentState", i.State)
		writeState(c.Out, "previousState", before)
		c.Out.End("item")
	}
	c.Out.End("instancesSet")
	return nil
}

func writeState(d *wire.Doc, name string, s state.InstanceState) {
	d.Open(name)
	d.Number("code", int64(s))
	d.Text("name", s.String())
	d.End(name)
}
