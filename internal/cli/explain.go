package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
)

// explanation is why a machine is, or is not, acted on: what --json prints.
type explanation struct {
	Kind     fleet.Kind       `json:"kind"`
	ID       fleet.ResourceID `json:"id"`
	Name     string           `json:"name"`
	Account  fleet.Account    `json:"account,omitempty"`
	Region   fleet.Region     `json:"region"`
	State    fleet.State      `json:"state"`
	Started  *time.Time       `json:"started,omitempty"`
	Stopped  *time.Time       `json:"stopped,omitempty"`
	Rule     int              `json:"rule,omitempty"`
	Tag      string           `json:"tag,omitempty"`
	Schedule string           `json:"schedule,omitempty"`
	Windows  string           `json:"windows,omitempty"`
	Zone     string           `json:"timezone,omitempty"`
	Window   string           `json:"window,omitempty"`
	Wanted   schedule.State   `json:"wanted,omitempty"`
	Last     *time.Time       `json:"last,omitempty"`
	Next     *time.Time       `json:"next,omitempty"`
	Override string           `json:"override,omitempty"`
	LastAct  string           `json:"last_act,omitempty"`
	Action   power.Action     `json:"action"`
	fleet.Reason
	Warnings []string `json:"warnings,omitempty"`

	zone    *time.Location
	over    string // said of an override that is over
	account string // what people call it, where there are several
}

func (a *app) explainCommand() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Tell why a machine is, or is not, stopped or started",
		Long: `Tell why a machine is, or is not, stopped or started: which rule, tag and
schedule it follows, which window decides, when that changes, and what is known
of its past. The machine is named by its id or by its Name tag.`,
		Example: `  nightshift power explain i-0123456789abcdef0
  nightshift power explain web-1 --at 2026-12-24T20:00`,
		Args: one("the id or the name of a machine"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.schedules(cmd.Context(), a.regions, nil)
			if err != nil {
				return err
			}
			now, err := a.moment(s, at)
			if err != nil {
				return err
			}
			steps, err := s.find(cmd.Context(), args[0], now)
			if err != nil {
				return err
			}
			for n, found := range steps {
				e := s.explain(found)
				if a.json {
					err = a.printJSON(envelope{1, "explanation", e})
				} else {
					if n > 0 {
						fmt.Fprintln(a.Stdout)
					}
					a.printExplanation(e)
				}
				if err != nil {
					return err
				}
			}
			return s.mistakes
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "the time to explain, as 2026-12-24T20:00 or in RFC 3339 (default: now)")
	return cmd
}

// foundStep is the decision about a machine, and where the machine is.
type foundStep struct {
	post
	power.Step
}

// find evaluates the machines that have the id, the ARN or else the name. An id
// counts before any name: whoever may tag a machine may call it by the id of
// another one. The whole plan is made, since large groups start early and only the plan knows how large they
// are. A machine that no rule looks at is read on its own.
func (s *schedules) find(ctx context.Context, name string, now func() time.Time) ([]foundStep, error) {
	lists, errs := make([][]foundStep, len(s.posts)), make([]error, len(s.posts))
	var group errgroup.Group
	group.SetLimit(postsAtOnce)
	for n, at := range s.posts {
		group.Go(func() error {
			var err error
			lists[n], err = s.findAt(ctx, at, name, now)
			errs[n] = s.names.tell(at.target.Account, err)
			return nil
		})
	}
	_ = group.Wait() // errors are kept by post
	found := slices.Concat(lists...)
	byID := slices.DeleteFunc(slices.Clone(found), func(f foundStep) bool { return !hasID(f.Machine, name) })
	switch {
	case len(byID) > 0:
		return byID, nil
	case len(found) > 0 && !isID(name):
		return found, nil
	}
	where := strings.Join(texts(s.regions), ", ")
	if s.names.several() {
		where = fmt.Sprintf("%d accounts, in %s", len(s.names), where)
	}
	errs = append(errs, s.lostErrors()...)
	return nil, errors.Join(append(errs, fleet.Errorf(fleet.ErrInvalid,
		"no machine %q in %s; with a name instead of an id, only machines with a tag of some rule are looked through", name, where))...)
}

// findAt is find for one post.
func (s *schedules) findAt(ctx context.Context, at post, name string, now func() time.Time) ([]foundStep, error) {
	evaluator := power.NewRuleSet(s.job.rules)
	plan, err := power.MakePlan(ctx, at.clients(s.job.rules), evaluator, now)
	var found []foundStep
	for _, step := range plan.Steps {
		if hasID(step.Machine, name) || step.Machine.Name() == name {
			found = append(found, foundStep{at, step})
		}
	}
	id := name[strings.LastIndex(name, "/")+1:] // of an instance's ARN
	if !isID(name) || !strings.HasPrefix(id, "i-") || slices.ContainsFunc(found, func(f foundStep) bool { return hasID(f.Machine, name) }) {
		return found, err
	}
	for m, readErr := range at.session.Fleet(at.target.Region).Machines(ctx, fleet.Selector{IDs: []fleet.ResourceID{fleet.ResourceID(id)}}) {
		if readErr != nil {
			return found, errors.Join(err, readErr)
		}
		found = append(found, foundStep{at, evaluator.Evaluate(m, plan.Ramp, now())})
	}
	return found, err
}

