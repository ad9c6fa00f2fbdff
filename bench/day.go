package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox"
)

// dayPart is the name of the part that lets the daemon live a day.
const dayPart = "day"

// The day: how many machines, how much faster than real time, and how often in real time
// the daemon is asked for metrics and for its page.
const (
	dayFleet = 10_000
	daySpeed = 60
	dayAsk   = 5 * time.Second
)

// dayRules have all machines stop in the evening and start in the morning.
const dayRules = `timezone: UTC
journal: s3://` + seedBucket + `/journal
cost: { tags: [Env] }
schedules: { office-hours: "Mon-Fri 08:00-19:00" }
power: { allow_untagged: true, rules: [{ schedule: office-hours }] }
`

// moment is what the daemon said of itself at one moment.
type moment struct {
	resident, series, runs float64
	scrape, page           time.Duration
	size                   int // of the page, in bytes
}

// day lets the daemon live a day with 10,000 machines, a tick every five minutes.
func (b *bench) day(ctx context.Context) error {
	o := sandbox.Options{Fleet: dayFleet, Types: b.types, Buckets: []string{seedBucket}, Start: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Speed: daySpeed}
	account, err := sandbox.New(o)
	if err != nil {
		return err
	}
	server, err := account.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer server.Close()
	file := filepath.Join(b.dir, "day.yaml")
	if err := os.WriteFile(file, []byte(dayRules), 0o600); err != nil {
		return err
	}
	lasts := 24 * time.Hour / daySpeed
	b.say("a day of the daemon with %s machines, until %s", count(dayFleet), now().Add(lasts).Format("15:04"))
	cmd := exec.CommandContext(ctx, b.binary, "serve", "--config", file, "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), append(reach(server), fmt.Sprintf("NIGHTSHIFT_SANDBOX_SPEED=%d", daySpeed))...) //nolint:forbidigo // the child's environment
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	moments, err := watchDaemon(ctx, log, lasts)
	if err := errors.Join(err, cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	b.sayDay(moments, account)
	return nil
}

// watchDaemon asks a daemon, whose log says where it listens, for as long as the day lasts.
func watchDaemon(ctx context.Context, log io.Reader, lasts time.Duration) ([]moment, error) {
	lines := bufio.NewScanner(log)
	var url string
	for url == "" && lines.Scan() {
		url = regexp.MustCompile(`http://[0-9.:]+`).FindString(lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, log) }() // what else it has to say
	if url == "" {
		return nil, errors.New("it does not say where it listens")
	}
	var moments []moment
	for end := now().Add(lasts); now().Before(end); {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(dayAsk):
		}
		m, err := askDaemon(ctx, url)
		if err != nil {
			return nil, err
		}
		moments = append(moments, m)
	}
	return moments, nil
}

// askDaemon scrapes a daemon and gets its first page.
func askDaemon(ctx context.Context, url string) (m moment, err error) {
	text, took, err := fetch(ctx, url+"/metrics")
	if err != nil {
		return m, err
	}
	m.scrape = took
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		number, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "process_resident_memory_bytes":
			m.resident = number
		case `nightshift_job_runs_total{job_name="power"}`:
			m.runs = number
		}
		if !strings.HasPrefix(line, "#") {
			m.series++
		}
	}
	text, m.page, err = fetch(ctx, url+"/")
	m.size = len(text)
	return m, err
}

func fetch(ctx context.Context, url string) (string, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", 0, err
	}
	begin := now()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	took := now().Sub(begin)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, answer.Status)
	}
	return string(text), took, err
}

// sayDay prints what came of the day.
func (b *bench) sayDay(moments []moment, account *sandbox.Sandbox) {
	most := func(list []moment, of func(moment) float64) float64 {
		var values []float64
		for _, m := range list {
			values = append(values, of(m))
		}
		return slices.Max(values)
	}
	middle := func(of func(moment) time.Duration) time.Duration {
		var values []time.Duration
		for _, m := range moments {
			values = append(values, of(m))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	resident := func(m moment) float64 { return m.resident }
	last := moments[len(moments)-1]
	peak := most(moments, resident)
	second, fourth := most(moments[len(moments)/4:len(moments)/2], resident), most(moments[len(moments)*3/4:], resident)
	scrape, page := middle(func(m moment) time.Duration { return m.scrape }), middle(func(m moment) time.Duration { return m.page })
	u := usage{calls: map[string]int{}}
	for _, c := range account.Calls() {
		u.calls[c.Service+":"+c.Action]++
	}
	b.print("\nA day of the daemon with %s machines: %.0f runs, resident memory at most %s, %s in the second and %s in the last quarter\n",
		count(dayFleet), last.runs, megabytes(int64(peak)), megabytes(int64(second)), megabytes(int64(fourth)))
	b.print("a scrape of %.0f series %s, the page %s and %.0f kB, medians of %d; %s calls:%s\n",
		last.series, millis(scrape), millis(page), float64(last.size)/1e3, len(moments), count(u.total()), u.callList())
	b.goal("daemon, memory after a day", "at most 200 MB", megabytes(int64(peak)), peak <= 200e6)
	b.goal("daemon, growth of memory", "at most 10%", fmt.Sprintf("%+.0f%%", 100*(fourth/second-1)), fourth <= 1.1*second)
	b.goal("daemon, scrape", "at most 100 ms and 2,000 series", fmt.Sprintf("%s, %.0f", millis(scrape), last.series), scrape <= 100*time.Millisecond && last.series <= 2000)
	b.goal("daemon, page", "at most 100 ms and 200 kB", fmt.Sprintf("%s, %.0f kB", millis(page), float64(last.size)/1e3), page <= 100*time.Millisecond && last.size <= 200e3)
}
