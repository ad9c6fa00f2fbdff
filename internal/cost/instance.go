package cost

import (
	"cmp"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Instance is one row of the report.
type Instance struct {
	Target     fleet.Target
	ID         fleet.ResourceID
	Type       fleet.InstanceType
	State      fleet.State
	Zone       fleet.Zone
	Lifecycle  fleet.Lifecycle
	LaunchTime time.Time
	// Name is the tag Name, or the id.
	Name string
	// Platform is the tag Platform, or "Linux" where there is none. It is what
	// people call it; price.Platform of the price's operation is what AWS
	// bills.
	Platform string

	Info *fleet.TypeInfo // nil where the type could not be described

	Price       *Price
	PriceStatus price.Status
	PriceNote   string
	// Hours is how long it ran this month so far, AtLeast how much of that is
	// certain; they are all equal where Source is exact.
	// AtMost is how long it may have run.
	Hours, AtLeast, AtMost time.Duration
	Source                 HoursSource
	// Mean is the mean price of an hour this month where it differs from that
	// of now, as spot prices do; else 0.
	Mean price.USD
	// Schedule is what it follows, empty where it follows none; Planned is how
	// long it will run from now to the end of the month.
	Schedule string
	Planned  time.Duration
	// Stopped is the last stop, FirstLaunch the first launch, where EC2 knows them.
	Stopped, FirstLaunch time.Time
	Tags                 fleet.Tags // those of Options.Tags
	// MustRun is true where, by its tags, it must run, or where it cannot be stopped.
	MustRun bool
	// Bound is why it cannot be stopped and changed on its own; empty where it can.
	Bound string
	// ScheduleTag is the tag that would put it on a schedule, zero where none would.
	ScheduleTag fleet.Tag

	VolumeGiB int64
	Attached  []VolumeShape
	// EBS is a full month of the attached volumes, EBSToDate this month so far,
	// EBSForecast the whole of this month.
	EBS, EBSToDate, EBSForecast Amount
	EBSStatus                   price.Status // empty without volumes
	EBSNote                     string
}

func platformTag(i fleet.Instance) string {
	if tag, ok := i.Tags["Platform"]; ok {
		return tag
	}
	return "Linux"
}

// EC2 is what the instance itself cost this month so far, for Hours.
func (i *Instance) EC2() Amount { return i.Spent(i.Hours) }

// EC2AtLeast and EC2AtMost are the same for AtLeast and AtMost.
func (i *Instance) EC2AtLeast() Amount { return i.Spent(i.AtLeast) }

// EC2AtMost is EC2 for AtMost.
func (i *Instance) EC2AtMost() Amount { return i.Spent(i.AtMost) }

// IfRunning is what the instance itself costs in 730 hours.
func (i *Instance) IfRunning() Amount { return i.CostOf(RunRateMonth, i.Price.Rate.USD) }

// EC2Forecast is EC2 with what the instance will cost to the end of the month:
// by its schedule, else as it is now.
func (i *Instance) EC2Forecast() Amount {
	return i.EC2().Plus(i.CostOf(i.Planned, i.Price.Rate.USD))
}

// Forecast is EC2Forecast with the attached volumes.
func (i *Instance) Forecast() Amount { return i.EC2Forecast().Plus(i.EBSForecast) }

// RunRate is IfRunning for an instance that runs, and nothing for others.
func (i *Instance) RunRate() Amount {
	if i.State == fleet.Running || i.State == fleet.Pending {
		return i.IfRunning()
	}
	return Known(0)
}

// TotalToDate is EC2 and EBS, both for the month so far.
func (i *Instance) TotalToDate() Amount { return i.EC2().Plus(i.EBSToDate) }

// RunRateMonth is the month of a run rate: 730 hours, a twelfth of 365 days.
const RunRateMonth = 730 * time.Hour

// Spent is the cost of having run for some time this month.
func (i *Instance) Spent(d time.Duration) Amount {
	return i.CostOf(d, cmp.Or(i.Mean, i.Price.Rate.USD))
}

// CostOf is the cost of running for some time. No time costs nothing, whatever the price.
func (i *Instance) CostOf(d time.Duration, hourly price.USD) Amount {
	if d == 0 {
		return Known(0)
	}
	if !i.Price.Status.Usable() {
		return Amount{}
	}
	return Known(hourly.Times(Seconds(d), 3600))
}

// bound is why an instance cannot be stopped and changed on its own, empty where
// it can be.
func bound(i fleet.Instance) string {
	switch {
	case i.Ineligible.Cannot.Code == "instance-store-root":
		return "it cannot be stopped, for its root device is an instance store: launch another one of the new type in its place"
	case i.Ineligible.Managed.Code == "auto-scaling":
		return "it belongs to an Auto Scaling group, which would replace it: change the type in the group's launch template"
	case i.Ineligible != fleet.Ineligible{}:
		return "it " + i.Ineligible.Reason().Text
	}
	return ""
}

// mustRun is true where the tags say that people outside depend on an instance.
func mustRun(tags fleet.Tags) bool {
	for key, value := range tags {
		switch strings.ToLower(key) {
		case "env", "environment", "stage", "tier":
			switch strings.ToLower(value) {
			case "prod", "production", "prd", "live", "운영":
				return true
			}
		}
	}
	return false
}
