package pricelist

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// line understands the fields.
func (r *reader) line() error {
	fields := r.fields[1:]
	for n, field := range fields {
		var err error
		if fields[n], err = unescape(field); err != nil {
			return err
		}
	}
	switch kind := r.fields[0]; {
	case kind == ratesLine && len(fields) == 1:
		return r.question(fields[0], func() { r.regionPrices.rates = r.answer })
	case kind == instanceLine && len(fields) == 5:
		k := price.InstanceKey{Region: r.head.Region, Type: fleet.InstanceType(fields[0]), Tenancy: fields[1], Operation: fields[2]}
		k.Unused = fields[3] != k.Capacity()
		return r.question(fields[4], func() { r.regionPrices.instances[k] = r.answer })
	case kind == productLine && len(fields) == 3+len(r.head.Attributes) && r.done != nil:
		return r.product(fields)
	case kind == rateLine && len(fields) == 7 && len(r.products) > 0:
		return r.rate(&r.products[len(r.products)-1], fields)
	default:
		return fmt.Errorf("%d fields after %.20q", len(fields), kind)
	}
}

// question begins the next answer.
func (r *reader) question(fetched string, done func()) (err error) {
	if r.done != nil {
		r.done()
	}
	r.done, r.answer = done, answer{}
	r.fetched, err = instantOf(fetched)
	return err
}

func (r *reader) product(fields []string) error {
	n, err := strconv.Atoi(fields[2])
	if err != nil || n < 0 || n >= len(r.head.Lists) {
		return fmt.Errorf("there is no list %q", fields[2])
	}
	p := price.Product{
		SKU: fields[0], Family: fields[1], Attributes: make(map[string]string, len(r.head.Attributes)),
		Version: r.head.Lists[n].Version, Published: r.head.Lists[n].Published,
	}
	for n, name := range r.head.Attributes {
		if value, ok := strings.CutPrefix(fields[3+n], "="); ok {
			p.Attributes[name] = value
		}
	}
	r.products = append(r.products, p)
	return nil
}

func (r *reader) rate(p *price.Product, fields []string) error {
	usd, err := price.ParseUSD(fields[2])
	if err != nil {
		return err
	}
	effective, err := instantOf(fields[5])
	if err != nil {
		return err
	}
	p.Rates = append(p.Rates, price.Rate{
		Code: fields[0], Unit: fields[1], USD: usd, Begin: fields[3], End: fields[4], Effective: effective, Description: fields[6],
	})
	return nil
}

// unescape is the text of a field.
func unescape(field string) (string, error) {
	if !strings.Contains(field, `\`) {
		return field, nil
	}
	var b strings.Builder
	for n := 0; n < len(field); n++ {
		c := field[n]
		if c == '\\' {
			n++
			if n == len(field) {
				return "", errors.New("a field ends in the middle")
			}
			switch field[n] {
			case '\\':
				c = '\\'
			case 't':
				c = '\t'
			case 'n':
				c = '\n'
			default:
				return "", fmt.Errorf("%.20q cannot be read", field)
			}
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}
