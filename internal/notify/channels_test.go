package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/notify"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// strict reads JSON that has no other fields than the type.
func strict(body []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// slackTakes is what an incoming webhook of Slack accepts of what is sent.
func slackTakes(_ http.Header, body []byte) error {
	type text struct {
		Type, Text string
		Verbatim   bool
	}
	var m struct {
		Text   string
		Blocks []struct {
			Type     string
			Text     *text
			Elements []text
		}
	}
	if err := strict(body, &m); err != nil {
		return err
	}
	if m.Text == "" || len(m.Blocks) == 0 || len(m.Blocks) > 50 {
		return fmt.Errorf("text %q, %d blocks", m.Text, len(m.Blocks))
	}
	// What Slack reads in <> are links and mentions; ours are links alone.
	readable := func(s string) error {
		for _, found := range regexp.MustCompile(`<[^>]*>?`).FindAllString(s, -1) {
			if !regexp.MustCompile(`^<https?://[^<>|]+\|[A-Za-z ]+>$`).MatchString(found) {
				return fmt.Errorf("Slack reads %q", found)
			}
		}
		if regexp.MustCompile(`&(?:[^algq]|$)`).MatchString(s) {
			return errors.New("an ampersand is not escaped")
		}
		return nil
	}
	errs := []error{readable(m.Text)}
	for _, b := range m.Blocks {
		most := map[string]int{"header": 150, "section": 3000, "context": 3000}[b.Type]
		if b.Text != nil {
			b.Elements = append(b.Elements, *b.Text)
		}
		for _, one := range b.Elements {
			if n := utf8.RuneCountInString(one.Text); n == 0 || n > most {
				errs = append(errs, fmt.Errorf("%s of %d characters", b.Type, n))
			}
			if one.Type == "mrkdwn" {
				errs = append(errs, readable(one.Text))
				if !one.Verbatim {
					errs = append(errs, errors.New("Slack makes links of names"))
				}
			}
		}
		if len(b.Elements) == 0 || b.Type == "header" && b.Text.Type != "plain_text" {
			errs = append(errs, fmt.Errorf("a block %s without its text", b.Type))
		}
	}
	return errors.Join(errs...)
}

// teamsTakes is what a workflow of Teams accepts: a message with one card of text runs.
func teamsTakes(_ http.Header, body []byte) error {
	type action struct{ Type, Title, URL string }
	var m struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     struct {
				Schema        string `json:"$schema"`
				Type, Version string
				FallbackText  string
				MSTeams       map[string]string
				Actions       []action
				Body          []struct {
					Type, Spacing string
					Inlines       []struct {
						Type, Text, Weight, Size, Color, FontType string
						IsSubtle                                  bool
						SelectAction                              *action
					}
				}
			}
		}
	}
	if err := strict(body, &m); err != nil {
		return err
	}
	if len(body) > 28<<10 || m.Type != "message" || len(m.Attachments) != 1 || m.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" {
		return fmt.Errorf("%d bytes, %q, %d attachments", len(body), m.Type, len(m.Attachments))
	}
	card := m.Attachments[0].Content
	if card.Type != "AdaptiveCard" || card.Version != "1.2" || len(card.Body) == 0 {
		return fmt.Errorf("%s %s with %d parts", card.Type, card.Version, len(card.Body))
	}
	in := func(value string, known ...string) bool { return value == "" || slices.Contains(known, value) }
	for _, b := range card.Body {
		if b.Type != "RichTextBlock" || len(b.Inlines) == 0 || !in(b.Spacing, "None", "Small", "Default", "Medium", "Large") {
			return fmt.Errorf("a part %+v", b)
		}
		for _, r := range b.Inlines {
			if r.Type != "TextRun" || r.Text == "" || !in(r.Weight, "Bolder", "Lighter") || !in(r.Size, "Small", "Medium", "Large") || !in(r.Color, "Attention", "Good", "Warning") || !in(r.FontType, "Monospace", "Default") {
				return fmt.Errorf("a run %+v", r)
			}
			if r.SelectAction != nil && r.SelectAction.Type != "Action.OpenUrl" {
				return fmt.Errorf("an action %+v", r.SelectAction)
			}
		}
	}
	return nil
}

