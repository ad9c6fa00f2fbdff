package pricelist_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/pricelist"
)

// memory is a store.
type memory map[string][]byte

func (m memory) Put(_ context.Context, key string, body []byte) error {
	m[key] = bytes.Clone(body)
	return nil
}

func (m memory) Get(_ context.Context, key string) ([]byte, error) {
	if body, ok := m[key]; ok {
		return body, nil
	}
	return nil, fleet.ErrNotFound
}

func (m memory) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, err := m.Get(ctx, key)
	return io.NopCloser(bytes.NewReader(body)), err
}

func (m memory) List(_ context.Context, prefix string) ([]string, error) {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m)), func(key string) bool { return !strings.HasPrefix(key, prefix) }), nil
}

// A cache that is damaged, or is not a cache, is reported, asked for again and
// replaced.
func TestDamaged(t *testing.T) {
	s, good := newShop(), memory{}
	hourly(t, run(t, s, good, 0), key("m5.large"))
	s.took()
	const objectKey = string(seoul) + ".gz"
	zip := func(text string) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
			t.Fatal("cannot pack")
		}
		return out.Bytes()
	}
	const header = `{"format": "nightshift price book", "version": 1, "region": "ap-northeast-2", "lists": [{}]}` + "\n"
	whole := good[objectKey]
	foreign := memory{}
	elsewhere := key("m5.large")
	elsewhere.Region = "us-east-1"
	hourly(t, run(t, s, foreign, 0), elsewhere)
	for name, body := range map[string][]byte{
		"empty":          {},
		"text":           []byte("not a cache"),
		"half":           whole[:len(whole)/2],
		"no JSON":        zip("not JSON"),
		"another format": zip(`{"format": "recipes", "version": 1, "region": "ap-northeast-2"}`),
		"another version": zip(
			`{"format": "nightshift price book", "version": 99, "region": "ap-northeast-2"}`),
		"another region":    foreign["us-east-1.gz"],
		"an unknown line":   zip(header + "recipe\tflour\n"),
		"a field too few":   zip(header + "rates\n"),
		"no such list":      zip(header + "rates\t2026-11-22T08:59:00Z\nproduct\tSKU\tStorage\t3\n"),
		"a product alone":   zip(header + "product\tSKU\tStorage\t0\n"),
		"a rate alone":      zip(header + "rates\t2026-11-22T08:59:00Z\nrate\tcode\tHrs\t0.10\t0\tInf\t\ttext\n"),
		"no amount":         zip(header + "rates\t\nproduct\tSKU\tStorage\t0\nrate\tcode\tHrs\tmuch\t0\tInf\t\ttext\n"),
		"no instant":        zip(header + "rates\tyesterday\n"),
		"an unknown escape": zip(header + "rates\t\nproduct\tS\\xKU\tStorage\t0\n"),
		"half an escape":    zip(header + "rates\t\nproduct\tSKU\tStorage\\\t0\n"),
	} {
		t.Run(name, func(t *testing.T) {
			s.took()
			store := memory{objectKey: body}
			c := run(t, s, store, 0)
			want(t, "prices", hourly(t, c, key("m5.large")), "0.118")
			want(t, "calls", s.took(), 1)
			reported(t, c, "the price cache of ap-northeast-2 is ignored and made anew: it is")
			c = run(t, s, store, 0)
			want(t, "prices from the new one", hourly(t, c, key("m5.large")), "0.118")
			want(t, "calls with the new one", s.took(), 0)
			noNotes(t, c)
		})
	}
}

// A flipped bit is never another price: gzip has a checksum.
func TestFlippedBit(t *testing.T) {
	s, good := newShop(), memory{}
	hourly(t, run(t, s, good, 0), key("m5.large"), key("none.large"))
	whole := good[string(seoul)+".gz"]
	rapid.Check(t, func(r *rapid.T) {
		body := bytes.Clone(whole)
		at := rapid.IntRange(0, len(body)*8-1).Draw(r, "bit")
		body[at/8] ^= 1 << (at % 8)
		c := pricelist.New(s, pricelist.Options{Store: memory{string(seoul) + ".gz": body}, Now: instant()})
		products, err := c.Instances(context.Background(), []price.InstanceKey{key("m5.large")})
		if got := prices(products, key("m5.large")); got != "0.118" || err != nil {
			r.Fatalf("%s, %v", got, err)
		}
	})
}

