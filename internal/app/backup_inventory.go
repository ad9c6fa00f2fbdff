package app

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// Inventories reads of every target all that a plan or a status of the copies is made
// from. What cannot be read is in Unread. With whom snapshots are shared is not asked:
// see [backup.Plan.Candidates].
func (s *Session) Inventories(ctx context.Context) []Result[backup.Inventory] {
	return ForEachTarget(ctx, s, s.inventory)
}

func (s *Session) inventory(ctx context.Context, t Target) (backup.Inventory, error) {
	r := &inventoryReader{Inventory: backup.Inventory{Target: t.Target, Unread: map[backup.Part]error{}}}
	if r.Target.Account == "" {
		account, err := t.session.Account(ctx)
		if err != nil {
			return r.Inventory, err
		}
		r.Target.Account = account
	}
	ec2, copies := t.session.Fleet(t.Region), t.session.Copies(t.Region)
	var sources sync.WaitGroup // what AWS Backup is asked about
	read := func(group *sync.WaitGroup, part backup.Part, into func() error) {
		group.Go(func() { r.failed(part, into()) })
	}
	read(&sources, backup.PartVolumes, func() (err error) {
		r.Volumes, err = all(ec2.Volumes(ctx))
		return err
	})
	read(&sources, backup.PartInstances, func() (err error) {
		r.Instances, err = all(ec2.Instances(ctx))
		return err
	})
	var rest sync.WaitGroup
	read(&rest, backup.PartSnapshots, func() (err error) {
		r.Snapshots, err = all(ec2.Snapshots(ctx))
		return err
	})
	read(&rest, backup.PartImages, func() (err error) {
		r.Images, err = copies.Images(ctx)
		return err
	})
	read(&rest, backup.PartLocks, func() (err error) {
		r.Locked, err = copies.Locked(ctx)
		return err
	})
	read(&rest, backup.PartFast, func() (err error) {
		r.Fast, err = copies.Fast(ctx)
		return err
	})
	read(&rest, backup.PartTemplates, func() (err error) {
		r.Templates, err = copies.Templates(ctx)
		return err
	})
	read(&rest, backup.PartPublic, func() (err error) {
		r.Public, err = copies.Public(ctx)
		return err
	})
	read(&rest, backup.PartBin, func() (err error) {
		r.Bin, err = t.session.Bin(t.Region).Rules(ctx)
		return err
	})
	read(&rest, backup.PartQuota, func() (err error) {
		r.MostSnapshots, err = t.session.Quotas(t.Region).Snapshots(ctx)
		if errors.Is(err, fleet.ErrDenied) {
			err = nil // the default is taken, and said to be that
		}
		return err
	})
	sources.Wait()
	read(&rest, backup.PartRecovery, func() (err error) {
		r.Recovery, err = t.session.Recovery(t.Region).Points(ctx, r.exists())
		return err
	})
	rest.Wait()
	if keys := backup.KeysOf(r.Inventory, s.backupSettings(0)); len(keys) > 0 {
		states, err := t.session.Keys(t.Region).States(ctx, keys)
		r.Keys = states
		r.failed(backup.PartKeys, err)
	}
	r.At = s.clock(time.Time{})()
	return r.Inventory, nil
}

// inventoryReader fills an inventory from several listings at once.
type inventoryReader struct {
	backup.Inventory
	mu sync.Mutex // of Unread
}

func (r *inventoryReader) failed(part backup.Part, err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Unread[part] = err
}

// exists says of an id whether it is that of a volume or an instance that was read.
func (r *inventoryReader) exists() func(fleet.ResourceID) bool {
	there := make(map[fleet.ResourceID]bool, len(r.Volumes)+len(r.Instances))
	for n := range r.Volumes {
		there[fleet.ResourceID(r.Volumes[n].ID)] = true
	}
	for n := range r.Instances {
		there[r.Instances[n].ID] = true
	}
	return func(id fleet.ResourceID) bool { return there[id] }
}

// all reads a listing to its end. After an error the answer holds what was read.
func all[T any](listing iter.Seq2[T, error]) ([]T, error) {
	var list []T
	for item, err := range listing {
		if err != nil {
			return list, err
		}
		list = append(list, item)
	}
	return slices.Clone(list), nil // without room for more: a large one is kept for long
}
