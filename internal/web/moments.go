package web

import (
	"strings"
	"time"

	"nightshift/internal/price"
	"nightshift/internal/text"
)

// moment is an instant as a page writes it: short, in full, and for programs. Age is true
// where Text is the time since then, which a script brings up to date.
type moment struct {
	Text, Full, ISO string
	Age             bool
}

// when is an instant in the zone of the configuration, no longer than is needed to
// know the day. The zero time is no moment.
func (e *estate) when(t time.Time) moment { return e.whenIn(t, e.zone) }

func (e *estate) whenIn(t time.Time, zone *time.Location) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.In(zone)
	days := int(midnight(t).Sub(midnight(e.now.In(zone))) / (24 * time.Hour))
	layout := "2006-01-02 15:04"
	switch {
	case days == 0:
		layout = "15:04"
	case days > 0 && days < 7:
		layout = "Mon 15:04"
	case days > -7 && days < 0:
		layout = "Mon 2 Jan 15:04"
	case t.Year() == e.now.In(zone).Year():
		layout = "2 Jan 15:04"
	}
	return moment{Text: t.Format(layout), Full: t.Format("Mon 2006-01-02 15:04:05 MST"), ISO: t.Format(time.RFC3339)}
}

// midnight is the date of a time, as midnight in UTC.
func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// ago is an instant as the time since then.
func (e *estate) ago(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	m := e.when(t)
	m.Age = true
	age := e.now.Sub(t)
	switch {
	case age < time.Minute:
		m.Text = e.texts.get("age.now")
	case age < time.Hour:
		m.Text = e.texts.get("age.minutes", int(age/time.Minute))
	case age < 48*time.Hour:
		m.Text = e.texts.get("age.hours", int(age/time.Hour))
	default:
		m.Text = e.texts.get("age.days", int(age/(24*time.Hour)))
	}
	return m
}

// span is a length of time in its two largest units.
func (e *estate) span(d time.Duration) string {
	switch {
	case d < time.Second:
		return e.texts.get("span.milliseconds", d.Milliseconds())
	case d < time.Minute:
		return e.texts.get("span.seconds", d.Seconds())
	case d < time.Hour && d%time.Minute < time.Second:
		return e.texts.get("span.wholeminutes", int(d/time.Minute))
	case d < time.Hour:
		return e.texts.get("span.minutes", int(d/time.Minute), int(d%time.Minute/time.Second))
	case d%time.Hour < time.Minute:
		return e.texts.get("span.whole", int(d/time.Hour))
	default:
		return e.texts.get("span.hours", int(d/time.Hour), int(d%time.Hour/time.Minute))
	}
}

// roughUSD is an amount for a tile: from ten thousand dollars on without cents.
func roughUSD(amount price.USD) string {
	exact := usd(amount)
	if whole, _, _ := strings.Cut(exact, "."); amount >= 10_000*price.Dollar {
		return whole
	}
	return exact
}

// usd is an amount in dollars and cents; a minus sign comes first.
func usd(amount price.USD) string {
	digits := text.Commas(amount.Cents().String())
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		return "−$" + rest
	}
	return "$" + digits
}
