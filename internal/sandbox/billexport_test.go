package sandbox_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"nightshift/internal/sandbox"
)

// readBill reads an export of the bill from the account's S3.
func readBill(t *testing.T, a *account, key string) []map[string]string {
	t.Helper()
	body, ok := a.Object(sandbox.DefaultBucket, key)
	if !ok {
		t.Fatalf("no object %s", key)
	}
	zipped, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	table := csv.NewReader(zipped)
	header, err := table.Read()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for {
		cells, err := table.Read()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for n, name := range header {
			row[name] = cells[n]
		}
		rows = append(rows, row)
	}
}

func cell(t *testing.T, row map[string]string, name string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(row[name], 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// TestBillIsWhatCostExplorerSays holds the bill of October against Cost
// Explorer's totals, and looks at each kind of row.
func TestBillIsWhatCostExplorerSays(t *testing.T) {
	a := open(t, sandbox.Options{})
	key, err := a.ExportBill(sandbox.DefaultBucket, "bills", time.Date(2026, 10, 7, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if want := "bills/data/BILLING_PERIOD=2026-10/focus-00001.csv.gz"; key != want {
		t.Errorf("key %s, want %s", key, want)
	}
	var billed, effective float64
	kinds, usage, hours := map[string]int{}, map[string]float64{}, map[string]float64{}
	for _, row := range readBill(t, a, key) {
		billed += cell(t, row, "BilledCost")
		effective += cell(t, row, "EffectiveCost")
		kinds[row["ChargeCategory"]+" "+row["PricingCategory"]]++
		if row["ChargeCategory"] != "Usage" {
			continue
		}
		usage[row["x_UsageType"]] += cell(t, row, "BilledCost")
		if row["ConsumedUnit"] == "Hours" {
			hours[row["ResourceId"]] += cell(t, row, "ConsumedQuantity")
		}
		if list, got := cell(t, row, "ListUnitPrice")*cell(t, row, "PricingQuantity"), cell(t, row, "ListCost"); math.Abs(list-got) > 1e-6 {
			t.Errorf("%s %s: %v, by the unit %v", row["ResourceId"], row["x_UsageType"], got, list)
		}
		switch row["PricingCategory"] {
		case "Committed":
			if row["BilledCost"] != "0.0000000000" || !strings.HasPrefix(row["CommitmentDiscountId"], "arn:aws:savingsplans::") || cell(t, row, "EffectiveCost") >= cell(t, row, "ListCost") {
				t.Errorf("a committed row: %v", row)
			}
		case "Dynamic":
			if !strings.Contains(row["x_UsageType"], "SpotUsage:") || cell(t, row, "BilledCost") >= cell(t, row, "ListCost") {
				t.Errorf("a spot row: %v", row)
			}
		}
		var tags map[string]string
		if err := json.Unmarshal([]byte(row["Tags"]), &tags); err != nil {
			t.Errorf("tags %q: %v", row["Tags"], err)
		}
	}
	for _, kind := range []string{"Usage Standard", "Usage Committed", "Credit Other", "Purchase Standard"} {
		if kinds[kind] == 0 {
			t.Errorf("no rows of %s", kind)
		}
	}
	out, err := a.costExplorer().GetCostAndUsage(t.Context(), &costexplorer.GetCostAndUsageInput{
		TimePeriod:  &types.DateInterval{Start: aws.String("2026-10-01"), End: aws.String("2026-11-01")},
		Granularity: "MONTHLY", Metrics: []string{"UnblendedCost", "AmortizedCost"},
	})
	if err != nil {
		t.Fatal(err)
	}
	total := out.ResultsByTime[0].Total
	if math.Abs(amount(t, total["UnblendedCost"])-billed) > 1e-4 || math.Abs(amount(t, total["AmortizedCost"])-effective) > 1e-4 {
		t.Errorf("billed are %v, effective %v; Cost Explorer tells %s and %s", billed, effective, *total["UnblendedCost"].Amount, *total["AmortizedCost"].Amount)
	}
	october := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for _, i := range a.Instances(sandbox.DefaultRegion) {
		if ran := a.Ran(i.ID, october, october.AddDate(0, 1, 0)).Hours(); math.Abs(ran-hours[i.ID]) > 1e-6 {
			t.Errorf("%s ran %v hours, billed are %v", i.ID, ran, hours[i.ID])
		}
	}
	// gp3 with 6,000 IOPS and 500 MiB/s of 회계-SQL서버: the whole month.
	if usage["APN2-EBS:VolumeP-IOPS.gp3"] == 0 || usage["APN2-EBS:VolumeP-Throughput.gp3"] == 0 {
		t.Error("gp3 has no IOPS or throughput on the bill")
	}
}

// TestBillOfTheRunningMonth ends where Cost Explorer does, and has spot.
func TestBillOfTheRunningMonth(t *testing.T) {
	a := open(t, sandbox.Options{})
	key, err := a.ExportBill(sandbox.DefaultBucket, "", a.Now())
	if err != nil {
		t.Fatal(err)
	}
	last, spot := "", 0
	for _, row := range readBill(t, a, key) {
		last = max(last, row["ChargePeriodEnd"])
		if row["PricingCategory"] == "Dynamic" {
			spot++
		}
	}
	if last != "2026-11-21 09:00:00" || spot == 0 {
		t.Errorf("the last row ends at %s; %d rows of spot", last, spot)
	}
	if _, err := a.ExportBill("nobodys-bucket", "", a.Now()); err == nil {
		t.Error("a bill in a bucket that is not there")
	}
	if _, err := a.ExportBill(sandbox.DefaultBucket, "", a.Now().AddDate(0, 1, 0)); err == nil {
		t.Error("a bill of the next month")
	}
}
