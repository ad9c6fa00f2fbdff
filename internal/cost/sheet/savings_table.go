package sheet

import (
	"nightshift/internal/cost"
)

// savingsTables are the sheets of the savings: by instance and by schedule.
func savingsTables(s *cost.Savings) []Table {
	var sums []cost.SavedSum
	for _, sum := range s.Schedules {
		if sum.Schedule == "" {
			sum.Schedule = "(none)"
		}
		sums = append(sums, sum)
	}
	all := s.Total
	all.Schedule = "All"
	sums = append(sums, all)
	return []Table{
		table("Savings", 2, s.Instances, []field[cost.Saved]{
			{"Name", Text, func(i cost.Saved) any { return i.Name }},
			{"InstanceId", Text, func(i cost.Saved) any { return string(i.ID) }},
			{"InstanceType", Text, func(i cost.Saved) any { return string(i.Type) }},
			{"Schedule", Text, func(i cost.Saved) any { return i.Schedule }},
			{"Account", Text, func(i cost.Saved) any { return string(i.Target.Account) }},
			{"Region", Text, func(i cost.Saved) any { return string(i.Target.Region) }},
			{"Stops", Count, func(i cost.Saved) any { return int64(i.Stops) }},
			{"HoursOff", Hours, func(i cost.Saved) any { return i.Off }},
			{"HoursUnclear", Hours, func(i cost.Saved) any { return i.Unclear }},
			{"Hourly(USD)", Rate, func(i cost.Saved) any { return optional(i.Hourly) }},
			{"NotSpent(USD)", Money, func(i cost.Saved) any { return optional(i.Gross) }},
			{"EBSMeanwhile(USD)", Money, func(i cost.Saved) any { return optional(i.EBS) }},
			{"AddressesMeanwhile(USD)", Money, func(i cost.Saved) any { return optional(i.Addresses) }},
			{"Net(USD)", Money, func(i cost.Saved) any { return optional(i.Net) }},
		}),
		table("Savings_By_Schedule", 1, sums, []field[cost.SavedSum]{
			{"Schedule", Text, func(t cost.SavedSum) any { return t.Schedule }},
			{"Instances", Count, func(t cost.SavedSum) any { return int64(t.Instances) }},
			{"Unpriced", Count, func(t cost.SavedSum) any { return int64(t.Unpriced) }},
			{"HoursOff", Hours, func(t cost.SavedSum) any { return t.Off }},
			{"NotSpent(USD)", Money, func(t cost.SavedSum) any { return t.Gross }},
			{"EBSMeanwhile(USD)", Money, func(t cost.SavedSum) any { return t.EBS }},
			{"AddressesMeanwhile(USD)", Money, func(t cost.SavedSum) any { return t.Addresses }},
			{"Net(USD)", Money, func(t cost.SavedSum) any { return t.Net }},
		}),
	}
}
