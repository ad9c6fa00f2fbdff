package trend

// Milestones are the dates that a trend needs of a long history: the last of
// each week and of each month, in order. What lies between two of them is
// within one week and one month.
func Milestones(dates []Date) []Date {
	var some []Date
	for n, date := range dates {
		if n+1 == len(dates) || dates[n+1].week() != date.week() || dates[n+1].month() != date.month() {
			some = append(some, date)
		}
	}
	return some
}
