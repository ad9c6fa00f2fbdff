package recommend

import (
	"fmt"
	"strings"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// scratch are the older families whose types have local disks (instance store);
// their successors have none.
func scratch(t fleet.InstanceType) bool {
	family, _, _ := strings.Cut(string(t), ".")
	return family == "m3" || family == "c3" || family == "r3"
}

// runShare is the share of the month so far in which an instance ran, for what a
// change would save in a full month; false where the month is too young to say.
func runShare(r cost.Report, i *cost.Instance) (ran, elapsed int64, ok bool) {
	ran, elapsed = cost.Seconds(i.Hours), cost.Seconds(r.Month.Now.Sub(r.Month.Start))
	if elapsed < 24*3600 {
		ran, elapsed = 0, 1
		if i.State == fleet.Running {
			ran = 1
		}
		return ran, elapsed, true
	}
	return ran, elapsed, ran > 0
}

// forOlderTypes are instances of an older generation whose successor costs
// less, for the hours that they run.
func forOlderTypes(r cost.Report) []Recommendation {
	var all []Recommendation
	for _, i := range r.Instances {
		if !i.Price.Status.Usable() || i.Lifecycle != fleet.OnDemand || i.State == fleet.Terminated || i.State == fleet.ShuttingDown {
			continue
		}
		key, ok := cost.SuccessorKey(price.InstanceKey{Region: i.Target.Region, Type: i.Type, Tenancy: i.Price.Tenancy, Operation: i.Price.Operation})
		newer := r.Evidence.Quotes[key]
		ran, elapsed, running := runShare(r, i)
		if !ok || newer == nil || !newer.Status.Usable() || !running {
			continue
		}
		hourly := i.Price.Rate.USD.Add(-newer.Rate.USD)
		f := Recommendation{
			Target: i.Target, Code: PreviousGeneration, Resource: string(i.ID), Name: i.Name,
			Saving: hourly.Times(cost.Seconds(cost.RunRateMonth), 3600).Times(ran, elapsed),
			// What is off may never be started again, and what local disks hold
			// may be needed.
			Certain: (i.State == fleet.Running || i.State == fleet.Pending) && !scratch(i.Type),
			Reason: fmt.Sprintf("%s is of an older generation; %s has at least its vCPUs and memory for %s an hour instead of %s (its image needs drivers for ENA and NVMe)",
				i.Type, key.Type, newer.Rate.USD, i.Price.Rate.USD),
		}
		f.Template, f.Advice = changeType(i, key.Type)
		if scratch(i.Type) {
			f.Reason += fmt.Sprintf("; its local disks (instance store) and what is on them are lost, for %s has none", key.Type)
		}
		all = append(all, f)
	}
	return all
}

// The office hours of the recommendation: Monday to Friday from 8 to 19, 55 hours of a
// week.
const (
	officeHours = 55
	weekHours   = 7 * 24
)

// allNight is the share of the time from which on an instance counts as running
// day and night, in percent, and awhile the time that must have been seen.
const (
	allNight = 95
	awhile   = 5 * 24 * time.Hour
)

// forNights are instances that run day and night although no schedule and
// no tag says that they must.
func forNights(r cost.Report) []Recommendation {
	elapsed := r.Month.Now.Sub(r.Month.Start)
	var all []Recommendation
	for _, i := range r.Instances {
		if i.State != fleet.Running || i.Schedule != "" || i.MustRun || i.Lifecycle != fleet.OnDemand && i.Lifecycle != fleet.Spot || !i.Price.Status.Usable() {
			continue
		}
		seen := max(elapsed, r.Month.Now.Sub(i.LaunchTime))
		if i.LaunchTime.IsZero() || seen < awhile || i.AtLeast*100 < elapsed*allNight {
			continue
		}
		f := Recommendation{
			Target: i.Target, Code: RunsAllNight, Resource: string(i.ID), Name: i.Name,
			Saving: i.IfRunning().USD.Times(weekHours-officeHours, weekHours), Certain: false,
			Reason: "runs day and night and follows no schedule; from Monday to Friday, 8 to 19, it would run 55 of the week's 168 hours",
		}
		f.Template, f.Advice = giveTag(i.ScheduleTag)
		all = append(all, f)
	}
	return all
}
