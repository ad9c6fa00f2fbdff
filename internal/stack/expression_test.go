package stack_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/stack"
)

func recurrence(t *testing.T, text string) schedule.Recurrence {
	t.Helper()
	r, err := schedule.ParseRecurrence(text, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestExpression(t *testing.T) {
	for text, want := range map[string]string{
		"every 1m":                     "rate(1 minute) ",
		"every 5m":                     "rate(5 minutes) ",
		"every 60m":                    "rate(1 hour) ",
		"every 90m":                    "rate(90 minutes) ",
		"every 48h":                    "rate(48 hours) ",
		"Mon 07:00 Asia/Seoul":         "cron(0 7 ? * MON *) Asia/Seoul",
		"Mon-Fri 19:30":                "cron(30 19 ? * MON,TUE,WED,THU,FRI *) UTC",
		"00:05":                        "cron(5 0 * * ? *) UTC",
		"Jan,Jul 1,15 06:00":           "cron(0 6 1,15 JAN,JUL ? *) UTC",
		"last 23:00":                   "cron(0 23 L * ? *) UTC",
		"15W 08:00":                    "cron(0 8 15W * ? *) UTC",
		"Mon#1 08:00":                  "cron(0 8 ? * 2#1 *) UTC",
		"last-Fri 08:00 Europe/Berlin": "cron(0 8 ? * 6L *) Europe/Berlin",
		"2026-12-24 08:00":             "cron(0 8 24 12 ? 2026) UTC",
	} {
		expression, zone, err := stack.Expression(recurrence(t, text))
		if got := expression + " " + zone; err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"Mon 1-7 08:00":                   "days of the month together with weekdays",
		"1,last 08:00":                    "the last day of the month together with other days",
		"lastW 08:00":                     "the last working day",
		"1,15W 08:00":                     "a working day together with other days",
		"Mon#1,Mon#3 08:00":               "several nth weekdays",
		"2026-12-24..2026-12-26 08:00":    "a range of dates",
		"Mon 2026-12-01..2026-12-31 8:00": "a range of dates",
	} {
		if _, _, err := stack.Expression(recurrence(t, text)); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, _, err := stack.Expression(schedule.Recurrence{}); err == nil {
		t.Error("a job without a time has an expression")
	}
}

// TestExpressionOfAYear reads the expressions as Scheduler's documentation says and
// compares every minute of a year with the recurrence, in zones where the clocks
// change at other times than these.
func TestExpressionOfAYear(t *testing.T) {
	for _, text := range []string{
		"Mon 07:00 Asia/Seoul", "Mon-Fri 19:30 Europe/London", "00:05 UTC", "Jan,Jul 1,15 06:00 America/New_York",
		"last 23:00 Asia/Kolkata", "15W 08:00 UTC", "31W 08:00 UTC", "1W 12:00 UTC", "Mon#1 08:00 Asia/Tokyo", "Sun#5 08:00 UTC", "last-Fri 08:00 Europe/Berlin",
		"Feb last 09:00 UTC", "Sat,Sun 10:00 Pacific/Auckland", "2026-12-24 08:00 UTC", "Mar-May Mon 08:00 UTC",
	} {
		r := recurrence(t, text)
		expression, zone, err := stack.Expression(r)
		if err != nil {
			t.Fatal(err)
		}
		in, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, time.January, 1, 0, 0, 0, 0, in)
		end, runs := at.AddDate(1, 0, 0), 0
		next, ok := r.Next(at.Add(-time.Minute))
		for ; at.Before(end); at = at.Add(time.Minute) {
			comes := ok && next.Equal(at)
			if got := cronHas(t, expression, at); got != comes {
				t.Fatalf("%s as %s at %s: %t, want %t", text, expression, at, got, comes)
			}
			if comes {
				runs++
				next, ok = r.Next(at)
			}
		}
		if runs == 0 {
			t.Errorf("%s never comes", text)
		}
	}
}

// cronHas reports whether a cron expression of Scheduler comes at a time.
func cronHas(t *testing.T, expression string, at time.Time) bool {
	t.Helper()
	f := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(expression, "cron("), ")"))
	if len(f) != 6 || (f[2] == "?") == (f[4] == "?") {
		t.Fatalf("%s does not have six fields with one ?", expression)
	}
	return f[0] == fmt.Sprint(at.Minute()) && f[1] == fmt.Sprint(at.Hour()) &&
		fieldHas(f[3], strings.ToUpper(at.Format("Jan")), int(at.Month())) && fieldHas(f[5], "", at.Year()) &&
		monthDayHas(t, f[2], at) && weekdayHas(t, f[4], at)
}

// fieldHas reads a list of names or numbers.
func fieldHas(field, name string, number int) bool {
	for item := range strings.SplitSeq(field, ",") {
		if item == "*" || item == "?" || item == name || item == strconv.Itoa(number) {
			return true
		}
	}
	return false
}

func monthDayHas(t *testing.T, field string, at time.Time) bool {
	last := time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, time.UTC)
	day, nearest := strings.CutSuffix(field, "W")
	switch {
	case field == "L":
		return at.Day() == last.Day()
	case !nearest:
		return fieldHas(field, "", at.Day())
	}
	n, err := strconv.Atoi(day)
	if err != nil {
		t.Fatal(err)
	}
	if n > last.Day() {
		return false
	}
	switch meant := time.Date(at.Year(), at.Month(), n, 0, 0, 0, 0, time.UTC); {
	case meant.Weekday() == time.Saturday && n == 1:
		n += 2
	case meant.Weekday() == time.Saturday:
		n--
	case meant.Weekday() == time.Sunday && n == last.Day():
		n -= 2
	case meant.Weekday() == time.Sunday:
		n++
	}
	return at.Day() == n
}

func weekdayHas(t *testing.T, field string, at time.Time) bool {
	t.Helper()
	number := int(at.Weekday()) + 1
	if day, nth, found := strings.Cut(field, "#"); found {
		return fieldHas(day, "", number) && nth == fmt.Sprint((at.Day()+6)/7)
	}
	if day, found := strings.CutSuffix(field, "L"); found {
		return fieldHas(day, "", number) && at.AddDate(0, 0, 7).Month() != at.Month()
	}
	return fieldHas(field, strings.ToUpper(at.Format("Mon")), number)
}

// times are the times of jobs by their names.
func times(t *testing.T, texts map[string]string) map[string]schedule.Recurrence {
	t.Helper()
	all := map[string]schedule.Recurrence{}
	for name, text := range texts {
		all[name] = recurrence(t, text)
	}
	return all
}
