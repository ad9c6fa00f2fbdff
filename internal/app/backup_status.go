package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// BackupStatusInput says of which volumes to say whether they have a copy.
type BackupStatusInput struct {
	CostInput
	Only BackupSelection
	// RPO is for volumes that no policy selects; 0 is that of the configuration, else
	// backup.DefaultRPO.
	RPO time.Duration
	// Waiting counts the deletions that wait, for which plans are made.
	Waiting bool
	// Past, if not nil, knows what the journal said before.
	Past *PastCopies
}

// BackupSelection chooses volumes; the zero value chooses all. One of Volumes and
// Instances and all of Tags have to match.
type BackupSelection struct {
	// Volumes and Instances are ids or names. Tags are those of the volume, or of the
	// instance that it is attached to.
	Volumes, Instances []string
	Tags               []fleet.Tag
}

// BackupStatusResult is which volumes have a copy.
type BackupStatusResult struct {
	Run     `json:"-"`
	Targets []backup.Status `json:"targets"`
	// Errors say what could not be read.
	Errors []TargetError `json:"errors"`
	// Unread is true where nothing could be read: then there is nothing to show.
	Unread bool `json:"unread,omitempty"`
}

// BackupStatus reads the volumes of all targets and says which have a copy, whoever made
// it. It needs no configuration and changes nothing.
func (s *Session) BackupStatus(ctx context.Context, in BackupStatusInput) (BackupStatusResult, error) {
	c, err := s.costSettings(in.CostInput)
	if err != nil {
		return BackupStatusResult{}, err
	}
	list, err := s.prices(ctx, c)
	if err != nil {
		return BackupStatusResult{}, err
	}
	ctx, run := s.app.begin(ctx, "backup-status")
	var result BackupStatusResult
	var unread []TargetError
	result.Targets, unread = s.statuses(ctx, list, in)
	result.Errors = append([]TargetError{}, slices.Concat(s.Unreachable, unread)...) // [] in JSON where there are none
	result.Unread = len(result.Errors) > 0 && !slices.ContainsFunc(result.Targets, func(t backup.Status) bool {
		return len(t.Volumes) > 0 || !slices.Contains(t.Unread, backup.PartVolumes)
	})
	if err = result.narrow(in.Only, s.where()); err != nil {
		err = errors.Join(append(errorsOf(result.Errors), err)...)
		run.end(fleet.StatusOf(err))
		return BackupStatusResult{}, err
	}
	result.Run = run.end(result.Status())
	return result, nil
}

// statuses are which volumes of the targets have a copy, and what could not be read.
func (s *Session) statuses(ctx context.Context, list prices, in BackupStatusInput) ([]backup.Status, []TargetError) {
	var unread []TargetError
	settings := s.backupSettings(in.RPO)
	past, since, err := s.pastCopies(ctx, in.Past)
	if err != nil {
		unread = append(unread, TargetError{Err: fmt.Errorf("journal: %w", err)})
	}
	statuses := []backup.Status{}
	for _, r := range ForEachTarget(ctx, s, func(ctx context.Context, t Target) (statusReading, error) {
		return s.backupReading(ctx, t, list)
	}) {
		if r.Err != nil {
			unread = append(unread, TargetError{r.Target, r.Err})
			continue
		}
		for _, err := range r.Value.unread {
			unread = append(unread, TargetError{r.Target, s.Names.wrap(r.Target.Account, err)})
		}
		r.Value.options.Past, r.Value.options.PastSince, r.Value.options.Waiting = past, since, in.Waiting
		statuses = append(statuses, backup.MakeStatus(r.Value.inventory, settings, r.Value.options))
	}
	return statuses, unread
}

// backupSettings are those of the configuration, as far as it could be read.
func (s *Session) backupSettings(rpo time.Duration) backup.Settings {
	settings := backup.Settings{Broken: s.ConfigErr != nil}
	if s.Config != nil {
		settings = s.Config.Backup
	}
	if rpo > 0 {
		settings.RPO = rpo
	}
	return settings
}

