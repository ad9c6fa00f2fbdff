package notify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// pagerDutyURL is where PagerDuty takes events of the API version 2.
const pagerDutyURL = "https://events.pagerduty.com/v2/enqueue"

// The limits of PagerDuty's events.
const (
	pagerDutySummary = 1024
	pagerDutyKey     = 255
)

type pagerDutyEvent struct {
	RoutingKey  string            `json:"routing_key"`
	EventAction string            `json:"event_action"`
	DedupKey    string            `json:"dedup_key"`
	Payload     *pagerDutyPayload `json:"payload,omitempty"`
	Client      string            `json:"client,omitempty"`
	ClientURL   string            `json:"client_url,omitempty"`
}

type pagerDutyPayload struct {
	Summary       string            `json:"summary"`
	Source        string            `json:"source"`
	Severity      string            `json:"severity"`
	Timestamp     string            `json:"timestamp"`
	Component     string            `json:"component,omitempty"`
	Class         string            `json:"class,omitempty"`
	CustomDetails map[string]string `json:"custom_details"`
}

// pagerDuty sends an event. What is not about one problem, such as a test, begins and
// ends nothing: it is an event of its own with the severity info. A wrong key is refused
// as a wrong event is, so that no event is dropped for that.
func (n *Notifier) pagerDuty(ctx context.Context, key, address string, m Message) error {
	body, err := json.Marshal(pagerDutyBody(key, m))
	if err != nil {
		return err
	}
	_, err = n.post(ctx, cmp.Or(address, pagerDutyURL), http.Header{"Content-Type": {"application/json"}}, body)
	if no, ok := errors.AsType[*refusal](err); ok && no.never {
		no.never, no.unknown = false, true
		no.says += "; check the key"
	}
	return err
}

func pagerDutyBody(key string, m Message) pagerDutyEvent {
	e := pagerDutyEvent{RoutingKey: key, EventAction: "trigger", DedupKey: "nightshift|" + m.ID, Client: "nightshift", ClientURL: m.Page}
	severity := "info"
	p := Event{Problem: m.Title, Resource: "nightshift"}
	if m.Event != nil {
		p, severity, e.DedupKey = *m.Event, "error", dedupKey(m.Event.Key)
	}
	if p.Resolved {
		e.EventAction, e.Client, e.ClientURL = "resolve", "", ""
		return e
	}
	e.Payload = &pagerDutyPayload{
		Summary: short(m.Title, pagerDutySummary), Source: short(cmp.Or(p.Resource, "nightshift"), pagerDutySummary), Severity: severity,
		Timestamp: m.At.UTC().Format(time.RFC3339), Component: m.Job, Class: p.Code,
		CustomDetails: map[string]string{"id": m.ID, "problem": p.Problem},
	}
	return e
}

// dedupKey is a key of a length that PagerDuty takes.
func dedupKey(key string) string {
	if len(key) <= pagerDutyKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "nightshift|" + hex.EncodeToString(sum[:])
}
