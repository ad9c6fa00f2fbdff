package bill

import (
	"strings"

	"nightshift/internal/price"
)

// cur are the columns of a Cost and Usage Report that are read, named as in CUR
// 2.0. Those of the legacy report and of Athena differ in how they are spelled.
type cur struct {
	common
	service, kind, usageType, operation column
	quantity, unit, cost, listed        column
	reservation, reservationCost        column
	savingsPlan, savingsPlanCost        column
}

func newCUR(h *header) *cur {
	return &cur{
		common: common{
			resource: h.column("line_item_resource_id"), account: h.column("line_item_usage_account_id"),
			region: h.column("product_region_code", "product_region"),
			start:  h.column("line_item_usage_start_date"), end: h.column("line_item_usage_end_date"),
			currency: h.column("line_item_currency_code"),
		},
		service: h.column("line_item_product_code"), kind: h.column("line_item_line_item_type"),
		usageType: h.column("line_item_usage_type"), operation: h.column("line_item_operation"),
		quantity: h.column("line_item_usage_amount"), unit: h.column("pricing_unit"),
		cost: h.column("line_item_net_unblended_cost", "line_item_unblended_cost"), listed: h.column("pricing_public_on_demand_cost"),
		reservation:     h.column("reservation_reservation_a_r_n"),
		reservationCost: h.column("reservation_net_effective_cost", "reservation_effective_cost"),
		savingsPlan:     h.column("savings_plan_savings_plan_a_r_n"),
		savingsPlanCost: h.column("savings_plan_net_savings_plan_effective_cost", "savings_plan_savings_plan_effective_cost"),
	}
}

// line reads a row of a Cost and Usage Report. Kinds and categories are those of
// FOCUS. What a Savings Plan covers is billed with the plan: the report has it at
// the on-demand rate, and in lines without a resource the same amount
// negated. Here it is billed nothing and the latter are left out. Amounts are
// net of discounts where the report has such columns.
func (c *cur) line(row []string) (line price.BillLine, ok bool, err error) {
	kind := c.kind.text(row)
	if kind == "SavingsPlanNegation" || !service(c.service.text(row)) {
		return line, false, nil
	}
	if ok, err = c.fill(&line, row); !ok || err != nil {
		return line, false, err
	}
	line.UsageType, line.Operation = c.usageType.text(row), c.operation.text(row)
	line.Unit = unit(c.unit.text(row))
	if line.Unit == "" && price.IsRunning(line.UsageType) { // the column may be left out
		line.Unit = "Hrs"
	}
	if line.Quantity, err = quantity(c.quantity.text(row)); err != nil {
		return line, false, err
	}
	if line.Billed, err = amount(c.cost.text(row)); err != nil {
		return line, false, err
	}
	if line.List, err = known(c.listed.text(row)); err != nil {
		return line, false, err
	}
	err = c.categorize(&line, kind, row)
	return line, err == nil, err
}

// categorize says in the words of FOCUS what kind of charge a line is, and what
// it effectively cost.
func (c *cur) categorize(line *price.BillLine, kind string, row []string) (err error) {
	billed := line.Billed
	line.Kind, line.Pricing, line.Effective = "Usage", "Standard", &billed
	switch kind {
	case "Usage", "":
		if strings.Contains(line.UsageType, "SpotUsage") {
			line.Pricing = "Dynamic"
		}
	case "DiscountedUsage":
		line.Pricing, line.Commitment = "Committed", c.reservation.text(row)
		line.Effective, err = known(c.reservationCost.text(row))
	case "SavingsPlanCoveredUsage":
		line.Billed = 0
		line.Pricing, line.Commitment = "Committed", c.savingsPlan.text(row)
		line.Effective, err = known(c.savingsPlanCost.text(row))
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
	return err
}
