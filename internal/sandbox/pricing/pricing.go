// Package pricing is the AWS Price List service: its operations and the files of
// the list.
package pricing

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/wire"
)

// maxProductPage is the largest page of the price list's operations, and the
// one they use when the caller names none.
const maxProductPage = 100

// pricingError is an error of the price list service.
type pricingError struct {
	status  int
	code    string
	message string
}

func refusePricing(code, format string, args ...any) *pricingError {
	return &pricingError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// constraint says that a member breaks the service's model, in the words of
// AWS's JSON services.
func constraint(member, rule string) *pricingError {
	return refusePricing("ValidationException",
		"1 validation error detected: Value at '%s' failed to satisfy constraint: %s", member, rule)
}

// Service is the AWS Price List service.
func Service() service.Service {
	return service.Service{
		Name: "pricing", Operations: slices.Sorted(maps.Keys(pricingActions())),
		Read: (*wire.Request).ReadTarget, Refusal: wire.RefuseJSON("Message"), Serve: servePricing,
	}
}

func servePricing(r *service.Call) wire.Answer {
	if err := r.Authorize("*", nil); err != nil {
		return r.Refuse(err)
	}
	status, body := answerJSON(r.Organization.Catalog, r.Host, r.Action, r.Payload)
	a := r.AnswerJSON(body)
	if a.Status = status; status != http.StatusOK {
		a.Code = wire.JSONErrorCode(body)
	}
	return a
}

// pricingRequest has the members of all operations.
type pricingRequest struct {
	ServiceCode   *string
	FormatVersion string
	AttributeName *string
	Filters       []catalog.ProductFilter
	NextToken     string
	MaxResults    *int
	RegionCode    *string
	CurrencyCode  *string
	EffectiveDate *float64 // seconds since 1970
	PriceListArn  *string
	FileFormat    *string

	host string // under which the account was asked
}

// service is the code of the service that the request is about.
func (r pricingRequest) service() string {
	if r.ServiceCode == nil {
		return ""
	}
	return *r.ServiceCode
}

// answerJSON answers one call of the price list's JSON 1.1 protocol. Files of the
// list are served under the host that the caller used.
func answerJSON(c *catalog.PriceList, host, action string, body []byte) (status int, answer []byte) {
	out, refused := answerPricing(c, host, action, body)
	if refused != nil {
		status = refused.status
		out = map[string]string{"__type": refused.code, "Message": refused.message}
	} else {
		status = http.StatusOK
	}
	answer, err := json.Marshal(out)
	if err != nil { // only strings are written; kept so that it could not hide
		return http.StatusInternalServerError, []byte(`{"__type":"InternalErrorException"}`)
	}
	return status, answer
}

func answerPricing(c *catalog.PriceList, host, action string, body []byte) (any, *pricingError) {
	operation, ok := pricingActions()[action]
	if !ok {
		return nil, refusePricing("UnknownOperationException", "%s is not an operation of the price list of the sandbox", action)
	}
	r := pricingRequest{host: host}
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, refusePricing("SerializationException", "the request could not be read: %v", err)
	}
	size := maxProductPage
	if r.MaxResults != nil {
		size = *r.MaxResults
	}
	switch {
	case size < 1:
		return nil, constraint("maxResults", "Member must have value greater than or equal to 1")
	case size > maxProductPage:
		return nil, constraint("maxResults", fmt.Sprintf("Member must have value less than or equal to %d", maxProductPage))
	case r.FormatVersion != "" && r.FormatVersion != "aws_v1":
		return nil, refusePricing("InvalidParameterException", "FormatVersion %q is not valid: use aws_v1", r.FormatVersion)
	case r.ServiceCode == nil && action != "DescribeServices" && action != "GetPriceListFileUrl":
		return nil, constraint("serviceCode", "Member must not be null")
	case r.ServiceCode != nil && c.Fields[*r.ServiceCode] == nil:
		return nil, refusePricing("NotFoundException", "Invalid service code: %q", *r.ServiceCode)
	}
	return operation(c, r, size)
}

// pricingAction is an operation of the price list with its page size.
type pricingAction func(*catalog.PriceList, pricingRequest, int) (any, *pricingError)

func pricingActions() map[string]pricingAction {
	return map[string]pricingAction{
		"DescribeServices":    describeServices,
		"GetAttributeValues":  getAttributeValues,
		"GetPriceListFileUrl": getPriceListFile,
		"GetProducts":         getProducts,
		"ListPriceLists":      listPriceLists,
	}
}

func getProducts(c *catalog.PriceList, r pricingRequest, size int) (any, *pricingError) {
	if refused := prepareFilters(c, r.service(), r.Filters); refused != nil {
		return nil, refused
	}
	ofService := catalog.ProductFilter{Type: "TERM_MATCH", Field: "servicecode", Values: []string{r.service()}}
	filters := append([]catalog.ProductFilter{ofService}, r.Filters...)
	digest := wire.QueryDigest("GetProducts "+r.service(), r.Filters)
	page, next, refused := nextPage(c.Version, c.Query(digest, filters), digest, r.NextToken, size)
	if refused != nil {
		return nil, refused
	}
	list := make([]string, len(page))
	for i, p := range page {
		var err error
		if list[i], err = p.Document(c.Edition); err != nil {
			return nil, &pricingError{http.StatusInternalServerError, "InternalErrorException", err.Error()}
		}
	}
	return struct {
		FormatVersion string
		NextToken     string `json:",omitempty"`
		PriceList     []string
	}{"aws_v1", next, list}, nil
}

