package bill

import (
	"fmt"
	"strings"

	"nightshift/internal/price"
)

// curColumns are the columns of CUR 2.0 that are read. Those of the legacy
// report and of Athena differ in how they are spelled.
func curColumns() []string {
	return []string{
		"line_item_resource_id", "line_item_usage_account_id", "line_item_usage_start_date", "line_item_usage_end_date",
		"line_item_line_item_type", "line_item_usage_type", "line_item_operation", "line_item_product_code", "line_item_currency_code",
		"line_item_usage_amount", "line_item_unblended_cost", "line_item_net_unblended_cost", "pricing_unit", "pricing_public_on_demand_cost",
		"product_region_code", "product_region", "reservation_reservation_a_r_n", "reservation_effective_cost", "reservation_net_effective_cost",
		"savings_plan_savings_plan_a_r_n", "savings_plan_savings_plan_effective_cost", "savings_plan_net_savings_plan_effective_cost",
	}
}

// cur reads a row of a Cost and Usage Report. Kinds and categories are those of
// FOCUS. What a Savings Plan covers is billed with the plan: the report has it at
// the on-demand rate, and in lines without a resource the same amount
// negated. Here it is billed nothing and the latter are left out. Amounts are
// net of discounts where the report has such columns.
func (f *layout) cur(row []string) (line price.BillLine, ok bool, err error) {
	kind := f.cell(row, "line_item_line_item_type")
	if kind == "SavingsPlanNegation" || !service(f.cell(row, "line_item_product_code")) {
		return line, false, nil
	}
	ok, err = f.common(&line, f.cell(row, "line_item_resource_id"), f.cell(row, "line_item_usage_account_id"), f.cell(row, "product_region_code", "product_region"),
		f.cell(row, "line_item_usage_start_date"), f.cell(row, "line_item_usage_end_date"))
	if !ok || err != nil {
		return line, false, err
	}
	if currency := f.cell(row, "line_item_currency_code"); currency != "" && currency != "USD" {
		return line, false, fmt.Errorf("%w: the amount is in %.10q, not in USD", errRow, currency)
	}
	line.UsageType, line.Operation = f.cell(row, "line_item_usage_type"), f.cell(row, "line_item_operation")
	line.Unit = unit(f.cell(row, "pricing_unit"))
	if line.Unit == "" && isHours(line.UsageType) {
		line.Unit = "Hrs"
	}
	if line.Quantity, err = quantity(f.cell(row, "line_item_usage_amount")); err != nil {
		return line, false, err
	}
	if line.Billed, err = amount(f.cell(row, "line_item_net_unblended_cost", "line_item_unblended_cost")); err != nil {
		return line, false, err
	}
	if line.List, err = known(f.cell(row, "pricing_public_on_demand_cost")); err != nil {
		return line, false, err
	}
	billed := line.Billed
	line.Kind, line.Pricing, line.Effective = "Usage", "Standard", &billed
	switch kind {
	case "Usage", "":
		if strings.Contains(line.UsageType, "SpotUsage") {
			line.Pricing = "Dynamic"
		}
	case "DiscountedUsage":
		line.Pricing, line.Commitment = "Committed", f.cell(row, "reservation_reservation_a_r_n")
		line.Effective, err = known(f.cell(row, "reservation_net_effective_cost", "reservation_effective_cost"))
	case "SavingsPlanCoveredUsage":
		line.Billed = 0
		line.Pricing, line.Commitment = "Committed", f.cell(row, "savings_plan_savings_plan_a_r_n")
		line.Effective, err = known(f.cell(row, "savings_plan_net_savings_plan_effective_cost", "savings_plan_savings_plan_effective_cost"))
	case "EdpDiscount", "PrivateRateDiscount", "BundledDiscount", "Discount", "SppDiscount":
		line.Quantity, line.List = 0, nil
	case "Tax":
		line.Kind, line.Pricing = "Tax", ""
	case "Credit":
		line.Kind, line.Pricing = "Credit", "Other"
	case "Refund":
		line.Kind, line.Pricing = "Adjustment", "Other"
	case "Fee", "RIFee", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee":
		line.Kind = "Purchase"
	default:
		line.Kind, line.Pricing = "Adjustment", "Other"
	}
	return line, err == nil, err
}

// isHours is true for the usage types of running instances; the report says the
// unit only in a column that may be left out.
func isHours(usageType string) bool {
	for _, name := range []string{"BoxUsage", "SpotUsage", "DedicatedUsage"} {
		if strings.Contains(usageType, name) {
			return true
		}
	}
	return false
}
