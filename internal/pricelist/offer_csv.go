package pricelist

import (
	"encoding/csv"
	"errors"
	"io"
	"maps"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// headLines bounds the lines before the header: AWS writes five.
const headLines = 20

// csvOffer is the reading of an offer file in CSV: lines about the file, each
// with a name and a value, then a header, then a row for each price. Columns
// are in any order, and some are missing where no product has them.
type csvOffer struct {
	width      int               // how many columns there are
	columns    map[string]int    // by columnOf their names
	attributes map[string]string // the row's
	head       offerHead
	products   []price.Product
	bySKU      map[string]int // index into products
}

func readCSV(r io.Reader, want func(string, map[string]string) bool) ([]price.Product, offerHead, error) {
	in := csv.NewReader(r)
	in.ReuseRecord, in.FieldsPerRecord = true, -1
	o := &csvOffer{attributes: map[string]string{}, bySKU: map[string]int{}}
	if err := o.readHead(in); err != nil {
		return nil, o.head, err
	}
	in.FieldsPerRecord = o.width
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, o.head, invalidCSV(err)
		}
		o.head.products++
		o.row(row, want)
	}
	for n := range o.products {
		sortRates(o.products[n].Rates)
	}
	return o.products, o.head, nil
}

// invalidCSV gives what is wrong with the file a kind; what is wrong with the
// reading of it has its own.
func invalidCSV(err error) error {
	if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
		return fleet.Errorf(fleet.ErrInvalid, "%w", err)
	}
	return err
}

// readHead reads up to the header.
func (o *csvOffer) readHead(in *csv.Reader) error {
	for range headLines {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return invalidCSV(err)
		}
		if len(row) > 2 {
			return o.header(row)
		}
		if len(row) < 2 {
			continue
		}
		switch columnOf(row[0]) {
		case "offercode":
			o.head.code = strings.Clone(row[1])
		case "version":
			o.head.version = strings.Clone(row[1])
		case "publicationdate":
			o.head.published = timeOf(row[1])
		}
	}
	return fleet.Errorf(fleet.ErrInvalid, "there is no header in its first %d lines: it is not an offer file", headLines)
}

// header finds the columns by their names.
func (o *csvOffer) header(row []string) error {
	o.width, o.columns = len(row), make(map[string]int, len(row))
	for n, name := range row {
		o.columns[columnOf(name)] = n
	}
	for _, name := range []string{"SKU", "RateCode", "TermType", "Unit", "PricePerUnit", "Currency", "Region Code", "usageType", "operation"} {
		if _, ok := o.columns[columnOf(name)]; !ok {
			return fleet.Errorf(fleet.ErrInvalid, "there is no column %q: it is not an offer file", name)
		}
	}
	return nil
}

// row takes one price.
func (o *csvOffer) row(row []string, want func(string, map[string]string) bool) {
	cell := func(column string) string {
		if n, ok := o.columns[column]; ok {
			return row[n]
		}
		return ""
	}
	if cell("termtype") != "OnDemand" {
		return
	}
	clear(o.attributes)
	for _, name := range attributes() {
		if value := cell(columnOf(name)); value != "" {
			o.attributes[name] = value
		}
	}
	if !want(cell("productfamily"), o.attributes) {
		return
	}
	// The cells are parts of the row's line, which products must not keep.
	sku := cell("sku")
	n, known := o.bySKU[sku]
	if !known {
		n, sku = len(o.products), strings.Clone(sku)
		o.bySKU[sku] = n
		kept := maps.Clone(o.attributes)
		for name, value := range kept {
			kept[name] = strings.Clone(value)
		}
		o.products = append(o.products, price.Product{SKU: sku, Family: strings.Clone(cell("productfamily")), Attributes: kept})
	}
	usd, err := price.ParseUSD(cell("priceperunit"))
	if err != nil || cell("currency") != "USD" {
		return // another currency: missing, not wrong
	}
	o.products[n].Rates = append(o.products[n].Rates, price.Rate{
		Code: strings.Clone(cell("ratecode")), Unit: strings.Clone(cell("unit")), USD: usd,
		Begin: strings.Clone(cell("startingrange")), End: strings.Clone(cell("endingrange")),
		Effective: timeOf(cell("effectivedate")), Description: strings.Clone(cell("pricedescription")),
	})
}
