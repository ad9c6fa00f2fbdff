package schedule

import (
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// keywords are the words with which a part of an inline schedule can begin.
func keywords() []string {
	return []string{"always", "never", "start", "stop", "unmanaged", "weekend", "off", "on"}
}

// Parse reads a schedule in one line, as in a tag; see
// ParseDefinition. zone is used where the text names none.
func Parse(text string, zone *time.Location) (*Schedule, error) {
	d, err := ParseDefinition(text)
	if err != nil {
		return nil, err
	}
	return New(d, zone)
}

// ParseDefinition reads a schedule in one line. Its parts are separated by ";"
// or by "+" between spaces, and an IANA zone may follow at the end:
//
//	Mon-Fri 08:00-19:00; Sat 10:00-14:00 Asia/Seoul
//	Mon-Fri 08:00-19:00 + Sat 10:00-14:00
//	always
//	never
//	stop Mon-Fri 19:00                        only stops
//	start Mon-Fri 08:00; stop Mon-Fri 19:00   the last one decides
//	Mon-Fri 08:00-19:00; unmanaged Sat        hands off on Saturdays
//	Mon-Fri 08:00-19:00; off 2026-12-25,01-01
//
// A part without a keyword is a window to run in. "weekend", "off" and "on"
// take dates (see ParseDates). Errors are of kind fleet.ErrInvalid; whether
// the parts make a schedule is for New to say.
func ParseDefinition(text string) (Definition, error) {
	if len(text) > maxText {
		return Definition{}, tooLong(text)
	}
	parts := splitParts(text)
	var d Definition
	var err error
	last := &parts[len(parts)-1]
	if *last, d.Zone, err = cutZone(*last); err != nil {
		return Definition{}, err
	}
	for _, part := range parts {
		if err := d.readPart(part); err != nil {
			return Definition{}, err
		}
	}
	return d, nil
}

func splitParts(text string) []string {
	var parts []string
	for part := range strings.SplitSeq(text, ";") {
		words := strings.Fields(part)
		begin := 0
		for i, word := range words {
			if word == "+" {
				parts = append(parts, strings.Join(words[begin:i], " "))
				begin = i + 1
			}
		}
		parts = append(parts, strings.Join(words[begin:], " "))
	}
	// A separator at the end separates nothing.
	if n := len(parts); n > 1 && parts[n-1] == "" {
		parts = parts[:n-1]
	}
	return parts
}

// cutZone takes the zone off the end of a part.
func cutZone(part string) (rest string, zone *time.Location, err error) {
	head, word := "", part
	if i := strings.LastIndex(part, " "); i >= 0 {
		head, word = part[:i], part[i+1:]
	}
	if knownZone(word) {
		zone, err = LoadZone(word)
		return head, zone, err
	}
	// A word that cannot be a day, a time or a step is a mistyped zone.
	area, city, slash := strings.Cut(word, "/")
	_, isStep := number(city)
	if slash && !isStep && area != "" && city != "" {
		_, err = LoadZone(word)
		return "", nil, err
	}
	if head != "" && strings.ContainsFunc(word, isLetter) && !strings.ContainsAny(word, ":,-#.0123456789") && suggestDay(word) == "" && new(Days).add(word) != nil {
		_, err = LoadZone(word)
		return "", nil, err
	}
	return part, nil, nil
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func (d *Definition) readPart(part string) error {
	word, rest, _ := strings.Cut(part, " ")
	keyword := strings.ToLower(word)
	if rest == "" && keyword != "never" {
		for _, k := range keywords() {
			if k == keyword && k != "always" {
				return fleet.Errorf(fleet.ErrInvalid, "after %q something is missing, as in %s", word, example(k))
			}
		}
	}
	switch keyword {
	case "":
		return fleet.Errorf(fleet.ErrInvalid, "the schedule is empty: write for example Mon-Fri 08:00-19:00, always or never")
	case "never":
		if rest != "" {
			return fleet.Errorf(fleet.ErrInvalid, "%q: never stands alone", brief(part))
		}
		d.Never = true
		return nil
	case "start":
		return appendParsed(&d.Start, rest, ParseDayTime)
	case "stop":
		return appendParsed(&d.Stop, rest, ParseDayTime)
	case "unmanaged":
		return appendParsed(&d.Unmanaged, rest, ParseWindow)
	case "weekend":
		return appendParsed(&d.Weekend, rest, ParseDates)
	case "off":
		return appendParsed(&d.Off, rest, ParseDates)
	case "on":
		return appendParsed(&d.On, rest, ParseDates)
	}
	return appendParsed(&d.Running, part, ParseWindow)
}

func appendParsed[T any](list *[]T, text string, parse func(string) (T, error)) error {
	value, err := parse(text)
	if err == nil {
		*list = append(*list, value)
	}
	return err
}

func example(keyword string) string {
	switch keyword {
	case "start":
		return "start Mon-Fri 08:00"
	case "stop":
		return "stop Mon-Fri 19:00"
	case "unmanaged":
		return "unmanaged Sat 10:00-14:00"
	}
	return keyword + " 2026-12-25"
}

// String is the inline form, which ParseDefinition reads; "" of the zero value.
func (d Definition) String() string {
	var parts []string
	if d.Never {
		parts = append(parts, "never")
	}
	parts = appendTexts(parts, "", d.Running)
	parts = appendTexts(parts, "unmanaged ", d.Unmanaged)
	parts = appendTexts(parts, "start ", d.Start)
	parts = appendTexts(parts, "stop ", d.Stop)
	parts = appendTexts(parts, "weekend ", d.Weekend)
	parts = appendTexts(parts, "off ", d.Off)
	parts = appendTexts(parts, "on ", d.On)
	text := strings.Join(parts, "; ")
	if d.Zone != nil && text != "" {
		text += " " + d.Zone.String()
	}
	return text
}

func appendTexts[T interface{ String() string }](parts []string, keyword string, values []T) []string {
	for _, v := range values {
		if text := v.String(); text != "" {
			parts = append(parts, keyword+text)
		}
	}
	return parts
}