// pagerDutyTakes is what the Events API version 2 accepts.
func pagerDutyTakes(_ http.Header, body []byte) error {
	var e struct {
		RoutingKey  string `json:"routing_key"`
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Client      string
		ClientURL   string `json:"client_url"`
		Payload     *struct {
			Summary, Source, Severity, Timestamp, Component, Class string
			CustomDetails                                          map[string]string `json:"custom_details"`
		}
	}
	if err := strict(body, &e); err != nil {
		return err
	}
	switch {
	case len(e.RoutingKey) != 32:
		return fmt.Errorf("a routing key of %d characters", len(e.RoutingKey))
	case e.DedupKey == "" || len(e.DedupKey) > 255:
		return fmt.Errorf("the key %q", e.DedupKey)
	case e.EventAction == "resolve":
		return nil
	case e.EventAction != "trigger" || e.Payload == nil:
		return fmt.Errorf("the action %q", e.EventAction)
	case e.Payload.Summary == "" || utf8.RuneCountInString(e.Payload.Summary) > 1024 || e.Payload.Source == "":
		return fmt.Errorf("the summary %q of %q", e.Payload.Summary, e.Payload.Source)
	case !slices.Contains([]string{"critical", "error", "warning", "info"}, e.Payload.Severity):
		return fmt.Errorf("the severity %q", e.Payload.Severity)
	}
	_, err := time.Parse(time.RFC3339, e.Payload.Timestamp)
	return err
}

// hostile is a name that anybody can give a machine.
const hostile = "<!channel> <@U123> & *bold* `code` [pay](https://evil.example.com) <at>all</at>\n\x1b[31m| @everyone \u202e"

// Whatever machines are called, and however many they are, each channel takes the
// messages, and nothing in them is a link or a mention.
func TestChannelsTakeTheMessages(t *testing.T) {
	slack, teams, pager := serve(t, slackTakes), serve(t, teamsTakes), serve(t, pagerDutyTakes)
	w := newWorld(t, fmt.Sprintf(`notify:
  recipients:
    slack: { slack: env:NIGHTSHIFT_SLACK }
    teams: { teams: env:NIGHTSHIFT_TEAMS }
    pager: { pagerduty: env:NIGHTSHIFT_PAGER, url: %q }
  before_stop: 15m
  page: https://nightshift.example.com/a&b
`, pager.URL))
	w.env = map[string]string{"NIGHTSHIFT_SLACK": slack.URL, "NIGHTSHIFT_TEAMS": teams.URL, "NIGHTSHIFT_PAGER": strings.Repeat("0f", 16)}
	var many []machine
	for n := range 99 { // each with a reason of its own, and then many with one
		m := failed(fmt.Sprint(n, hostile))
		m.reason.Text = fmt.Sprint("reason ", n, " ", hostile, strings.Repeat("x", 400))
		many = append(many, m)
	}
	w.run(many...)
	w.run(many...)
	var stops []machine
	for n := range 3000 {
		stops = append(stops, stopped(fmt.Sprint(n, hostile)))
	}
	w.run(stops...)
	machines := running("i-1"+hostile, "i-2")
	w.tick("18:50", machines...)
	if _, err := w.notifier.Test(t.Context(), w.session, ""); err != nil {
		t.Fatal(err)
	}
	if got := len(slack.take()); got != 4 {
		t.Errorf("Slack got %d messages, want 4", got)
	}
	bodies := teams.take()
	if got := len(bodies); got != 4 {
		t.Errorf("Teams got %d messages, want 4", got)
	}
	if folder := os.Getenv("NIGHTSHIFT_TEST_CARDS"); folder != "" {
		for n, body := range bodies {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(n, ".json")), body, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 8 { // at most 25 events a run
		w.run()
	}
	actions := map[string]int{}
	for _, event := range pager.events(t) {
		action, _, _ := strings.Cut(event, " ")
		actions[action]++
	}
	// What ended before it was told is not told at all; one is the test.
	if actions["trigger"] != 25+1 || actions["resolve"] != 25 {
		t.Errorf("PagerDuty got %v", actions)
	}
}

// A webhook can check who sent a message, and when: id, timestamp and body are signed
// as Standard Webhooks has it.
func TestWebhookIsSigned(t *testing.T) {
	key := []byte("a secret of the receiver's")
	for _, secret := range []string{string(key), "whsec_" + base64.StdEncoding.EncodeToString(key)} {
		s := serve(t, func(h http.Header, body []byte) error {
			mac := hmac.New(sha256.New, key)
			fmt.Fprintf(mac, "%s.%s.%s", h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), body)
			if got, want := h.Get("Webhook-Signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
				return fmt.Errorf("signed %s, want %s", got, want)
			}
			var e struct {
				Version int
				Kind    string
				Data    notify.Message
			}
			if err := strict(body, &e); err != nil {
				return err
			}
			if e.Kind != "notice" || e.Version != 1 || e.Data.ID != h.Get("Webhook-Id") || h.Get("Content-Type") != "application/json" {
				return fmt.Errorf("%+v with the id %s", e, h.Get("Webhook-Id"))
			}
			return nil
		})
		w := newWorld(t, "")
		file := filepath.Join(w.dir, "secret")
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.configure(fmt.Sprintf("notify: { recipients: { audit: { webhook: %q, secret: %q } } }\n", s.URL, "file:"+file))
		w.run(stopped("i-1"))
		if got := len(s.take()); got != 1 {
			t.Errorf("%d messages", got)
		}
	}
}

