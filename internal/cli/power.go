package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// postsAtOnce bounds the accounts and regions that are worked in at the same
// time.
const postsAtOnce = 8

// defaultTag is the tag of the first Lambda scripts.
const defaultTag = "AutoStopStart=Yes"

// running is what all runs that stop and start have in common.
type running struct {
	dryRun bool
	power.Options
	// planned, if not nil, is told of every plan before it is applied.
	planned func(power.Plan)
}

// posted is what came of a run, in the order of the posts.
type posted struct {
	plans    []power.Plan
	outcomes [][]fleet.Outcome // each nil after a dry run
	errs     []error           // of the posts that could not be read to the end, and of what was lost
	targets  int               // how many posts there were, and lost ones
	names    names
}

// all are the outcomes in one list.
func (p posted) all() []fleet.Outcome { return slices.Concat(p.outcomes...) }

// unread is true where nothing could be read to the end.
func (p posted) unread() bool { return len(p.errs) > 0 && len(p.errs) == p.targets }

// atPosts plans and, unless it is a dry run, applies the plan at every post,
// each with its own clients and evaluator. A post that fails does not hold up the
// others. Calls to AWS that change something get the context calls.
func (c *crew) atPosts(
	ctx, calls context.Context, r running, now func() time.Time, place func(post) (power.Clients, power.Evaluator),
) posted {
	var group errgroup.Group
	errs := make([]error, len(c.posts))
	done := posted{
		plans: make([]power.Plan, len(c.posts)), outcomes: make([][]fleet.Outcome, len(c.posts)),
		targets: len(c.posts) + len(c.lost), names: c.names,
	}
	group.SetLimit(postsAtOnce)
	for n, at := range c.posts {
		group.Go(func() error {
			clients, evaluator := place(at)
			plan, err := power.MakePlan(ctx, clients, evaluator, now)
			done.plans[n], errs[n] = plan, c.names.tell(at.target.Account, err)
			c.log.DebugContext(ctx, "planned", "account", at.target.Account, "region", at.target.Region, "machines", len(plan.Steps), "actionable", plan.Actionable())
			if r.planned != nil {
				r.planned(plan)
			}
			if !r.dryRun {
				done.outcomes[n] = power.Apply(calls, clients, evaluator, plan, r.Options)
			}
			return nil
		})
	}
	_ = group.Wait() // errors are kept by post
	done.errs = slices.DeleteFunc(append(errs, c.lostErrors()...), func(err error) bool { return err == nil })
	return done
}

// powerJob is one stop or start at the posts of a crew.
type powerJob struct {
	action power.Action
	tags   []fleet.Tag
	running
}

// powered is what came of it, in the order of the posts.
type powered struct {
	posted
	job powerJob
}

// power stops or starts what carries all of the tags.
func (c *crew) power(ctx context.Context, job powerJob) powered {
	calls, cancel := outlive(ctx)
	defer cancel()
	done := c.atPosts(ctx, calls, job.running, nil, func(at post) (power.Clients, power.Evaluator) {
		return power.Clients{
			Target:   at.target,
			Machines: map[fleet.Kind]power.Machines{fleet.KindInstance: at.session.Fleet(at.target.Region)},
		}, power.ByTag{Action: job.action, Tags: job.tags}
	})
	return powered{done, job}
}

// awsTime is the time in the clock of AWS, as far as its answers have shown it.
func (a *app) awsTime(c *crew) func() time.Time {
	return func() time.Time { return a.Now().Add(c.session.Ahead()) }
}

// grace is how long a request that is under way may take to end after the
// command was interrupted. Without it nobody would know whether EC2 took it.
const grace = 5 * time.Second

// outlive gives a context that ends a little after ctx is cancelled, and at its
// deadline.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	longer := context.WithoutCancel(ctx)
	var cancel context.CancelFunc
	if deadline, ok := ctx.Deadline(); ok {
		longer, cancel = context.WithDeadline(longer, deadline)
	} else {
		longer, cancel = context.WithCancel(longer)
	}
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

// answer is what the function returns and --json prints.
func (p powered) answer() power.Answer {
	if p.job.dryRun {
		return power.Preview(p.job.action, p.plans, p.errs)
	}
	return power.NewAnswer(p.job.action, p.all(), p.errs)
}

// unread is true where no post could be read: there is no answer then.
func (p powered) unread() bool {
	return p.posted.unread() && p.answer().Status == power.NoneFound
}

// err says how the job went as a whole: nil when all is well, errPartly joined
// with the causes when a part of it is done, else the causes alone.
func (p powered) err() error {
	answer := p.answer()
	causes := slices.Clone(p.errs)
	for _, items := range [][]power.Item{answer.Failed, answer.Deferred} {
		if len(items) > 0 {
			first := items[0]
			causes = append(causes, fmt.Errorf("%d of %d instances could not be %s; the first, %s (%s): %s",
				len(items), len(answer.Instances)+len(answer.Failed)+len(answer.Deferred), p.job.action.Past(), first.Instance, first.Name, first.Text))
		}
	}
	switch {
	case len(causes) == 0:
		return nil
	case p.unread():
		return together(causes)
	case len(answer.Instances) == 0 && len(p.errs) == 0 && len(answer.Deferred) == 0 && all(answer.Failed, "denied"):
		return fleet.Errorf(fleet.ErrDenied, "not permitted to %s any of the instances; `nightshift policy` prints the permissions that are needed", p.job.action)
	case len(answer.Instances) == 0 && len(answer.Failed)+len(answer.Deferred) > 0:
		return errors.Join(causes...)
	default:
		return errors.Join(append(causes, errPartly)...)
	}
}

