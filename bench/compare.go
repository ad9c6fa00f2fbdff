package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"nightshift/internal/sandbox"
)

// exitPartly is nightshift's exit code where some prices or instances failed.
const exitPartly = 3

// repetitions bounds how often nightshift is run for a median, and for how
// long.
const (
	repetitions = 5
	patience    = 30 * time.Second
)

// report compares the two reports of one fleet.
func (b *bench) report(ctx context.Context) error {
	account, err := b.serve(sandbox.Options{Fleet: b.fleet})
	if err != nil {
		return err
	}
	defer account.Close()
	b.print("\nReport of %s instances, %s volumes and %d types, every answer %s late\n",
		count(b.fleet), count(2*b.fleet), b.types, b.latency)
	var theirs *usage
	if b.seed != nil {
		b.say("cost_report.py, once")
		u, err := b.usageOf(ctx, account, []int{0}, b.seed.command("cost_report.py", "{}")...)
		if err != nil {
			return err
		}
		theirs = &u
	}
	b.say("nightshift report")
	ours, err := b.repeat(ctx, account, "report", "--bucket", seedBucket, "--timezone", "UTC", "--json")
	if err != nil {
		return err
	}
	if err := b.compare("cost_report.py", theirs, "nightshift report", ours); err != nil {
		return err
	}
	b.print("nightshift's calls:%s\n", ours.callList())
	if theirs != nil {
		times := float64(theirs.Wall) / float64(ours.Wall)
		b.goal("report, wall time", "50 times faster", fmt.Sprintf("%.0f times", times), times >= 50)
		b.goal("report, peak memory", "below the script's", megabytes(ours.Peak)+" of "+megabytes(theirs.Peak), ours.Peak < theirs.Peak)
	}
	return nil
}

// power compares stop and start, first of a fleet as it is, then of one that
// the script can stop.
func (b *bench) power(ctx context.Context) error {
	o := sandbox.Options{Fleet: b.fleet, Types: b.types, Start: b.start}
	account, err := b.serve(o)
	if err != nil {
		return err
	}
	defer account.Close()
	if b.seed != nil {
		u, err := b.usageOf(ctx, account, []int{0}, b.seed.command("stop_start.py", `{"action": "stop"}`)...)
		if err != nil {
			return err
		}
		b.print("\nThe fleet as it is has tagged instances that cannot be stopped. stop_start.py answers %s and stops none.\n", short(u.Stdout))
	}
	tagged, err := easy(account.Sandbox(), o)
	if err != nil {
		return err
	}
	for _, action := range []string{"stop", "start"} {
		b.print("\nTo %s %s tagged instances, all of which can be\n", action, count(tagged))
		var theirs *usage
		if b.seed != nil {
			if action == "start" {
				if err := b.ready(account, "stop"); err != nil {
					return err
				}
			}
			b.say("stop_start.py, %s", action)
			u, err := b.usageOf(ctx, account, []int{0}, b.seed.command("stop_start.py", `{"action": "`+action+`"}`)...)
			if err != nil {
				return err
			}
			theirs = &u
			account.Sandbox().Advance(time.Hour)
		}
		b.say("nightshift %s", action)
		ours, err := b.repeatFrom(ctx, account, action)
		if err != nil {
			return err
		}
		if err := b.compare("stop_start.py", theirs, "nightshift "+action, ours); err != nil {
			return err
		}
		b.print("nightshift: %s;%s\n", short(ours.Stdout), ours.callList())
	}
	return nil
}

// ready brings the tagged instances to where the action left them.
func (b *bench) ready(account *sandbox.Server, action string) error {
	form := map[string][]string{"Action": {strings.ToUpper(action[:1]) + action[1:] + "Instances"}}
	for _, i := range account.Sandbox().Instances(sandbox.DefaultRegion) {
		if i.Tags["AutoStopStart"] == "Yes" {
			form[fmt.Sprintf("InstanceId.%d", len(form))] = []string{i.ID}
		}
	}
	err := ask(account.Sandbox(), form)
	account.Sandbox().Advance(time.Hour)
	return err
}

// repeatFrom runs nightshift stop or start a few times, each time from the
// state that the other one leaves.
func (b *bench) repeatFrom(ctx context.Context, account *sandbox.Server, action string) (usage, error) {
	other := map[string]string{"stop": "start", "start": "stop"}[action]
	var runs []usage
	for begin := now(); len(runs) < repetitions && now().Sub(begin) < patience; {
		if err := b.ready(account, other); err != nil {
			return usage{}, err
		}
		u, err := b.usageOf(ctx, account, []int{0}, b.binary, action, "--wait=false", "--json")
		if err != nil {
			return usage{}, err
		}
		account.Sandbox().Advance(time.Hour)
		runs = append(runs, u)
	}
	return median(runs), nil
}

// repeat runs nightshift a few times and gives the median.
func (b *bench) repeat(ctx context.Context, account *sandbox.Server, args ...string) (usage, error) {
	var runs []usage
	for begin := now(); len(runs) < repetitions && now().Sub(begin) < patience; {
		u, err := b.usageOf(ctx, account, []int{0, exitPartly}, append([]string{b.binary}, args...)...)
		if err != nil {
			return usage{}, err
		}
		runs = append(runs, u)
	}
	return median(runs), nil
}

// compare prints two usages and their ratios.
func (b *bench) compare(them string, theirs *usage, us string, ours usage) error {
	t := newTable(b.out)
	t.row("", them, us, "ratio")
	for _, line := range []struct {
		what  string
		value func(usage) float64
		text  func(usage) string
	}{
		{"wall time", func(u usage) float64 { return float64(u.Wall) }, func(u usage) string { return duration(u.Wall) }},
		{"peak memory", func(u usage) float64 { return float64(u.Peak) }, func(u usage) string { return megabytes(u.Peak) }},
		{"API calls", func(u usage) float64 { return float64(u.total()) }, func(u usage) string { return count(u.total()) }},
		{"price list calls", func(u usage) float64 { return float64(u.pricing()) }, func(u usage) string { return count(u.pricing()) }},
	} {
		if theirs == nil {
			t.row(line.what, "-", line.text(ours), "")
			continue
		}
		ratio := ""
		if line.value(ours) > 0 && line.value(*theirs) > 0 {
			ratio = fmt.Sprintf("%.3g", line.value(*theirs)/line.value(ours))
		}
		t.row(line.what, line.text(*theirs), line.text(ours), ratio)
	}
	return t.Flush()
}

// table prints rows in columns.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)} }

func (t table) row(cells ...string) { _, _ = fmt.Fprintln(t, "  "+strings.Join(cells, "\t")) }

func duration(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func megabytes(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}

// count writes a number with commas between thousands.
func count(n int) string {
	text := strconv.Itoa(n)
	for k := len(text) - 3; k > 0; k -= 3 {
		text = text[:k] + "," + text[k:]
	}
	return text
}

// short is the beginning of an answer.
func short(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), `,"instances"`)
	text, _, _ = strings.Cut(text, `, "instances"`)
	if !strings.HasSuffix(text, "}") {
		text += ", …}"
	}
	return text
}
