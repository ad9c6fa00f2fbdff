package pricelist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// OfferList is a price list over an offer file: that of a day in the past, or one
// that was fetched beforehand. What is asked for is looked up in one pass through
// the file, and kept. It is safe for concurrent use.
type OfferList struct {
	open func() (io.ReadCloser, error)
	name string // of the file, for people

	mu sync.Mutex
	// failed is why the file cannot be read. It is not read again.
	failed    error
	head      offerHead
	read      bool // rates are those of the file
	rates     map[fleet.Region][]price.Product
	instances map[price.InstanceKey][]price.Product
	asked     map[fleet.Region]bool
}

// Offer is the price list in an offer file, which is opened for each pass.
func Offer(open func() (io.ReadCloser, error)) *OfferList {
	return &OfferList{
		open: open, name: "the offer file",
		rates: map[fleet.Region][]price.Product{}, instances: map[price.InstanceKey][]price.Product{}, asked: map[fleet.Region]bool{},
	}
}

// OpenOffer is the price list in an offer file on disk. The error is not nil
// where that is not a file that can be opened.
func OpenOffer(path string) (*OfferList, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fleet.Errorf(fleet.ErrInvalid, "%s is not a file", path)
	}
	o := Offer(func() (io.ReadCloser, error) { return os.Open(path) })
	o.name = path
	file, err := o.open()
	if err != nil {
		return nil, err
	}
	return o, file.Close()
}

// Instances returns the products that match the keys.
func (o *OfferList) Instances(ctx context.Context, keys []price.InstanceKey) ([]price.Product, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ask := map[price.InstanceKey]bool{}
	for _, k := range keys {
		o.asked[k.Region] = true
		if _, known := o.instances[k]; !known && !k.HostBilled() {
			ask[k] = true
		}
	}
	if len(ask) > 0 {
		if err := o.pass(ctx, ask); err != nil {
			return nil, err
		}
	}
	var all []price.Product
	given := map[price.InstanceKey]bool{}
	for _, k := range keys {
		if !given[k] {
			given[k] = true
			all = append(all, o.instances[k]...)
		}
	}
	return all, nil
}

// Rates returns the products of a region that are billed by one of the
// dimensions of price.Rates, as far as the file has them: that of AmazonEC2 has
// neither public IPv4 addresses nor metrics.
func (o *OfferList) Rates(ctx context.Context, region fleet.Region) ([]price.Product, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[region] = true
	if !o.read {
		if err := o.pass(ctx, nil); err != nil {
			return nil, err
		}
	}
	return slices.Clone(o.rates[region]), nil
}

// pass reads the file once: the products of the keys and, the first time, the
// rates of all its regions, which are few.
func (o *OfferList) pass(ctx context.Context, keys map[price.InstanceKey]bool) error {
	if o.failed != nil {
		return o.failed
	}
	products, head, err := o.readFile(ctx, func(_ string, a map[string]string) bool {
		if a["locationType"] != "AWS Region" {
			return false
		}
		if _, ok := price.DimensionOf(a["usagetype"]); ok {
			return !o.read
		}
		key, ok := keyOf(a)
		return ok && keys[key] && (a["marketoption"] == "OnDemand" || a["marketoption"] == "")
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		o.failed = fmt.Errorf("read the prices of %s: %w", o.name, err)
		return o.failed
	}
	o.head, o.read = head, true
	for key := range keys {
		o.instances[key] = nil
	}
	for _, p := range products {
		if _, ok := price.DimensionOf(p.Attributes["usagetype"]); ok {
			region := fleet.Region(p.Attributes["regionCode"])
			o.rates[region] = append(o.rates[region], p)
			continue
		}
		key, _ := keyOf(p.Attributes) // it was asked for by it
		o.instances[key] = append(o.instances[key], p)
	}
	return nil
}

func (o *OfferList) readFile(ctx context.Context, want func(string, map[string]string) bool) ([]price.Product, offerHead, error) {
	file, err := o.open()
	if err != nil {
		return nil, offerHead{}, err
	}
	products, head, err := readOffer(whileReader{ctx, file}, want)
	return products, head, errors.Join(err, file.Close())
}

// whileReader reads as long as the context lasts.
type whileReader struct {
	ctx context.Context //nolint:containedctx // it is the reading's own
	io.Reader
}

// Read fails when the context has ended.
func (r whileReader) Read(into []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(into)
}

// Notes says which list the prices come from, and what it does not have.
func (o *OfferList) Notes() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.read {
		return nil
	}
	published := ""
	if !o.head.published.IsZero() {
		published = ", published " + o.head.published.Format(time.DateOnly)
	}
	notes := []string{fmt.Sprintf("prices are those of %s: %s, version %s%s", o.name, o.head.code, o.head.version, published)}
	for _, region := range slices.Sorted(maps.Keys(o.asked)) {
		missing := []string{}
		for _, part := range [][2]string{{"EBS:Volume", "EBS volumes"}, {"PublicIPv4:", "public IPv4 addresses"}, {price.Metric, "metrics"}} {
			if !slices.ContainsFunc(o.rates[region], func(p price.Product) bool { return strings.Contains(p.Attributes["usagetype"], part[0]) }) {
				missing = append(missing, part[1])
			}
		}
		if len(missing) > 0 {
			notes = append(notes, fmt.Sprintf("%s has no prices of %s in %s", o.name, strings.Join(missing, ", "), region))
		}
	}
	return notes
}
