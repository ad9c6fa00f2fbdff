package function

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

const (
	actionStop   = string(power.Stop)
	actionStart  = string(power.Start)
	actionReport = "report"
	actionPower  = "power"
	actionCheck  = "check"
	actionBackup = "backup"
)

// tooLate is the age at which a scheduled stop or start is refused: whoever
// got in meanwhile would lose the machine under their hands.
const tooLate = 10 * time.Minute

// errEvent is the kind of an event that is not understood. Nothing is done for
// it: a key that is misspelt may have been meant to prevent just that.
var errEvent = errors.New("invalid event")

// event is an object of JSON. Its keys count exactly, and a value of the wrong
// type has an answer of its own, so the values are kept as they came.
type event map[string]json.RawMessage

// eventKeys are the keys that an event of our own may have; see Request.
// scheduled_at is when the schedule meant it to arrive, in RFC 3339.
func eventKeys() []string { return []string{"action", "dry_run", "region", "scheduled_at", "tag"} }

// envelopeKeys are those of an event of EventBridge. Its region is where it
// came from, not where to work, and its time counts as scheduled_at.
func envelopeKeys() []string {
	return []string{"account", "detail", "detail-type", "id", "region", "resources", "source", "time", "version"}
}

// readEvent reads what the function was called with. A status that is not
// empty is the answer, and nothing is to be done; an error is of the kind
// errEvent, or fleet.ErrInvalid where the deployment's own default is wrong.
func readEvent(payload []byte, defaultAction string, now time.Time) (r Request, status string, err error) {
	e, scheduled, err := openEvent(payload)
	if err != nil {
		return r, "", err
	}
	if r.Action, err = e.action(defaultAction); err != nil || r.Action == "" {
		return r, power.InvalidAction, err
	}
	if err := e.values(&r); err != nil {
		return r, "", err
	}
	if e["scheduled_at"] != nil {
		if scheduled, err = timeOf("scheduled_at", e["scheduled_at"]); err != nil {
			return r, "", err
		}
	}
	switch late := now.Sub(scheduled); {
	case r.Action != actionStop && r.Action != actionStart: // a late report is better than none, and power and backup decide by the time at which they look
	case !scheduled.IsZero() && late > tooLate:
		status = fmt.Sprintf("refused: this %s was scheduled for %s and is %s late, more than %s",
			r.Action, scheduled.Format(time.RFC3339), late.Round(time.Second), tooLate)
	}
	return r, status, nil
}

// openEvent gives the event of our own, out of its envelope if it has one, and
// the time of the envelope.
func openEvent(payload []byte) (e event, scheduled time.Time, err error) {
	if len(bytes.TrimSpace(payload)) == 0 {
		return event{}, scheduled, nil
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		if _, is := errors.AsType[*json.UnmarshalTypeError](err); !is {
			return nil, scheduled, fleet.Errorf(errEvent, "invalid event: it is not JSON: %w", err)
		}
	}
	switch {
	case e == nil:
		return nil, scheduled, fleet.Errorf(errEvent, `invalid event: it is not an object such as {"action": "stop"}`)
	case e["detail-type"] != nil || e["source"] != nil || e["detail"] != nil:
		return e.unwrap()
	}
	return e, scheduled, unknownKey(e, "", eventKeys())
}

// unwrap takes the event out of the envelope: its detail, or the keys of our
// own with it where a schedule of AWS sent it without any detail. Events that
// other services send are none of ours.
func (e event) unwrap() (inner event, scheduled time.Time, err error) {
	source, _ := textOf(e["source"])
	schedule := source == "aws.events" || source == "aws.scheduler"
	if detailType, ok := textOf(e["detail-type"]); ok && detailType != "Scheduled Event" && e.bare() {
		schedule = false
	}
	if e["time"] != nil {
		if scheduled, err = timeOf("time", e["time"]); err != nil {
			return nil, scheduled, err
		}
	}
	switch {
	case !schedule && (e.bare() || strings.HasPrefix(source, "aws.")):
		return nil, scheduled, fleet.Errorf(errEvent, "invalid event: it comes from %q, which is not a schedule, and its detail has no action for nightshift", text.Clip(source, longestEcho))
	case e.bare():
		inner = maps.Clone(e)
		maps.DeleteFunc(inner, func(key string, _ json.RawMessage) bool { return slices.Contains(envelopeKeys(), key) })
		return inner, scheduled, unknownKey(inner, "", slices.DeleteFunc(eventKeys(), func(key string) bool { return key == "region" }))
	}
	if err := unknownKey(e, "", envelopeKeys()); err != nil {
		return nil, scheduled, err
	}
	if json.Unmarshal(e["detail"], &inner) != nil {
		return nil, scheduled, fleet.Errorf(errEvent, "invalid event: detail is not an object")
	}
	if err := unknownKey(inner, " in detail", eventKeys()); err != nil {
		return nil, scheduled, err
	}
	if !schedule && inner["action"] == nil {
		return nil, scheduled, fleet.Errorf(errEvent, "invalid event: it comes from %q, and its detail has no action", text.Clip(source, longestEcho))
	}
	return inner, scheduled, nil
}

