package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

func TestWindowsPrintOneWay(t *testing.T) {
	for text, want := range map[string]string{
		"Mon-Fri 08:00-19:00":                "Mon-Fri 08:00-19:00",
		"monday - FRIDAY 8:00 - 19:00":       "Mon-Fri 08:00-19:00",
		"mon,tue, wed,thu,fri 08:00–19:00":   "Mon-Fri 08:00-19:00",
		"Mon Tue 08:00-19:00":                "Mon,Tue 08:00-19:00",
		"Sat-Mon":                            "Sat-Mon",
		"Sun,Sat":                            "Sat,Sun",
		"Mon/2 08:00-19:00":                  "Mon,Wed,Fri,Sun 08:00-19:00",
		"Tuesday-Sunday/3":                   "Tue,Fri",
		"Mon-Sun 08:00-19:00":                "08:00-19:00",
		"22:00-06:00":                        "22:00-06:00",
		"22:00-00:00":                        "22:00-00:00",
		"22:00-24:00":                        "22:00-24:00",
		"Fri 20:00-Mon 06:00":                "Fri 20:00-Mon 06:00",
		"Fri 20:00-Sat 06:00":                "Fri 20:00-06:00",
		"Fri 08:00-Fri 19:00":                "Fri 08:00-19:00",
		"Fri 20:00-Fri 06:00":                "Fri 20:00-Fri 06:00",
		"Fri 08:00-Sat 19:00":                "Fri 08:00-Sat 19:00",
		"Mon#1":                              "Mon#1",
		"1st-Mon second-Tue":                 "Mon#1,Tue#2",
		"Mon,Mon#1":                          "Mon",
		"FriL 09:00-12:00":                   "last-Fri 09:00-12:00",
		"last-friday 09:00-12:00":            "last-Fri 09:00-12:00",
		"fri#last 09:00-12:00":               "last-Fri 09:00-12:00",
		"Mon#1 20:00-Wed 06:00":              "Mon#1 20:00-Wed 06:00",
		"1-15 08:00-19:00":                   "1-15 08:00-19:00",
		"20-L":                               "20-31",
		"1/7":                                "1,8,15,22,29",
		"1-15/2":                             "1,3,5,7,9,11,13,15",
		"last":                               "last",
		"L,15w,LW":                           "last,15W,lastW",
		"Mon-Fri Jan-Mar 08:00-19:00":        "Jan-Mar Mon-Fri 08:00-19:00",
		"jan/3 mon#1":                        "Jan,Apr,Jul,Oct Mon#1",
		"nov-feb":                            "Nov-Feb",
		"Jan-Dec 1-31 00:00-24:00":           "00:00-24:00",
		"8-19 Mon-Fri":                       "8-19 Mon-Fri",
		"Mon-Fri 8-19 00:00-24:00":           "8-19 Mon-Fri",
		"2026-12-24..2026-12-26 00:00-24:00": "2026-12-24..2026-12-26",
		"2026-12-24":                         "2026-12-24",
		"2026-12-24 20:00-2026-12-26 06:00":  "2026-12-24 20:00-2026-12-26 06:00",
		"2026-12-24 20:00-2026-12-25 06:00":  "2026-12-24 20:00-06:00",
		"2026-01-01..2026-06-30 Mon-Fri 08:00-19:00": "2026-01-01..2026-06-30 Mon-Fri 08:00-19:00",
		"ALWAYS": "always",
	} {
		w, err := schedule.ParseWindow(text)
		if err != nil || w.String() != want {
			t.Errorf("%q reads %q, %v; want %q", text, w, err, want)
			continue
		}
		again, err := schedule.ParseWindow(want)
		if err != nil || again != w {
			t.Errorf("%q is not what %q is: %v", want, text, err)
		}
	}
}

