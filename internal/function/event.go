package function

import (
	"encoding/json"
	"fmt"
	"time"

	"nightshift/internal/power"
)

// Event is what the function is called with: an object of our own, or an
// envelope of EventBridge. It is kept as it came, since the keys count exactly
// and a value of the wrong type has an answer of its own. The keys are
//
//	action, region, tag, dry_run: see Request
//	scheduled_at: when the schedule meant it to arrive, in RFC 3339
//	time: the same in an envelope of EventBridge
//	detail-type: there in an envelope only, whose region is where the event
//	came from, not where to work
//
// and all others are ignored.
type Event map[string]json.RawMessage

const (
	actionStop   = string(power.Stop)
	actionStart  = string(power.Start)
	actionReport = "report"
	actionPower  = "power"
)

// tooLate is the age at which a scheduled stop or start is refused: whoever
// got in meanwhile would lose the machine under their hands.
const tooLate = 10 * time.Minute

// request reads the event. The refusal, if not empty, is the status to answer.
func (e Event) request(defaultAction string, now time.Time) (r Request, refusal string) {
	r.Action = defaultAction
	if r.Action == "" {
		r.Action = actionStop
	}
	if present(e["action"]) && json.Unmarshal(e["action"], &r.Action) != nil {
		return r, power.InvalidAction
	}
	switch r.Action {
	case actionStop, actionStart, actionReport, actionPower:
	default:
		return r, power.InvalidAction
	}
	if present(e["region"]) && !present(e["detail-type"]) && json.Unmarshal(e["region"], &r.Region) != nil {
		return r, "invalid region: not a text"
	}
	if present(e["tag"]) && json.Unmarshal(e["tag"], &r.Tag) != nil {
		return r, `invalid tag: not a text such as "AutoStopStart=Yes"`
	}
	if present(e["dry_run"]) && json.Unmarshal(e["dry_run"], &r.DryRun) != nil {
		return r, "invalid dry_run: neither true nor false"
	}
	switch r.Action {
	case actionReport:
		return r, "" // a late report is better than none
	case actionPower:
		if r.Tag != "" {
			return r, "invalid tag: the action power follows the rules of the configuration, not a tag"
		}
		return r, "" // it decides by the time at which it looks
	}
	at, name := e["scheduled_at"], "scheduled_at"
	if !present(at) {
		at, name = e["time"], "time"
	}
	if !present(at) {
		return r, ""
	}
	var scheduled time.Time
	if json.Unmarshal(at, &scheduled) != nil {
		return r, fmt.Sprintf("invalid %s: not a time such as 2026-11-22T19:00:00Z", name)
	}
	if late := now.Sub(scheduled); late > tooLate {
		return r, fmt.Sprintf("refused: this %s was scheduled for %s and is %s late, more than %s",
			r.Action, scheduled.Format(time.RFC3339), late.Round(time.Second), tooLate)
	}
	return r, ""
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
