package foreign

import (
	"fmt"
	"strings"
	"time"

	"nightshift/internal/schedule"
)

const custodian = "Cloud Custodian"

// CustodianDefaults are the settings of the offhour and onhour filters that a
// tag value does not carry.
type CustodianDefaults struct {
	// OnHour and OffHour are the local hours (0 to 23) of values that name
	// none: onhour and offhour.
	OnHour, OffHour int
	// Zone is default_tz; nil means the zone handed to schedule.New later.
	Zone *time.Location
	// Weekends means that machines stay off at weekends: the default hours
	// count from Monday to Friday. False: every day.
	Weekends bool
	// WeekendsOnly stops on Friday and starts on Monday; it wins over
	// Weekends.
	WeekendsOnly bool
	// SkipDays are days without any start or stop: skip-days.
	SkipDays []schedule.Date
	// StopOnly and StartOnly say that the filters run without their
	// counterpart: only offhour, or only onhour.
	StopOnly, StartOnly bool
}

// DefaultCustodian are the defaults of Cloud Custodian itself: on at 7, off at
// 19, Monday to Friday.
func DefaultCustodian(zone *time.Location) CustodianDefaults {
	return CustodianDefaults{OnHour: 7, OffHour: 19, Zone: zone, Weekends: true}
}

// hourTime is one "(days,hour)" of a value.
type hourTime struct {
	days week
	hour int
}

// Custodian reads a value of the tag maid_offhours, plain or escaped for
// services that do not allow brackets: "off=(M-F,19);on=(M-F,7);tz=pt". The
// empty value and "on" mean the defaults, "off" asks to be skipped.
func Custodian(value string, d CustodianDefaults) (Reading, error) {
	var r Reading
	if err := checkLength(custodian, value); err != nil {
		return r, err
	}
	if d.OnHour < 0 || d.OnHour > 23 || d.OffHour < 0 || d.OffHour > 23 {
		return r, invalid("%s: the default hours are %d and %d, they must be 0 to 23", custodian, d.OnHour, d.OffHour)
	}
	text := strings.TrimSpace(strings.Trim(strings.TrimSpace(unescape(value)), `'"`))
	switch strings.ToLower(text) {
	case "off":
		return Reading{Ignore: true}, nil
	case "on":
		text = ""
	}
	// The tag's first form was "Offhours tz=PT".
	if word, rest, found := strings.Cut(text, " "); found && strings.EqualFold(word, "offhours") {
		text = rest
	} else if strings.Contains(value, " ") {
		r.warn("%s never acts on a value with blanks like %q; nightshift reads it without them", custodian, clip(value))
	}
	fields, err := custodianFields(text)
	if err != nil {
		return Reading{}, err
	}
	zone := d.Zone
	if name := fields["tz"]; name != "" {
		if zone, err = custodianZone(&r, name); err != nil {
			return Reading{}, err
		}
	}
	on, off := d.dayTimes()
	if list, ok := fields["on"]; ok {
		if on, err = custodianHours("on", list); err != nil {
			return Reading{}, err
		}
	}
	if list, ok := fields["off"]; ok {
		if off, err = custodianHours("off", list); err != nil {
			return Reading{}, err
		}
	}
	if err := r.custodian(on, off, zone, d); err != nil {
		return Reading{}, err
	}
	return r, nil
}

// custodian writes the start and stop times into the definition.
func (r *Reading) custodian(on, off []hourTime, zone *time.Location, d CustodianDefaults) error {
	if d.StopOnly {
		on = nil
	}
	if d.StartOnly {
		off = nil
	}
	r.Definition.Zone = zone
	var times []int
	for _, e := range on {
		if err := addDayTime(&r.Definition.Start, strings.TrimSpace(e.days.String()+" "+clock(e.hour*60))); err != nil {
			return err
		}
		times = append(times, e.hour*60)
		for _, o := range off {
			if o.hour == e.hour && o.days&e.days != 0 {
				r.warn("on and off both name %s on the same days: %s may do both, nightshift starts", clock(e.hour*60), custodian)
			}
		}
	}
	for _, e := range off {
		if err := addDayTime(&r.Definition.Stop, strings.TrimSpace(e.days.String()+" "+clock(e.hour*60))); err != nil {
			return err
		}
		times = append(times, e.hour*60)
	}
	r.warnChanges(custodian, zone, times...)
	for _, day := range d.SkipDays {
		date, err := schedule.ParseDates(fmt.Sprintf("%04d-%02d-%02d", day.Year, day.Month, day.Day))
		if err != nil {
			return err
		}
		// A day that is both off and on has neither.
		r.Definition.Off = append(r.Definition.Off, date)
		r.Definition.On = append(r.Definition.On, date)
	}
	return nil
}

func (d CustodianDefaults) dayTimes() (on, off []hourTime) {
	onDays, offDays := everyDay, everyDay
	switch {
	case d.WeekendsOnly:
		onDays, offDays = through(0, 0, 1), through(4, 4, 1)
	case d.Weekends:
		onDays, offDays = through(0, 4, 1), through(0, 4, 1)
	}
	return []hourTime{{onDays, d.OnHour}}, []hourTime{{offDays, d.OffHour}}
}

// custodianFields splits "off=…;on=…;tz=…".
func custodianFields(text string) (map[string]string, error) {
	fields := make(map[string]string)
	for piece := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ';' }) {
		piece = strings.TrimSpace(piece)
		if piece == "" || strings.EqualFold(piece, "on") {
			continue
		}
		key, value, found := strings.Cut(piece, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		known := key == "on" || key == "off" || key == "tz"
		_, twice := fields[key]
		switch {
		case !found || !known:
			return nil, invalid("%s: %q is not understood%s: a value is on, off, or like off=(M-F,19);on=(M-F,7);tz=et",
				custodian, clip(piece), meant(key, []string{"off", "on", "tz"}))
		case twice:
			return nil, invalid("%s: %s= stands twice; list its hours as %s=[(M-F,19),(S,13)]", custodian, key, key)
		}
		fields[key] = strings.TrimSpace(value)
	}
	return fields, nil
}