// refusing is a store that cannot be read or cannot be written.
type refusing struct {
	memory
	get, put error
}

func (r refusing) Get(ctx context.Context, key string) ([]byte, error) {
	if r.get != nil {
		return nil, r.get
	}
	return r.memory.Get(ctx, key)
}

func (r refusing) Put(ctx context.Context, key string, body []byte) error {
	if r.put != nil {
		return r.put
	}
	return r.memory.Put(ctx, key, body)
}

// A store that fails costs calls, and its objects are not replaced unread.
func TestStoreFails(t *testing.T) {
	s, kept := newShop(), memory{}
	hourly(t, run(t, s, kept, 0), key("m5.large"))
	before := bytes.Clone(kept[string(seoul)+".gz"])
	closed := errors.New("the folder is closed")

	c := run(t, s, refusing{memory: kept, get: closed}, 0)
	want(t, "prices", hourly(t, c, key("m5.xlarge")), "0.236")
	reported(t, c, "cannot be read, and is left as it is: the folder is closed")
	want(t, "the object", kept[string(seoul)+".gz"], before)

	c = run(t, s, refusing{memory: kept, put: closed}, 0)
	want(t, "prices", hourly(t, c, key("m5.xlarge"), key("m5.large")), "0.236 0.118")
	reported(t, c, "could not be kept for the next run: the folder is closed")
}

// fixed is a price list of given products.
type fixed []price.Product

func (f fixed) Instances(context.Context, []price.InstanceKey) ([]price.Product, error) {
	return f, nil
}
func (f fixed) Rates(context.Context, fleet.Region) ([]price.Product, error) { return f, nil }

// Whatever a product says, the second run has it as the first.
func TestCacheIsUnchanged(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "Hrs", "RunInstances:0002", "a\tb\r\nc", `"quoted"`}))
	moment := rapid.Map(rapid.Int64Range(0, 4e9), func(s int64) time.Time { return time.Unix(s, 0).UTC() })
	rate := rapid.Custom(func(r *rapid.T) price.Rate {
		return price.Rate{
			Code: text.Draw(r, "code"), Unit: text.Draw(r, "unit"), USD: price.USD(rapid.Int64Range(-1e15, 1e15).Draw(r, "usd")),
			Begin: text.Draw(r, "begin"), End: text.Draw(r, "end"), Effective: moment.Draw(r, "effective"), Description: text.Draw(r, "description"),
		}
	})
	rapid.Check(t, func(r *rapid.T) {
		k := price.InstanceKey{
			Region: seoul, Type: fleet.InstanceType("m5." + text.Draw(r, "size")), Tenancy: text.Draw(r, "tenancy"),
			Operation: text.Draw(r, "operation"), Unused: rapid.Bool().Draw(r, "unused"),
		}
		if k.HostBilled() {
			r.Skip("has no price")
		}
		var list fixed
		for n := range rapid.IntRange(0, 3).Draw(r, "products") {
			p := price.Product{
				SKU: fmt.Sprint(n, text.Draw(r, "sku")), Family: text.Draw(r, "family"), Version: text.Draw(r, "version"), Published: moment.Draw(r, "published"),
				Attributes: map[string]string{
					"regionCode": string(seoul), "instanceType": string(k.Type), "tenancy": k.Tenancy, "operation": k.Operation,
					"capacitystatus": k.Capacity(), "usagetype": "EBS:Volume" + text.Draw(r, "usagetype"),
				},
				Rates: rapid.SliceOfN(rate, 0, 3).Draw(r, "rates"),
			}
			if rapid.Bool().Draw(r, "more") {
				p.Attributes["licenseModel"], p.Attributes["marketoption"] = text.Draw(r, "licence"), ""
			}
			if len(p.Rates) == 0 {
				p.Rates = nil
			}
			list = append(list, p)
		}
		store := memory{}
		ask := func(list pricelist.PriceList) (instances, rates []price.Product, notes []string) {
			c := pricelist.New(list, pricelist.Options{Store: store, Now: instant()})
			instances, err := c.Instances(context.Background(), []price.InstanceKey{k})
			if err != nil {
				r.Fatal(err)
			}
			if rates, err = c.Rates(context.Background(), seoul); err != nil {
				r.Fatal(err)
			}
			return instances, rates, c.Notes()
		}
		for _, from := range []pricelist.PriceList{list, fixed(nil)} { // the second is not asked
			instances, rates, notes := ask(from)
			if diff := gocmp.Diff([]price.Product(list), instances); diff != "" {
				r.Fatalf("instances (-list +kept):\n%s", diff)
			}
			if diff := gocmp.Diff([]price.Product(list), rates); diff != "" {
				r.Fatalf("rates (-list +kept):\n%s", diff)
			}
			if len(notes) > 0 {
				r.Fatal(notes)
			}
		}
	})
}

