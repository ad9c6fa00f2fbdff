package bill

import (
	"fmt"

	"nightshift/internal/price"
)

// focusColumns are those of the FinOps Open Cost and Usage Specification that
// are read, and, with the prefix x_, those that AWS adds.
func focusColumns() []string {
	return []string{
		"ResourceId", "BilledCost", "EffectiveCost", "ListCost", "ChargePeriodStart", "ChargePeriodEnd", "SubAccountId", "RegionId",
		"ChargeCategory", "PricingCategory", "CommitmentDiscountId", "CommitmentDiscountStatus", "PricingQuantity", "PricingUnit", "ConsumedQuantity", "ConsumedUnit",
		"BillingCurrency", "ServiceName", "x_ServiceCode", "x_UsageType", "x_Operation",
	}
}

// focus reads a row of FOCUS. What the specification has not, the usage type,
// stays empty where AWS's own columns are not there.
func (f *layout) focus(row []string) (line price.BillLine, ok bool, err error) {
	if !service(f.cell(row, "x_ServiceCode", "ServiceName")) {
		return line, false, nil
	}
	ok, err = f.common(&line, f.cell(row, "ResourceId"), f.cell(row, "SubAccountId"), f.cell(row, "RegionId"),
		f.cell(row, "ChargePeriodStart"), f.cell(row, "ChargePeriodEnd"))
	if !ok || err != nil {
		return line, false, err
	}
	if currency := f.cell(row, "BillingCurrency"); currency != "" && currency != "USD" {
		return line, false, fmt.Errorf("%w: the amount is in %.10q, not in USD", errRow, currency)
	}
	line.UsageType, line.Operation = f.cell(row, "x_UsageType"), f.cell(row, "x_Operation")
	line.Kind, line.Pricing = f.cell(row, "ChargeCategory"), f.cell(row, "PricingCategory")
	line.Commitment = f.cell(row, "CommitmentDiscountId")
	amountOf, unitOf := f.cell(row, "PricingQuantity"), f.cell(row, "PricingUnit")
	if amountOf == "" || unitOf == "" {
		amountOf, unitOf = f.cell(row, "ConsumedQuantity"), f.cell(row, "ConsumedUnit")
	}
	line.Unit = unit(unitOf)
	if line.Quantity, err = quantity(amountOf); err != nil {
		return line, false, err
	}
	if line.Billed, err = amount(f.cell(row, "BilledCost")); err != nil {
		return line, false, err
	}
	if line.Effective, err = known(f.cell(row, "EffectiveCost")); err != nil {
		return line, false, err
	}
	line.List, err = known(f.cell(row, "ListCost"))
	return line, err == nil, err
}
