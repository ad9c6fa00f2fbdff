package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/amazon"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// checkedLive is what was found out about the account.
type checkedLive struct {
	// Account is that of the credentials.
	Account     fleet.Account       `json:"account"`
	Regions     []fleet.Region      `json:"regions"`
	Permissions []checkedPermission `json:"permissions"`
	// Tags are to be put right, Notes are merely odd.
	Tags  []power.Mistake `json:"tags"`
	Notes []power.Mistake `json:"notes"`
	// Followed counts the machines that follow a schedule, LeftAlone those that
	// a rule or a tag leaves alone, WithoutRule those that no rule is for.
	Followed    int `json:"followed"`
	LeftAlone   int `json:"left_alone"`
	WithoutRule int `json:"without_rule"`

	names names
}

// checkedPermission is one thing that nightshift needs. Result is "allowed",
// "denied", "failed" or "not checked".
type checkedPermission struct {
	What    string        `json:"what"`
	Account fleet.Account `json:"account,omitempty"`
	Region  fleet.Region  `json:"region,omitempty"`
	Result  string        `json:"result"`
	Detail  string        `json:"detail,omitempty"`
}

const (
	permitted  = "allowed"
	refused    = "denied"
	broken     = "failed"
	notChecked = "not checked"
)

func permission(what string, region fleet.Region, err error, detail string) checkedPermission {
	p := checkedPermission{What: what, Region: region, Result: permitted, Detail: detail}
	if err != nil {
		p.Result, p.Detail = broken, strings.ReplaceAll(err.Error(), "\n", "; ")
		switch {
		case errors.Is(err, fleet.ErrDenied):
			p.Result = refused
		case errors.Is(err, fleet.ErrProtected), errors.Is(err, fleet.ErrConflict), errors.Is(err, fleet.ErrUnsupported):
			p.Result = notChecked // this one cannot be acted on now, which says nothing of the others
		}
	}
	return p
}

// checkLive looks over the account. The error says why nothing can be looked at.
func (a *app) checkLive(ctx context.Context, cfg *config.Config) (*checkedLive, error) {
	c, err := a.crewFor(ctx, cfg, a.regions, nil)
	if err != nil {
		return nil, err
	}
	live := &checkedLive{Regions: c.regions, names: c.names, Permissions: []checkedPermission{}, Tags: []power.Mistake{}, Notes: []power.Mistake{}}
	live.Account, err = c.session.Account(ctx)
	if errors.Is(err, fleet.ErrCredentials) {
		return nil, err
	}
	live.Permissions = append(live.Permissions, permission("sts:GetCallerIdentity", "", err, "account "+string(live.Account)))
	live.Permissions = append(live.Permissions, c.entered()...)
	parts := make([]checkedLive, len(c.posts))
	var group errgroup.Group
	group.SetLimit(postsAtOnce)
	for n, at := range c.posts {
		group.Go(func() error {
			look := postCheck{post: at, config: cfg, live: &parts[n], now: a.Now()}
			look.look(ctx)
			return nil
		})
	}
	_ = group.Wait() // errors are kept by post
	for n, p := range parts {
		for k := range p.Permissions {
			p.Permissions[k].Account = c.posts[n].target.Account
		}
		live.add(p)
	}
	live.Permissions = append(live.Permissions, a.checkJournal(ctx, cfg.Journal, c.session)...)
	return live, nil
}

// entered tells which roles were assumed, and what was lost.
func (c *crew) entered() []checkedPermission {
	var list []checkedPermission
	for n, p := range c.posts {
		if p.session != c.session && (n == 0 || c.posts[n-1].session != p.session) {
			entered := permission("sts:AssumeRole", "", nil, c.names.of(p.target.Account))
			entered.Account = p.target.Account
			list = append(list, entered)
		}
	}
	for _, lost := range c.lost {
		failed := permission("work in the account", "", lost.err, "")
		failed.Account = lost.target.Account
		list = append(list, failed)
	}
	return list
}

