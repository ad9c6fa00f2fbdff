// Package notify sends people what happened, once and in time: after each run it
// works out what is new for each recipient and sends one message, through Slack,
// Teams, PagerDuty, SNS or a webhook.
//
// What was sent is kept beside the journal, one object a recipient, and written
// before anything is sent: whoever writes it sends. So two processes do not send the
// same, and what could not be sent waits there for the next run. A message that was
// sent may be sent again, with the same id, never without end.
//
// A notice never fails a run. Addresses and keys are read where the configuration
// says, and are in no error, log or state.
//
// It may import fleet, text, blob, schedule, power, backup, config, journal, app and watch.
package notify

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// Options are what notices need of the process.
type Options struct {
	Now func() time.Time
	// Getenv reads the variables that the configuration refers to.
	Getenv func(name string) string
	Log    *slog.Logger
	// Named is true where somebody said which configuration to read. One that was only
	// found in the working directory may be somebody else's: for it nothing is sent.
	Named bool
	// Time is how long the notices of a run may take; 0 is 10 seconds.
	Time time.Duration
}

// The times that are allowed.
const (
	runTime  = 10 * time.Second
	sendTime = 5 * time.Second
)

// Notifier tells what happened. It is safe for concurrent use.
type Notifier struct {
	Options
	client *http.Client

	mu      sync.Mutex
	known   map[string]memory // of each recipient, by the place of its state
	locks   map[string]*sync.Mutex
	counts  map[string]Count
	values  map[config.Reference]value
	refused bool // that nothing is sent was said
}

// Count is how much one recipient was told by this process.
type Count struct {
	Sent, Failed int
	// Pending is how many messages wait.
	Pending int
}

// New makes a Notifier. Nothing is read or sent.
func New(o Options) *Notifier {
	if o.Time == 0 {
		o.Time = runTime
	}
	return &Notifier{
		Options: o, client: newClient(), known: map[string]memory{}, locks: map[string]*sync.Mutex{},
		counts: map[string]Count{}, values: map[config.Reference]value{},
	}
}

// Result is what became of a run: one of its fields, or Err where it could not begin
// or ended without a result.
type Result struct {
	Job    string
	Power  *app.PowerResult
	Report *app.ReportResult
	Backup *app.BackupResult
	Err    error
}

// Counts are those of the recipients that were to be told something.
func (n *Notifier) Counts() map[string]Count {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.counts)
}

// Run tells what became of a run, and calls the heartbeat of its job where it was
// good. It takes 10 seconds at most, and never fails: what could not be sent is
// logged, and waits.
func (n *Notifier) Run(ctx context.Context, s *app.Session, r Result) {
	if s == nil || s.Config == nil || quiet(r) {
		return
	}
	rules := s.Config.Notify
	if len(rules.Recipients) == 0 && len(rules.Heartbeats) == 0 || !n.allowed(ctx) {
		return
	}
	// The run is over, also where its time is: people are told all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.within(ctx))
	defer cancel()
	found := findingsOf(s, r, n.Now())
	var group sync.WaitGroup
	for _, recipient := range rules.Recipients {
		group.Go(func() { n.tell(ctx, s, recipient, found) })
	}
	if reference, ok := rules.Heartbeats[r.Job]; ok && found.good {
		group.Go(func() {
			if err := n.heartbeat(ctx, s, reference); err != nil {
				n.Log.WarnContext(ctx, "the heartbeat could not be sent", "job", r.Job, "error", err)
			}
		})
	}
	group.Wait()
}

// shortest is how long the notices have where the time of the run is over.
const shortest = 500 * time.Millisecond

// within is how long the notices of a run may take: not longer than the caller has.
func (n *Notifier) within(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(shortest, min(n.Time, time.Until(deadline))) //nolint:forbidigo // of a context, which knows no other clock
	}
	return n.Time
}

