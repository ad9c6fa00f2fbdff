package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/amazon"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// crew is a session together with the accounts and regions that a command works
// in.
type crew struct {
	// session is that of our own credentials. The journal, the bucket and the
	// price list are reached with it, whatever the posts are.
	session *amazon.Session
	// config is the configuration, nil where there is none.
	config *config.Config
	// regions are those of the posts, each once.
	regions []fleet.Region
	posts   []post
	lost    []lostTarget
	names   names
	log     *slog.Logger
	// tuned is true where the environment has set up the garbage collector.
	tuned bool
}

// post is one account in one region, and the session that leads there. The
// account is empty where the configuration names none: then it is that of our
// own credentials, which is not asked for.
type post struct {
	session *amazon.Session
	target  fleet.Target
}

// home is the region in which the account is asked what is not of one region.
const home = fleet.Region("us-east-1")

// crew opens a session for the accounts of the configuration, if there is one
// that names some, else for that of the credentials in the named regions or,
// where none is named, in those of NIGHTSHIFT_REGIONS or the configured one. A
// sandbox replaces everything that the environment says.
func (a *app) crew(ctx context.Context, named []string, endpoint *amazon.Endpoint) (*crew, error) {
	return a.crewBy(ctx, named, endpoint, a.crewAt)
}

// costCrewIn is crew for what is told of costs: where no region is named it is
// about those of the configuration.
func (a *app) costCrewIn(ctx context.Context, named []string) (*crew, error) {
	return a.crewBy(ctx, named, nil, a.crewFor)
}

// crewBy opens a session by the configuration, if there is one.
func (a *app) crewBy(
	ctx context.Context, named []string, endpoint *amazon.Endpoint,
	open func(context.Context, *config.Config, []string, *amazon.Endpoint) (*crew, error),
) (*crew, error) {
	if endpoint != nil || a.configName() == "" {
		return a.crewAt(ctx, nil, named, endpoint)
	}
	cfg, err := a.configuration(ctx, nil)
	if cfg == nil && len(a.accounts) > 0 {
		return nil, err
	}
	if cfg == nil {
		// What it says of accounts is not known, and they are not forgotten.
		c, crewErr := a.crewAt(ctx, nil, named, nil)
		if crewErr != nil {
			return nil, crewErr
		}
		c.lost = append(c.lost, lostTarget{err: fmt.Errorf("accounts of the configuration, if it names any, are left out: %w", err)})
		return c, nil
	}
	if mistakes, wrong := errors.AsType[config.Mistakes](err); wrong {
		a.logger().WarnContext(ctx, "the configuration has mistakes; `nightshift check` tells", "mistakes", len(mistakes))
	}
	return open(ctx, cfg, named, nil)
}

// crewFor opens a session for the accounts of a configuration, and for its
// regions where none is named.
func (a *app) crewFor(ctx context.Context, cfg *config.Config, named []string, endpoint *amazon.Endpoint) (*crew, error) {
	if len(named) == 0 && len(cfg.Accounts) == 0 {
		named = cfg.Regions
	}
	return a.crewAt(ctx, cfg, named, endpoint)
}

// crewAt opens a session for the accounts of a configuration, which may be nil.
// Its regions are those of accounts that have none of their own, and nothing
// else.
func (a *app) crewAt(ctx context.Context, cfg *config.Config, named []string, endpoint *amazon.Endpoint) (*crew, error) {
	c := &crew{config: cfg, names: names{}, log: a.logger(), tuned: a.Env("GOGC") != ""}
	several := cfg != nil && len(cfg.Accounts) > 0
	if len(a.accounts) > 0 && !several {
		return nil, fleet.Errorf(fleet.ErrInvalid, "--account chooses among the accounts of the configuration, and there are none")
	}
	if len(named) == 0 && endpoint == nil && !several {
		named = fields(a.Env("NIGHTSHIFT_REGIONS"))
	}
	regions, err := parseRegions(named)
	if err != nil {
		return nil, err
	}
	o := amazon.Options{Endpoint: endpoint, Agent: "nightshift", Log: c.log, Now: a.Now}
	o.ClockScale, _ = strconv.ParseFloat(a.Env("NIGHTSHIFT_SANDBOX_SPEED"), 64)
	if len(regions) > 0 {
		o.Region = regions[0]
	}
	switch {
	case several:
		o.Fallback = cmp.Or(firstRegion(cfg), home)
	case slices.Contains(named, "all"):
		o.Fallback = home
	}
	if c.session, err = amazon.Open(ctx, o); err != nil {
		return nil, err
	}
	if len(named) == 0 && c.session.Region() == "" {
		return nil, errNoRegion
	}
	if err := c.session.Authenticate(ctx); err != nil {
		return nil, err
	}
	if several {
		return c, a.enter(ctx, c, named)
	}
	if c.regions, err = regionsOf(ctx, c.session, named); err != nil {
		return nil, err
	}
	for _, region := range c.regions {
		c.posts = append(c.posts, post{c.session, fleet.Target{Region: region}})
	}
	return c, nil
}

// firstRegion is the first region that a configuration names, which also tells
// the part of AWS that its accounts are in; empty if it names none.
func firstRegion(cfg *config.Config) fleet.Region {
	lists := [][]string{cfg.Regions}
	for _, account := range cfg.Accounts {
		lists = append(lists, account.Regions)
	}
	for _, name := range slices.Concat(lists...) {
		if region, err := fleet.ParseRegion(name); err == nil {
			return region
		}
	}
	return ""
}

var errNoRegion = fleet.Errorf(fleet.ErrInvalid, "no region: pass --region, or set AWS_REGION or NIGHTSHIFT_REGIONS")

// parseRegions reads the codes of regions, each once. "all" is left to AWS.
func parseRegions(named []string) ([]fleet.Region, error) {
	var regions []fleet.Region
	for _, name := range named {
		if name == "all" {
			return nil, nil
		}
		region, err := fleet.ParseRegion(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(regions, region) {
			regions = append(regions, region)
		}
	}
	return regions, nil
}

// regionsOf are the named regions, where "all" is among them all that the
// account has, and where none is named that of the session.
func regionsOf(ctx context.Context, session *amazon.Session, named []string) ([]fleet.Region, error) {
	switch {
	case len(named) == 0:
		return []fleet.Region{session.Region()}, nil
	case slices.Contains(named, "all"):
		return session.Regions(ctx, session.Region())
	default:
		return parseRegions(named)
	}
}

// fields cuts a list at commas and white space.
func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}
