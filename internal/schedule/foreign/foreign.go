// Package foreign reads the schedules of other tools: the definitions of
// Instance Scheduler on AWS and the tag values of Cloud Custodian,
// kube-downscaler, the EC2 Scheduler and lights-off. What a tool gets wrong is
// read differently on purpose and reported in a warning; docs/compatibility.md
// lists every difference.
package foreign

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// Reading is what a foreign notation means here.
type Reading struct {
	// Definition is the zero value if Ignore is set.
	Definition schedule.Definition
	// Warnings are sentences that say what will be different from the tool, or
	// what of the tool's settings is not kept.
	Warnings []string
	// Ignore means that the value asks to be skipped, such as
	// maid_offhours=off.
	Ignore bool
}

// mostWarnings bounds the warnings of one reading; nobody reads more.
const mostWarnings = 20

func (r *Reading) warn(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); len(r.Warnings) < mostWarnings && !slices.Contains(r.Warnings, text) {
		r.Warnings = append(r.Warnings, text)
	}
}

// Format names the notation of a tag value.
type Format string

// The notations that a tag value can have.
const (
	// FormatCustodian is the value of Cloud Custodian's maid_offhours.
	FormatCustodian Format = "custodian"
	// FormatDownscaler is the value of kube-downscaler's downscaler/uptime.
	FormatDownscaler Format = "kube-downscaler"
	// FormatDowntime is the value of kube-downscaler's downscaler/downtime.
	FormatDowntime Format = "kube-downscaler-downtime"
	// FormatEC2Scheduler is the value of the EC2 Scheduler's
	// scheduler:ec2-startstop.
	FormatEC2Scheduler Format = "ec2-scheduler"
	// FormatLightsOffStart is the value of lights-off's sched-start.
	FormatLightsOffStart Format = "lights-off-start"
	// FormatLightsOffStop is the value of lights-off's sched-stop.
	FormatLightsOffStop Format = "lights-off-stop"
)

// Formats are all formats that Read knows, in the order of their names.
func Formats() []Format {
	return []Format{
		FormatCustodian, FormatEC2Scheduler, FormatDownscaler, FormatDowntime,
		FormatLightsOffStart, FormatLightsOffStop,
	}
}

// maxValue bounds what a reader looks at. A tag value of AWS has 256 characters
// at most; values from files may be longer.
const maxValue = 4096

// Read reads the value of one tag with the tool's own defaults. Zone is the
// zone of values that name none; nil means the zone that is later handed to
// schedule.New. An error is of kind fleet.ErrInvalid: a value that is not
// understood never becomes the tool's default schedule.
func Read(f Format, value string, zone *time.Location) (Reading, error) {
	switch f {
	case FormatCustodian:
		return Custodian(value, DefaultCustodian(zone))
	case FormatDownscaler:
		return Downscaler(value, "", zone)
	case FormatDowntime:
		return Downscaler("", value, zone)
	case FormatEC2Scheduler:
		return EC2Scheduler(value, zone)
	case FormatLightsOffStart:
		return LightsOff(value, "")
	case FormatLightsOffStop:
		return LightsOff("", value)
	}
	names := make([]string, 0, len(Formats()))
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return Reading{}, invalid("unknown format %q%s: use %s", clip(string(f)), meant(string(f), names), strings.Join(names, ", "))
}

func invalid(format string, args ...any) error {
	return fleet.Errorf(fleet.ErrInvalid, format, args...)
}

// checkLength refuses what no tool has ever written.
func checkLength(tool, value string) error {
	if len(value) > maxValue {
		return invalid("%s: the value has %d characters, at most %d are read", tool, len(value), maxValue)
	}
	return nil
}

// clip makes foreign text fit for a message: short, and without characters
// that a terminal obeys.
func clip(text string) string {
	const most = 60
	if len(text) > 4*most {
		text = text[:4*most]
	}
	runes := []rune(text)
	for i, c := range runes {
		if !unicode.IsPrint(c) {
			runes[i] = unicode.ReplacementChar
		}
	}
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}

// addWindow adds the window that the text of our own notation means.
func addWindow(to *[]schedule.Window, text string) error {
	window, err := schedule.ParseWindow(text)
	if err != nil {
		return err
	}
	*to = append(*to, window)
	return nil
}

// addDayTime adds the start or stop that the text of our own notation means.
func addDayTime(to *[]schedule.DayTime, text string) error {
	dayTime, err := schedule.ParseDayTime(text)
	if err != nil {
		return err
	}
	*to = append(*to, dayTime)
	return nil
}
