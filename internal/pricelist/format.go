package pricelist

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// The format of what is kept: a gzip file for each region. Its first line is a
// JSON object. The others are fields between tabs, which are read five times as
// fast: a question to the price list, below it the products that answered, and
// below each of these its rates.
const (
	formatName    = "nightshift price book"
	formatVersion = 1
	// largest bounds a cache that is unpacked: 10,000 products take some 3 MiB.
	largest = 256 << 20
	// packed is about how much shorter gzip makes it.
	packed = 12
)

// The kinds of lines, with the fields that follow. Instants are as in RFC 3339,
// or empty where there is none.
const (
	instanceLine = "instance" // type, tenancy, operation, capacity, fetched
	ratesLine    = "rates"    // fetched
	productLine  = "product"  // SKU, family, list, and for each attribute "=" and its value, or nothing
	rateLine     = "rate"     // code, unit, USD, begin, end, effective, description
)

// objectKey is the key of a region's object.
func objectKey(region fleet.Region) string { return string(region) + ".gz" }

// heading is the first line.
type heading struct {
	Format     string       `json:"format"`
	Version    int          `json:"version"`
	Region     fleet.Region `json:"region"`
	Attributes []string     `json:"attributes"`
	Lists      []list       `json:"lists"`
	Changes    []Change     `json:"changes"`
}

// list is a version of the price list, to which products point by its place.
type list struct {
	Version   string    `json:"version"`
	Published time.Time `json:"published"`
}

// writer writes lines.
type writer struct {
	bytes.Buffer
	escape *strings.Replacer
	head   heading
}

func (s *regionPrices) encode() ([]byte, error) {
	w := writer{
		escape: strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`),
		head:   heading{Format: formatName, Version: formatVersion, Region: s.region, Attributes: attributes(), Changes: s.changes},
	}
	if !s.rates.empty() {
		w.line(ratesLine, instantText(s.rates.fetched))
		w.products(s.rates.products)
	}
	for _, k := range s.keys() {
		a := s.instances[k]
		w.line(instanceLine, string(k.Type), k.Tenancy, k.Operation, k.Capacity(), instantText(a.fetched))
		w.products(a.products)
	}
	head, err := json.Marshal(w.head)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	_, err = zip.Write(slices.Concat(head, []byte("\n"), w.Bytes()))
	err = errors.Join(err, zip.Close())
	return out.Bytes(), err
}

func (w *writer) line(kind string, fields ...string) {
	w.WriteString(kind)
	for _, text := range fields {
		w.WriteByte('\t')
		w.WriteString(w.escape.Replace(text))
	}
	w.WriteByte('\n')
}

func (w *writer) products(products []price.Product) {
	for _, p := range products {
		n := slices.IndexFunc(w.head.Lists, func(l list) bool { return l.Version == p.Version && l.Published.Equal(p.Published) })
		if n < 0 {
			n = len(w.head.Lists)
			w.head.Lists = append(w.head.Lists, list{p.Version, p.Published})
		}
		fields := []string{p.SKU, p.Family, strconv.Itoa(n)}
		for _, name := range w.head.Attributes {
			value, ok := p.Attributes[name]
			if ok {
				value = "=" + value
			}
			fields = append(fields, value)
		}
		w.line(productLine, fields...)
		for _, r := range p.Rates {
			w.line(rateLine, r.Code, r.Unit, r.USD.String(), r.Begin, r.End, instantText(r.Effective), r.Description)
		}
	}
}

func instantText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func instantOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	return t.UTC(), err
}

// reader reads lines into a regionPrices.
type reader struct {
	text         string
	head         heading
	fields       []string
	regionPrices *regionPrices
	// done puts the answer that is being read into its place. It is nil before the
	// first one.
	done func()
	answer
}

var errDamaged = errors.New("it is damaged")

// decode fills an empty regionPrices, or leaves it empty.
func (s *regionPrices) decode(body []byte) error {
	zip, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	var text strings.Builder
	text.Grow(packed * len(body))
	if _, err := io.Copy(&text, io.LimitReader(zip, largest)); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	head, lines, _ := strings.Cut(text.String(), "\n")
	r := reader{text: lines, regionPrices: newRegionPrices(s.region)}
	if err := json.Unmarshal([]byte(head), &r.head); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if h := r.head; h.Format != formatName || h.Version != formatVersion || h.Region != s.region {
		return fmt.Errorf("it is %q, version %d, of %q", h.Format, h.Version, h.Region)
	}
	r.regionPrices.instances = make(map[price.InstanceKey]answer, strings.Count(lines, "\n"+instanceLine+"\t")+1)
	for number := 2; r.next(); number++ {
		if err := r.line(); err != nil {
			return fmt.Errorf("%w: line %d: %w", errDamaged, number, err)
		}
	}
	if r.done != nil {
		r.done()
	}
	s.instances, s.rates, s.changes = r.regionPrices.instances, r.regionPrices.rates, r.head.Changes
	return nil
}

// next takes the fields of the next line.
func (r *reader) next() bool {
	if r.text == "" {
		return false
	}
	var line string
	line, r.text, _ = strings.Cut(r.text, "\n")
	r.fields = r.fields[:0]
	for more := true; more; {
		var field string
		field, line, more = strings.Cut(line, "\t")
		r.fields = append(r.fields, field)
	}
	return true
}