// openIn opens a configuration whose journal lies in the bucket of a sandbox.
func (w *world) openIn(server *sandbox.Server, config string) {
	w.t.Helper()
	file := filepath.Join(w.dir, "nightshift.yaml")
	if err := os.WriteFile(file, []byte(head+"journal: s3://"+sandbox.DefaultBucket+"/journal\n"+config), 0o600); err != nil {
		w.t.Fatal(err)
	}
	a := app.New(app.Options{Now: func() time.Time { return w.now }, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey,
	}})
	var err error
	w.session, err = a.Open(w.t.Context(), app.Selection{Config: blob.Ref{Scheme: blob.File, Path: file}, NeedConfig: true, Regions: []string{sandbox.DefaultRegion}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// A store that hangs leaves time for sending, and what was sent is not sent again.
// Topics, parameters and secrets are used with the credentials of the process.
func TestNoticesThroughAWS(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	account := server.Sandbox()
	topic, err := account.AddTopic("eu-west-1", "nightshift")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, slackTakes)
	if _, err := account.SetSecret(sandbox.DefaultRegion, "nightshift/slack", s.URL+"/secret"); err != nil {
		t.Fatal(err)
	}
	if err := account.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift/slack", Value: s.URL + "/parameter", Secret: true}); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "")
	w.openIn(server, fmt.Sprintf(`notify:
  recipients:
    mail: { sns: %q }
    secret: { slack: "secretsmanager:nightshift/slack" }
    parameter: { slack: "ssm:/nightshift/slack" }
`, topic))
	many := []machine{stopped("i-1" + hostile)}
	for n := range 5000 {
		many = append(many, stopped(fmt.Sprint("서버-", n)))
	}
	w.run(many...)
	if got := len(s.take()); got != 2 {
		t.Errorf("Slack got %d messages: %+v", got, w.notifier.Counts())
	}
	got := account.Published("eu-west-1", topic)
	if len(got) != 1 || got[0].Subject != "nightshift power: stopped 5,001 machines" || got[0].Attributes["id"] == "" || !strings.Contains(got[0].Message, "4,951 more left out") {
		t.Fatalf("published: %+v, %+v", got, w.notifier.Counts())
	}
	if keys := account.Objects(sandbox.DefaultBucket); !slices.Contains(keys, "journal/notify/open/mail.json") {
		t.Errorf("stored: %v", keys)
	}
	// S3 does not answer: what this process remembers counts.
	if err := account.SetFaults([]sandbox.Fault{{Action: "s3:*", Kind: sandbox.Deny}}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w.run(failed("i-9"))
	}
	if got := account.Published("eu-west-1", topic); len(got) != 2 {
		t.Errorf("%d messages while S3 does not answer, want one more", len(got)-1)
	}
}
