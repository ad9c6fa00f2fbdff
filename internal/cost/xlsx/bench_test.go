package xlsx_test

import (
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"nightshift/internal/cost/xlsx"
)

// BenchmarkWorkbook100k writes a report of 100,000 instances with a volume
// each. "report-MB" is the live heap that the report itself takes, "writer-MB"
// the most that writing adds to it, and "peak-MB" the highest resident set of
// the whole process while it writes (Linux only). The garbage collector is set as
// the command sets it for a large fleet.
func BenchmarkWorkbook100k(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(40))
	r := reportOf(b, many(100_000))
	debug.FreeOSMemory() // of building the report, after a collection
	forgetPeak()
	report := liveHeap()
	peak := watch(b)
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
	b.ReportMetric(report, "report-MB")
	b.ReportMetric(peak()-report, "writer-MB")
	if rss := peakRSS(); rss > 0 {
		b.ReportMetric(rss, "peak-MB")
	}
	runtime.KeepAlive(r)
}

// liveHeap is what the last garbage collection found alive, in megabytes.
func liveHeap() float64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return float64(sample[0].Value.Uint64()) / 1e6
}

// watch samples the live heap until the result is called, which is the most
// that was seen.
func watch(b *testing.B) (most func() float64) {
	b.Helper()
	stop, done := make(chan struct{}), make(chan float64)
	go func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		var peak float64
		for {
			peak = max(peak, liveHeap())
			select {
			case <-ticker.C:
			case <-stop:
				done <- peak
				return
			}
		}
	}()
	return func() float64 {
		close(stop)
		return <-done
	}
}

type countingWriter struct{ n int64 }

func (c *countingWriter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return io.Discard.Write(p)
}

// forgetPeak makes the highest resident set the present one (proc(5),
// clear_refs). Where that is not possible the peak is that of building the
// report, if that was higher.
func forgetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peakRSS is the process's highest resident set in megabytes, 0 where the
// system does not report it.
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