func (l *checkedLive) add(p checkedLive) {
	l.Permissions = append(l.Permissions, p.Permissions...)
	for _, lists := range []struct {
		to   *[]power.Mistake
		from []power.Mistake
	}{{&l.Tags, p.Tags}, {&l.Notes, p.Notes}} {
		for _, m := range lists.from {
			for _, id := range m.Machines {
				noteFor(lists.to, m.Reason, id)
			}
		}
	}
	l.Followed += p.Followed
	l.LeftAlone += p.LeftAlone
	l.WithoutRule += p.WithoutRule
}

// noteFor tells a reason once, with all machines that it is about.
func noteFor(list *[]power.Mistake, r fleet.Reason, id fleet.ResourceID) {
	n := slices.IndexFunc(*list, func(m power.Mistake) bool { return m.Reason == r })
	if n < 0 {
		*list = append(*list, power.Mistake{Reason: r})
		n = len(*list) - 1
	}
	(*list)[n].Machines = append((*list)[n].Machines, id)
}

// checkJournal writes, reads and lists in the journal's place.
func (a *app) checkJournal(ctx context.Context, place string, session *amazon.Session) []checkedPermission {
	if place == "" {
		return []checkedPermission{{What: "journal", Result: notChecked, Detail: "none is configured"}}
	}
	store, err := a.journal(place, session)
	if err != nil {
		return []checkedPermission{permission("journal", "", err, "")}
	}
	const key = "check"
	list := []checkedPermission{permission("write the journal", "", store.Put(ctx, key, []byte("nightshift check\n")), place)}
	if list[0].Result == permitted {
		_, err = store.Get(ctx, key)
		list = append(list, permission("read the journal", "", err, place))
	}
	_, err = store.List(ctx, "runs/")
	return append(list, permission("list the journal", "", err, place))
}

// err turns what was found into an exit code: 4 before 3.
func (l *checkedLive) err() error {
	var errs []error
	count := func(result string) int {
		n := 0
		for _, p := range l.Permissions {
			if p.Result == result {
				n++
			}
		}
		return n
	}
	if n := count(refused); n > 0 {
		return fleet.Errorf(fleet.ErrDenied, "%s not permitted; `nightshift policy` prints all that is needed", counted(n, "thing is", "things are"))
	}
	if n := count(broken); n > 0 {
		errs = append(errs, fmt.Errorf("%s could not be checked", counted(n, "thing", "things")), errPartly)
	}
	if n := len(l.Tags); n > 0 {
		errs = append(errs, fmt.Errorf("%s to be put right", counted(n, "mistake in tags is", "mistakes in tags are")), errPartly)
	}
	return errors.Join(errs...)
}

func (l *checkedLive) print(out io.Writer) {
	t := l.names.table(1, "CHECK", "REGION", "RESULT", "DETAIL")
	for _, p := range l.Permissions {
		t.add(p.Account, p.What, cmp.Or(string(p.Region), "-"), p.Result, p.Detail)
	}
	t.print(out)
	for _, part := range []struct {
		title string
		list  []power.Mistake
	}{{"Tags to put right", l.Tags}, {"Odd, but possible", l.Notes}} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintf(out, "\n%s:\n", part.title)
		for _, m := range part.list {
			fmt.Fprintf(out, "  %s\n    %s\n", printable(m.Text), machinesInShort(m.Machines))
		}
	}
	fmt.Fprintf(out, "\n%s, %d left alone, %d without a rule\n",
		counted(l.Followed, "machine follows a schedule", "machines follow a schedule"), l.LeftAlone, l.WithoutRule)
}

// machinesInShort counts machines and names the first of them.
func machinesInShort(ids []fleet.ResourceID) string {
	const shown = 3
	var names []string
	for _, id := range ids[:min(shown, len(ids))] {
		names = append(names, printable(string(id)))
	}
	text := counted(len(ids), "machine", "machines") + ": " + strings.Join(names, ", ")
	if len(ids) > shown {
		text += ", …"
	}
	return text
}
