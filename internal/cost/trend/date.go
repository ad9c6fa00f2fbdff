package trend

import (
	"fmt"
	"time"
)

// Date is a day of the calendar, without a time zone: the number of days since
// 1 January 1970.
type Date int32

const secondsPerDay = 24 * 60 * 60

// DateOf is the date of t in its own zone.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

// ParseDate reads a date such as "2026-11-22".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a date such as 2026-11-22", s)
	}
	return DateOf(t), nil
}

// time is midnight of the date in UTC.
func (d Date) time() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// String is the date as ISO 8601 writes it: "2026-11-22".
func (d Date) String() string { return d.time().Format(time.DateOnly) }

// MarshalText writes what String writes.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDate reads.
func (d *Date) UnmarshalText(text []byte) error {
	date, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = date
	return nil
}

// week is the Monday of the date's week (ISO 8601).
func (d Date) week() Date { return d - Date(d.time().Weekday()+6)%7 }

// month is the first day of the date's month.
func (d Date) month() Date { return d - Date(d.time().Day()-1) }

// nextMonth is the first day of the month after.
func (d Date) nextMonth() Date { return (d.month() + 31).month() }
