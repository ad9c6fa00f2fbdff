package foreign_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/schedule"
)

// dayTime adds a start or stop time to a list. Errors are joined: a row may be
// invalid on purpose.
func dayTime(to *[]schedule.DayTime, err *error, text string) {
	e, bad := schedule.ParseDayTime(strings.TrimSpace(text))
	*err = errors.Join(*err, bad)
	*to = append(*to, e)
}

// sameDayTimes compares start and stop times with pairs of weekdays (0 is
// Monday) and an hour.
func sameDayTimes(t *testing.T, pairs [][2]json.RawMessage, got []schedule.DayTime) bool {
	t.Helper()
	names := []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
	var want []schedule.DayTime
	var bad error
	for _, pair := range pairs {
		var days []int
		if err := json.Unmarshal(pair[0], &days); err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, d := range days {
			words = append(words, names[d])
		}
		dayTime(&want, &bad, strings.Join(words, ",")+" "+string(pair[1])+":00")
	}
	if bad != nil {
		t.Fatal(bad)
	}
	return slices.Equal(want, got)
}

// evergreenReading writes evergreen's sleep schedule as start and stop times;
// where the times bound a window, as a window. There is no reader for it: nobody
// tags with it.
func evergreenReading(t *testing.T, r row, raw json.RawMessage) read {
	t.Helper()
	var in struct {
		DailyStart string   `json:"daily_start"`
		DailyStop  string   `json:"daily_stop"`
		DaysOff    []string `json:"days_off"`
		KeepOff    bool     `json:"should_keep_off"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatalf("%s: %v", r.ID, err)
	}
	var out read
	if in.KeepOff {
		out.Definition.Never = true
		return out
	}
	week := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	working := slices.DeleteFunc(slices.Clone(week), func(day string) bool { return slices.Contains(in.DaysOff, day) })
	days := strings.Join(working, ",")
	if len(working) == 7 {
		days = ""
	}
	if r.Kind == "parse" {
		text := strings.Trim(days+" "+in.DailyStart+"-"+in.DailyStop, "- ")
		w, err := schedule.ParseWindow(text)
		out.Definition.Running, out.err = []schedule.Window{w}, err
		return out
	}
	if in.DailyStart != "" {
		dayTime(&out.Definition.Start, &out.err, days+" "+in.DailyStart)
		dayTime(&out.Definition.Stop, &out.err, days+" "+in.DailyStop)
	}
	for i, day := range week {
		before := slices.Contains(in.DaysOff, week[(i+6)%7])
		switch off := slices.Contains(in.DaysOff, day); {
		case off && !before:
			dayTime(&out.Definition.Stop, &out.err, day+" 00:00")
		case !off && before && in.DailyStart == "":
			dayTime(&out.Definition.Start, &out.err, day+" 00:00")
		}
	}
	return out
}

func evergreenNext(t *testing.T, r row) answer {
	t.Helper()
	s, err := evergreenReading(t, r, r.Schedule).schedule(zone(t, r.Timezone))
	if err != nil {
		return answer{"invalid", true}
	}
	want := schedule.Stopped
	if r.Question == "next_start" {
		want = schedule.Running
	}
	for at := r.Instant; ; {
		next, ok := s.Next(at)
		if !ok {
			return answer{"none", false}
		}
		if next.State == want {
			return answer{next.At.UTC().Format(time.RFC3339), false}
		}
		at = next.At
	}
}

// cisReading writes the windows or cron lines of cloud-instance-scheduler.
func cisReading(t *testing.T, r row) read {
	t.Helper()
	var out read
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(r.Schedule, &lists); err != nil {
		t.Fatalf("%s: %v", r.ID, err)
	}
	for day, raw := range lists {
		var line string
		if json.Unmarshal(raw, &line) == nil {
			// "0 9 * * 1-5": the rows have only working days.
			fields := strings.Fields(line)
			if len(fields) != 5 || fields[4] != "1-5" || fields[0] != "0" {
				t.Fatalf("%s: cron line %q", r.ID, line)
			}
			text := "Mon-Fri " + fields[1] + ":00"
			if day == "cron_start" {
				dayTime(&out.Definition.Start, &out.err, text)
			} else {
				dayTime(&out.Definition.Stop, &out.err, text)
			}
			continue
		}
		var windows []struct{ Start, End string }
		if err := json.Unmarshal(raw, &windows); err != nil {
			t.Fatalf("%s: %v", r.ID, err)
		}
		for _, in := range windows {
			w, err := schedule.ParseWindow(day + " " + in.Start + "-" + in.End)
			out.Definition.Running = append(out.Definition.Running, w)
			out.err = errors.Join(out.err, err)
		}
	}
	return out
}
