package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/retention"
)

// keepCalendar draws the days of copies on a terminal: a row for each month, newest
// first, a sign for each day.
type keepCalendar struct {
	width int
	color bool
}

// keepSign is the sign of a day of which a copy stays by one of the rules.
type keepSign struct {
	sign, ink string
	rules     []retention.Name
	says      string
}

// keepSigns are the signs of days in the order of how long their rules keep: that of
// the copy of the day which stays for the longest.
func keepSigns() []keepSign {
	return []keepSign{
		{"Y", inkEdge, []retention.Name{retention.Yearly, retention.WithinYearly}, "yearly"},
		{"M", inkNow, []retention.Name{retention.Monthly, retention.WithinMonthly}, "monthly"},
		{"W", inkPeople, []retention.Name{retention.Weekly, retention.WithinWeekly}, "weekly"},
		{"D", inkRunning, []retention.Name{retention.Daily, retention.WithinDaily}, "daily"},
		{"h", inkRunning, []retention.Name{retention.Hourly, retention.WithinHourly}, "hourly"},
		{"+", inkRunning, []retention.Name{retention.Last, retention.Within}, "last or within"},
	}
}

// rank is the place of a verdict in keepSigns: deleted ones and those that no rule keeps
// come after all.
func rank(v retention.Verdict[time.Time]) int {
	signs := keepSigns()
	best := len(signs)
	if !v.Keep {
		return best + 1
	}
	for _, reason := range v.Reasons {
		for n, s := range signs[:best] {
			if slices.Contains(s.rules, reason.Rule) {
				best = n
				break
			}
		}
	}
	return best
}

func (c keepCalendar) print(w io.Writer, verdicts []retention.Verdict[time.Time]) {
	signs := keepSigns()
	days := map[string]int{} // the best rank of each day
	seen := map[int]bool{}
	for _, v := range verdicts {
		day, r := v.Time.Format(time.DateOnly), rank(v)
		if best, there := days[day]; !there || r < best {
			days[day] = r
		}
	}
	gap := " "
	if c.width < 72 {
		gap = ""
	}
	header := []byte(strings.Repeat(" ", 9+32*(1+len(gap))))
	for _, d := range []int{1, 5, 10, 15, 20, 25, 30} {
		copy(header[9+(d-1)*(1+len(gap)):], strconv.Itoa(d))
	}
	fmt.Fprintln(w, strings.TrimRight(string(header), " "))
	newest, oldest := verdicts[0].Time, verdicts[len(verdicts)-1].Time
	for month := firstOfMonth(newest); !month.Before(firstOfMonth(oldest)); month = month.AddDate(0, -1, 0) {
		var row strings.Builder
		some := false
		for day := month; day.Month() == month.Month(); day = day.AddDate(0, 0, 1) {
			sign, ink := " ", inkNone
			if r, there := days[day.Format(time.DateOnly)]; there {
				some = true
				seen[r] = true
				switch {
				case r < len(signs):
					sign, ink = signs[r].sign, signs[r].ink
				case r == len(signs):
					sign, ink = "?", inkStrong
				default:
					sign, ink = "·", inkFaint
				}
			}
			row.WriteString(paint(c.color, ink, sign) + gap)
		}
		if some {
			fmt.Fprintf(w, "%s  %s\n", month.Format("2006-01"), strings.TrimRight(row.String(), " "))
		}
	}
	c.legend(w, seen)
}

// legend explains the signs that were drawn.
func (c keepCalendar) legend(w io.Writer, seen map[int]bool) {
	signs := keepSigns()
	var parts []string
	for n, s := range signs {
		if seen[n] {
			parts = append(parts, paint(c.color, s.ink, s.sign)+" "+s.says)
		}
	}
	if seen[len(signs)] {
		parts = append(parts, "? later than now")
	}
	if seen[len(signs)+1] {
		parts = append(parts, paint(c.color, inkFaint, "·")+" deleted")
	}
	fmt.Fprintln(w, "\n"+strings.Join(parts, "   "))
}

// firstOfMonth is the first day of the month of a local time. It is in UTC, because a
// zone may not have a midnight, or the whole day.
func firstOfMonth(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}
