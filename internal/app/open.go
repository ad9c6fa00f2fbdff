package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// home is the region in which is asked what is not of one region.
const home = fleet.Region("us-east-1")

// allRegions stands for every region that is enabled for an account.
const allRegions = "all"

// Selection chooses where to work. Which configuration is in force is decided by
// the caller.
type Selection struct {
	// Config is the configuration; the zero Ref is none.
	Config blob.Ref
	// Reading, if not nil, is what Config held when it was read before. It is not read
	// again.
	Reading *Reading
	// NeedConfig makes a configuration that is missing or cannot be read an error
	// of Open. Otherwise what it says of accounts is unreachable, and our own
	// account is worked in.
	NeedConfig bool
	// NoTargets reads the configuration only. Nothing is asked of AWS but for
	// what lies in S3.
	NoTargets bool
	// NamedRegions opens no targets either, and has the regions that are named:
	// for prices of which AWS is not asked.
	NamedRegions bool
	// Accounts chooses among the accounts of the configuration, by id or name;
	// none is all of them.
	Accounts []string
	// Regions are those that a flag or an event names, or "all". They come
	// before those of the configuration.
	Regions []string
	// DefaultRegions count where neither Regions nor the configuration names
	// any; without them the region of the SDK's default chain does.
	DefaultRegions []string
}

// Session is where one run works. It is not changed after Open.
type Session struct {
	// Config is the configuration; nil where there is none.
	Config *config.Config
	// Errors are what is wrong in it. What they are about is skipped.
	Errors config.Errors
	// ConfigErr is why nothing of a configuration could be read, where it was not
	// needed.
	ConfigErr error
	// Targets are the accounts and regions, Unreachable what could not be
	// opened.
	Targets     []Target
	Unreachable []TargetError
	// Regions are those of the targets, each once.
	Regions []fleet.Region
	Names   Names

	app   *App
	ref   blob.Ref
	files map[string]*bytes.Buffer // of the configuration
	aws   *amazon.Session          // of our own credentials
}

// Open reads the configuration anew and opens what the selection chooses, with
// the credentials that the App has already. It is an error where nothing could be
// opened.
func (a *App) Open(ctx context.Context, sel Selection) (*Session, error) {
	s := &Session{app: a, ref: sel.Config, Names: Names{}}
	if err := s.readConfig(ctx, sel); err != nil {
		return nil, err
	}
	switch {
	case sel.NoTargets:
		return s, nil
	case sel.NamedRegions:
		return s, s.nameRegions(sel)
	}
	several := s.Config != nil && len(s.Config.Accounts) > 0
	if len(sel.Accounts) > 0 && !several {
		return nil, fleet.Errorf(fleet.ErrInvalid, "--account chooses among the accounts of the configuration, and there are none")
	}
	named := sel.Regions
	if !several {
		named = s.regionNames(sel, nil)
	}
	parsed, err := parseRegions(named)
	if err != nil {
		return nil, err
	}
	var where regions
	switch {
	case len(parsed) > 0:
		where.named = parsed[0]
	case several:
		where.fallback = cmp.Or(s.Config.FirstRegion(), home)
	case slices.Contains(named, allRegions):
		where.fallback = home
	}
	if s.aws, err = a.session(ctx, where); err != nil {
		return nil, err
	}
	if several {
		return s, s.openAccounts(ctx, sel)
	}
	if s.aws.Region() == "" {
		return nil, fleet.Errorf(fleet.ErrInvalid, "no region: pass --region, or set AWS_REGION or NIGHTSHIFT_REGIONS")
	}
	return s, s.openRegions(ctx, named)
}

// readConfig reads the configuration of the selection, if it has one.
func (s *Session) readConfig(ctx context.Context, sel Selection) error {
	if sel.Config.IsZero() {
		if sel.NeedConfig {
			return fleet.Errorf(fleet.ErrInvalid, "no configuration")
		}
		return nil
	}
	reading := sel.Reading
	if reading == nil {
		now := s.app.ReadConfig(ctx, sel.Config)
		reading = &now
	}
	cfg, err := reading.Config, reading.Err
	s.files = reading.files
	s.Errors, _ = errors.AsType[config.Errors](err)
	switch {
	case cfg != nil:
		s.Config = cfg
	case sel.NeedConfig, len(sel.Accounts) > 0:
		return err
	default:
		s.ConfigErr = err
		// What it says of accounts is not known, and they are not forgotten.
		s.Unreachable = append(s.Unreachable, TargetError{
			Err: fmt.Errorf("accounts of the configuration, if it names any, are left out: %w", err),
		})
	}
	return nil
}

// regionNames are the regions to work in: those that are named, else those of the
// account, the configuration or the defaults.
func (s *Session) regionNames(sel Selection, account []string) []string {
	lists := [][]string{sel.Regions, account}
	if s.Config != nil {
		lists = append(lists, s.Config.Regions)
	}
	for _, list := range append(lists, sel.DefaultRegions) {
		if len(list) > 0 {
			return list
		}
	}
	return nil
}

// nameRegions takes the regions that are named.
func (s *Session) nameRegions(sel Selection) (err error) {
	names := s.regionNames(sel, nil)
	switch {
	case len(names) == 0:
		return fleet.Errorf(fleet.ErrInvalid, "no region: pass --region, or set AWS_REGION or NIGHTSHIFT_REGIONS")
	case slices.Contains(names, allRegions):
		return fleet.Errorf(fleet.ErrInvalid, "--region all asks AWS for the regions, and with --price-list AWS is not asked: name them")
	}
	s.Regions, err = parseRegions(names)
	return err
}

// openRegions opens regions of our own account.
func (s *Session) openRegions(ctx context.Context, named []string) error {
	list, err := regionsOf(ctx, s.aws, named)
	if err != nil {
		return err
	}
	for _, region := range list {
		s.Targets = append(s.Targets, Target{fleet.Target{Region: region}, s.aws})
	}
	s.Regions = list
	return nil
}

// parseRegions reads the codes of regions, each once. It gives none where "all"
// is among them: AWS says which those are.
func parseRegions(named []string) ([]fleet.Region, error) {
	var list []fleet.Region
	for _, name := range named {
		if name == allRegions {
			return nil, nil
		}
		region, err := fleet.ParseRegion(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(list, region) {
			list = append(list, region)
		}
	}
	return list, nil
}

// regionsOf are the named regions, where "all" is among them all that are enabled
// for the account, and where none is named that of the session.
func regionsOf(ctx context.Context, session *amazon.Session, named []string) ([]fleet.Region, error) {
	switch {
	case len(named) == 0:
		return []fleet.Region{session.Region()}, nil
	case slices.Contains(named, allRegions):
		return session.Regions(ctx, session.Region())
	default:
		return parseRegions(named)
	}
}