// isID is true for what can only be meant as an ARN or as the id of an instance.
func isID(word string) bool {
	return strings.HasPrefix(word, "arn:") || regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`).MatchString(word)
}

// hasID reports whether a word is the id or the ARN of a machine.
func hasID(m fleet.Machine, word string) bool {
	if string(m.ID) == word || m.ARN != "" && m.ARN == word {
		return true
	}
	// EC2 does not tell the ARNs of instances: arn:aws:ec2:REGION:ACCOUNT:instance/ID.
	parts := strings.Split(word, ":")
	return m.Kind == fleet.KindInstance && len(parts) == 6 && parts[0] == "arn" && parts[2] == "ec2" &&
		parts[3] == string(m.Target.Region) && parts[4] == string(m.Target.Account) && parts[5] == "instance/"+string(m.ID)
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for n, s := range list {
		out[n] = string(s)
	}
	return out
}

func (s *schedules) explain(step foundStep) explanation {
	m, w := step.Machine, step.Desired
	e := explanation{
		Kind: m.Kind, ID: m.ID, Name: m.Name(), Account: step.target.Account, Region: m.Target.Region, State: m.State,
		Started: known(m.Started), Stopped: known(m.Stopped),
		Rule: w.Rule, Schedule: w.Schedule, Window: w.By, Wanted: w.State, Last: known(w.Since), Next: known(w.Until),
		Override: m.Tags[fleet.TagOverride], LastAct: m.Tags[fleet.TagLast], Action: step.Action, Reason: step.Reason, Warnings: w.Warnings,
		zone: s.config.Zone,
	}
	if s.names.several() {
		e.account = s.names.of(e.Account)
	}
	if k, err := fleet.ParseOverride(e.Override); err == nil && !s.job.now().Before(k.Until) {
		e.over = " (over)"
	}
	if w.Rule > 0 {
		rule := s.job.rules.Rules[w.Rule-1]
		e.Tag = rule.Tag.String()
		if rule.Ignore {
			return e
		}
		if named, err := rule.Read(m.Tags[rule.Tag.Key]); err == nil && named.Schedule != nil {
			e.zone, e.Zone = named.Schedule.Zone(), named.Schedule.Zone().String()
			e.Windows = named.Schedule.Definition().String()
		}
	}
	return e
}

// known is a time that may not be known.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (a *app) printExplanation(e explanation) {
	moment := func(t time.Time) string { return t.In(e.zone).Format("Mon 2006-01-02 15:04 MST") }
	row := func(name, format string, args ...any) {
		fmt.Fprintf(a.Stdout, "  %-9s %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	where := string(e.Region)
	if e.account != "" {
		where += ", account " + printable(e.account)
	}
	fmt.Fprintf(a.Stdout, "%s (%s), %s in %s\n", e.ID, printable(e.Name), strings.ReplaceAll(string(e.Kind), "-", " "), where)
	state := string(e.State)
	if e.Started != nil {
		state += ", last started " + moment(*e.Started)
	}
	if e.Stopped != nil {
		state += ", stopped " + moment(*e.Stopped)
	}
	row("state", "%s", state)
	switch {
	case e.Rule == 0:
		row("rule", "none")
	case e.Tag == "":
		row("rule", "%d, for every machine", e.Rule)
	default:
		row("rule", "%d, for the tag %s", e.Rule, e.Tag)
	}
	if e.Windows != "" {
		text := cutRight(e.Windows, longestText)
		if e.Schedule != e.Windows {
			text = e.Schedule + ": " + e.Windows
		}
		if !strings.Contains(text, e.Zone) {
			text += ", " + e.Zone
		}
		row("schedule", "%s", text)
	}
	if e.Window != "" {
		since := ""
		if e.Last != nil {
			since = " since " + moment(*e.Last)
		}
		row("now", "%s: wanted %s%s", e.Window, e.Wanted, since)
		if e.Next != nil {
			row("next", "changes its mind at %s", moment(*e.Next))
		}
	}
	if e.Override != "" {
		row("override", "%s%s", e.Override, e.over)
	}
	if e.LastAct != "" {
		row("last act", "%s", e.LastAct)
	}
	for _, w := range e.Warnings {
		row("warning", "%s", w)
	}
	decision := "leave"
	if e.Action != power.None {
		decision = string(e.Action)
	}
	row("decision", "%s: %s", decision, e.Text)
}

// one accepts exactly one argument.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 || args[0] == "" { // nothing would name all that have no name
			return fleet.Errorf(fleet.ErrInvalid, "give %s; see: %s --help", what, cmd.CommandPath())
		}
		return nil
	}
}
