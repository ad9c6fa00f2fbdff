package pricelist

import (
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// attributes are the names of the attributes that products carry here: those by
// which distinguish prices, and which the report shows. The price list has
// some forty more of each instance type, which are nothing but weight.
func attributes() []string {
	return []string{
		"regionCode", "locationType", "instanceType", "tenancy", "operation", "capacitystatus", "marketoption",
		"licenseModel", "operatingSystem", "preInstalledSw", "usagetype", "volumeApiName",
	}
}

// trim leaves a product no attributes but these.
func trim(p price.Product) price.Product {
	kept := make(map[string]string, len(attributes()))
	for _, name := range attributes() {
		if value, ok := p.Attributes[name]; ok {
			kept[name] = value
		}
	}
	p.Attributes = kept
	return p
}

// keyOf is the key of an instance's price that a product's attributes name. It
// is false for what is not a price of an instance.
func keyOf(a map[string]string) (price.InstanceKey, bool) {
	key := price.InstanceKey{
		Region: fleet.Region(a["regionCode"]), Type: fleet.InstanceType(a["instanceType"]),
		Tenancy: a["tenancy"], Operation: a["operation"],
	}
	key.Unused = a["capacitystatus"] != key.Capacity()
	return key, key.Type != "" && a["capacitystatus"] == key.Capacity()
}

// columnOf is the form of a name that the two formats of the offer files share:
// "Pre Installed S/W" in the one is "preInstalledSw" in the other.
func columnOf(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return -1
	}, name)
}
