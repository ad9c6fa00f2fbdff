package book

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// The format of what is kept: a gzip file with one JSON object for each region.
const (
	formatName    = "nightshift price book"
	formatVersion = 1
	// largest bounds a cache that is unpacked: 10,000 products take some 5 MiB.
	largest = 256 << 20
)

// place is the key of a region's object.
func place(region fleet.Region) string { return string(region) + ".json.gz" }

// bookFile is what is kept of a region. Products are rows without the names of
// their attributes, which makes them half as long and as fast again to read.
type bookFile struct {
	Format    string        `json:"format"`
	Version   int           `json:"version"`
	Region    fleet.Region  `json:"region"`
	Columns   []string      `json:"attributes"`
	Lists     []listRow     `json:"lists"`
	Instances []instanceRow `json:"instances"`
	Rates     answerRow     `json:"rates"`
	Changes   []Change      `json:"changes"`
}

// listRow is a version of the price list, to which products point.
type listRow struct {
	Version   string    `json:"version"`
	Published time.Time `json:"published"`
}

type instanceRow struct {
	Type      fleet.InstanceType `json:"type"`
	Tenancy   string             `json:"tenancy"`
	Operation string             `json:"operation"`
	Unused    bool               `json:"unused,omitempty"`
	answerRow
}

type answerRow struct {
	Fetched  time.Time    `json:"fetched,omitzero"`
	Products []productRow `json:"products,omitempty"`
}

type productRow struct {
	SKU    string `json:"sku"`
	Family string `json:"family"`
	// Values are those of the attributes, in the order of the columns; null where
	// the product does not have one.
	Values []*string `json:"values"`
	List   int       `json:"list"` // index
	Rates  []rateRow `json:"rates"`
}

type rateRow struct {
	Code        string    `json:"code"`
	Unit        string    `json:"unit"`
	USD         price.USD `json:"usd"`
	Begin       string    `json:"begin,omitempty"`
	End         string    `json:"end,omitempty"`
	Effective   time.Time `json:"effective,omitzero"`
	Description string    `json:"description"`
}

func (s *shelf) encode() ([]byte, error) {
	f := bookFile{Format: formatName, Version: formatVersion, Region: s.region, Columns: attributes(), Changes: s.changes}
	f.Rates = f.row(s.rates)
	for _, k := range s.keys() {
		f.Instances = append(f.Instances, instanceRow{k.Type, k.Tenancy, k.Operation, k.Unused, f.row(s.instances[k])})
	}
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err == nil {
		err = errors.Join(json.NewEncoder(zip).Encode(f), zip.Close())
	}
	return out.Bytes(), err
}

func (f *bookFile) row(a answer) answerRow {
	out := answerRow{Fetched: a.fetched}
	for _, p := range a.products {
		row := productRow{SKU: p.SKU, Family: p.Family, Values: make([]*string, len(f.Columns))}
		for n, name := range f.Columns {
			if value, ok := p.Attributes[name]; ok {
				row.Values[n] = &value
			}
		}
		same := func(l listRow) bool { return l.Version == p.Version && l.Published.Equal(p.Published) }
		if row.List = slices.IndexFunc(f.Lists, same); row.List < 0 {
			row.List = len(f.Lists)
			f.Lists = append(f.Lists, listRow{p.Version, p.Published})
		}
		for _, r := range p.Rates {
			row.Rates = append(row.Rates, rateRow(r))
		}
		out.Products = append(out.Products, row)
	}
	return out
}

// decode fills an empty shelf, or leaves it empty.
func (s *shelf) decode(body []byte) error {
	zip, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(zip, largest))
	if err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	var f bookFile
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	if f.Format != formatName || f.Version != formatVersion || f.Region != s.region {
		return fmt.Errorf("it is %q, version %d, of %q", f.Format, f.Version, f.Region)
	}
	instances := make(map[price.InstanceKey]answer, len(f.Instances))
	for _, row := range f.Instances {
		key := price.InstanceKey{Region: s.region, Type: row.Type, Tenancy: row.Tenancy, Operation: row.Operation, Unused: row.Unused}
		if instances[key], err = f.answer(row.answerRow); err != nil {
			return err
		}
	}
	rates, err := f.answer(f.Rates)
	if err != nil {
		return err
	}
	s.instances, s.rates, s.changes = instances, rates, f.Changes
	return nil
}

func (f *bookFile) answer(row answerRow) (answer, error) {
	out := answer{fetched: row.Fetched}
	if len(row.Products) > 0 {
		out.products = make([]price.Product, len(row.Products))
	}
	for n, in := range row.Products {
		if in.List < 0 || in.List >= len(f.Lists) || len(in.Values) != len(f.Columns) {
			return answer{}, fmt.Errorf("it is damaged: the product %q does not fit", in.SKU)
		}
		p := price.Product{
			SKU: in.SKU, Family: in.Family, Attributes: make(map[string]string, len(f.Columns)),
			Version: f.Lists[in.List].Version, Published: f.Lists[in.List].Published,
		}
		for n, value := range in.Values {
			if value != nil {
				p.Attributes[f.Columns[n]] = *value
			}
		}
		for _, r := range in.Rates {
			p.Rates = append(p.Rates, price.Rate(r))
		}
		out.products[n] = p
	}
	return out, nil
}