// tenThousand are as many products, of as many keys.
func tenThousand() (fixed, []price.InstanceKey) {
	var list fixed
	var keys []price.InstanceKey
	s := newShop()
	for n := range 10_000 {
		k := key(fleet.InstanceType(fmt.Sprintf("m%d.%dxlarge", n/20, n%20)))
		keys = append(keys, k)
		p := s.product("APN2-BoxUsage:"+string(k.Type), "Hrs", fmt.Sprintf("%d.1234567891", n), seoul, map[string]string{
			"instanceType": string(k.Type), "tenancy": "Shared", "operation": "RunInstances", "capacitystatus": "Used", "marketoption": "OnDemand",
			"licenseModel": "No License required", "operatingSystem": "Linux", "preInstalledSw": "NA",
		})
		p.SKU = fmt.Sprintf("SKU%013d", n)
		p.Rates[0].Code = p.SKU + ".JRTCKXETXF.6YS6EN2CT7"
		p.Rates[0].Description = fmt.Sprintf("$%d.1234567891 per On Demand Linux %s Instance Hour", n, k.Type)
		list = append(list, p)
	}
	return list, keys
}

func BenchmarkLoad10000(b *testing.B) {
	list, keys := tenThousand()
	store := memory{}
	if _, err := pricelist.New(list, pricelist.Options{Store: store, Now: instant()}).Instances(b.Context(), keys); err != nil {
		b.Fatal(err)
	}
	defer func() { b.ReportMetric(float64(len(store[string(seoul)+".gz"]))/1024, "KiB") }()
	for b.Loop() {
		products, err := pricelist.New(fixed(nil), pricelist.Options{Store: store, Now: instant()}).Instances(b.Context(), keys)
		if len(products) != len(keys) || err != nil {
			b.Fatal(len(products), err)
		}
	}
}

// Products keep every attribute that anybody looks at: the packages that do are
// read for it.
func TestAttributesThatAreRead(t *testing.T) {
	var names []string
	for _, dir := range []string{"../price", "../cost", "../cli"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
			if err != nil {
				return nil //nolint:nilerr // the compiler reports it
			}
			ast.Inspect(file, func(n ast.Node) bool {
				index, ok := n.(*ast.IndexExpr)
				if !ok {
					return true
				}
				of := string(source[index.X.Pos()-1 : index.X.End()-1])
				literal, ok := index.Index.(*ast.BasicLit)
				// price writes "a" for a product's attributes.
				if ok && literal.Kind == token.STRING && (strings.HasSuffix(of, "Attributes") || dir == "../price" && of == "a") {
					name, _ := strconv.Unquote(literal.Value)
					names = append(names, name)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) < 8 {
		t.Fatalf("found only %q", names)
	}
	s := newShop()
	more := map[string]string{}
	for _, name := range names {
		more[name] = "x"
	}
	p := s.product("EBS:VolumeUsage.gp3", "GB-Mo", "1", seoul, more)
	p.Attributes["usagetype"] = "EBS:VolumeUsage.gp3"
	kept, err := pricelist.New(fixed{p}, pricelist.Options{Now: instant()}).Rates(t.Context(), seoul)
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v, %v", kept, err)
	}
	for _, name := range names {
		if kept[0].Attributes[name] == "" {
			t.Errorf("the attribute %q is read, and lost in the cache", name)
		}
	}
}

var _ blob.Store = blob.Folder("")