// custodianHours reads "(M-F,19)" or "[(M-F,21),(U,18)]".
func custodianHours(key, list string) ([]hourTime, error) {
	text := strings.ToLower(strings.ReplaceAll(list, " ", ""))
	if strings.Count(text, "(") != strings.Count(text, ")") || strings.Count(text, "[") != strings.Count(text, "]") {
		return nil, invalid("%s: the brackets of %s=%s do not match", custodian, key, clip(list))
	}
	text = strings.NewReplacer("[", "", "]", "").Replace(text)
	var dayTimes []hourTime
	for part := range strings.SplitSeq(text, ",(") {
		days, hour, found := strings.Cut(strings.NewReplacer("(", "", ")", "").Replace(part), ",")
		if !found {
			return nil, invalid("%s: %s=%s needs days and an hour, like %s=(M-F,19)", custodian, key, clip(list), key)
		}
		if at := strings.LastIndex(hour, ","); at >= 0 {
			return nil, invalid("%s: %s=%s lists days in one bracket: write %s", custodian, key, clip(list),
				clip(spread(key, days+","+hour[:at], hour[at+1:])))
		}
		// Cloud Custodian allows leading zeros.
		n, ok := digits(strings.TrimLeft(hour, "0"), 2)
		if strings.Trim(hour, "0") == "" && hour != "" {
			n, ok = 0, true
		}
		switch {
		case strings.Contains(hour, ":"):
			return nil, invalid("%s: %s=%s has minutes, which it does not know: use a whole hour, or nightshift's own notation", custodian, key, clip(list))
		case !ok || n > 23:
			return nil, invalid("%s: the hour %q of %s must be 0 to 23", custodian, clip(hour), key)
		}
		set, err := custodianDays(days)
		if err != nil {
			return nil, err
		}
		dayTimes = append(dayTimes, hourTime{set, n})
	}
	return dayTimes, nil
}

// spread is the right way to list days: "off=[(m,19),(w,19)]".
func spread(key, days, hour string) string {
	if len(days) > 20 {
		return key + "=[(M,19),(W,19)]"
	}
	var parts []string
	for day := range strings.SplitSeq(days, ",") {
		parts = append(parts, "("+day+","+hour+")")
	}
	return key + "=[" + strings.Join(parts, ",") + "]"
}

const custodianLetters = "mtwhfsu"

// custodianDays reads "m", "m-f" or, over the weekend, "s-m".
func custodianDays(text string) (week, error) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	if len(from) == 1 && len(to) == 1 {
		a, b := strings.Index(custodianLetters, from), strings.Index(custodianLetters, to)
		if a >= 0 && b >= 0 {
			return through(a, b, 1), nil
		}
	}
	hint := ""
	a, okA := dayNumber(from)
	b, okB := dayNumber(to)
	if okA && okB {
		hint = strings.ToUpper(custodianLetters[a:a+1] + "-" + custodianLetters[b:b+1])
		if !isRange {
			hint = hint[:1]
		}
		hint = fmt.Sprintf(" (did you mean %q?)", hint)
	}
	return 0, invalid("%s: unknown days %q%s: use M, T, W, H, F, S, U or a range such as M-F", custodian, clip(text), hint)
}

// custodianZone finds the zone of tz=.
func custodianZone(r *Reading, name string) (*time.Location, error) {
	alias, ok := custodianAliases()[strings.ToLower(name)]
	if !ok {
		return loadZone(name)
	}
	switch strings.ToLower(name) {
	case "ast", "at", "ist", "it":
		r.warn("tz=%s is %s in %s, and here too", strings.ToLower(name), alias, custodian)
	}
	return loadZone(alias)
}

// custodianAliases are the short names of zones in Cloud Custodian's
// documentation; some are unusual.
func custodianAliases() map[string]string {
	return map[string]string{
		"pt": "America/Los_Angeles", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles",
		"at": "America/Phoenix", "ast": "America/Phoenix",
		"et": "America/New_York", "est": "America/New_York", "edt": "America/New_York", "est5edt": "America/New_York",
		"ct": "America/Chicago", "cst": "America/Chicago", "cdt": "America/Chicago",
		"mt": "America/Denver", "mst": "America/Denver", "mdt": "America/Denver",
		"gt": "Etc/GMT", "gmt": "Etc/GMT", "utc": "Etc/UTC",
		"bst": "Europe/London", "ist": "Europe/Dublin", "cet": "Europe/Berlin", "cest": "Europe/Berlin",
		"it": "Asia/Kolkata", "jst": "Asia/Tokyo", "kst": "Asia/Seoul", "sgt": "Asia/Singapore",
		"aet": "Australia/Sydney", "nzst": "Pacific/Auckland", "brt": "America/Sao_Paulo",
	}
}

// unescape replaces u28 and its like, the form of values for services whose
// tags allow no brackets.
func unescape(value string) string {
	codes := map[string]byte{
		"28": '(', "29": ')', "5b": '[', "5d": ']', "2c": ',', "3b": ';', "3d": '=', "2f": '/', "2d": '-',
	}
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		if c := value[i]; (c == 'u' || c == 'U') && i+2 < len(value) {
			if plain, ok := codes[strings.ToLower(value[i+1:i+3])]; ok {
				out = append(out, plain)
				i += 2
				continue
			}
		}
		out = append(out, value[i])
	}
	return string(out)
}
