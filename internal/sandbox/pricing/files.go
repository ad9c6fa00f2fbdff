package pricing

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/wire"
)

// priceListARN and OfferPath name a file of the price list: of a service, a
// version and a region.
const (
	priceListARN = "arn:aws:pricing:::price-list/aws/"
	OfferPath    = "/offers/v1.0/aws/"
)

// offerFormats are the formats in which there are files.
func offerFormats() []string { return []string{"json", "csv"} }

// priceFile is what names a file.
type priceFile struct{ service, version, region string }

func (f priceFile) arn() string {
	return priceListARN + strings.Join([]string{f.service, "USD", f.version, f.region}, "/")
}

// filesOf lists the files of a service in an edition, by region.
func filesOf(c *catalog.PriceList, service string) []priceFile {
	var files []priceFile
	for _, region := range slices.Sorted(maps.Keys(c.Locations)) {
		if c.Locations[region].LocationType != "AWS Region" {
			continue // a Local Zone has no file
		}
		if slices.ContainsFunc(c.Sections, func(s *catalog.Section) bool { return s.Service == service && s.Region == region }) {
			files = append(files, priceFile{service, c.Version, region})
		}
	}
	return files
}

// listPriceLists is ListPriceLists: the lists whose prices were in force at a
// time.
func listPriceLists(c *catalog.PriceList, r pricingRequest, size int) (any, *pricingError) {
	switch {
	case r.EffectiveDate == nil:
		return nil, constraint("effectiveDate", "Member must not be null")
	case r.CurrencyCode == nil:
		return nil, constraint("currencyCode", "Member must not be null")
	case !currencyCode.MatchString(*r.CurrencyCode):
		return nil, constraint("currencyCode", "Member must satisfy regular expression pattern: [A-Z]{3}")
	case *r.CurrencyCode != "USD":
		return nil, refusePricing("NotFoundException", "There is no price list in %s", *r.CurrencyCode)
	}
	whole, part := math.Modf(*r.EffectiveDate)
	at := time.Unix(int64(whole), int64(part*float64(time.Second))).UTC()
	list, err := c.At(at)
	switch {
	case err != nil:
		return nil, brokenList(err)
	case list == nil:
		return nil, refusePricing("NotFoundException", "There is no price list of %s", at.Format(time.DateOnly))
	}
	files := filesOf(list, r.service())
	if r.RegionCode != nil {
		files = slices.DeleteFunc(files, func(f priceFile) bool { return f.region != *r.RegionCode })
	}
	query := []any{r.service(), r.RegionCode, list.Version}
	page, next, refused := nextPage(c.Version, files, wire.QueryDigest("ListPriceLists", query), r.NextToken, size)
	if refused != nil {
		return nil, refused
	}
	type priceList struct {
		PriceListArn string
		RegionCode   string
		CurrencyCode string
		FileFormats  []string
	}
	lists := make([]priceList, len(page))
	for n, f := range page {
		lists[n] = priceList{f.arn(), f.region, "USD", offerFormats()}
	}
	return struct {
		NextToken  string `json:",omitempty"`
		PriceLists []priceList
	}{next, lists}, nil
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

// getPriceListFile is GetPriceListFileUrl. The file is on this very server.
func getPriceListFile(c *catalog.PriceList, r pricingRequest, _ int) (any, *pricingError) {
	switch {
	case r.PriceListArn == nil:
		return nil, constraint("priceListArn", "Member must not be null")
	case r.FileFormat == nil:
		return nil, constraint("fileFormat", "Member must not be null")
	case !strings.HasPrefix(*r.PriceListArn, priceListARN):
		return nil, constraint("priceListArn", "Member must satisfy regular expression pattern: arn:[A-Za-z0-9][-.A-Za-z0-9]{0,62}:pricing:::price-list/[A-Za-z0-9+_/.-]{1,1023}")
	}
	parts := strings.Split(strings.TrimPrefix(*r.PriceListArn, priceListARN), "/")
	if len(parts) != 4 || parts[1] != "USD" {
		return nil, refusePricing("ResourceNotFoundException", "There is no price list %s", *r.PriceListArn)
	}
	file := priceFile{parts[0], parts[2], parts[3]}
	list, err := c.Numbered(file.version)
	switch {
	case err != nil:
		return nil, brokenList(err)
	case list == nil || file.version == "current" || !slices.Contains(filesOf(list, file.service), file):
		return nil, refusePricing("ResourceNotFoundException", "There is no price list %s", *r.PriceListArn)
	case !slices.Contains(offerFormats(), strings.ToLower(*r.FileFormat)):
		return nil, refusePricing("InvalidParameterException", "The price list has no file of the format %q; there are json and csv", *r.FileFormat)
	}
	return struct{ Url string }{
		"http://" + r.host + OfferPath + strings.Join([]string{file.service, file.version, file.region, "index." + strings.ToLower(*r.FileFormat)}, "/"),
	}, nil
}

// brokenList is the refusal where the embedded price list cannot be read.
func brokenList(err error) *pricingError {
	return &pricingError{500, "InternalErrorException", err.Error()}
}