func describeServices(c *catalog.PriceList, r pricingRequest, size int) (any, *pricingError) {
	type service struct {
		ServiceCode    string
		AttributeNames []string
	}
	var services []service
	for _, code := range slices.Sorted(maps.Keys(c.Fields)) {
		if r.ServiceCode == nil || *r.ServiceCode == code {
			services = append(services, service{code, slices.Sorted(maps.Values(c.Fields[code]))})
		}
	}
	page, next, refused := nextPage(c.Version, services, wire.QueryDigest("DescribeServices", r.service()), r.NextToken, size)
	if refused != nil {
		return nil, refused
	}
	return struct {
		FormatVersion string
		NextToken     string `json:",omitempty"`
		Services      []service
	}{"aws_v1", next, page}, nil
}

func getAttributeValues(c *catalog.PriceList, r pricingRequest, size int) (any, *pricingError) {
	if r.AttributeName == nil {
		return nil, constraint("attributeName", "Member must not be null")
	}
	name, ok := c.Fields[r.service()][strings.ToLower(*r.AttributeName)]
	if !ok {
		return nil, refusePricing("NotFoundException", "Invalid attribute name: %q", *r.AttributeName)
	}
	page, next, refused := nextPage(c.Version, attributeValues(c, r.service(), name), wire.QueryDigest("GetAttributeValues "+r.service(), name), r.NextToken, size)
	if refused != nil {
		return nil, refused
	}
	type attributeValue struct{ Value string }
	values := make([]attributeValue, len(page))
	for i, v := range page {
		values[i] = attributeValue{v}
	}
	return struct {
		AttributeValues []attributeValue
		NextToken       string `json:",omitempty"`
	}{values, next}, nil
}

// attributeValues returns the values that an attribute has in a service, sorted.
func attributeValues(c *catalog.PriceList, service, name string) []string {
	seen := map[string]bool{}
	for _, s := range c.Sections {
		if s.Service != service {
			continue
		}
		if v, ok := catalog.Find(s.Common, name); ok {
			seen[v] = true
			continue
		}
		if !s.Own[name] {
			continue
		}
		for _, p := range s.Rows() {
			if v, ok := p.Value(name); ok {
				seen[v] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// pageToken is what an opaque NextToken holds.
type pageToken struct {
	List   string // version of the price list
	Query  string // digest of the query that it continues
	Offset int
}

func (t pageToken) encode() string {
	raw, _ := json.Marshal(t) // strings and a number cannot fail
	return base64.URLEncoding.EncodeToString(raw)
}

// nextPage cuts a page of items and the token of the next one. A token belongs
// to one query and one version of the price list.
func nextPage[T any](version string, items []T, digest, token string, size int) (page []T, next string, refused *pricingError) {
	from := 0
	if token != "" {
		var t pageToken
		raw, err := base64.URLEncoding.DecodeString(token)
		if err == nil {
			err = json.Unmarshal(raw, &t)
		}
		switch {
		case err != nil || t.List == "":
			return nil, "", refusePricing("InvalidNextTokenException", "The pagination token is invalid. Try again without a pagination token.")
		case t.List != version:
			return nil, "", refusePricing("ExpiredNextTokenException", "The pagination token expired. Try again without a pagination token.")
		case t.Query != digest || t.Offset <= 0 || t.Offset >= len(items):
			return nil, "", refusePricing("InvalidNextTokenException", "The pagination token is not one of this query. Try again without a pagination token.")
		}
		from = t.Offset
	}
	to := min(from+size, len(items))
	if to < len(items) {
		next = pageToken{List: version, Query: digest, Offset: to}.encode()
	}
	return items[from:to], next, nil
}

// ReadFilters checks the filters and prepares them. Fields are spelled as the
// list spells them, whatever case the caller used.
func prepareFilters(c *catalog.PriceList, service string, filters []catalog.ProductFilter) *pricingError {
	if len(filters) > maxProductFilters {
		return constraint("filters", fmt.Sprintf("Member must have length less than or equal to %d", maxProductFilters))
	}
	for i := range filters {
		f := &filters[i]
		at := fmt.Sprintf("filters.%d.member", i+1)
		switch {
		case !slices.Contains(catalog.FilterTypes(c.AnyOf), f.Type):
			return constraint(at+".type", "Member must satisfy enum value set: ["+
				strings.Join(catalog.FilterTypes(c.AnyOf), ", ")+"]")
		case f.Field == "":
			return constraint(at+".field", "Member must have length greater than or equal to 1")
		case f.Value == "":
			return constraint(at+".value", "Member must have length greater than or equal to 1")
		case len(f.Value) > maxFilterValue:
			return constraint(at+".value", fmt.Sprintf("Member must have length less than or equal to %d", maxFilterValue))
		}
		if name, ok := c.Fields[service][strings.ToLower(f.Field)]; ok {
			f.Field = name
		}
		f.Values = []string{f.Value}
		if c.AnyOf == "comma" && (f.Type == "ANY_OF" || f.Type == "NONE_OF") {
			f.Values = strings.Split(f.Value, ",")
			for j, v := range f.Values {
				f.Values[j] = strings.TrimSpace(v)
			}
		}
	}
	return nil
}

// Limits of GetProducts, as its reference states them.
const (
	maxProductFilters = 50
	maxFilterValue    = 1024
)
