package notify

import (
	"context"
	"slices"
	"strings"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// Status is what is known of a recipient.
type Status struct {
	Recipient string `json:"recipient"`
	Channel   string `json:"channel"`
	// Address says where the address is, never what it is.
	Address string `json:"address"`
	// Open is how many problems it was told of that still exist, Pending how many
	// messages wait.
	Open    int `json:"open"`
	Pending int `json:"pending"`
	// Problem is what went wrong; empty where nothing did.
	Problem string `json:"problem,omitempty"`
}

// Test sends one message to each recipient, or to the one that is named, and gives
// what came of each.
func (n *Notifier) Test(ctx context.Context, s *app.Session, only string) ([]Status, error) {
	return n.each(s, only, func(r config.Recipient, status *Status) error {
		m := newMessage(n.Now(), "", "nightshift: a test, nothing is wrong")
		m.Page = s.Config.Notify.Page
		m.add(KindNote, "This is how notices reach the recipient "+r.Name, nil)
		if err := n.deliver(ctx, s, r, m); err != nil {
			return err
		}
		// Without it problems could not be told once only.
		kept, err := n.take(ctx, s, r, func(st *state) { st.Tested = n.Now().UTC() })
		if err == nil && kept.unsaved {
			err = fleet.Errorf(fleet.ErrUnavailable, "it was sent, but the state of notices cannot be stored in the journal")
		}
		if err == nil {
			status.of(kept.state)
		}
		return err
	})
}

// List says what each recipient was told of and what waits. Nothing is sent.
func (n *Notifier) List(ctx context.Context, s *app.Session) ([]Status, error) {
	return n.each(s, "", func(r config.Recipient, status *Status) error {
		store, err := s.Versions(ctx)
		if err != nil {
			return err
		}
		m, err := n.load(ctx, store, s.Config.Journal+"\n"+r.Name, r)
		if err == nil {
			status.of(m.state)
		}
		return err
	})
}

func (t *Status) of(s *state) {
	t.Pending = len(s.Pending)
	for _, p := range s.Open {
		if !p.Sent.IsZero() {
			t.Open++
		}
	}
}

// each does something for each recipient.
func (n *Notifier) each(s *app.Session, only string, do func(config.Recipient, *Status) error) ([]Status, error) {
	rules := s.Config.Notify
	switch {
	case len(rules.Recipients) == 0:
		return nil, fleet.Errorf(fleet.ErrInvalid, "the configuration names no recipients (notify: recipients:)")
	case !n.Named:
		return nil, errFound
	case only != "" && !slices.ContainsFunc(rules.Recipients, func(r config.Recipient) bool { return r.Name == only }):
		var names []string
		for _, r := range rules.Recipients {
			names = append(names, r.Name)
		}
		return nil, fleet.Errorf(fleet.ErrInvalid, "there is no recipient %q; the configuration has %s", only, strings.Join(names, ", "))
	}
	var all []Status
	for _, r := range rules.Recipients {
		if only != "" && r.Name != only {
			continue
		}
		status := Status{Recipient: r.Name, Channel: string(r.Channel), Address: r.Address.String()}
		if r.Channel == config.SNS {
			status.Address = r.Address.Name // it is no secret
		}
		if err := do(r, &status); err != nil {
			status.Problem = err.Error()
		}
		all = append(all, status)
	}
	return all, nil
}
