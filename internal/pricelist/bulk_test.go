package pricelist_test

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/pricelist"
)

// bulk makes an offer file of about size bytes, as it is read, in the
// proportions of those of AWS: of each product some 1,200 bytes, of an on-demand
// term 450, and of twelve reserved terms 4,500.
func bulk(bytes int) io.ReadCloser {
	const perProduct = 6400
	n := bytes / perProduct
	in, out := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(out, 1<<20)
		fmt.Fprint(w, `{"formatVersion":"v1.0","disclaimer":"made up","offerCode":"AmazonEC2","version":"20261101000000","publicationDate":"2026-11-01T00:00:00Z","products":{`)
		for k := range n {
			comma(w, k)
			fmt.Fprint(w, `"`+bulkSKU(k)+`":{"sku":"`+bulkSKU(k)+`","productFamily":"Compute Instance","attributes":{`+
				`"servicecode":"AmazonEC2","location":"Asia Pacific (Seoul)","locationType":"AWS Region","instanceType":"`+string(bulkType(k))+`",`+bulkPadding+
				`"tenancy":"Shared","operatingSystem":"Linux","licenseModel":"No License required","usagetype":"APN2-BoxUsage:`+string(bulkType(k))+
				`","operation":"RunInstances","capacitystatus":"Used","marketoption":"OnDemand","preInstalledSw":"NA","regionCode":"ap-northeast-2"}}`)
		}
		fmt.Fprint(w, `},"terms":{"OnDemand":{`)
		for k := range n {
			comma(w, k)
			bulkTerm(w, bulkSKU(k), "JRTCKXETXF", "")
		}
		fmt.Fprint(w, `},"Reserved":{`)
		for k := range n {
			comma(w, k)
			bulkTerm(w, bulkSKU(k), "MZU6U2429S", `"LeaseContractLength":"3yr","OfferingClass":"convertible","PurchaseOption":"All Upfront"`)
		}
		fmt.Fprint(w, `}},"attributesList":{}}`)
		out.CloseWithError(w.Flush())
	}()
	return in
}

const bulkPadding = `"currentGeneration":"Yes","instanceFamily":"General purpose","vcpu":"2","physicalProcessor":"Intel Xeon Platinum 8175","clockSpeed":"3.1 GHz","memory":"8 GiB",` +
	`"storage":"EBS only","networkPerformance":"Up to 10 Gigabit","processorArchitecture":"64-bit","availabilityzone":"NA","classicnetworkingsupport":"false","dedicatedEbsThroughput":"Up to 2120 Mbps",` +
	`"ecu":"10","enhancedNetworkingSupported":"Yes","gpuMemory":"NA","intelAvxAvailable":"Yes","intelAvx2Available":"Yes","intelTurboAvailable":"Yes","normalizationSizeFactor":"4",` +
	`"processorFeatures":"Intel AVX; Intel AVX2; Intel Turbo","servicename":"Amazon Elastic Compute Cloud","vpcnetworkingsupport":"true",`

func bulkSKU(k int) string { return fmt.Sprintf("SKU%013d", k) }

func bulkType(k int) fleet.InstanceType {
	return fleet.InstanceType(fmt.Sprintf("x%d.large", k))
}

func comma(w *bufio.Writer, k int) {
	if k > 0 {
		fmt.Fprint(w, ",")
	}
}

// bulkTerm writes the terms of a product: one on demand, or twelve reserved ones.
func bulkTerm(w *bufio.Writer, sku, code, lease string) {
	fmt.Fprint(w, `"`+sku+`":{`)
	many := 1
	if lease != "" {
		many = 12
	}
	for n := range many {
		comma(w, n)
		term := sku + "." + code[:9] + string(rune('A'+n))
		fmt.Fprint(w, `"`+term+`":{"offerTermCode":"`+code+`","sku":"`+sku+`","effectiveDate":"2026-11-01T00:00:00Z","priceDimensions":{"`+term+`.6YS6EN2CT7":{"rateCode":"`+term+`.6YS6EN2CT7",`+
			`"description":"$0.118 per On Demand Linux Instance Hour","beginRange":"0","endRange":"Inf","unit":"Hrs","pricePerUnit":{"USD":"0.1180000000"},"appliesTo":[]}},"termAttributes":{`+lease+`}}`)
	}
	fmt.Fprint(w, `}`)
}

// peakHeap runs something and returns how many bytes of objects, live or not yet
// swept, the heap held before and at most.
func peakHeap(do func()) (before, most uint64) {
	runtime.GC()
	var peak atomic.Uint64
	done := make(chan struct{})
	stopped := make(chan struct{})
	sample := func() {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		peak.Store(max(peak.Load(), s[0].Value.Uint64()))
	}
	sample()
	before = peak.Load()
	go func() {
		defer close(stopped)
		for tick := time.Tick(2 * time.Millisecond); ; {
			select {
			case <-done:
				return
			case <-tick:
				sample()
			}
		}
	}()
	do()
	close(done)
	<-stopped
	sample()
	return before, peak.Load()
}

// counted counts what is read.
type counted struct {
	io.ReadCloser
	n *int64
}

func (c counted) Read(into []byte) (int, error) {
	n, err := c.ReadCloser.Read(into)
	*c.n += int64(n)
	return n, err
}

// The prices of three hundred instance types, out of an offer file.
func readBulk(tb testing.TB, bytes int) (read int64, before, peak uint64) {
	tb.Helper()
	var keys []price.InstanceKey
	for k := range 300 {
		keys = append(keys, price.InstanceKey{Region: "ap-northeast-2", Type: bulkType(k * 7), Tenancy: "Shared", Operation: "RunInstances"})
	}
	offer := pricelist.Offer(func() (io.ReadCloser, error) { return counted{bulk(bytes), &read}, nil })
	before, peak = peakHeap(func() {
		products, err := offer.Instances(tb.Context(), keys)
		if err != nil {
			tb.Fatal(err)
		}
		index := price.NewIndex(products)
		for _, k := range keys {
			if q := index.Pick(k); q.Status != price.Exact || q.Rate.USD.String() != "0.118" || q.Version != "20261101000000" {
				tb.Fatalf("%s: %+v", k.Type, q)
			}
		}
	})
	return read, before, peak
}

// Memory does not grow with the file; the benchmark holds that of a real one.
// Garbage may be as much as what other tests have left alive.
func TestOfferMemory(t *testing.T) {
	read, before, peak := readBulk(t, 30<<20)
	if read < 28<<20 || peak > 2*before+10<<20 {
		t.Errorf("read %d bytes with %d bytes of heap, of which %d were there before", read, peak, before)
	}
}

func BenchmarkOffer450MB(b *testing.B) {
	var most uint64
	for b.Loop() {
		read, _, peak := readBulk(b, 450<<20)
		most = max(most, peak)
		b.SetBytes(read)
		if read < 430<<20 || peak > 64<<20 {
			b.Errorf("read %d bytes with %d bytes of heap", read, peak)
		}
	}
	b.ReportMetric(float64(most)/(1<<20), "peak-MiB")
}