// statusReading is what the status of one target is made from.
type statusReading struct {
	inventory backup.Inventory
	options   backup.StatusOptions
	unread    []error // what of it could not be read
}

func (s *Session) backupReading(ctx context.Context, t Target, list prices) (statusReading, error) {
	var r statusReading
	var err error
	if r.inventory, err = s.inventory(ctx, t); err != nil {
		return statusReading{}, err
	}
	r.options.Databases.Unbacked, r.options.Databases.Err = t.session.Databases(t.Region).Unbacked(ctx)
	unread := maps.Clone(r.inventory.Unread)
	if err := r.options.Databases.Err; err != nil {
		unread[backup.PartDatabases] = err
	}
	for _, part := range slices.Sorted(maps.Keys(unread)) {
		r.unread = append(r.unread, fmt.Errorf("%s in %s: %w", part, t.Region, unread[part]))
	}
	products, err := list.Rates(ctx, t.Region)
	if err != nil {
		r.unread = append(r.unread, fmt.Errorf("prices of %s: %w", t.Region, err))
	}
	r.options.Rates = price.PickRates(products, t.Region)
	return r, nil
}

// narrow leaves what the selection chooses. What chooses nothing is an error, unless what
// could not be read may have it.
func (r *BackupStatusResult) narrow(sel BackupSelection, where string) error {
	if !sel.Some() {
		return nil
	}
	found := map[string]bool{}
	left := 0
	for n := range r.Targets {
		r.Targets[n] = r.Targets[n].Only(func(v backup.VolumeStatus) bool { return sel.matches(v, found) })
		left += len(r.Targets[n].Volumes)
	}
	if len(r.Errors) > 0 {
		return nil
	}
	for _, name := range slices.Concat(sel.Volumes, sel.Instances) {
		if !found[name] {
			return fleet.Errorf(fleet.ErrInvalid, "no volume of %q in %s", name, where)
		}
	}
	if left == 0 {
		return fleet.Errorf(fleet.ErrInvalid, "no volume has the tag %s in %s", strings.Join(tagTexts(sel.Tags), ", "), where)
	}
	return nil
}

// Some says whether the selection chooses, rather than taking all.
func (sel BackupSelection) Some() bool {
	return len(sel.Volumes)+len(sel.Instances)+len(sel.Tags) > 0
}

// matches notes which ids and names have been found.
func (sel BackupSelection) matches(v backup.VolumeStatus, found map[string]bool) bool {
	named := len(sel.Volumes)+len(sel.Instances) == 0
	note := func(name string) {
		found[name], named = true, true
	}
	for _, name := range sel.Volumes {
		if called(name, string(v.Volume), v.Name) {
			note(name)
		}
	}
	for _, name := range sel.Instances {
		if name == v.InstanceName && name != "" || slices.Contains(text.Strings(v.Instances), name) {
			note(name)
		}
	}
	return named && !slices.ContainsFunc(sel.Tags, func(t fleet.Tag) bool { return !t.On(v.Tags) && !t.On(v.InstanceTags) })
}

func tagTexts(tags []fleet.Tag) []string {
	list := make([]string, len(tags))
	for n, t := range tags {
		list[n] = t.String()
	}
	return list
}

// Uncovered says whether a volume is without a copy that is young enough.
func (r BackupStatusResult) Uncovered() bool {
	return slices.ContainsFunc(r.Targets, backup.Status.Uncovered)
}

// Status is how the reading went as a whole. What it says of the volumes is no part of it.
func (r BackupStatusResult) Status() fleet.Status {
	switch {
	case r.Unread:
		return fleet.StatusOf(r.Err())
	case len(r.Errors) > 0:
		return fleet.StatusPartial
	default:
		return fleet.StatusDone
	}
}

// Err is what could not be read, a line for each cause; nil where all was.
func (r BackupStatusResult) Err() error {
	if r.Unread {
		return joinAlike(errorsOf(r.Errors))
	}
	return errors.Join(errorsOf(r.Errors)...)
}