// quiet says whether nobody is told of a run: one that only looked, or was for some
// machines only, or that a person ended.
func quiet(r Result) bool {
	switch {
	case r.Power != nil:
		return r.Power.Input.DryRun || !r.Power.Input.Only.IsZero()
	case r.Backup != nil:
		return r.Backup.Input.DryRun
	default:
		return errors.Is(r.Err, context.Canceled)
	}
}

// allowed says whether anything is sent for this configuration.
func (n *Notifier) allowed(ctx context.Context) bool {
	if n.Named {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.refused {
		n.refused = true
		n.Log.WarnContext(ctx, "no notice is sent", "reason", errFound)
	}
	return false
}

// errFound is why nothing is sent for a configuration that was only found.
var errFound = fleet.Errorf(fleet.ErrInvalid, "no notices are sent: the configuration was only found in the working directory and may be somebody else's; name it with --config or NIGHTSHIFT_CONFIG")

// tell brings the state of a recipient up to date and sends what waits, unless
// another process is doing that.
func (n *Notifier) tell(ctx context.Context, s *app.Session, r config.Recipient, found findings) {
	now, mine := n.Now(), false
	m, err := n.take(ctx, s, r, func(st *state) {
		st.expire(found)
		st.queue(st.after(found, ruleOf(s, r)))
		if mine = st.ready(now); mine {
			st.Sending = now.Add(n.Time).UTC()
		}
	})
	if err != nil {
		n.Log.WarnContext(ctx, "the state of notices cannot be read, so that nothing is sent", "recipient", r.Name, "error", err)
		n.count(r.Name, func(c *Count) { c.Failed++ })
		return
	}
	if !mine {
		n.count(r.Name, func(c *Count) { c.Pending = len(m.state.Pending) })
		return
	}
	was := *m.state
	sending, cancel := context.WithTimeout(ctx, n.within(ctx)*4/5) // the rest is for storing what was sent
	sent, err := n.send(sending, s, r, m.state)
	cancel()
	if err != nil {
		n.Log.WarnContext(ctx, "a notice could not be sent; a later run tries again", "recipient", r.Name, "waiting", len(m.state.Pending), "error", err)
	}
	n.count(r.Name, func(c *Count) {
		c.Sent, c.Pending = c.Sent+sent, len(m.state.Pending)
		if err != nil {
			c.Failed++
		}
	})
	if err := n.keep(ctx, s, r, was, m.state); err != nil {
		n.Log.WarnContext(ctx, "what was sent could not be stored, and may be sent again", "recipient", r.Name, "error", err)
	}
}

func (n *Notifier) count(recipient string, change func(*Count)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.counts[recipient]
	change(&c)
	n.counts[recipient] = c
}

// mostAtOnce is how many messages one run sends to a recipient. PagerDuty gets an
// event for each problem; Slack takes a message a second.
func mostAtOnce(c config.Channel) int {
	if c == config.PagerDuty {
		return 25
	}
	return 5
}

// send sends what waits, the oldest first, and takes it out of the state. It ends
// with the first message that could not be sent; one that the channel will never
// take is dropped.
func (n *Notifier) send(ctx context.Context, s *app.Session, r config.Recipient, st *state) (sent int, err error) {
	for range mostAtOnce(r.Channel) {
		if len(st.Pending) == 0 {
			break
		}
		m := st.Pending[0]
		if st.Dropped > 0 && m.Event == nil {
			m = m.with(Group{Kind: KindNote, Heading: dropped(st.Dropped)})
		}
		err = n.deliver(ctx, s, r, m)
		refused, _ := errors.AsType[*refusal](err)
		switch {
		case err == nil:
			sent, st.Dropped = sent+1, 0
		case refused != nil && refused.never:
			err = errors.Join(err, errors.New("it is dropped"))
			st.Dropped++
		default:
			if refused != nil && refused.after > 0 {
				st.NotBefore = n.Now().UTC().Add(min(refused.after, time.Hour))
			}
			return sent, err
		}
		st.Pending = st.Pending[1:]
	}
	return sent, err
}
