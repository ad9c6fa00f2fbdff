package cli

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/daemon"
	"nightshift/internal/fleet"
	"nightshift/internal/metrics"
	"nightshift/internal/notify"
	"nightshift/internal/watch"
	"nightshift/internal/web"
)

// access says who may see and change what.
func (f serveFlags) access(getenv func(string) string) (web.Access, error) {
	access := web.Access{Listen: f.listen, TLS: f.tlsCert != "", Hosts: f.hosts}
	var err error
	if access.Scrape, err = web.ReadToken(f.scrapeToken, getenv); err != nil {
		return access, err
	}
	if access.Operate, err = web.ReadToken(f.operateToken, getenv); err != nil {
		return access, err
	}
	for _, text := range f.proxies {
		prefix, err := netip.ParsePrefix(text)
		if one, err2 := netip.ParseAddr(text); err2 == nil {
			prefix, err = netip.PrefixFrom(one, one.BitLen()), nil
		}
		if err != nil {
			return access, fleet.Errorf(fleet.ErrInvalid, "--trusted-proxy %q: write an address such as 10.0.0.5, or a range such as 10.0.0.0/24", text)
		}
		access.Proxies = append(access.Proxies, prefix.Masked())
	}
	return access, access.Check()
}

// daemonOptions joins the parts of the daemon.
func (a *commandLine) daemonOptions(ctx context.Context, f serveFlags, access web.Access) (daemon.Options, error) {
	o := daemon.Options{Now: a.Now, Log: a.loggerFrom(slog.LevelInfo), Observe: f.observe}
	o.CostInput.DefaultTimezone = a.Env("NIGHTSHIFT_TIMEZONE")
	if !a.configNamed() { // it may be somebody else's, and spends no money
		o.CostInput.CostExplorer, o.CostInput.CloudWatch = new(int), new(int)
	}
	var err error
	if o.Tag, err = fleet.ParseTag(cmp.Or(a.Env("NIGHTSHIFT_TAG"), defaultTag)); err != nil {
		return o, err
	}
	if o.Reports, err = a.reportPrefix(f); err != nil {
		return o, err
	}
	sel := a.selection(app.Selection{})
	if sel.Config, err = a.configRef(); err != nil {
		return o, err
	}
	if speed, _ := strconv.ParseFloat(a.Env("NIGHTSHIFT_SANDBOX_SPEED"), 64); speed > 0 {
		o.Speed = speed
		if o.Now, err = a.sandboxClock(ctx, sel, speed); err != nil {
			return o, err
		}
	}
	var watcher *watch.Watcher
	state := func() *watch.State { return watcher.State() }
	v := thisVersion()
	m := metrics.New(metrics.Options{State: state, Now: o.Now, Observe: f.observe, Version: v.Version, Revision: revision(), Log: o.Log})
	options := a.options()
	options.Now, options.Log, options.Observer = o.Now, o.Log, m.Observer()
	o.App = app.New(options)
	watcher = watch.New(watch.Options{
		App: o.App, Selection: sel, Now: o.Now, Log: o.Log, Timezone: o.CostInput.DefaultTimezone, Sweep: f.sweep, Observe: f.observe,
	})
	o.Watcher, o.JobStarted, o.LeaseHeld = watcher, m.JobStarted, m.LeaseHeld
	o.Ended = reporting(notify.New(notify.Options{Now: o.Now, Getenv: a.Env, Log: o.Log, Named: a.configNamed()}), m)
	o.Locks = filepath.Join(cmp.Or(options.CacheDir, os.TempDir()), "nightshift")
	guard := web.NewGuard(access, a.Now, o.Log)
	page := web.Options{State: state, Now: o.Now, Guard: guard, Version: v.Version, Log: o.Log}
	if !f.observe {
		page.Override = func(ctx context.Context, in app.OverrideInput) (app.Override, error) {
			s, err := o.App.Open(ctx, watcher.Selection())
			if err != nil {
				return app.Override{}, err
			}
			return s.SetOverride(ctx, in)
		}
	}
	o.Metrics, o.Page = guard.Metrics(m.Handler()), web.New(page)
	return o, nil
}

// reporting gives what sends people the result of a run, and counts the messages.
func reporting(n *notify.Notifier, m *metrics.Metrics) func(context.Context, *app.Session, notify.Result) {
	var mu sync.Mutex // jobs may end at the same time
	before := map[string]notify.Count{}
	return func(ctx context.Context, s *app.Session, r notify.Result) {
		n.Run(ctx, s, r)
		mu.Lock()
		defer mu.Unlock()
		pending := 0
		after := n.Counts()
		for name, c := range after {
			for range c.Sent - before[name].Sent {
				m.Noticed(name, true)
			}
			for range c.Failed - before[name].Failed {
				m.Noticed(name, false)
			}
			if s == nil || slices.ContainsFunc(s.Config.Notify.Recipients, func(r config.Recipient) bool { return r.Name == name }) {
				pending += c.Pending // who is no recipient any more is sent nothing
			}
		}
		m.NoticesPending(pending)
		before = after
	}
}

// reportPrefix is where reports go; the zero Ref where nothing is said.
func (a *commandLine) reportPrefix(f serveFlags) (blob.Ref, error) {
	bucket := cmp.Or(f.bucket, a.Env("NIGHTSHIFT_BUCKET"))
	switch {
	case bucket == "":
		return blob.Ref{}, nil
	case !blob.IsBucket(bucket):
		return blob.Ref{}, fleet.Errorf(fleet.ErrInvalid, "--bucket %q: not the name of a bucket", bucket)
	}
	return blob.Ref{Scheme: blob.S3, Bucket: bucket, Path: f.prefix}, nil
}

// sandboxClock is the clock of a sandbox that runs faster than ours. Schedules follow
// the clock of AWS anyway; the times of jobs would otherwise be those of another day.
func (a *commandLine) sandboxClock(ctx context.Context, sel app.Selection, speed float64) (func() time.Time, error) {
	s, err := a.jobs().Open(ctx, sel)
	if err != nil {
		return nil, err
	}
	theirs, err := s.AskTime(ctx)
	if err != nil {
		return nil, err
	}
	asked := a.Now()
	return func() time.Time {
		return theirs.Add(time.Duration(float64(a.Now().Sub(asked)) * speed))
	}, nil
}

// revision is the commit that the program was built from, empty where the Go tool did
// not note it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
