package bill_test

import (
	"strings"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/cost"
	"nightshift/internal/cost/bill"
	"nightshift/internal/cost/reconcile"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// TestSandboxAccount goes from the export of an account to labels. That
// account has a Savings Plan, Spot instances and credits.
func TestSandboxAccount(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	server := sandboxtest.Start(t, sandbox.Options{Start: now, Speed: -1})
	account := server.Sandbox().Accounts()[0]
	key, err := account.ExportBill(sandbox.DefaultBucket, "exports/focus", now)
	if err != nil {
		t.Fatal(err)
	}
	export, _ := server.Sandbox().Object(sandbox.DefaultBucket, key)
	session, err := amazon.Open(t.Context(), amazon.Options{Region: sandbox.DefaultRegion, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey,
	}})
	if err != nil {
		t.Fatal(err)
	}
	target := fleet.Target{Account: sandbox.AccountID, Region: sandbox.DefaultRegion}
	inventory := session.Fleet(target.Region)
	r, err := cost.Build(t.Context(), []cost.Source{{
		Target: target, Inventory: inventory, OtherResources: inventory, Spot: inventory, Credits: inventory,
		Metrics: session.Metrics(target.Region, amazon.NewBudget(1000)),
	}}, session.Prices(), cost.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	b, err := bill.Read(t.Context(), objects{key: string(export)}, fleet.Span{From: r.Month.Start, To: r.Month.Now})
	if err != nil || len(b.Files) != 1 || b.Unreadable > 0 {
		t.Fatalf("%+v, %v", b.Notes, err)
	}
	got := reconcile.WithExport(r, b.Lines, b.Files...)
	rows := map[string]reconcile.Row{}
	for _, row := range got.Rows {
		rows[row.Kind+" "+row.Resource] = row
	}
	plans := 0
	for _, i := range r.Instances {
		row, ok := rows["instance "+string(i.ID)]
		cause := map[reconcile.Label]price.USD{}
		for _, c := range row.Causes {
			cause[c.Label] = c.USD
		}
		switch family, size, _ := strings.Cut(string(i.Type), "."); {
		case !ok || row.BilledHours == 0:
		case i.Lifecycle == fleet.Spot:
			if cause[reconcile.Unknown] != 0 || cause[reconcile.PrivateRate] != 0 {
				t.Errorf("Spot %s: %+v", i.ID, row)
			}
		case family == "t4g":
			if cause[reconcile.Credit] >= 0 {
				t.Errorf("credits of %s: %+v", i.ID, row)
			}
		case family == "m5" && strings.HasSuffix(size, "xlarge") && size != "xlarge" && i.Price.Tenancy == "Shared":
			plans++
			if row.Billed != 0 || row.Label != reconcile.Commitment {
				t.Errorf("plan of %s: %+v", i.ID, row)
			}
		default:
			if cause[reconcile.Commitment] != 0 || cause[reconcile.Spot] != 0 || cause[reconcile.Credit] != 0 {
				t.Errorf("%s: %+v", i.ID, row)
			}
		}
		if cause[reconcile.Unknown].Cents() != 0 {
			t.Errorf("%s: %+v", i.ID, row)
		}
	}
	if len(got.Rows) < 20 || plans == 0 {
		t.Errorf("%d rows, %d of the Savings Plan", len(got.Rows), plans)
	}
}