func TestErrorsNameTheirCause(t *testing.T) {
	for text, says := range map[string]string{
		"":                          "write for example",
		"tues 08:00-19:00":          `did you mean "Tue"?`,
		"Mon-Fir 08:00-19:00":       `did you mean "Fri"?`,
		"thurs":                     `did you mean "Thu"?`,
		"wednsday":                  `did you mean "Wed"?`,
		"Janury":                    `did you mean "Jan"?`,
		"allways":                   `did you mean "always"?`,
		"last-Fry":                  "did you mean last-Fri?",
		"xyzzy":                     "unknown day",
		"Mon-Fri 8-19":              "write 08:00-19:00",
		"Mon-Fri 08:00":             "needs its end",
		"Mon-Fri 08:00-08:00":       "begins where it ends",
		"Mon-Fri 08:00-25:00":       "00:00 to 24:00",
		"Mon-Fri 08:00-19:60":       "00:00 to 24:00",
		"Mon-Fri 24:00-06:00":       "begin at 00:00",
		"08:00-19:00 Mon-Fri":       "unknown weekday|must begin on one weekday|not a time|days stand before",
		"Mon-Fri 0800-1900":         "from 1 to 31",
		"Mon-Fri 08:00:00-19:00:00": "is not a time",
		"Mon-Fri 20:00-Mon 06:00":   "one weekday",
		"Fri 20:00-Fri 20:00":       "begins where it ends",
		"Fri 20:00-Mno 06:00":       `did you mean "Mon"?`,
		"Mon#6":                     "unknown day",
		"Mon#0":                     "unknown day",
		"Mon-Fri#2":                 "unknown day",
		"0":                         "from 1 to 31",
		"32":                        "from 1 to 31",
		"25-5":                      "runs backwards",
		"1/0":                       "step from 1 to 31",
		"1/x":                       "step from 1 to 31",
		"32W":                       "before W",
		"Mon,,Tue":                  "beside a comma",
		"*":                         "leave out",
		"2026-02-30":                "28 days",
		"2026-13-01":                "there is no month 13",
		"1969-12-31":                "between 1970 and 2100",
		"2026-12-26..2026-12-24":    "ends before it begins",
		"2026-12-24 2026-12-26":     "second date",
		"2026-12-24..2026-12-26 20:00-2026-12-28 06:00": "must begin on one date",
		"2026-12-24 20:00-2026-12-24 06:00":             "before it begins",
		"2026-12-24 20:00-2029-12-24 06:00":             "longer than 366 days",
		strings.Repeat("Mon,", 5000):                    "bytes long",
	} {
		_, err := schedule.ParseWindow(text)
		if !errors.Is(err, fleet.ErrInvalid) || !saysOne(err, says) {
			t.Errorf("%.80q: %v, want an error that says %q", text, err, says)
		}
	}
}

