package catalog

import (
	"fmt"
	"time"
)

// Edition is one version of the price list: when it was published, and since
// when its prices are in force.
type Edition struct{ Version, Published, effective string }

// editions are those that the account knows, the newest first. GetProducts
// answers from the newest; the older one can be had as a file.
func editions() []Edition {
	return []Edition{
		{"20260925174521", "2026-09-25T17:45:21Z", "2026-09-01T00:00:00Z"},
		{"20241220093012", "2024-12-20T09:30:12Z", "2025-01-01T00:00:00Z"},
	}
}

// inForce says whether the edition's prices were in force at an instant, or had
// been before.
func (e Edition) inForce(at time.Time) bool {
	from, err := time.Parse(time.RFC3339, e.effective)
	return err == nil && !at.Before(from)
}

// PriceItem names a price that differs between editions: of an instance, or of
// a dimension such as "EBS:VolumeUsage.gp3".
type PriceItem struct{ Region, Item, Operation, Tenancy string }

// loadChanges reads in which prices the edition differs from the newest.
func (c *PriceList) loadChanges() error {
	return EachRow("price_changes.csv", 6, func(r []string) error {
		usd, err := ParsePrice(r[5])
		if err != nil {
			return err
		}
		if _, ok := c.Locations[r[1]]; !ok {
			return fmt.Errorf("no such region: %s", r[1])
		}
		if r[0] == c.Version {
			c.Changes[PriceItem{Region: r[1], Item: r[2], Operation: r[3], Tenancy: r[4]}] = usd
		}
		return nil
	})
}

// changed is the price of an item in this edition, which in the newest is usd.
func (c *PriceList) changed(item PriceItem, usd Price) Price {
	if other, ok := c.Changes[item]; ok {
		return other
	}
	return usd
}

// At finds the edition whose prices were in force at an instant; nil where the
// account knows none.
func (c *PriceList) At(t time.Time) (*PriceList, error) {
	if c.inForce(t) {
		return c, nil
	}
	if c.Older == nil {
		return nil, nil //nolint:nilnil // no edition is an answer
	}
	before, err := c.Older()
	if err != nil {
		return nil, err
	}
	return before.At(t)
}

// Numbered finds an edition by its version, or the newest as "current"; nil
// where there is none of that name.
func (c *PriceList) Numbered(version string) (*PriceList, error) {
	if version == c.Version || version == "current" {
		return c, nil
	}
	if c.Older == nil {
		return nil, nil //nolint:nilnil // no edition is an answer
	}
	before, err := c.Older()
	if err != nil {
		return nil, err
	}
	return before.Numbered(version)
}