// bare reports whether the envelope has no detail. EventBridge Scheduler writes
// an empty one as a text.
func (e event) bare() bool {
	if e["detail"] == nil {
		return true
	}
	var detail any
	if err := json.Unmarshal(e["detail"], &detail); err != nil {
		return false
	}
	switch detail := detail.(type) {
	case nil:
		return true
	case string:
		return detail == "" || detail == "{}"
	case map[string]any:
		return len(detail) == 0
	default:
		return false
	}
}

// unknownKey is the error for the first key that is not known.
func unknownKey(e event, where string, known []string) error {
	for _, key := range slices.Sorted(maps.Keys(e)) {
		if slices.Contains(known, key) {
			continue
		}
		hint := "known are " + strings.Join(known, ", ")
		if near := text.Nearest(key, known); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return fleet.Errorf(errEvent, "invalid event: unknown key %q%s; %s", text.Clip(key, longestEcho), where, hint)
	}
	return nil
}

// action is what the event asks for, empty where it is none that there is.
func (e event) action(otherwise string) (string, error) {
	actions := []string{actionStop, actionStart, actionReport, actionPower, actionCheck, actionBackup}
	if raw := e["action"]; raw != nil {
		if action, ok := textOf(raw); ok && slices.Contains(actions, action) {
			return action, nil
		}
		return "", nil
	}
	switch {
	case otherwise == "":
		return actionStop, nil
	case !slices.Contains(actions, otherwise):
		return "", fleet.Errorf(fleet.ErrInvalid, "NIGHTSHIFT_ACTION is %q, not one of %s", text.Clip(otherwise, longestEcho), strings.Join(actions, ", "))
	}
	return otherwise, nil
}

// values reads the rest of the request.
func (e event) values(r *Request) error {
	bad := func(key, why string) error { return fleet.Errorf(errEvent, "invalid event: %s: %s", key, why) }
	var ok bool
	if raw := e["region"]; raw != nil {
		if r.Region, ok = textOf(raw); !ok || r.Region == "" || len(r.Region) > maxText {
			return bad("region", `not a text such as "eu-west-1"`)
		}
	}
	if raw := e["tag"]; raw != nil {
		if r.Tag, ok = textOf(raw); !ok || r.Tag == "" || len(r.Tag) > maxText {
			return bad("tag", `not a text such as "AutoStopStart=Yes"`)
		}
		switch r.Action {
		case actionPower:
			return bad("tag", "the action power follows the rules of the configuration, not a tag")
		case actionReport:
			return bad("tag", "the report is of everything and takes no tag")
		case actionBackup:
			return bad("tag", "the action backup follows the policies of the configuration, not a tag")
		}
		if _, err := fleet.ParseTag(r.Tag); err != nil {
			return bad("tag", err.Error())
		}
	}
	if raw := e["dry_run"]; raw != nil {
		r.DryRun = string(raw) == "true"
		if !r.DryRun && string(raw) != "false" {
			return bad("dry_run", "neither true nor false")
		}
	}
	return nil
}

// maxText is the longest value that can mean anything: the longest tag that
// AWS takes, in bytes, and all its regions.
const maxText = 4 * (128 + 1 + 256)

// longestEcho is how much is repeated of a text that came with the event.
const longestEcho = 60

// textOf reads a text; false if it is something else.
func textOf(raw json.RawMessage) (s string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(raw, &s) == nil
}

func timeOf(key string, raw json.RawMessage) (at time.Time, err error) {
	if _, ok := textOf(raw); !ok || json.Unmarshal(raw, &at) != nil {
		return at, fleet.Errorf(errEvent, "invalid event: %s: not a time such as 2026-11-22T19:00:00Z", key)
	}
	return at, nil
}
