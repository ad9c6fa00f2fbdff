package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"nightshift/internal/sandbox"
)

// The aims of a report of a large estate: time without any delay of the answers,
// and with a delay the time of a program that fetches and decodes the same pages
// and throws them away.
const (
	estateInstances = 100_000
	estateTime      = time.Minute
	estatePeak      = 400e6
	estateTimes     = 1.3
)

// estate measures a report of 100,000 instances and 200,000 volumes, from the
// first call to the finished workbook, next to the fetching alone. The sandbox
// runs on the same processors.
func (b *bench) estate(ctx context.Context) error {
	pages := filepath.Join(b.dir, "pages.test")
	build := exec.CommandContext(ctx, "go", "test", "-tags", "lambda.norpc", "-c", "-o", pages, "./internal/amazon")
	build.Dir = b.root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the reader of pages: %w\n%s", err, out)
	}
	b.print("\nReport of %s instances and %s volumes\n", count(estateInstances), count(2*estateInstances))
	t := newTable(b.out)
	t.row("answers late by", "report", "peak memory", "API calls", "fetching alone", "times")
	for _, latency := range []time.Duration{time.Nanosecond, b.latency} {
		b.say("a sandbox of %s instances, answers %s late", count(estateInstances), latency)
		account, err := b.serve(sandbox.Options{Fleet: estateInstances, Latency: latency})
		if err != nil {
			return err
		}
		b.say("fetching its pages alone")
		alone, err := b.usageOf(ctx, account, []int{0}, pages, "-test.run=^$", "-test.bench=^BenchmarkPages$", "-test.benchtime=1x")
		if err == nil {
			b.say("nightshift report")
			out := filepath.Join(b.dir, "estate.xlsx")
			var u usage
			u, err = b.usageOf(ctx, account, []int{0, exitPartly}, b.binary, "report", "--out", out, "--cloudwatch", "0", "--json")
			if err == nil {
				times := u.Wall.Seconds() / alone.Wall.Seconds()
				t.row(latency.Round(time.Millisecond).String(), duration(u.Wall), megabytes(u.Peak), count(u.total()), duration(alone.Wall), fmt.Sprintf("%.2f", times))
				if latency == time.Nanosecond {
					b.goal("100,000 instances, time", "at most "+estateTime.String(), duration(u.Wall), u.Wall <= estateTime)
					b.goal("100,000 instances, peak memory", "at most "+megabytes(estatePeak), megabytes(u.Peak), u.Peak <= estatePeak)
				} else {
					b.goal("100,000 instances, of fetching alone", fmt.Sprintf("at most %.1f times", estateTimes), fmt.Sprintf("%.2f times", times), times <= estateTimes)
				}
			}
		}
		account.Close()
		if err != nil {
			return err
		}
	}
	return t.Flush()
}
