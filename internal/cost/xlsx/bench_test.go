package xlsx_test

import (
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"nightshift/internal/cost/xlsx"
)

// BenchmarkWorkbook100k writes a report of 100,000 instances. "peak-MB" is the
// highest resident set of the whole process, the report itself and the
// inventory that it was made of included (Linux only).
func BenchmarkWorkbook100k(b *testing.B) {
	r := reportOf(b, many(100_000))
	runtime.GC()
	b.ReportAllocs()
	var size int64
	for b.Loop() {
		counter := &countingWriter{}
		if err := xlsx.Write(counter, r); err != nil {
			b.Fatal(err)
		}
		size = counter.n
	}
	b.ReportMetric(float64(size)/1e6, "file-MB")
	if peak := peakRSS(); peak > 0 {
		b.ReportMetric(peak, "peak-MB")
	}
}

type countingWriter struct{ n int64 }

func (c *countingWriter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return io.Discard.Write(p)
}

// peakRSS is the process's highest resident set in megabytes, 0 where the
// system does not tell.
func peakRSS() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 64)
			if err != nil {
				return 0
			}
			return kb / 1000
		}
	}
	return 0
}
