package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox"
)

// maxPricing is how many price list calls a report of one region may take.
const maxPricing = 20

// pricing counts the price list calls of fleets of several sizes, where the
// price list understands ANY_OF and where it does not, and of a second report
// that finds the prices where the first one has kept them.
func (b *bench) pricing(ctx context.Context) error {
	b.print("\nReport by size of the fleet, every answer %s late\n", b.latency)
	t := newTable(b.out)
	t.row("instances", "ANY_OF", "price list calls", "with kept prices", "API calls", "wall time", "peak memory")
	most, warm := 0, 0
	for _, size := range []int{200, 2000, 10_000} {
		for _, anyOf := range []string{"comma", "off"} {
			b.say("nightshift report of %s instances, ANY_OF %s", count(size), anyOf)
			account, err := b.serve(sandbox.Options{Fleet: size, AnyOf: anyOf})
			if err != nil {
				return err
			}
			kept := filepath.Join(b.dir, fmt.Sprintf("prices-%d-%s", size, anyOf))
			args := []string{b.binary, "report", "--bucket", seedBucket, "--json", "--price-cache", kept}
			u, err := b.usageOf(ctx, account, []int{0, exitPartly}, args...)
			var again usage
			if err == nil {
				again, err = b.usageOf(ctx, account, []int{0, exitPartly}, args...)
			}
			account.Close()
			if err != nil {
				return err
			}
			if anyOf == "comma" {
				most = max(most, u.pricing())
			}
			warm = max(warm, again.pricing())
			t.row(count(size), map[string]string{"comma": "yes", "off": "no"}[anyOf], count(u.pricing()), count(again.pricing()), count(u.total()), duration(u.Wall), megabytes(u.Peak))
		}
	}
	b.goal("report, price list calls", fmt.Sprintf("at most %d", maxPricing), fmt.Sprintf("at most %d", most), most <= maxPricing)
	b.goal("report, price list calls with kept prices", "none", count(warm), warm == 0)
	return t.Flush()
}

// workbook measures the benchmark that writes 100,000 rows. The process's peak
// memory includes the report that is written.
func (b *bench) workbook(ctx context.Context) error {
	b.say("a workbook of 100,000 rows")
	wall, u, err := b.benchmark(ctx, "./internal/cost/xlsx", "BenchmarkWorkbook100k", "1x")
	if err != nil {
		return err
	}
	b.print("\nA workbook of 100,000 rows: written in %s; peak memory of the process, with the report in it, %s\n", duration(wall), megabytes(u.Peak))
	b.goal("100,000 rows, time", "at most 4 s", duration(wall), wall <= 4*time.Second)
	b.goal("100,000 rows, peak memory", "at most 200 MB", megabytes(u.Peak), u.Peak <= 200e6)
	return nil
}

// schedules measures how often a schedule can be asked, and a plan for four
// weeks of 10,000 machines.
func (b *bench) schedules(ctx context.Context) error {
	b.say("schedules")
	at, _, err := b.benchmark(ctx, "./internal/schedule", "BenchmarkAt/America", "2s")
	if err != nil {
		return err
	}
	weeks, u, err := b.benchmark(ctx, "./internal/power", "BenchmarkForecast", "5x")
	if err != nil {
		return err
	}
	b.print("\nA schedule with holidays in New York is asked in %s; four weeks of 10,000 machines under 50 schedules are forecast in %s, peak memory %s\n",
		at, duration(weeks), megabytes(u.Peak))
	b.goal("schedules asked a second and core", "at least 1,000,000", count(int(time.Second/max(at, 1))), at <= time.Microsecond)
	b.goal("four weeks of 10,000 machines", "at most 1 s", duration(weeks), weeks <= time.Second)
	return nil
}

// benchmark runs a benchmark of a package in a process of its own, on one core,
// and gives the time of one operation.
func (b *bench) benchmark(ctx context.Context, pkg, name, times string) (time.Duration, usage, error) {
	binary := filepath.Join(b.dir, filepath.Base(pkg)+".test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, pkg)
	build.Dir = b.root
	if out, err := build.CombinedOutput(); err != nil {
		return 0, usage{}, fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	pattern := "^" + strings.Replace(name, "/", "$/", 1)
	u, err := b.usageOf(ctx, nil, []int{0}, binary, "-test.run=^$", "-test.bench="+pattern, "-test.benchtime="+times)
	if err != nil {
		return 0, usage{}, err
	}
	found := regexp.MustCompile(`\s([\d.]+) ns/op`).FindStringSubmatch(u.Stdout)
	if found == nil {
		return 0, usage{}, fmt.Errorf("%s does not say how long it took:\n%s", name, u.Stdout)
	}
	ns, err := strconv.ParseFloat(found[1], 64)
	return time.Duration(ns), u, err
}