// saysOne reports whether the error has one of the texts between bars.
func saysOne(err error, texts string) bool {
	for text := range strings.SplitSeq(texts, "|") {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

func TestSchedulesThatCannotBeMeant(t *testing.T) {
	for text, says := range map[string]string{
		"":                                    "empty",
		" ; ":                                 "empty",
		"never; Mon":                          "has no windows",
		"never always":                        "never stands alone",
		"stop":                                "something is missing",
		"off":                                 "something is missing",
		"start Mon-Fri 08:00; Mon":            "not both",
		"start Mon-Fri 08:00-19:00":           "is a window",
		"start 24:00":                         "start at 00:00",
		"unmanaged Sat":                       "does not say when to run",
		"Feb 30":                              "never happens",
		"Mon-Fri 08:00-19:00; Feb 30":         "never happens",
		"stop Feb 30 08:00":                   "never happens",
		"start 05-05 08:00":                   "without a zero",
		"Mon-Sun":                             "never stops",
		"Mon-Fri; Sat-Sun":                    "never stops",
		"00:00-12:00; 12:00-00:00":            "never stops",
		"2026-05-05; off 2026-05-05":          "never runs",
		"start 2026-05-05 08:00; off 05-05":   "never happens",
		"Mon-Fri 08:00-19:00 Asia/Soul":       `"Asia/Seoul"`,
		"Mon-Fri 08:00-19:00 asia/seoul":      `"Asia/Seoul"`,
		"Mon-Fri 08:00-19:00 KST":             "unknown time zone",
		"Mon-Fri 08:00-19:00 Local":           "depends on the machine",
		"Mon-Fri 08:00-19:00; off 2026-25-12": "no month 25",
		"Mon-Fri 08:00-19:00; of 2026-12-25":  "unknown day",
		"begin Mon-Fri 08:00":                 "unknown day|did you mean",
		"wat":                                 "unknown day",
	} {
		s, err := schedule.Parse(text, time.UTC)
		if err == nil {
			t.Errorf("%q is %q, want an error that says %q", text, s.Definition(), says)
			continue
		}
		if !errors.Is(err, fleet.ErrInvalid) || !saysOne(err, says) {
			t.Errorf("%q: %v, want an error that says %q", text, err, says)
		}
	}
}

func TestInlineSchedules(t *testing.T) {
	for text, want := range map[string]string{
		"Mon-Fri 08:00-19:00 + Sat 10:00-14:00 Asia/Seoul": "Mon-Fri 08:00-19:00; Sat 10:00-14:00 Asia/Seoul",
		"Mon-Fri 08:00-19:00;Sat 10:00-14:00;":             "Mon-Fri 08:00-19:00; Sat 10:00-14:00",
		"Mon Tue 1st-Wed 08:00-19:00 UTC":                  "Mon,Tue,Wed#1 08:00-19:00 UTC",
		"always":                                           "always",
		"Never":                                            "never",
		"never; on 2026-12-24..2026-12-26":                 "never; on 2026-12-24..2026-12-26",
		"STOP mon-fri 19:00 CET":                           "stop Mon-Fri 19:00 CET",
		"stop Mon-Fri 24:00":                               "stop Mon-Fri 24:00",
		"start Mon 08:00 + stop Fri 19:00":                 "start Mon 08:00; stop Fri 19:00",
		"jan/3 mon#1 Etc/GMT+9":                            "Jan,Apr,Jul,Oct Mon#1 Etc/GMT+9",
		"jan/3":                                            "Jan,Apr,Jul,Oct",
		"Mon-Fri; unmanaged Sat; off 2026-12-26,2026-12-25,01-01,12-31": "Mon-Fri; unmanaged Sat; off 2026-12-25..2026-12-26,01-01,12-31",
	} {
		s, err := schedule.Parse(text, time.UTC)
		if err != nil || s.Definition().String() != want {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestNewChecksDefinitions(t *testing.T) {
	window, err := schedule.ParseWindow("Mon-Fri 08:00-19:00")
	if err != nil {
		t.Fatal(err)
	}
	for says, d := range map[string]schedule.Definition{
		"does not say when to run": {},
		"window is empty":          {Running: []schedule.Window{{}}},
		"stop is empty":            {Stop: []schedule.DayTime{{}}},
		"at most":                  {Running: make([]schedule.Window, 1000)},
		"no time zone":             {Running: []schedule.Window{window}},
	} {
		zone := time.UTC
		if says == "no time zone" {
			zone = nil
		}
		if _, err := schedule.New(d, zone); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want an error that says %q", d, err, says)
		}
	}
	if _, err := schedule.New(schedule.Definition{Running: []schedule.Window{window}, Zone: time.Local}, nil); err == nil {
		t.Error("the zone of the machine is accepted")
	}
}

func FuzzParseWindow(f *testing.F) {
	for _, text := range []string{
		"Mon-Fri 08:00-19:00", "Fri 20:00-Mon 06:00", "22:00-06:00", "Sat,Sun", "Mon#1", "last-Fri 09:00-12:00", "1-15 08:00-19:00", "last", "15W,lastW",
		"Jan-Mar Mon-Fri 08:00-19:00", "jan/3 mon#1", "2026-12-24..2026-12-26 00:00-24:00", "2026-12-24 20:00-2026-12-26 06:00", "always", "Mon/2", "20-L", "Mon – Fri 8:00 – 9:00",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := schedule.ParseWindow(text)
		if err != nil {
			if !errors.Is(err, fleet.ErrInvalid) {
				t.Fatalf("%q: %v is of no kind", text, err)
			}
			return
		}
		if again, err := schedule.ParseWindow(w.String()); err != nil || again != w {
			t.Fatalf("%q prints %q, which reads %q, %v", text, w, again, err)
		}
	})
}

func FuzzParseDefinition(f *testing.F) {
	for _, text := range []string{
		"Mon-Fri 08:00-19:00 + Sat 10:00-14:00 Asia/Seoul", "always", "never", "start Mon-Fri 08:00; stop Mon-Fri 19:00", "stop 24:00",
		"Mon; unmanaged Tue; weekend 05-05; off 12-24..12-26; on 2026-12-25 UTC", "Feb 30", "Mon#5 Feb", "00:00-00:01;00:02-00:03 Pacific/Apia",
	} {
		f.Add(text)
	}
	at := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := schedule.ParseDefinition(text)
		if err != nil {
			if !errors.Is(err, fleet.ErrInvalid) {
				t.Fatalf("%q: %v is of no kind", text, err)
			}
			return
		}
		if again, err := schedule.ParseDefinition(d.String()); err != nil || !again.Equal(d) {
			t.Fatalf("%q prints %q, which reads %q, %v", text, d, again, err)
		}
		s, err := schedule.New(d, time.UTC)
		if err != nil {
			return
		}
		if next, ok := s.Next(at); ok && s.At(next.At) != next.State {
			t.Fatalf("%q: %v, but At says %s", text, next, s.At(next.At))
		}
		if last, ok := s.Last(at); ok && s.At(at) != last.State {
			t.Fatalf("%q: %v, but At says %s", text, last, s.At(at))
		}
		if s.Within(at) == "" {
			t.Fatalf("%q: nothing decides", text)
		}
	})
}
