package schedule_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// file makes an iCalendar file of events; each is a list of lines.
func file(head string, events ...string) string {
	var text strings.Builder
	text.WriteString("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n" + head)
	for i, event := range events {
		if !strings.Contains(event, "UID:") {
			event = fmt.Sprintf("UID:%d@test\n", i) + event
		}
		text.WriteString("BEGIN:VEVENT\nDTSTAMP:20260101T000000Z\n" + event + "\nEND:VEVENT\n")
	}
	return strings.ReplaceAll(text.String()+"END:VCALENDAR\n", "\n", "\r\n")
}

func TestReadICS(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"one day", file("", "DTSTART;VALUE=DATE:20260505"), "2026-05-05"},
		{"the end is exclusive", file("", "DTSTART;VALUE=DATE:20260216\nDTEND;VALUE=DATE:20260219"), "2026-02-16..2026-02-18"},
		{"an end that is the start", file("", "DTSTART;VALUE=DATE:20260505\nDTEND;VALUE=DATE:20260505"), "2026-05-05"},
		{"a duration of days", file("", "DTSTART;VALUE=DATE:20260505\nDURATION:P2D"), "2026-05-05..2026-05-06"},
		{"a time", file("", "DTSTART;TZID=Asia/Seoul:20260505T220000\nDTEND;TZID=Asia/Seoul:20260506T020000"), "2026-05-05..2026-05-06"},
		{"a time up to midnight", file("", "DTSTART;TZID=Asia/Seoul:20260505T220000\nDTEND;TZID=Asia/Seoul:20260506T000000"), "2026-05-05"},
		{"hours", file("", "DTSTART;TZID=Asia/Seoul:20260505T220000\nDURATION:PT1H30M"), "2026-05-05"},
		{"an instant", file("", "DTSTART:20260505T000000"), "2026-05-05"},
		{"UTC", file("", "DTSTART:20260505T200000Z\nDTEND:20260505T210000Z"), "2026-05-05"},
		{"UTC in the calendar's zone", file("X-WR-TIMEZONE:Asia/Seoul\n", "DTSTART:20260505T200000Z\nDTEND:20260505T210000Z"), "2026-05-06"},
		{"two events", file("", "DTSTART;VALUE=DATE:20260505", "DTSTART;VALUE=DATE:20260101"), "2026-01-01,2026-05-05"},
		{"cancelled", file("", "DTSTART;VALUE=DATE:20260505\nSTATUS:CANCELLED", "DTSTART;VALUE=DATE:20260101\nSTATUS:CONFIRMED"), "2026-01-01"},
		{"every year", file("", "DTSTART;VALUE=DATE:20241225\nRRULE:FREQ=YEARLY;COUNT=3"), "2024-12-25,2025-12-25,2026-12-25"},
		{"until a date, inclusive", file("", "DTSTART;VALUE=DATE:20241225\nRRULE:FREQ=YEARLY;UNTIL=20261225"), "2024-12-25,2025-12-25,2026-12-25"},
		{"fourth Thursday", file("", "DTSTART;VALUE=DATE:20251127\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=2"), "2025-11-27,2026-11-26"},
		{"every second week", file("", "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3"), "2026-01-05,2026-01-19,2026-02-02"},
		{"29 February", file("", "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY;COUNT=3"), "2024-02-29,2028-02-29,2032-02-29"},
		{"a rule since before 1970", file("", "DTSTART;VALUE=DATE:19001225\nRRULE:FREQ=YEARLY;UNTIL=19711225"), "1970-12-25,1971-12-25"},
		{"until in UTC", file("", "DTSTART;TZID=Asia/Seoul:20260505T010000\nRRULE:FREQ=DAILY;UNTIL=20260506T160000Z"), "2026-05-05..2026-05-07"},
		{"without an exception", file("", "DTSTART;VALUE=DATE:20260504\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20260505"), "2026-05-04,2026-05-06"},
		{"without exceptions at times", file("", "DTSTART;TZID=Asia/Seoul:20260504T090000\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE;TZID=Asia/Seoul:20260505T090000,20260506T090000"), "2026-05-04,2026-05-07"},
		{"more dates", file("", "DTSTART;VALUE=DATE:20260504\nRDATE;VALUE=DATE:20260601,20260605"), "2026-05-04,2026-06-01,2026-06-05"},
		{"a moved occurrence", file("", "UID:a\nDTSTART;VALUE=DATE:20260504\nRRULE:FREQ=WEEKLY;COUNT=3", "UID:a\nRECURRENCE-ID;VALUE=DATE:20260511\nDTSTART;VALUE=DATE:20260512"), "2026-05-04,2026-05-12,2026-05-18"},
		{"a cancelled occurrence", file("", "UID:a\nDTSTART;VALUE=DATE:20260504\nRRULE:FREQ=WEEKLY;COUNT=3", "UID:a\nRECURRENCE-ID;VALUE=DATE:20260511\nDTSTART;VALUE=DATE:20260511\nSTATUS:CANCELLED"), "2026-05-04,2026-05-18"},
		{"days that never come", file("", "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "2026-01-01"},
		{"outside the years", file("", "DTSTART;VALUE=DATE:19690101", "DTSTART;VALUE=DATE:19691230\nDURATION:P1W"), "1970-01-01..1970-01-05"},
		{"an unknown zone is taken as it is written", file("", "DTSTART;TZID=Korea Standard Time:20260505T220000\nDTEND;TZID=Korea Standard Time:20260505T230000"), "2026-05-05"},
		{"a byte order mark", "\ufeff" + file("", "DTSTART;VALUE=DATE:20260505"), "2026-05-05"},
		{"nothing", file(""), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := schedule.ReadICS(strings.NewReader(c.text))
			if err != nil || got.String() != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestCalendarsThatCannotBeRead(t *testing.T) {
	for says, text := range map[string]string{
		"not an iCalendar file":       "<html>",
		"empty":                       "\n",
		"cut off":                     strings.TrimSuffix(strings.TrimSpace(file("", "DTSTART;VALUE=DATE:20261225")), "END:VCALENDAR"),
		"DTSTART is missing":          file("", "SUMMARY:x"),
		"is not a date":               file("", "DTSTART;VALUE=DATE:20260230"),
		"DTEND lies before":           file("", "DTSTART;VALUE=DATE:20260505\nDTEND;VALUE=DATE:20260504"),
		"not a duration":              file("", "DTSTART;VALUE=DATE:20260505\nDURATION:2 days"),
		"FREQ must be DAILY":          file("", "DTSTART:20260505T000000\nRRULE:FREQ=SECONDLY"),
		"BYHOUR":                      file("", "DTSTART:20260505T000000\nRRULE:FREQ=DAILY;BYHOUR=1,2"),
		"INTERVAL":                    file("", "DTSTART:20260505T000000\nRRULE:FREQ=DAILY;INTERVAL=999999999"),
		"unknown RRULE":               file("", "DTSTART:20260505T000000\nRRULE:FREQ=DAILY;WAT=1"),
		"cannot be followed":          file("", "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=MONTHLY;BYMONTH=9;BYDAY=-28MO"),
		"MONTHLY or YEARLY":           file("", "DTSTART:20260505T000000\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
		"give it an UNTIL":            file("", "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY"),
		"more than 20000 days":        file("", "DTSTART;VALUE=DATE:19700101\nDTEND;VALUE=DATE:21001231"),
		"more than 500 recurrence":    file("", "DTSTART;VALUE=DATE:20260101"+strings.Repeat("\nRRULE:FREQ=YEARLY;COUNT=1", 501)),
		"THISANDFUTURE":               file("", "DTSTART;VALUE=DATE:20260101\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260101"),
		"nested deeper":               "BEGIN:VCALENDAR\n" + strings.Repeat("BEGIN:VEVENT\n", 20),
		"begins with EXDATE":          file("", "DTSTART;VALUE=DATE:20260101\nEXDATE:"+strings.Repeat("20260101T000000,", 1000)+"20260101T000000"),
		"larger than 4 MiB":           strings.Repeat("x", 5<<20),
		`event "Seollal": DTSTART: "`: file("", "SUMMARY:Seollal\nDTSTART:soon"),
	} {
		begin := time.Now()
		_, err := schedule.ReadICS(strings.NewReader(text))
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want an error that says %q", err, says)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%q took %s", says, took)
		}
	}
	broken := errors.New("the disk is gone")
	if _, err := schedule.ReadICS(iotest.ErrReader(broken)); !errors.Is(err, broken) || errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("a reader that fails gives %v", err)
	}
}

func TestNoFileIsSlow(t *testing.T) {
	event := func(lines string) string { return file("", lines) }
	many := func(n int, line string) string { return strings.TrimSuffix(strings.Repeat(line+"\n", n), "\n") }
	var moved []string
	for i := range 2_000 {
		moved = append(moved, fmt.Sprintf("UID:a\nRECURRENCE-ID:%s\nDTSTART:20260101T000000", time.Unix(int64(i)*60, 0).UTC().Format("20060102T150405")), "UID:a\nDTSTART:20260101T000000")
	}
	for name, text := range map[string]string{
		"days that never come": event("DTSTART:19000101T000000\n" + many(10, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")),
		"weeks":                event("DTSTART:19000101T000000\n" + many(10, "RRULE:FREQ=WEEKLY;INTERVAL=1000;BYMONTH=2;COUNT=1000000")),
		"positions":            event("DTSTART:19000101T000000\n" + many(10, "RRULE:FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300")),
		"exceptions":           event("DTSTART:20260101T000000\n" + many(50, "EXDATE:"+strings.Repeat("20260101T000000,", 200)+"20260101T000000")),
		"many parameters":      event("DTSTART:20260101T000000\n" + many(10, "X-A;"+strings.Repeat("A=B;", 1000)+"X=Y:1")),
		"moved occurrences":    file("", moved...),
		"folded lines":         event("DTSTART:20260101T000000\nSUMMARY:x" + strings.Repeat("\n x", 200_000)),
		"parameters":           event("DTSTART;" + strings.Repeat("A=B;", 200_000) + "X=Y:20260101T000000"),
		"depth":                "BEGIN:VCALENDAR\r\n" + strings.Repeat("BEGIN:VEVENT\r\n", 50_000),
		"folded depth":         "BEGIN:VCALENDAR\r\n" + strings.Repeat("BEG\r\n IN;A=B:VEVENT\r\n", 50_000),
	} {
		begin := time.Now()
		_, err := schedule.ReadICS(strings.NewReader(text))
		took := time.Since(begin)
		t.Logf("%s: %s (%.60v)", name, took, err)
		if took > 20*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// Rules of every shape end in days or in an error.
func TestRulesOfEveryShapeEnd(t *testing.T) {
	number := func(t *rapid.T, name string, most int) string {
		n := rapid.IntRange(1, most).Draw(t, name)
		if rapid.Bool().Draw(t, "from the end") {
			n = -n
		}
		return fmt.Sprintf(";%s=%d", name, n)
	}
	rapid.Check(t, func(t *rapid.T) {
		rule := "RRULE:FREQ=" + rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "freq")
		for _, part := range []struct {
			name string
			most int
		}{{"BYMONTHDAY", 31}, {"BYYEARDAY", 366}, {"BYWEEKNO", 53}, {"BYSETPOS", 366}, {"BYMONTH", 12}, {"INTERVAL", 1000}, {"COUNT", 500}} {
			if rapid.IntRange(0, 3).Draw(t, "with "+part.name) == 0 {
				rule += number(t, part.name, part.most)
			}
		}
		if rapid.Bool().Draw(t, "with BYDAY") {
			rule += fmt.Sprintf(";BYDAY=%d%s", rapid.IntRange(-53, 53).Draw(t, "nth"), rapid.SampledFrom([]string{"MO", "TH", "SU"}).Draw(t, "day"))
		}
		if rapid.Bool().Draw(t, "with WKST") {
			rule += ";WKST=SU"
		}
		start := time.Date(1900, time.January, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 73000).Draw(t, "start"))
		_, err := schedule.ReadICS(strings.NewReader(file("", "DTSTART;VALUE=DATE:"+start.Format("20060102")+"\n"+rule)))
		if err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Fatalf("%s: %v is of no kind", rule, err)
		}
	})
}

func FuzzReadICS(f *testing.F) {
	for _, text := range []string{
		file("", "DTSTART;VALUE=DATE:20260505\nDTEND;VALUE=DATE:20260507"),
		file("X-WR-TIMEZONE:Asia/Seoul\n", "DTSTART:20260505T200000Z\nDURATION:PT8H\nRRULE:FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20300101T000000Z\nEXDATE:20260508T200000Z"),
		file("", "DTSTART;TZID=Asia/Seoul:20260505T220000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=9\nRDATE:20270101T000000"),
		file("", "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYWEEKNO=53;BYSETPOS=-1;BYDAY=MO"),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := schedule.ReadICS(strings.NewReader(text))
		if err != nil {
			if !errors.Is(err, fleet.ErrInvalid) {
				t.Fatalf("%v is of no kind", err)
			}
			return
		}
		if s := c.String(); s != "" && len(s) < 8<<10 {
			if again, err := schedule.ParseDates(s); err != nil || !again.Equal(c) {
				t.Fatalf("%q reads %q, %v", s, again, err)
			}
		}
	})
}
