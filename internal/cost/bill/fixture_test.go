package bill_test

import (
	"encoding/csv"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/internal/cost/bill"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// sample is the part of the FinOps Foundation's FOCUS 1.0 sample data that is of
// EC2 and EBS, if it lies next to the checkout. Its ids are made unreadable by
// exchanging letters; those that show the kind are put back.
func sample(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("NIGHTSHIFT_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "..", "shared")
	}
	text, err := os.ReadFile(filepath.Join(shared, "data", "fixtures", "focus1.0_aws_ec2_ebs_rows.csv"))
	if err != nil {
		t.Skipf("the sample is not here: %v", err)
	}
	return strings.NewReplacer("vom-", "vol-", "arn:ats:el2:", "arn:aws:ec2:", "snapseot/", "snapshot/").Replace(string(text))
}

// TestSample compares with sums that are made in another way.
func TestSample(t *testing.T) {
	text := sample(t)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for n, name := range rows[0] {
		column[name] = n
	}
	billed, listed := new(big.Rat), new(big.Rat)
	count := 0
	for _, row := range rows[1:] {
		id := row[column["ResourceId"]]
		if !strings.HasPrefix(id, "i-") && !strings.HasPrefix(id, "vol-") && !strings.Contains(id, ":snapshot/snap-") {
			continue
		}
		count++
		for name, sum := range map[string]*big.Rat{"BilledCost": billed, "ListCost": listed} {
			amount, ok := new(big.Rat).SetString(row[column[name]])
			if !ok {
				t.Fatalf("%v", row)
			}
			sum.Add(sum, amount)
		}
	}
	september := time.Date(2024, 9, 1, 0, 0, 0, 0, time.UTC)
	b, err := bill.Read(t.Context(), objects{"focus.csv": text}, fleet.Span{From: september, To: september.AddDate(0, 1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if b.Rows != 554 || count != 414 || b.Unreadable != 0 {
		t.Errorf("%d rows, %d of ours, notes %q", b.Rows, count, b.Notes)
	}
	var gotBilled, gotListed price.USD
	committed := 0
	for _, line := range b.Lines {
		gotBilled = gotBilled.Add(line.Billed)
		gotListed = gotListed.Add(*line.List)
		if line.Pricing == "Committed" {
			committed++
			if line.Unit != "Hrs" || line.Quantity != 1 || line.Billed != 0 || !strings.Contains(line.Commitment, "savingsplan/") {
				t.Errorf("%+v", line)
			}
		}
		if len(line.Account) != 12 || line.Region == "" {
			t.Errorf("%+v", line)
		}
	}
	if committed != 3 || gotBilled.String() != exact(billed) || gotListed.String() != exact(listed) {
		t.Errorf("%d committed, billed %v of %s, list %v of %s", committed, gotBilled, exact(billed), gotListed, exact(listed))
	}
}

// exact writes a sum whose amounts have at most ten decimals.
func exact(sum *big.Rat) string {
	text := strings.TrimRight(sum.FloatString(10), "0")
	whole, fraction, _ := strings.Cut(text, ".")
	return whole + "." + fraction + strings.Repeat("0", max(2-len(fraction), 0))
}
