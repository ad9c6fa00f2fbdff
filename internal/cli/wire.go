package cli

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
)

// crew is a session together with the accounts and regions that a command works
// in.
type crew struct {
	// session is that of our own credentials. The journal, the bucket and the
	// price list are reached with it, whatever the posts are.
	session *amazon.Session
	regions []fleet.Region
	posts   []post
	log     *slog.Logger
	// tuned is true where the environment has set up the garbage collector.
	tuned bool
}

// post is one account in one region, and the session that leads there. The
// account is empty where only that of our own credentials is worked in: it is
// not asked for then.
type post struct {
	session *amazon.Session
	target  fleet.Target
}

// home is the region in which the account is asked what is not of one region.
const home = fleet.Region("us-east-1")

// crew opens a session for the named regions, or, where none is named, for
// those of NIGHTSHIFT_REGIONS or the configured one. A practice account
// replaces everything that the environment says.
func (a *app) crew(ctx context.Context, named []string, practice *amazon.Practice) (*crew, error) {
	if len(named) == 0 && practice == nil {
		named = fields(a.Env("NIGHTSHIFT_REGIONS"))
	}
	c := &crew{log: a.logger(), tuned: a.Env("GOGC") != ""}
	all := slices.Contains(named, "all")
	if !all {
		for _, name := range named {
			region, err := amazon.ParseRegion(name)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(c.regions, region) {
				c.regions = append(c.regions, region)
			}
		}
	}
	o := amazon.Options{Practice: practice, Agent: "nightshift", Log: c.log, Now: a.Now}
	o.Speed, _ = strconv.ParseFloat(a.Env("NIGHTSHIFT_PRACTICE_SPEED"), 64)
	if len(c.regions) > 0 {
		o.Region = c.regions[0]
	}
	if all {
		o.Fallback = home
	}
	var err error
	c.session, err = amazon.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	if len(c.regions) == 0 && !all {
		if c.session.Region() == "" {
			return nil, fleet.Errorf(fleet.ErrInvalid, "no region: pass --region, or set AWS_REGION or NIGHTSHIFT_REGIONS")
		}
		c.regions = []fleet.Region{c.session.Region()}
	}
	if err := c.session.Authenticate(ctx); err != nil {
		return nil, err
	}
	if all {
		if c.regions, err = c.session.Regions(ctx, c.session.Region()); err != nil {
			return nil, err
		}
	}
	for _, region := range c.regions {
		c.posts = append(c.posts, post{c.session, fleet.Target{Region: region}})
	}
	return c, nil
}

// fields cuts a list at commas and white space.
func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}
