package bill_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"nightshift/internal/cost/bill"
)

// texts are the rows of a table by column, empty cells left out.
func texts(t *testing.T, lines string) []map[string]string {
	t.Helper()
	cells, err := csv.NewReader(strings.NewReader(table(t, lines))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, row := range cells[1:] {
		named := map[string]string{}
		for n, text := range row {
			if text != "" {
				named[cells[0][n]] = text
			}
		}
		rows = append(rows, named)
	}
	return rows
}

func number(t *testing.T, text string) *float64 {
	t.Helper()
	if text == "" {
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return &n
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// focusRow has the types of AWS's FOCUS exports in Parquet. Tags is before
// what is read, as maps have two columns of their own.
type focusRow struct {
	Tags                 map[string]string `parquet:"Tags"`
	ResourceId           *string           `parquet:"ResourceId"`
	BilledCost           float64           `parquet:"BilledCost"`
	EffectiveCost        *float64          `parquet:"EffectiveCost"`
	ListCost             *float64          `parquet:"ListCost"`
	ChargePeriodStart    time.Time         `parquet:"ChargePeriodStart,timestamp(millisecond)"`
	ChargePeriodEnd      time.Time         `parquet:"ChargePeriodEnd,timestamp(microsecond)"`
	SubAccountID         string            `parquet:"SubAccountId,dict"`
	RegionID             string            `parquet:"RegionId,dict"`
	ChargeCategory       string            `parquet:"ChargeCategory,dict"`
	PricingCategory      *string           `parquet:"PricingCategory"`
	CommitmentDiscountID *string           `parquet:"CommitmentDiscountId"`
	PricingQuantity      *float64          `parquet:"PricingQuantity"`
	PricingUnit          *string           `parquet:"PricingUnit"`
	ServiceCode          string            `parquet:"x_ServiceCode"`
	UsageType            *string           `parquet:"x_UsageType"`
	Operation            *string           `parquet:"x_Operation"`
}

func focusParquet(t *testing.T) string {
	t.Helper()
	var rows []focusRow
	for _, row := range texts(t, focus) {
		rows = append(rows, focusRow{
			map[string]string{"team": "a", "env": "b"},
			text(row["ResourceId"]), *number(t, row["BilledCost"]), number(t, row["EffectiveCost"]), number(t, row["ListCost"]),
			instant(t, row["ChargePeriodStart"]), instant(t, row["ChargePeriodEnd"]), row["SubAccountId"], row["RegionId"], row["ChargeCategory"],
			text(row["PricingCategory"]), text(row["CommitmentDiscountId"]), number(t, row["PricingQuantity"]), text(row["PricingUnit"]),
			row["x_ServiceCode"], text(row["x_UsageType"]), text(row["x_Operation"]),
		})
	}
	return written(t, rows, 2)
}

// curRow has amounts as decimals, which other tools write.
type curRow struct {
	Resource  string    `parquet:"line_item_resource_id"`
	Account   string    `parquet:"line_item_usage_account_id"`
	Start     time.Time `parquet:"line_item_usage_start_date,timestamp(nanosecond)"`
	End       time.Time `parquet:"line_item_usage_end_date,timestamp"`
	Kind      string    `parquet:"line_item_line_item_type"`
	UsageType string    `parquet:"line_item_usage_type"`
	Operation string    `parquet:"line_item_operation"`
	Code      string    `parquet:"line_item_product_code"`
	Amount    float64   `parquet:"line_item_usage_amount"`
	Unblended int64     `parquet:"line_item_unblended_cost,decimal(10:18)"`
	Unit      string    `parquet:"pricing_unit"`
	List      *float64  `parquet:"pricing_public_on_demand_cost"`
	Region    string    `parquet:"product_region_code"`
	Plan      string    `parquet:"savings_plan_savings_plan_a_r_n"`
	Effective *float64  `parquet:"savings_plan_savings_plan_effective_cost"`
}

func curParquet(t *testing.T) string {
	t.Helper()
	var rows []curRow
	for _, row := range texts(t, modern()) {
		rows = append(rows, curRow{
			row["line_item_resource_id"], row["line_item_usage_account_id"], instant(t, row["line_item_usage_start_date"]), instant(t, row["line_item_usage_end_date"]),
			row["line_item_line_item_type"], row["line_item_usage_type"], row["line_item_operation"], row["line_item_product_code"], *number(t, row["line_item_usage_amount"]),
			int64(usd(t, row["line_item_unblended_cost"])), row["pricing_unit"], number(t, row["pricing_public_on_demand_cost"]), row["product_region_code"],
			row["savings_plan_savings_plan_a_r_n"], number(t, row["savings_plan_savings_plan_effective_cost"]),
		})
	}
	return written(t, rows, 100)
}

// written makes a Parquet file with a number of rows in a group.
func written[T any](t *testing.T, rows []T, group int64) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, parquet.MaxRowsPerRowGroup(group), parquet.Compression(&parquet.Snappy))
	_, err := w.Write(rows)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDamagedParquet breaks a file at every place. None may end the program.
func TestDamagedParquet(t *testing.T) {
	whole := []byte(focusParquet(t))
	for n := 0; n < len(whole); n += 61 {
		damaged := bytes.Clone(whole)
		damaged[n] ^= 0xff
		_, _ = bill.Read(t.Context(), objects{"a.parquet": string(damaged)}, november()) // that it returns is the test
		_, _ = bill.Read(t.Context(), objects{"a.parquet": string(whole[:n])}, november())
	}
}
