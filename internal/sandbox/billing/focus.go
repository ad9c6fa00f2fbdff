package billing

import (
	"cmp"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/state"
)

// focusColumns are the columns of an export: those of FOCUS 1.0 in the order of
// the FinOps Foundation's sample data, and three of AWS's own.
func focusColumns() []string {
	return []string{
		"AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
		"ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
		"CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountStatus", "CommitmentDiscountType",
		"ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceIssuerName", "ListCost", "ListUnitPrice",
		"PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId", "RegionName",
		"ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "Id", "ServiceName", "SkuId", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags",
		"x_Operation", "x_ServiceCode", "x_UsageType",
	}
}

// focusBill writes rows of one month. Cells that are missing or empty are NULL.
type focusBill struct {
	account *state.Account
	month   time.Time
	rows    int
}

const awsInc = "Amazon Web Services, Inc."

// row is what all rows have.
func (b *focusBill) row(from, to time.Time) map[string]string {
	const layout = "2006-01-02 15:04:05"
	return map[string]string{
		"BillingAccountId": state.AccountID, "BillingAccountName": "practice", "BillingCurrency": "USD",
		"BillingPeriodStart": b.month.Format(layout), "BillingPeriodEnd": b.month.AddDate(0, 1, 0).Format(layout),
		"ChargePeriodStart": from.Format(layout), "ChargePeriodEnd": to.Format(layout),
		"InvoiceIssuerName": awsInc, "PublisherName": awsInc, "ProviderName": "AWS",
		"Id": strconv.Itoa(b.rows + 1), "SubAccountId": b.account.ID(), "SubAccountName": b.account.Name(),
	}
}

// usage is the row of a charge. What a Savings Plan covers is billed with the
// plan, so that only its effective cost is above zero.
func (b *focusBill) usage(c charge) map[string]string {
	row := b.row(c.from.Truncate(state.Day), c.to)
	unit := focusUnit(c.unit)
	quantity := strconv.FormatFloat(c.quantity, 'f', 15, 64)
	maps.Copy(row, map[string]string{
		"AvailabilityZone": c.zone, "ChargeCategory": "Usage", "ChargeFrequency": "Usage-Based",
		"BilledCost": c.cost.String(), "EffectiveCost": c.cost.String(), "ListCost": c.list.String(), "ContractedCost": c.list.String(),
		"PricingCategory": "Standard", "ConsumedQuantity": quantity, "ConsumedUnit": unit, "PricingQuantity": quantity, "PricingUnit": unit,
	})
	b.resource(row, c)
	switch c.payment {
	case planPayment:
		row["BilledCost"] = catalog.Price(0).String()
		row["PricingCategory"] = "Committed"
		row["CommitmentDiscountCategory"], row["CommitmentDiscountType"] = "Spend", "Savings Plan"
		row["CommitmentDiscountStatus"], row["CommitmentDiscountId"] = "Used", planARN(b.account)
	case spotPayment:
		row["PricingCategory"] = "Dynamic"
		row["ChargeDescription"] = c.kind + " Spot Instance-hour in " + row["RegionName"]
	default:
	}
	return row
}

// resource fills in what a row says about the resource and of its price.
func (b *focusBill) resource(row map[string]string, c charge) {
	row["ResourceId"], row["ResourceType"] = c.resource, resourceType(c.resource)
	row["ServiceCategory"], row["ServiceName"] = "Compute", "Amazon Elastic Compute Cloud"
	if c.service == otherService {
		row["ServiceCategory"] = "Storage"
	}
	row["RegionId"], row["RegionName"] = c.region, b.account.Catalog.Locations[c.region].Location
	row["x_Operation"], row["x_ServiceCode"], row["x_UsageType"] = c.operation, catalog.EC2Offer, c.usage
	tags, _ := json.Marshal(c.tags.Map()) // cannot fail: texts
	row["Tags"] = string(tags)
	if p := c.product; p != nil {
		code := p.SKU + "." + catalog.OnDemandTerm + "." + catalog.HourlyRate
		row["SkuId"], row["SkuPriceId"] = p.SKU, code
		row["ListUnitPrice"], row["ContractedUnitPrice"] = p.USD.Short(), p.USD.Short()
		row["ChargeDescription"] = "$" + p.USD.Short() + " per " + p.Per
	}
}

// credit is the row of what credits pay of a charge.
func (b *focusBill) credit(c charge) map[string]string {
	row := b.row(c.from.Truncate(state.Day), c.to)
	b.resource(row, c)
	for _, name := range []string{"BilledCost", "EffectiveCost", "ListCost", "ContractedCost"} {
		row[name] = "-" + c.credited.String()
	}
	for _, name := range []string{"SkuPriceId", "ListUnitPrice", "ContractedUnitPrice"} {
		delete(row, name)
	}
	row["ChargeCategory"], row["ChargeFrequency"], row["PricingCategory"] = "Credit", "One-Time", "Other"
	row["ChargeDescription"] = "AWS Promotional Credits"
	return row
}

// commitment is the row of what is paid for the Savings Plan. It has no
// effective cost, since that is spread over what the plan covers.
func (b *focusBill) commitment(from, to time.Time, paid catalog.Price) map[string]string {
	row := b.row(from, to)
	hours := strconv.FormatFloat(to.Sub(from).Hours(), 'f', 15, 64)
	maps.Copy(row, map[string]string{
		"ChargeCategory": "Purchase", "ChargeFrequency": "Recurring", "PricingCategory": "Standard",
		"ChargeDescription": "1 year No Upfront EC2 Instance Savings Plan",
		"BilledCost":        paid.String(), "EffectiveCost": catalog.Price(0).String(), "ListCost": paid.String(), "ContractedCost": paid.String(),
		"CommitmentDiscountCategory": "Spend", "CommitmentDiscountType": "Savings Plan", "CommitmentDiscountId": planARN(b.account),
		"PricingQuantity": hours, "PricingUnit": "Hours", "ResourceId": planARN(b.account), "ResourceType": "Savings Plan",
		"ServiceCategory": "Compute", "ServiceName": planService, "x_ServiceCode": "ComputeSavingsPlans", "x_UsageType": planUsage,
	})
	return row
}

// focusUnit is how FOCUS writes a unit of the price list.
func focusUnit(unit string) string {
	known := map[string]string{
		"Hrs": "Hours", "GB-Mo": "GB-Months", "GB-month": "GB-Months", "IOPS-Mo": "IOPS-Months", "GiBps-mo": "GiB/Second-Months",
	}
	return cmp.Or(known[unit], unit)
}

// resourceType is what an export calls the kind of a resource: the first word of
// the last part of an ARN.
func resourceType(resource string) string {
	switch {
	case strings.HasPrefix(resource, "i-"):
		return "instance"
	case strings.HasPrefix(resource, "vol-"):
		return "volume"
	}
	kind, _, _ := strings.Cut(resource[strings.LastIndexByte(resource, ':')+1:], "/")
	return kind
}
