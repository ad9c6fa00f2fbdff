package pricing

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"nightshift/internal/sandbox/catalog"
)

// SendOffer sends the file SERVICE/VERSION/REGION/index.FORMAT.
func SendOffer(newest *catalog.PriceList, w http.ResponseWriter, r *http.Request, path string) (status int) {
	parts := strings.Split(path, "/")
	format, ok := strings.CutPrefix(parts[len(parts)-1], "index.")
	if len(parts) != 4 || !ok || !slices.Contains(offerFormats(), format) {
		http.NotFound(w, r)
		return http.StatusNotFound
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return http.StatusMethodNotAllowed
	}
	list, err := newest.Numbered(parts[1])
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return http.StatusInternalServerError
	}
	if list == nil || !slices.Contains(filesOf(list, parts[0]), priceFile{parts[0], list.Version, parts[2]}) {
		http.NotFound(w, r)
		return http.StatusNotFound
	}
	tag := `"` + strings.Join([]string{parts[0], list.Version, parts[2], format}, "-") + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified
	}
	w.Header().Set("Content-Type", map[string]string{"json": "application/json", "csv": "text/csv"}[format])
	var out io.Writer = w
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		zip, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is a valid one
		defer func() { _ = zip.Close() }()               // the client may have gone
		out = zip
	}
	if r.Method == http.MethodHead {
		return http.StatusOK
	}
	buffered := bufio.NewWriterSize(out, 64<<10)
	if format == "csv" {
		err = writeCSV(list, buffered, parts[0], parts[2])
	} else {
		err = writeJSON(list, buffered, parts[0], parts[2])
	}
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return 0 // the connection is gone
	}
	return http.StatusOK
}

// disclaimer is what the file says about itself.
const disclaimer = "This price list belongs to a sandbox. Some of its prices are made up; see the data of the sandbox."