func all(items []power.Item, code string) bool {
	for _, i := range items {
		if i.Code != code {
			return false
		}
	}
	return len(items) > 0
}

func (a *app) stopCommand() *cobra.Command {
	return a.powerCommand(power.Stop, "Stop the running instances that carry a tag, or all of several",
		`  nightshift stop --dry-run
  nightshift stop --region ap-northeast-2 --region us-east-1
  nightshift stop --tag Environment=dev --tag Team=data --json`)
}

func (a *app) startCommand() *cobra.Command {
	return a.powerCommand(power.Start, "Start the stopped instances that carry a tag, or all of several",
		`  nightshift start
  nightshift start --tag Environment=dev --timeout 20m
  nightshift start --region all --wait=false`)
}

func (a *app) powerCommand(action power.Action, short, example string) *cobra.Command {
	var (
		tags    []string
		dryRun  bool
		wait    bool
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   string(action),
		Short: short,
		Long: short + `.

Instances on which the action makes no sense are left out, each with a reason:
those already there, one-time Spot Instances, members of Auto Scaling groups,
instances with an instance-store root volume or with stop protection. Every
instance has an outcome of its own; a refused one never holds up the others.`,
		Example: example,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen, err := fleet.ParseTags(tags)
			if err != nil {
				return err
			}
			if wait && timeout <= 0 {
				return fleet.Errorf(fleet.ErrInvalid, "--timeout %s: must be more than zero; --wait=false does not wait at all", timeout)
			}
			c, err := a.crew(cmd.Context(), a.regions, nil)
			if err != nil {
				return err
			}
			job := powerJob{action: action, tags: chosen, running: running{dryRun: dryRun}}
			job.Now = a.awsTime(c)
			job.Closing = cmd.Context().Done()
			if wait {
				job.Wait, job.Settle = timeout, timeout
			}
			progress := a.progress(string(action))
			job.planned, job.Settled = progress.planned, progress.settled
			watch := c.begin(a.Now())
			done := c.power(cmd.Context(), job)
			progress.end()
			if !dryRun {
				c.note(context.WithoutCancel(cmd.Context()), a.journalFor(cmd.Context(), c), watch, a.Now(), done.record())
			}
			return a.showPower(done)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&tags, "tag", []string{cmp.Or(a.Env("NIGHTSHIFT_TAG"), defaultTag)}, "the tag that chooses instances, as Key=Value or Key; repeat for those that carry all of several")
	flags.BoolVar(&dryRun, "dry-run", false, "show what would be done and why, and do nothing")
	flags.BoolVar(&wait, "wait", true, "wait until each instance has "+action.Past())
	flags.DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait")
	complete(cmd, "tag", defaultTag)
	complete(cmd, "timeout", "10m", "30m")
	return cmd
}

// showPower prints the result of a stop or start and turns it into the
// command's error.
func (a *app) showPower(p powered) error {
	answer := p.answer()
	if p.unread() {
		return p.err()
	}
	if a.json {
		if err := a.printJSON(answer); err != nil {
			return err
		}
		return p.err()
	}
	if !a.quiet {
		a.powerTable(p)
		fmt.Fprintln(a.Stdout, summary(p.job, answer))
	}
	return p.err()
}

// powerTable prints a row for each instance.
func (a *app) powerTable(p powered) {
	t := p.names.table(2, "INSTANCE", "NAME", "REGION", "OUTCOME", "REASON")
	if p.job.dryRun {
		for _, plan := range p.plans {
			for _, s := range plan.Steps {
				outcome := "would " + string(s.Action)
				switch {
				case s.Settling:
					outcome = "would wait"
				case !s.Do():
					outcome = "leave"
				}
				t.add(plan.Target.Account, string(s.Machine.ID), s.Machine.Name(), string(plan.Target.Region), outcome, s.Reason.Text)
			}
		}
	}
	for _, o := range p.all() {
		outcome := string(o.Result)
		if o.Result == fleet.Done {
			outcome = string(o.State)
		}
		t.add(o.Target.Account, string(o.ID), o.Name, string(o.Target.Region), outcome, o.Reason.Text)
	}
	t.print(a.Stdout)
}

// tagsInWords names tags that are chosen by.
func tagsInWords(tags []fleet.Tag) string {
	var list []string
	for _, t := range tags {
		list = append(list, t.String())
	}
	if len(list) == 1 {
		return "the tag " + list[0]
	}
	return "all of the tags " + strings.Join(list, ", ")
}

// summary is the last line of a stop or start.
func summary(job powerJob, answer power.Answer) string {
	if answer.Status == power.NoneFound {
		return fmt.Sprintf("%s with %s", power.NoneFound, printable(tagsInWords(job.tags)))
	}
	line := []string{answer.Status}
	for _, part := range []struct {
		n    int
		what string
	}{{len(answer.Skipped), "skipped"}, {len(answer.Failed), "failed"}, {len(answer.Deferred), "left"}} {
		if part.n > 0 {
			line = append(line, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	text := strings.Join(line, ", ")
	if job.dryRun {
		text += " (dry run: nothing was done)"
	}
	return text
}
