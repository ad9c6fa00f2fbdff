package pricelist_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/pricelist"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// The price list that is asked, the one that is kept and the two files of a
// sandbox say the same, and what is kept takes no calls.
func TestAgainstSandbox(t *testing.T) {
	const ohio = fleet.Region("us-east-2") // its list is short
	server := sandboxtest.Start(t, sandbox.Options{})
	s, err := amazon.Open(t.Context(), amazon.Options{Region: ohio, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey,
	}})
	if err != nil {
		t.Fatal(err)
	}
	var keys []price.InstanceKey
	for _, kind := range []fleet.InstanceType{"m5.large", "m5.xlarge", "c5.2xlarge", "t3.medium", "r5.large", "u9.huge"} {
		for _, tenancy := range []string{"Shared", "Dedicated"} {
			for _, o := range price.Operations() {
				keys = append(keys, price.InstanceKey{Region: ohio, Type: kind, Tenancy: tenancy, Operation: o.Code})
			}
		}
		keys = append(keys, price.InstanceKey{Region: ohio, Type: kind, Tenancy: "Shared", Operation: "RunInstances", Unused: true})
	}
	dimensions := []string{
		"EBS:VolumeUsage", "EBS:VolumeUsage.gp2", "EBS:VolumeUsage.gp3", "EBS:VolumeP-IOPS.gp3", "EBS:VolumeP-Throughput.gp3", "EBS:VolumeUsage.io2",
		"EBS:VolumeP-IOPS.io2.tier2", price.SnapshotStorage, price.SnapshotArchive, price.HostDimension("m5"), price.CreditsDimension("t3", true),
	}
	all := func(list pricelist.PriceList) (text string, exact int) {
		products, err := list.Instances(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		rates, err := list.Rates(t.Context(), ohio)
		if err != nil {
			t.Fatal(err)
		}
		index, picked := price.NewIndex(products), price.PickRates(rates, ohio)
		add := func(what any, q price.Quote) {
			text += fmt.Sprintln(what, q.Status, q.Note, q.SKU, q.Rate.Code, q.Rate.Unit, q.Rate.USD, q.Version, q.Published.Format(time.RFC3339))
			if q.Status == price.Exact {
				exact++
			}
		}
		for _, k := range keys {
			add(k, index.Pick(k))
		}
		for _, d := range dimensions {
			add(d, picked.Quote(d))
		}
		return text, exact
	}
	asked, exact := all(s.Prices())
	if exact < 30 {
		t.Errorf("only %d of %d prices are exact", exact, len(keys)+len(dimensions))
	}
	store, now := memory{}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	cold, _ := all(pricelist.New(s.Prices(), pricelist.Options{Store: store, Now: now}))
	want(t, "prices that are kept", cold, asked)
	before := len(s.Calls())
	warm, _ := all(pricelist.New(s.Prices(), pricelist.Options{Store: store, Now: now.Add(time.Hour)}))
	want(t, "prices that were kept", warm, asked)
	want(t, "calls", len(s.Calls())-before, 0)

	json := pricelist.Offer(func() (io.ReadCloser, error) { return s.Prices().Offer(t.Context(), ohio, now) })
	fromJSON, _ := all(json)
	want(t, "prices of the file", fromJSON, asked)

	products, err := json.Rates(t.Context(), ohio)
	if err != nil || len(products) == 0 {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL()+"/offers/v1.0/aws/AmazonEC2/"+products[0].Version+"/"+string(ohio)+"/index.csv", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	csv, err := io.ReadAll(answer.Body)
	if answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", answer.Status, err)
	}
	fromCSV, _ := all(pricelist.Offer(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(csv)), nil }))
	want(t, "prices of the file in CSV", fromCSV, asked)
}
