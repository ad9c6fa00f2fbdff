package cli

import (
	"context"
	"iter"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

func (a *app) costExplainCommand() *cobra.Command {
	var zone string
	job := reportJob{hours: cost.BestHours}
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Tell why an instance or a volume costs what it does",
		Long: `Tell why an instance or a volume costs what it does: what the price list is
asked for, the rows that answered, the one that was taken, for how long it ran
and from what that is known, and the arithmetic. It is named by its id or by its
Name tag.`,
		Example: `  nightshift cost explain i-0123456789abcdef0
  nightshift cost explain vol-0123456789abcdef0 --json`,
		Args: one("the id or the name of an instance or a volume"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.costExplain(cmd.Context(), args[0], job, zone)
		},
	}
	a.zoneFlag(cmd.Flags(), &zone)
	job.costs.add(cmd.Flags())
	return cmd
}

// costExplain makes a report of nothing but what is asked for, with all that
// stands beside it, and prints how it was reckoned.
func (a *app) costExplain(ctx context.Context, id string, job reportJob, zone string) error {
	c, err := a.costCrew(ctx, &job, zone)
	if err != nil {
		return err
	}
	job.now, job.only = a.Now(), id
	job.costs.History, job.costs.Bill = "", ""
	seen := &candidates{}
	job.seen = seen
	report, err := a.makeReport(ctx, c, job)
	if err != nil {
		return err
	}
	e := costExplanation{report: report.Report, seen: seen, screen: a.terminal()}
	for _, i := range report.Instances {
		if called(id, string(i.ID), i.Name) {
			e.instances = append(e.instances, i)
		}
	}
	for _, v := range report.Volumes {
		if called(id, string(v.ID), v.Name) {
			e.volumes = append(e.volumes, v)
		}
	}
	if len(e.instances)+len(e.volumes) == 0 {
		if err := told(report); err != nil {
			return err
		}
		return fleet.Errorf(fleet.ErrNotFound, "there is no instance and no volume %q in %s", id, c.where())
	}
	if a.json {
		err = a.printJSON(envelope{1, "cost explanation", e.data()})
	} else if !a.quiet {
		e.print(a.Stdout)
	}
	if err != nil {
		return err
	}
	return told(report)
}

// called is true where a name or an id is meant.
func called(what, id, name string) bool { return what == id || what == name }

// where names the places that were searched.
func (c *crew) where() string {
	var names []string
	for _, r := range c.regions {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

// onlyInventory is an inventory of which only one resource is wanted, by its id
// or name: an instance with its volumes, or a volume with its instances.
type onlyInventory struct {
	cost.Inventory
	id string

	once    sync.Once
	volumes []fleet.Volume
	err     error
	holders map[fleet.ResourceID]bool
	wanted  map[fleet.ResourceID]bool
	mu      sync.Mutex
	read    chan struct{}
}

func only(inventory cost.Inventory, id string) *onlyInventory {
	return &onlyInventory{Inventory: inventory, id: id, holders: map[fleet.ResourceID]bool{}, wanted: map[fleet.ResourceID]bool{}, read: make(chan struct{})}
}

// list reads all volumes, once: which instances are wanted may hang on them.
func (o *onlyInventory) list(ctx context.Context) {
	o.once.Do(func() {
		for v, err := range o.Inventory.Volumes(ctx) {
			if err != nil {
				o.err = err
				return
			}
			o.volumes = append(o.volumes, v)
			if called(o.id, string(v.ID), v.Name()) {
				for _, id := range v.AttachedTo {
					o.holders[id] = true
				}
			}
		}
	})
}

// Instances yields those that are meant, and those that a volume hangs on.
func (o *onlyInventory) Instances(ctx context.Context) iter.Seq2[fleet.Instance, error] {
	return func(yield func(fleet.Instance, error) bool) {
		o.list(ctx)
		defer close(o.read)
		for i, err := range o.Inventory.Instances(ctx) {
			meant := called(o.id, string(i.ID), i.Name())
			if err == nil && !meant && !o.holders[i.ID] {
				continue
			}
			if meant {
				o.mu.Lock()
				o.wanted[i.ID] = true
				o.mu.Unlock()
			}
			if !yield(i, err) {
				return
			}
		}
	}
}

// Volumes yields those that are meant, and those of the instances that are.
func (o *onlyInventory) Volumes(ctx context.Context) iter.Seq2[fleet.Volume, error] {
	return func(yield func(fleet.Volume, error) bool) {
		o.list(ctx)
		<-o.read
		for _, v := range o.volumes {
			meant := called(o.id, string(v.ID), v.Name())
			for _, id := range v.AttachedTo {
				meant = meant || o.wanted[id]
			}
			if meant && !yield(v, nil) {
				return
			}
		}
		if o.err != nil {
			yield(fleet.Volume{}, o.err)
		}
	}
}

// candidates are the rows of the price list that answered for instances.
type candidates struct {
	prices
	rows []price.Product
}

// Instances remembers the rows.
func (s *candidates) Instances(ctx context.Context, keys []price.InstanceKey) ([]price.Product, error) {
	rows, err := s.prices.Instances(ctx, keys)
	s.rows = rows
	return rows, err
}