// eachOffered goes through the products of a file. They are made for this and not
// kept.
func eachOffered(c *catalog.PriceList, service, region string, do func(*catalog.Product) error) error {
	for _, s := range c.Sections {
		if s.Service != service || s.Region != region {
			continue
		}
		for _, p := range s.Make() {
			if err := do(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeJSON writes the bulk JSON format: all products, then the terms of all,
// the on-demand ones before the reserved ones.
func writeJSON(c *catalog.PriceList, w io.Writer, service, region string) error {
	head, err := json.Marshal(struct {
		FormatVersion   string `json:"formatVersion"`
		Disclaimer      string `json:"disclaimer"`
		OfferCode       string `json:"offerCode"`
		Version         string `json:"version"`
		PublicationDate string `json:"publicationDate"`
	}{"v1.0", disclaimer, service, c.Version, c.Published})
	if err != nil {
		return fmt.Errorf("write the head of the price list: %w", err)
	}
	o := objectWriter{w: w}
	o.text(strings.TrimSuffix(string(head), "}") + `,"products":{`)
	err = eachOffered(c, service, region, func(p *catalog.Product) error {
		return o.member(p.SKU, offerProduct{p.SKU, p.Family, p.Body().Attributes})
	})
	if err != nil {
		return err
	}
	o.text("\n},\"terms\":{\"OnDemand\":{")
	err = eachOffered(c, service, region, func(p *catalog.Product) error { return o.member(p.SKU, p.OnDemandTerms(c.Edition)) })
	if err != nil {
		return err
	}
	o.text("\n},\"Reserved\":{")
	err = eachOffered(c, service, region, func(p *catalog.Product) error {
		if terms := p.ReservedTerms(c.Edition); terms != nil {
			return o.member(p.SKU, terms)
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.text("\n}},\"attributesList\":{}}\n")
	return o.err
}

// offerProduct is a product in the bulk file, which orders its members in
// another way than GetProducts.
type offerProduct struct {
	SKU           string            `json:"sku"`
	ProductFamily string            `json:"productFamily,omitempty"`
	Attributes    map[string]string `json:"attributes"`
}

// objectWriter writes JSON objects member by member. It keeps its first error.
type objectWriter struct {
	w     io.Writer
	begun bool // the open object has a member
	err   error
}

// text writes what opens or closes an object.
func (o *objectWriter) text(s string) {
	if o.err == nil {
		_, o.err = io.WriteString(o.w, s)
	}
	o.begun = false
}

func (o *objectWriter) member(name string, value any) error {
	raw, err := json.Marshal(value)
	switch {
	case o.err != nil:
		return o.err
	case err != nil:
		o.err = fmt.Errorf("write %s: %w", name, err)
		return o.err
	}
	comma := ""
	if o.begun {
		comma = ","
	}
	o.begun = true
	_, o.err = fmt.Fprintf(o.w, "%s\n%q:%s", comma, name, raw)
	return o.err
}

// offerColumns are the columns of the CSV format that are no attributes.
func offerColumns() []string {
	return []string{
		"SKU", "OfferTermCode", "RateCode", "TermType", "PriceDescription", "EffectiveDate", "StartingRange", "EndingRange",
		"Unit", "PricePerUnit", "Currency", "LeaseContractLength", "PurchaseOption", "OfferingClass", "Product Family",
	}
}

// columnName is how the CSV format names an attribute. Those that it only
// writes with capitals, such as "Instance Type", are named by rule.
func columnName(attribute string) string {
	switch attribute {
	case "servicecode":
		return "serviceCode"
	case "servicename":
		return "serviceName"
	case "usagetype":
		return "usageType"
	case "operation", "instancesku":
		return attribute
	case "vcpu":
		return "vCPU"
	case "preInstalledSw":
		return "Pre Installed S/W"
	case "capacitystatus":
		return "CapacityStatus"
	case "marketoption":
		return "MarketOption"
	case "maxIopsvolume":
		return "Max IOPS/volume"
	case "maxThroughputvolume":
		return "Max throughput/volume"
	case "volumeApiName":
		return "Volume API Name"
	}
	var b strings.Builder
	for n, r := range attribute {
		if n > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String()[:1]) + b.String()[1:]
}

// writeCSV writes the bulk CSV format: five lines about the file, a header, and
// a row for each price.
func writeCSV(c *catalog.PriceList, w io.Writer, service, region string) error {
	out := csv.NewWriter(w)
	for _, pair := range [][]string{
		{"FormatVersion", "v1.0"}, {"Disclaimer", disclaimer}, {"Publication Date", c.Published}, {"Version", c.Version}, {"OfferCode", service},
	} {
		if err := out.Write(pair); err != nil {
			return err
		}
	}
	attributes := slices.DeleteFunc(sortedValues(c.Fields[service]), func(name string) bool { return name == "sku" || name == "productFamily" })
	header := offerColumns()
	for _, name := range attributes {
		header = append(header, columnName(name))
	}
	if err := out.Write(header); err != nil {
		return err
	}
	row := make([]string, len(header))
	err := eachOffered(c, service, region, func(p *catalog.Product) error {
		fixed := row[len(offerColumns())-1:]
		fixed[0] = p.Family
		for n, name := range attributes {
			fixed[n+1], _ = p.Value(name)
		}
		write := func(kind string, term catalog.TermJSON) error {
			for _, code := range slices.Sorted(maps.Keys(term.PriceDimensions)) {
				d := term.PriceDimensions[code]
				copy(row, []string{
					p.SKU, term.OfferTermCode, code, kind, d.Description, term.EffectiveDate[:len("2006-01-02")], d.BeginRange, d.EndRange,
					d.Unit, d.PricePerUnit["USD"], "USD", term.TermAttributes["LeaseContractLength"],
					term.TermAttributes["PurchaseOption"], term.TermAttributes["OfferingClass"],
				})
				if err := out.Write(row); err != nil {
					return err
				}
			}
			return nil
		}
		for _, term := range p.OnDemandTerms(c.Edition) {
			if err := write("OnDemand", term); err != nil {
				return err
			}
		}
		reserved := p.ReservedTerms(c.Edition)
		for _, code := range slices.Sorted(maps.Keys(reserved)) {
			if err := write("Reserved", reserved[code]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

func sortedValues(m map[string]string) []string {
	list := make([]string, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}
