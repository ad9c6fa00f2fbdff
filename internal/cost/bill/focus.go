package bill

import "nightshift/internal/price"

// focus are the columns of the FinOps Open Cost and Usage Specification that
// are read and, with the prefix x_, those that AWS adds.
type focus struct {
	common
	service, usageType, operation     column
	kind, pricing, commitment         column
	quantity, unit                    column
	consumed, consumedUnit            column
	billedCost, effectiveCost, listed column
}

func newFOCUS(h *header) *focus {
	return &focus{
		common: common{
			resource: h.column("ResourceId"), account: h.column("SubAccountId"), region: h.column("RegionId"),
			start: h.column("ChargePeriodStart"), end: h.column("ChargePeriodEnd"), currency: h.column("BillingCurrency"),
		},
		service: h.column("x_ServiceCode", "ServiceName"), usageType: h.column("x_UsageType"), operation: h.column("x_Operation"),
		kind: h.column("ChargeCategory"), pricing: h.column("PricingCategory"), commitment: h.column("CommitmentDiscountId"),
		quantity: h.column("PricingQuantity"), unit: h.column("PricingUnit"),
		consumed: h.column("ConsumedQuantity"), consumedUnit: h.column("ConsumedUnit"),
		billedCost: h.column("BilledCost"), effectiveCost: h.column("EffectiveCost"), listed: h.column("ListCost"),
	}
}

// line reads a row of FOCUS. What the specification has not, the usage type,
// stays empty where AWS's own columns are not there.
func (f *focus) line(row []string) (line price.BillLine, ok bool, err error) {
	if !service(f.service.text(row)) {
		return line, false, nil
	}
	if ok, err = f.fill(&line, row); !ok || err != nil {
		return line, false, err
	}
	line.UsageType, line.Operation = f.usageType.text(row), f.operation.text(row)
	line.Kind, line.Pricing = f.kind.text(row), f.pricing.text(row)
	line.Commitment = f.commitment.text(row)
	amountOf, unitOf := f.quantity.text(row), f.unit.text(row)
	if amountOf == "" || unitOf == "" {
		amountOf, unitOf = f.consumed.text(row), f.consumedUnit.text(row)
	}
	line.Unit = unit(unitOf)
	if line.Quantity, err = quantity(amountOf); err != nil {
		return line, false, err
	}
	if line.Billed, err = amount(f.billedCost.text(row)); err != nil {
		return line, false, err
	}
	if line.Effective, err = known(f.effectiveCost.text(row)); err != nil {
		return line, false, err
	}
	line.List, err = known(f.listed.text(row))
	return line, err == nil, err
}
