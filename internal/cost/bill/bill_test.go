package bill_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/blob"
	"nightshift/internal/cost/bill"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// objects is a store in memory.
type objects map[string]string

func (o objects) Get(_ context.Context, key string) ([]byte, error) {
	body, ok := o[key]
	if !ok {
		return nil, fleet.ErrNotFound
	}
	return []byte(body), nil
}

func (objects) Put(context.Context, string, []byte) error { return fleet.ErrDenied }

func (o objects) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, err := o.Get(ctx, key)
	return io.NopCloser(bytes.NewReader(body)), err
}

func (o objects) List(_ context.Context, prefix string) ([]string, error) {
	found := map[string]bool{}
	for key := range o {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			folder, _, deeper := strings.Cut(rest, "/")
			if deeper {
				folder += "/"
			}
			found[prefix+folder] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// november in UTC, up to the report.
func november() fleet.Span {
	return fleet.Span{From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
}

func at(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }

func read(t *testing.T, store blob.Store) bill.Bill {
	t.Helper()
	b, err := bill.Read(t.Context(), store, november())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func usd(t *testing.T, text string) price.USD {
	t.Helper()
	u, err := price.ParseUSD(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func optional(t *testing.T, text string) *price.USD {
	t.Helper()
	u := usd(t, text)
	return &u
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// table writes rows of cells that are separated by spaces; "-" is empty.
func table(t *testing.T, lines string) string {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		cells := strings.Fields(line)
		for n := range cells {
			if cells[n] == "-" {
				cells[n] = ""
			}
		}
		if err := w.Write(cells); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	return b.String()
}

const plan = "arn:aws:savingsplans::111122223333:savingsplan/p-1"

// focus is a small bill in the shape of AWS's FOCUS exports; the other formats
// say the same.
const focus = `
ResourceId                                                     BilledCost   EffectiveCost ListCost ChargePeriodStart       ChargePeriodEnd        SubAccountId  RegionId        ChargeCategory PricingCategory CommitmentDiscountId PricingQuantity PricingUnit ConsumedQuantity ConsumedUnit BillingCurrency x_ServiceCode x_UsageType              x_Operation
i-1                                                            0.118        0.118         0.118    2026-11-01T00:00:00Z    2026-11-01T01:00:00Z   111122223333  ap-northeast-2  Usage          Standard        -                    1               Hours       1                Hours        USD             AmazonEC2     APN2-BoxUsage:m5.large   RunInstances
i-1                                                            0.118        0.118         0.118    2026-11-01T01:00:00Z    2026-11-01T02:00:00Z   111122223333  ap-northeast-2  Usage          Standard        -                    1               Hours       1                Hours        USD             AmazonEC2     APN2-BoxUsage:m5.large   RunInstances
i-2                                                            0            0.34          0.472    2026-11-02T00:00:00Z    2026-11-02T01:00:00Z   111122223333  ap-northeast-2  Usage          Committed       ` + plan + ` 1 Hours 1 Hours USD AmazonEC2 APN2-BoxUsage:m5.2xlarge RunInstances
arn:aws:ec2:ap-northeast-2:111122223333:volume/vol-1           0.01266666667 0.01266666667 0.0126666667 2026-11-02T00:00:00Z 2026-11-02T01:00:00Z 111122223333 ap-northeast-2 Usage          Standard        -                    0.138888889     GB-Months   0.138888889      GB-Months    USD             AmazonEC2     APN2-EBS:VolumeUsage.gp3 CreateVolume-Gp3
i-1                                                            -0.05        -0.05         -        2026-11-01T00:00:00Z    2026-11-01T01:00:00Z   111122223333  ap-northeast-2  Credit         Other           -                    0               Hours       -                -            USD             AmazonEC2     APN2-BoxUsage:m5.large   RunInstances
arn:aws:ec2:ap-northeast-2:111122223333:natgateway/nat-1       5            5             5        2026-11-02T00:00:00Z    2026-11-02T01:00:00Z   111122223333  ap-northeast-2  Usage          Standard        -                    1               Hours       1                Hours        USD             AmazonEC2     APN2-NatGateway-Hours    NatGateway
my-bucket                                                      5            5             5        2026-11-02T00:00:00Z    2026-11-02T01:00:00Z   111122223333  ap-northeast-2  Usage          Standard        -                    1               GB          1                GB           USD             AmazonS3      APN2-TimedStorage        -
i-1                                                            9            9             9        2026-10-31T23:00:00Z    2026-11-01T00:00:00Z   111122223333  ap-northeast-2  Usage          Standard        -                    1               Hours       1                Hours        USD             AmazonEC2     APN2-BoxUsage:m5.large   RunInstances
i-1                                                            9            9             9        2026-11-22T00:00:00Z    2026-11-22T01:00:00Z   111122223333  ap-northeast-2  Usage          Standard        -                    1               Hours       1                Hours        USD             AmazonEC2     APN2-BoxUsage:m5.large   RunInstances
`

// expected is what all of them are read as.
func expected(t *testing.T) []price.BillLine {
	t.Helper()
	line := price.BillLine{Account: "111122223333", Region: "ap-northeast-2", Operation: "RunInstances", Unit: "Hrs", Kind: "Usage"}
	box, covered, volume, credit := line, line, line, line
	box.Resource, box.UsageType, box.Start, box.End, box.Quantity, box.Pricing = "i-1", "APN2-BoxUsage:m5.large", at(1, 0), at(1, 2), 2, "Standard"
	box.Billed, box.Effective, box.List = usd(t, "0.236"), optional(t, "0.236"), optional(t, "0.236")
	covered.Resource, covered.UsageType, covered.Start, covered.End, covered.Quantity = "i-2", "APN2-BoxUsage:m5.2xlarge", at(2, 0), at(2, 1), 1
	covered.Pricing, covered.Commitment, covered.Effective, covered.List = "Committed", plan, optional(t, "0.34"), optional(t, "0.472")
	volume.Resource, volume.UsageType, volume.Operation, volume.Unit = "vol-1", "APN2-EBS:VolumeUsage.gp3", "CreateVolume-Gp3", "GB-Mo"
	volume.Start, volume.End, volume.Quantity, volume.Pricing = at(2, 0), at(2, 1), 0.138888889, "Standard"
	volume.Billed, volume.Effective, volume.List = usd(t, "0.0126666667"), optional(t, "0.0126666667"), optional(t, "0.0126666667")
	credit.Resource, credit.UsageType, credit.Start, credit.End, credit.Kind, credit.Pricing = "i-1", "APN2-BoxUsage:m5.large", at(1, 0), at(1, 1), "Credit", "Other"
	credit.Billed, credit.Effective = usd(t, "-0.05"), optional(t, "-0.05")
	return []price.BillLine{box, covered, volume, credit}
}

// legacy has the columns of the legacy report.
const legacy = `
lineItem/ResourceId lineItem/UsageAccountId lineItem/UsageStartDate lineItem/UsageEndDate lineItem/LineItemType lineItem/UsageType lineItem/Operation lineItem/ProductCode lineItem/CurrencyCode lineItem/UsageAmount lineItem/UnblendedCost pricing/unit pricing/publicOnDemandCost product/regionCode savingsPlan/SavingsPlanARN savingsPlan/SavingsPlanEffectiveCost
i-1   111122223333 2026-11-01T00:00:00Z 2026-11-01T01:00:00Z Usage                   APN2-BoxUsage:m5.large   RunInstances     AmazonEC2 USD 1 0.1180000000  Hrs   0.1180000000  ap-northeast-2 - -
i-1   111122223333 2026-11-01T01:00:00Z 2026-11-01T02:00:00Z Usage                   APN2-BoxUsage:m5.large   RunInstances     AmazonEC2 USD 1 0.1180000000  Hrs   0.1180000000  ap-northeast-2 - -
i-2   111122223333 2026-11-02T00:00:00Z 2026-11-02T01:00:00Z SavingsPlanCoveredUsage APN2-BoxUsage:m5.2xlarge RunInstances     AmazonEC2 USD 1 0.4720000000  Hrs   0.4720000000  ap-northeast-2 ` + plan + ` 0.34
-     111122223333 2026-11-02T00:00:00Z 2026-11-02T01:00:00Z SavingsPlanNegation     APN2-BoxUsage:m5.2xlarge RunInstances     AmazonEC2 USD 1 -0.4720000000 -     -             ap-northeast-2 ` + plan + ` 0
vol-1 111122223333 2026-11-02T00:00:00Z 2026-11-02T01:00:00Z Usage                   APN2-EBS:VolumeUsage.gp3 CreateVolume-Gp3 AmazonEC2 USD 0.138888889 0.0126666667 GB-Mo 0.0126666667 ap-northeast-2 - -
i-1   111122223333 2026-11-01T00:00:00Z 2026-11-01T01:00:00Z Credit                  APN2-BoxUsage:m5.large   RunInstances     AmazonEC2 USD 0 -0.05         Hrs   -             ap-northeast-2 - -
`

// modern spells the columns as CUR 2.0 does.
func modern() string {
	header, rows, _ := strings.Cut(strings.TrimSpace(legacy), "\n")
	var names []string
	for name := range strings.FieldsSeq(header) {
		var b strings.Builder
		for n, r := range strings.ReplaceAll(name, "/", "_") {
			if 'A' <= r && r <= 'Z' {
				if n > 0 && !strings.HasSuffix(b.String(), "_") {
					b.WriteByte('_')
				}
				r += 'a' - 'A'
			}
			b.WriteRune(r)
		}
		names = append(names, b.String())
	}
	return strings.Join(names, " ") + "\n" + rows
}

func TestFormatsReadTheSame(t *testing.T) {
	for name, store := range map[string]objects{
		"FOCUS":                  {"bill.csv": table(t, focus)},
		"FOCUS, gzip":            {"bill.csv.gz": zipped(t, table(t, focus))},
		"FOCUS, gzip, misnamed":  {"bill.csv": zipped(t, table(t, focus))},
		"FOCUS, byte order mark": {"bill.csv": "\ufeff" + table(t, focus)},
		"FOCUS, NULL, no T":      {"bill.csv": strings.ReplaceAll(strings.NewReplacer("T0", " 0", "T2", " 2", ":00Z", ":00").Replace(table(t, focus)), ",,", ",NULL,")},
		"FOCUS, Parquet":         {"bill.parquet": focusParquet(t)},
		"CUR 1":                  {"bill.csv": table(t, legacy)},
		"CUR 2.0":                {"bill.csv.gz": zipped(t, table(t, modern()))},
		"CUR 2.0, Parquet":       {"bill.snappy.parquet": curParquet(t)},
	} {
		t.Run(name, func(t *testing.T) {
			b := read(t, store)
			if diff := cmp.Diff(expected(t), b.Lines); diff != "" || b.Unreadable != 0 || len(b.Notes) != 0 || len(b.Files) != 1 {
				t.Errorf("%s %+v", diff, b)
			}
		})
	}
}

func TestKindsOfTheReport(t *testing.T) {
	header, _, _ := strings.Cut(strings.TrimSpace(legacy), "\n")
	for kind, want := range map[string]price.BillLine{
		"Usage":               {Kind: "Usage", Pricing: "Standard", Quantity: 1, Billed: price.Dollar},
		"DiscountedUsage":     {Kind: "Usage", Pricing: "Committed", Commitment: "ri-1", Quantity: 1, Billed: price.Dollar},
		"EdpDiscount":         {Kind: "Usage", Pricing: "Standard", Billed: price.Dollar},
		"PrivateRateDiscount": {Kind: "Usage", Pricing: "Standard", Billed: price.Dollar},
		"Tax":                 {Kind: "Tax", Quantity: 1, Billed: price.Dollar},
		"Credit":              {Kind: "Credit", Pricing: "Other", Quantity: 1, Billed: price.Dollar},
		"Refund":              {Kind: "Adjustment", Pricing: "Other", Quantity: 1, Billed: price.Dollar},
		"RIFee":               {Kind: "Purchase", Pricing: "Standard", Quantity: 1, Billed: price.Dollar},
		"SomethingNew":        {Kind: "Adjustment", Pricing: "Other", Quantity: 1, Billed: price.Dollar},
	} {
		rows := header + " reservation/ReservationARN reservation/EffectiveCost\n" +
			"i-1 111122223333 2026-11-01T00:00:00Z 2026-11-01T01:00:00Z " + kind + " APN2-BoxUsage:m5.large RunInstances AmazonEC2 USD 1 1 Hrs 2 ap-northeast-2 - - ri-1 0.5"
		b := read(t, objects{"bill.csv": table(t, rows)})
		if len(b.Lines) != 1 {
			t.Errorf("%s: %+v", kind, b)
			continue
		}
		got := b.Lines[0]
		effective := price.Dollar
		if kind == "DiscountedUsage" {
			effective /= 2
		}
		if got.Kind != want.Kind || got.Pricing != want.Pricing || got.Commitment != want.Commitment || got.Quantity != want.Quantity || got.Billed != want.Billed || *got.Effective != effective {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

// TestNetAmounts: where an agreement makes the bill less, the report has both.
func TestNetAmounts(t *testing.T) {
	header, _, _ := strings.Cut(strings.TrimSpace(legacy), "\n")
	rows := header + " lineItem/NetUnblendedCost\n" +
		"i-1 111122223333 2026-11-01T00:00:00Z 2026-11-01T01:00:00Z Usage USW2-SpotUsage:m5.large RunInstances AmazonEC2 USD 1 1 Hrs 2 us-west-2 - - 0.93\n"
	b := read(t, objects{"bill.csv": table(t, rows)})
	if len(b.Lines) != 1 || b.Lines[0].Billed != usd(t, "0.93") || b.Lines[0].Pricing != "Dynamic" {
		t.Errorf("%+v", b.Lines)
	}
}

// TestHoursWithoutUnits: the unit is in a column that an export may leave
// out. Hours of instances are known by their usage type.
func TestHoursWithoutUnits(t *testing.T) {
	for usageType, unit := range map[string]string{
		"BoxUsage:m5.large": "Hrs", "APN2-SpotUsage:m5.large": "Hrs", "APN2-DedicatedUsage:m5.large": "Hrs", "APN2-HostBoxUsage:m5.large": "Hrs",
		"APN2-SchedUsage:m5.large": "Hrs", "APN2-BoxUsage": "Hrs", "APN2-UnusedBox:m5.large": "", "APN2-CPUCredits:t3": "",
	} {
		rows := strings.ReplaceAll(strings.TrimSpace(legacy), " pricing/unit", " pricing/other") + "\n" +
			"i-9 111122223333 2026-11-01T00:00:00Z 2026-11-01T01:00:00Z Usage " + usageType + " RunInstances AmazonEC2 USD 1 1 Hrs 2 us-west-2 - -\n"
		b := read(t, objects{"bill.csv": table(t, rows)})
		if line := b.Lines[len(b.Lines)-1]; line.Resource != "i-9" || line.Unit != unit || line.Quantity != 1 {
			t.Errorf("%s: %+v", usageType, line)
		}
	}
}

func TestBadRowsAreCounted(t *testing.T) {
	header, _, _ := strings.Cut(strings.TrimSpace(focus), "\n")
	row := func(id, billed, start, end, currency string) string {
		return strings.Join([]string{id, billed, "0", "0", start, end, "1122223333", "us-east-1", "Usage", "Standard", "-", "1", "Hours", "1", "Hours", currency, "AmazonEC2", "BoxUsage:m5.large", "RunInstances"}, " ")
	}
	lines := []string{
		header,
		row("i-1", "1", "2026-11-02", "2026-11-03", "USD"),
		row("i-1", "much", "2026-11-02", "2026-11-03", "USD"),
		row("i-1", "1e999999999", "2026-11-02", "2026-11-03", "USD"),
		row("i-1", "NaN", "2026-11-02", "2026-11-03", "USD"),
		row("i-1", "1", "yesterday", "2026-11-03", "USD"),
		row("i-1", "1", "2026-11-03", "2026-11-02", "USD"),
		row("i-1", "1", "2026-11-02", "2026-11-03", "EUR"),
		"i-1 1",
		row("i-1", "1", "2026-10-31T12:00:00Z", "2026-11-01T12:00:00Z", "USD"),
		row("my-bucket", "much", "2026-11-02", "2026-11-03", "USD"),
	}
	b := read(t, objects{"bill.csv": table(t, strings.Join(lines, "\n"))})
	if len(b.Lines) != 1 || b.Rows != 10 || b.Unreadable != 7 || b.Straddling != 1 || len(b.Notes) != 2 {
		t.Errorf("%+v", b)
	}
	if line := b.Lines[0]; line.Account != "001122223333" || line.Billed != price.Dollar {
		t.Errorf("%+v", line)
	}
}

func TestNeededColumns(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"FOCUS without resources": {"BilledCost,ChargePeriodStart,ChargePeriodEnd,SubAccountId\n", "the FOCUS export lacks the column ResourceId;"},
		"CUR without resources":   {strings.ReplaceAll(table(t, modern()), "line_item_resource_id", "x"), "the CUR export lacks the column line_item_resource_id;"},
		"something else":          {"a,b\n1,2\n", "neither FOCUS nor a Cost and Usage Report"},
		"nothing":                 {"", "the file is empty"},
		"half a Parquet file":     {focusParquet(t)[:2000], "not a whole Parquet file"},
		"half a gzip file":        {zipped(t, table(t, focus))[:200], "unexpected EOF"},
	} {
		b, err := bill.Read(t.Context(), objects{"a.csv": c.body, "b.csv": table(t, focus)}, november())
		if err == nil || !strings.Contains(err.Error(), "bill: a.csv: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(b.Lines) < 4 {
			t.Errorf("%s: the other file was not read: %+v", name, b)
		}
	}
	if _, err := bill.Read(t.Context(), objects{"readme.txt": "x"}, november()); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("an empty place: %v", err)
	}
}

func TestRounding(t *testing.T) {
	for text, want := range map[string]string{
		"0.00000000005": "0.0000000001", "0.00000000004": "0.00", "-0.00000000005": "-0.0000000001", "1.2e-5": "0.000012", "1E2": "100.00", "3": "3.00",
		"0e999999999": "0.00", "1e-999999999": "0.00", ".5": "0.50", "+1": "1.00", "0.01266666666666666666": "0.0126666667",
	} {
		body := strings.Replace(table(t, focus), "0.118,", text+",", 1)
		b := read(t, objects{"bill.csv": body})
		if got := b.Lines[0].Billed - usd(t, "0.118"); b.Unreadable > 0 || got != usd(t, want) {
			t.Errorf("%s is %v, want %s: %v", text, got, want, b.Notes)
		}
	}
}
