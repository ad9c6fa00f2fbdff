package pricelist

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// ReadOffer reads a bulk offer file of AWS in one pass, in memory that does not
// grow with the file: in the JSON or in the CSV format, plain or packed with
// gzip. It returns the products that were asked for with their on-demand rates
// in US dollars; rates of other kinds and currencies are left out.
//
// The function is asked about each product, in the CSV format about each row. It
// is given the product's family and those attributes that distinguish
// prices, under the names that they have in the JSON format, and must not keep
// the map. The products carry the same attributes.
//
// A file that ends early or is damaged is an error, and so is one whose terms
// precede its products; nothing is returned then. In a CSV file that is cut off
// between two rows the loss cannot be seen. The formats are those of "Reading the
// service price list file", AWS Billing User Guide.
func ReadOffer(r io.Reader, want func(family string, attributes map[string]string) bool) ([]price.Product, error) {
	products, _, err := readOffer(r, want)
	return products, err
}

// offerHead is what an offer file says of itself.
type offerHead struct {
	code      string // of the service: "AmazonEC2"
	version   string
	published time.Time
	products  int // how many there are; in the CSV format, rows
}

func readOffer(r io.Reader, want func(string, map[string]string) bool) ([]price.Product, offerHead, error) {
	buffered := bufio.NewReaderSize(r, window)
	if start, _ := buffered.Peek(2); bytes.Equal(start, []byte{0x1f, 0x8b}) {
		zip, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, offerHead{}, fleet.Errorf(fleet.ErrInvalid, "the offer file cannot be unpacked: %w", err)
		}
		buffered = bufio.NewReaderSize(zip, window)
	}
	if start, _ := buffered.Peek(3); bytes.Equal(start, []byte("\ufeff")) {
		_, _ = buffered.Discard(3) // they are in the buffer
	}
	start, err := buffered.Peek(1)
	var products []price.Product
	var head offerHead
	switch {
	case errors.Is(err, io.EOF):
		err = fleet.Errorf(fleet.ErrInvalid, "the file is empty")
	case err != nil:
	case bytes.ContainsAny(start, "{ \r\n\t"):
		products, head, err = readJSON(buffered, want)
	default:
		products, head, err = readCSV(buffered, want)
	}
	switch {
	case damaged(err):
		return nil, head, fleet.Errorf(fleet.ErrInvalid, "the offer file is damaged; fetch it again: %w", err)
	case err != nil:
		return nil, head, fmt.Errorf("the offer file cannot be read: %w", err)
	}
	for n := range products {
		products[n].Version, products[n].Published = head.version, head.published
	}
	return products, head, nil
}

// damaged is whether what is packed cannot be unpacked. A connection that breaks
// off is something else: whoever reads from it says so.
func damaged(err error) bool {
	corrupt := flate.CorruptInputError(0)
	return errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.As(err, &corrupt) ||
		errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, fleet.ErrUnavailable)
}

// timeOf reads an instant or a date. One that is neither is not known.
func timeOf(text string) time.Time {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// intern keeps one copy of each of the texts that come again and again.
type intern map[string]string

// internMost bounds the copies.
const internMost = 1 << 14

func (t intern) text(b []byte) string {
	if s, ok := t[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(t) < internMost {
		t[s] = s
	}
	return s
}
