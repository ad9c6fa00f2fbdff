package sandbox

import (
	"fmt"
	"time"
)

// edition is one version of the price list: when it was published, and since
// when its prices are in force.
type edition struct{ version, published, effective string }

// editions are those that the account knows, the newest first. GetProducts
// answers from the newest; the older one can be had as a file.
func editions() []edition {
	return []edition{
		{"20260925174521", "2026-09-25T17:45:21Z", "2026-09-01T00:00:00Z"},
		{"20241220093012", "2024-12-20T09:30:12Z", "2025-01-01T00:00:00Z"},
	}
}

// inForce says whether the edition's prices were in force at an instant, or had
// been before.
func (e edition) inForce(at time.Time) bool {
	from, err := time.Parse(time.RFC3339, e.effective)
	return err == nil && !at.Before(from)
}

// priceItem names a price that differs between editions: of an instance, or of
// a dimension such as "EBS:VolumeUsage.gp3".
type priceItem struct{ region, item, operation, tenancy string }

// loadChanges reads in which prices the edition differs from the newest.
func (c *catalog) loadChanges() error {
	return eachRow("price_changes.csv", 6, func(r []string) error {
		usd, err := parseListPrice(r[5])
		if err != nil {
			return err
		}
		if _, ok := c.places[r[1]]; !ok {
			return fmt.Errorf("no such region: %s", r[1])
		}
		if r[0] == c.version {
			c.changes[priceItem{region: r[1], item: r[2], operation: r[3], tenancy: r[4]}] = usd
		}
		return nil
	})
}

// changed is the price of an item in this edition, which in the newest is usd.
func (c *catalog) changed(item priceItem, usd listPrice) listPrice {
	if other, ok := c.changes[item]; ok {
		return other
	}
	return usd
}

// at finds the edition whose prices were in force at an instant; nil where the
// account knows none.
func (c *catalog) at(t time.Time) (*catalog, error) {
	if c.inForce(t) {
		return c, nil
	}
	if c.older == nil {
		return nil, nil //nolint:nilnil // no edition is an answer
	}
	before, err := c.older()
	if err != nil {
		return nil, err
	}
	return before.at(t)
}

// numbered finds an edition by its version, or the newest as "current"; nil
// where there is none of that name.
func (c *catalog) numbered(version string) (*catalog, error) {
	if version == c.version || version == "current" {
		return c, nil
	}
	if c.older == nil {
		return nil, nil //nolint:nilnil // no edition is an answer
	}
	before, err := c.older()
	if err != nil {
		return nil, err
	}
	return before.numbered(version)
}
