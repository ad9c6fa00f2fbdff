package amazon_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// readOffer reads a file of the price list: its version, and the on-demand price
// of an hour of a product.
func readOffer(t *testing.T, file io.ReadCloser, sku string) (version, region, hour string) {
	t.Helper()
	defer file.Close()
	var offer struct {
		OfferCode, Version string
		Products           map[string]struct {
			SKU        string
			Attributes map[string]string
		}
		Terms struct {
			OnDemand map[string]map[string]struct {
				PriceDimensions map[string]struct{ PricePerUnit map[string]string }
			}
		}
	}
	if err := json.NewDecoder(file).Decode(&offer); err != nil {
		t.Fatal(err)
	}
	if offer.OfferCode != "AmazonEC2" || len(offer.Products) == 0 {
		t.Errorf("%d products of %q", len(offer.Products), offer.OfferCode)
	}
	for _, term := range offer.Terms.OnDemand[sku] {
		for _, d := range term.PriceDimensions {
			hour = d.PricePerUnit["USD"]
		}
	}
	return offer.Version, offer.Products[sku].Attributes["regionCode"], hour
}

// The list of a region as it is now and as it was: other versions of the same
// products.
func TestOffer(t *testing.T) {
	const (
		ohio = fleet.Region("us-east-2") // its list is short
		gp3  = "M6UGCCQ3CDJQAA37"
	)
	server := sandboxtest.Start(t, sandbox.Options{})
	s := newPeer(server.URL()).session(t)
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	versions := map[string]bool{}
	for _, at := range []time.Time{now, now.AddDate(-1, 0, 0)} {
		file, err := s.Prices().Offer(t.Context(), ohio, at)
		if err != nil {
			t.Fatal(err)
		}
		version, in, hour := readOffer(t, file, gp3)
		if in != string(ohio) || hour == "" {
			t.Errorf("%s: gp3 costs %q in %q", at.Format(time.DateOnly), hour, in)
		}
		t.Logf("%s: version %s, gp3 %s", at.Format(time.DateOnly), version, hour)
		versions[version] = true
	}
	if len(versions) != 2 {
		t.Errorf("versions %v, want one for each date", versions)
	}
}

func TestOfferThatIsNotThere(t *testing.T) {
	s := newPeer(sandboxtest.Start(t, sandbox.Options{}).URL()).session(t)
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	if _, err := s.Prices().Offer(t.Context(), "mars-north-1", at); !errors.Is(err, fleet.ErrNotFound) || !strings.Contains(err.Error(), "mars-north-1 as of 2026-11-22") {
		t.Errorf("a region that is not there: %v", err)
	}
	for _, action := range []string{"ListPriceLists", "GetPriceListFileUrl"} {
		s := newPeer(sandboxtest.Start(t, faulty(t, "pricing:"+action+"=deny")).URL()).session(t)
		if _, err := s.Prices().Offer(t.Context(), region, at); !errors.Is(err, fleet.ErrDenied) || !strings.Contains(err.Error(), "pricing:"+action) {
			t.Errorf("%s: %v", action, err)
		}
	}
}
