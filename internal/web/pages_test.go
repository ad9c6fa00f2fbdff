package web_test

import (
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/watch"
	"nightshift/internal/web"
)

// local is the access of a server on this machine without tokens.
var local = web.Access{Listen: "127.0.0.1:19847"}

func handler(state *watch.State, access web.Access) http.Handler {
	clock := func() time.Time { return now }
	log := slog.New(slog.DiscardHandler)
	return web.New(web.Options{
		State: func() *watch.State { return state }, Now: clock, Guard: web.NewGuard(access, clock, log), Version: "1.0", Log: log,
	})
}

func get(t testing.TB, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, here+path, nil)
	r.RemoteAddr = "127.0.0.1:50000"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// shown is the text of a page as people read it.
func shown(page string) string {
	page = regexp.MustCompile(`(?s)<style>.*?</style>|<script.*?</script>`).ReplaceAllString(page, "")
	page = regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(html.UnescapeString(page)), " ")
}

func TestPages(t *testing.T) {
	h := handler(evening(t), local)
	failed := "/machines/i-0a1b2c3d4e5f00011"
	for path, want := range map[string][]string{
		"/": {
			"Running 33 of 40 machines", "start failed search-index 5 min ago InsufficientInstanceCapacity", "there is no schedule \"ofice-hours\"", "unreachable research-eu eu-central-1 47 min ago sts:AssumeRole",
			"19:00 stops 15 machines of office-hours Mon-Fri 08:00-19:00 ends", "22:00 starts 4 machines of batch-nights Mon-Fri 22:00-06:00 begins", "22:00 stops 1 machine of office-hours its override ends",
			"Machines 2 min ago Journal 2 min ago Costs 3 h ago Backups 7 min ago", "Backed up 25 of 27 volumes of policies", "Month to date $168.42", "Times are in Asia/Seoul.", "Wed 02:00 stops 5 machines of berlin",
		},
		"/week":                                  {"30 Nov to 6 Dec 2026", "office-hours 18 machines · runs 55 h", "berlin 5 machines · runs 50 h · Europe/Berlin", "stop-in-the-evening 1 machine"},
		"/week?from=2026-12-23":                  {"21 Dec to 27 Dec 2026", "seoul-desk 7 machines · runs 44 h", "This week"},
		"/week?of=machines&q=search-index":       {"search-index seoul-desk"},
		"/machines":                              {"40 machines", "search-index", "override until 22:00", "is left alone by rule 1"},
		"/machines?state=failed":                 {"2 of 40 machines", "search-index", "misspelt"},
		"/machines?state=manual":                 {"2 of 40 machines", "gpu-lab", "notebook-jiwoo", "was started manually at Tue 2026-12-01 15:12 KST"},
		"/machines?state=override":               {"1 of 40 machines", "release-test"},
		"/machines?state=out-of-schedule":        {"1 of 40 machines", "report-builder", "should not run since"},
		"/machines?tag=Environment%3Dproduction": {"1 of 40 machines", "shop"},
		"/machines?tag=%3Dx":                     {"0 of 40 machines", "the key is missing"},
		"/machines?account=333333333333":         {"7 of 40 machines", "berlin-1"},
		"/machines?schedule=Mon-Fri+09:00-18:00": {"1 of 40 machines", "report-builder"},
		"/machines?q=STAGE+m6i":                  {"5 of 40 machines", "stage-api-3"},
		"/machines?q=no+such+machine":            {"0 of 40 machines", "No machine fits this filter."},
		failed: {
			"start failed 5 min ago : InsufficientInstanceCapacity: no capacity for r6i.4xlarge", "should run since Tue 2026-12-01 08:00 KST", "19:00 stops Mon-Thu 08:00-19:00 ends", "Wed 08:00 starts",
			"rule 2 of nightshift.yaml", "18:47 start failed", "Mon 30 Nov 19:01 stop done", "nightshift power explain i-0a1b2c3d4e5f00011", "Team research",
		},
		"/machines/stage-db?in=333333333333%2Feu-central-1": {"db.t4g.medium", "Its account does not answer", "Other machines have the same id"},
		"/machines/i-0a1b2c3d4e5f0001e":                     {"It is kept running until 22:00 , set 17:30", "22:00 stops its override ends"},
		"/costs": {
			"December 2026", "Month to date $168.42", "Run rate $5,312.77", "Forecast $4,986.10", "Saved $27.51 less what is still billed", "Prices found 97.5% 118 of 121", "search $88.40", "(without) $10.00", "office-hours 14 instances 112 $13.44 $1.02 $12.42",
			"search-index i-0a1b2c3d4e5f00011 · r6i.2xlarge → r6i.4xlarge dev ap-northeast-2 type $61.20 $140.10 +$78.90", "2 Nov gap",
		},
		"/recommendations":                   {"32 recommendations, $489.05 a month in total.", "≤ $120.50 a month gp2 to gp3 data-0", "aws ec2 modify-volume --volume-id vol-00000000000000000", "1 to 25 of 32"},
		"/recommendations?page=2":            {"26 to 32 of 32"},
		"/recommendations?kind=idle-address": {"8 recommendations"},
		"/backups": {
			"Protected 27 of 39 volumes have a copy within the RPO", "Stale 3", "Cost a month ≤ $289.20", "Deletions waiting 6",
			"unusual change dev ap-northeast-2 16 h ago data-3 vol-0a0000000000000a3: 61.0 GiB changed before the copy of 2026-11-30 17:00", "public snapshot dev ap-northeast-2", "Everybody may make volumes of snap-0f00000000000000f",
			"backup daily in dev ap-northeast-2 2 days ago 2 of 9 volumes have no copy that is younger than the RPO. 1 copy failed. A copy has been pending for 2 days.",
			"daily dev ap-northeast-2 9 2 2 days ago 77 1 1 6", "no policy staging ap-northeast-2 1 1 never",
			"data-3 vol-0a0000000000000a3 · 100 GiB the newest good copy is older than the RPO stale daily 2 days ago by nightshift 26 h 25 h ≤ $6.80 dev ap-northeast-2",
			"unprotected – never exists for 400 days 26 h – $0.00", "unknown – 16 h ago by AWS Backup", "research-eu", "≤ 25 h", "vol-0a0000000000000a7 100 GiB belongs to an Auto Scaling group excluded",
			"3 snapshots", "volume gone its volume is not there any more", "and 5 more; `nightshift backup status` lists all", "Databases without automated backups stage-db",
		},
		"/backups?coverage=stale":                {"3 of 42 volumes", "data-3"},
		"/backups?policy=-&account=222222222222": {"3 of 42 volumes", "staging"},
		"/backups?policy=daily&q=WEB-2":          {"data-1"},
		"/backups?tag=Team%3Dnobody":             {"0 of 42 volumes", "No volume fits this filter."},
		"/backups?tag=%3Dx":                      {"0 of 42 volumes", "the key is missing"},
		"/runs":                                  {"18:47 power nothing 1 40 1.3 s", "Mon 30 Nov 19:00 power 12 stopped 0 40 42.0 s", "report Mon 07:00 Asia/Seoul"},
		"/runs/" + runName(at(-1, 19, 0)):        {"Run of power Mon 30 Nov 19:00", "Changed 12", "web-1 i-0a1b2c3d4e5f00001 stop Mon 30 Nov 19:01 done"},
		"/runs/" + runName(at(0, 18, 47)):        {"Failed 1", "research-eu: sts:AssumeRole: AccessDenied", "ec2:DescribeInstances 3"},
		"/machines?page=7&q=web":                 {"12 of 40 machines"},
	} {
		w := get(t, h, path)
		text := shown(w.Body.String())
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d: %s", path, w.Code, text)
		}
		for _, one := range want {
			if !strings.Contains(text, one) {
				t.Errorf("%s: %q is missing in:\n%s", path, one, text)
			}
		}
	}
	for path, want := range map[string]string{
		"/absent": "there is no such page", "/machines/i-absent": "there is no machine i-absent", "/runs/absent": "there is no run absent", "/machines/" + "%3Cscript%3E": "there is no machine <script>",
	} {
		if w := get(t, h, path); w.Code != http.StatusNotFound || !strings.Contains(shown(w.Body.String()), want) {
			t.Errorf("%s: %d, %s", path, w.Code, shown(w.Body.String()))
		}
	}
}

// crawl visits every page that links lead to, and gives them by their paths.
func crawl(t testing.TB, h http.Handler, start ...string) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for queue := start; len(queue) > 0 && len(pages) < 400; queue = queue[1:] {
		path := queue[0]
		if _, known := pages[path]; known {
			continue
		}
		w := get(t, h, path)
		pages[path] = w.Body.String()
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
		for _, found := range regexp.MustCompile(`(?:href|src)="([^"#]+)"`).FindAllStringSubmatch(pages[path], -1) {
			if link := html.UnescapeString(found[1]); strings.HasPrefix(link, "/assets/") || !strings.Contains(link, "from=") {
				queue = append(queue, link)
			}
		}
	}
	return pages
}

// TestEveryPage holds what holds for all of them, whatever tags say.
func TestEveryPage(t *testing.T) {
	pages := crawl(t, handler(evening(t), local), "/", "/login", "/week?of=machines&q=script")
	if len(pages) < 100 {
		t.Fatalf("only %d pages were found", len(pages))
	}
	escaped := 0
	for path, page := range pages {
		if strings.HasPrefix(path, "/assets/") {
			continue
		}
		for pattern, why := range map[string]string{
			`<script>alert`: "the text of a tag is code", `[\x{202e}\x{1b}]`: "the text of a tag turns other text around", `\sstyle=`: "has a style attribute, which the policy forbids",
			`\son[a-z]+="`: "has a script attribute", `%!`: "a text has the wrong verbs", `ZgotmplZ`: "a value was not safe where it stands", `"https?://`: "links to another site",
			`<table[^>]*>\s*<tbody`: "a table has no header", `<table class="[^"]*(wide|stacked)|<t[dh] [^r>][^>]*data-label`: "a table that is a list on phones has no roles", `javascript:`: "has a script link", `0001-01-01`: "shows the zero time",
		} {
			if found := regexp.MustCompile(pattern).FindStringIndex(page); found != nil {
				t.Errorf("%s %s: …%s…", path, why, page[max(found[0]-60, 0):min(found[1]+60, len(page))])
			}
		}
		ids := map[string]bool{}
		for _, found := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if ids[found[1]] {
				t.Errorf("%s has the id %s twice", path, found[1])
			}
			ids[found[1]] = true
		}
		if n := len(regexp.MustCompile(`<h1`).FindAllString(page, -1)); n != 1 {
			t.Errorf("%s has %d main headings", path, n)
		}
		if strings.Contains(page, "&lt;script&gt;alert(1)") {
			escaped++
		}
	}
	if escaped < 5 {
		t.Errorf("the hostile tag is on %d pages only", escaped)
	}
}

func TestHeaders(t *testing.T) {
	h := handler(evening(t), local)
	for _, path := range []string{"/", "/login", "/absent", "/costs"} {
		header := get(t, h, path).Header()
		policy := header.Get("Content-Security-Policy")
		const want = `^default-src 'none'; style-src 'self' 'sha256-[A-Za-z0-9+/]{43}='; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$`
		if !regexp.MustCompile(want).MatchString(policy) {
			t.Errorf("%s: the policy is %s", path, policy)
		}
		if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: the headers are %v", path, header)
		}
	}
	script := regexp.MustCompile(`src="(/assets/[^"]+)"`).FindStringSubmatch(get(t, h, "/").Body.String())[1]
	if w := get(t, h, script); w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
		t.Errorf("%s: %d, %v", script, w.Code, w.Header())
	}
	if w := get(t, h, "/assets/page.css"); w.Code != 404 {
		t.Errorf("a file without its hash: %d", w.Code)
	}
}

// A State with nothing in it, and one from before the first sweep, are pages, too.
func TestNothingIsKnown(t *testing.T) {
	w := newWorld(t)
	w.state.Targets = nil
	for name, state := range map[string]*watch.State{"a new daemon": {}, "no machines": w.state} {
		for path, page := range crawl(t, handler(state, local), "/") {
			if strings.Contains(page, "%!") || strings.Contains(page, "NaN") {
				t.Errorf("%s: %s: %s", name, path, shown(page))
			}
		}
	}
	if text := shown(get(t, handler(&watch.State{}, local), "/").Body.String()); !strings.Contains(text, "has just started") {
		t.Errorf("a new daemon shows %s", text)
	}
	if text := shown(get(t, handler(w.state, local), "/").Body.String()); !strings.Contains(text, "Nothing needs attention") {
		t.Errorf("an estate without machines shows %s", text)
	}
}

// What is wrong with the daemon itself is on the first page, and old data say so.
func TestOldAndBroken(t *testing.T) {
	state := *evening(t)
	state.Config.Rejected = []string{"nightshift.yaml:7:3: schedules: unknown key <b>", "nightshift.yaml:9:1: x", "3", "4", "5", "6", "7"}
	state.Config.RejectedSince = now.Add(-20 * time.Minute)
	state.Machines.At = now.Add(-50 * time.Minute)
	state.Machines.Err = "dial tcp: i/o timeout"
	state.Jobs = slices.Clone(state.Jobs)
	state.Jobs[1].Problem = "another process has the lease"
	page := get(t, handler(&state, local), "/").Body.String()
	text := shown(page)
	for _, want := range []string{"configuration s3://example-nightshift/nightshift.yaml 20 min ago", "schedules: unknown key <b>", "and 2 more", "another process has the lease", "Machines 50 min ago", "dial tcp: i/o timeout"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
	if !strings.Contains(page, `<li class="old">Machines`) {
		t.Error("old data do not look old")
	}
}

// An account that cannot be reached is on the first page once.
func TestUnreachableOnce(t *testing.T) {
	state := *evening(t)
	state.Machines.Err = state.Targets[2].Err
	page := shown(get(t, handler(&state, local), "/").Body.String())
	if strings.Contains(page, "data Machines") || !strings.Contains(page, "unreachable research-eu") {
		t.Errorf("the account is not there once:\n%s", page)
	}
}

// A machine that failed is on the page until a sweep finds that it runs.
func TestAFailureGoesAway(t *testing.T) {
	w := newWorld(t)
	id := w.add(0, "late", "office-hours", fleet.Stopped, nil)
	w.act(id, now.Add(-time.Minute), power.Start, fleet.Failed, fleet.Reason{Code: "x", Text: "no capacity"})
	if text := shown(get(t, handler(w.state, local), "/").Body.String()); !strings.Contains(text, "start failed late") {
		t.Errorf("the failure is not there: %s", text)
	}
	after := newWorld(t)
	after.add(0, "late", "office-hours", fleet.Running, nil)
	after.state.Acts = w.state.Acts
	after.state.Targets[2] = watch.Target{Target: eu, Up: true, At: now}
	if text := shown(get(t, handler(after.state, local), "/").Body.String()); !strings.Contains(text, "Nothing needs attention") {
		t.Errorf("the failure is still there: %s", text)
	}
}

// Names that AWS allows and addresses do not.
func TestStrangeIDs(t *testing.T) {
	w := newWorld(t)
	for _, id := range []fleet.ResourceID{"a/b", "with blanks & signs?#%", "ünïcode 조", "quote'\"<>", "..."} {
		w.add(0, "group "+string(id), "office-hours", fleet.Running, func(m *fleet.Machine) { m.Kind, m.ID, m.ARN = fleet.KindGroup, id, "" })
	}
	h := handler(w.state, local)
	page := get(t, h, "/machines").Body.String()
	links := regexp.MustCompile(`href="(/machines/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(links) != 5 {
		t.Fatalf("%d links to machines:\n%s", len(links), page)
	}
	for _, link := range links {
		if got := get(t, h, html.UnescapeString(link[1])); got.Code != 200 || !strings.Contains(shown(got.Body.String()), "Auto Scaling group") {
			t.Errorf("%s: %d", link[1], got.Code)
		}
	}
	if text := shown(get(t, h, "/machines/quote%27%22%3C%3E").Body.String()); !strings.Contains(text, `nightshift power explain 'quote'\''"<>'`) {
		t.Errorf("the command is not safe: %s", text)
	}
}

// Names are in the order in which people expect them.
func TestOrder(t *testing.T) {
	w := newWorld(t)
	order := []string{"a", "a-1", "a-2", "a-2x", "a-002", "a-10", "a-10-2", "a-10-10", "a1", "aa", "b"}
	for n := range order {
		w.add(0, order[(n*7)%len(order)], "office-hours", fleet.Running, nil)
	}
	text := shown(get(t, handler(w.state, local), "/machines").Body.String())
	at := 0
	for _, name := range order {
		n := strings.Index(text[at:], " "+name+" i-")
		if n < 0 {
			t.Fatalf("%s is not after the ones before it:\n%s", name, text)
		}
		at += n
	}
}

// processorTime is what this process has used so far: on a busy machine less than the
// time on the clock.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestLargeEstate holds the promises for 10,000 machines: 200 kB and 100 ms a page.
func TestLargeEstate(t *testing.T) {
	state := many(t, 10_000)
	h := web.New(web.Options{
		State: func() *watch.State { return state }, Now: func() time.Time { return now }, Guard: web.NewGuard(local, time.Now, slog.New(slog.DiscardHandler)), Log: slog.New(slog.DiscardHandler),
	})
	first := time.Hour // of the pages that are the first of their State
	limit := slow * 100 * time.Millisecond
	for n := 0; n < 20 && (n < 5 || first > limit); n++ {
		fresh := *state
		state = &fresh
		began, used := time.Now(), processorTime()
		get(t, h, "/")
		first = min(first, time.Since(began), processorTime()-used)
	}
	t.Logf("%-32s %11.1f ms", "/ of a new State", float64(first.Microseconds())/1000)
	if first > limit {
		t.Errorf("the first page of a State took %s, want at most %s", first, limit)
	}
	for _, path := range []string{
		"/", "/week", "/week?of=machines", "/machines", "/machines?page=50", "/machines?state=failed", "/machines?q=large+0999", "/machines/i-0a1b2c3d4e5f00011", "/costs", "/recommendations", "/backups", "/backups?q=data-99", "/runs",
	} {
		best := time.Hour
		var size int
		for range 5 {
			began, used := time.Now(), processorTime()
			w := get(t, h, path)
			best, size = min(best, time.Since(began), processorTime()-used), w.Body.Len()
			if w.Code != 200 {
				t.Fatalf("%s: %d", path, w.Code)
			}
		}
		t.Logf("%-32s %4d kB %6.1f ms", path, size/1000, float64(best.Microseconds())/1000)
		if size > 200_000 {
			t.Errorf("%s has %d bytes, want at most 200,000", path, size)
		}
		if best > limit {
			t.Errorf("%s took %s, want at most %s", path, best, limit)
		}
	}
	if text := shown(get(t, h, "/machines?page=100").Body.String()); !strings.Contains(text, "9901 to 10000 of 10000") {
		t.Errorf("the last page is %s", text[len(text)-200:])
	}
}

// Lists have pages of 100 rows, and what is cut off is counted.
func TestNothingIsCutInSilence(t *testing.T) {
	w := newWorld(t)
	first := w.state.Targets[0]
	w.state.Targets = nil
	for n := range 250 {
		target := first
		target.Region = fleet.Region(fmt.Sprintf("test-%d", n))
		if n >= 200 {
			target.Up, target.Err = false, "i/o timeout"
		}
		w.state.Targets = append(w.state.Targets, target)
		w.add(n, fmt.Sprintf("web-%d", n), fmt.Sprintf("Mon-Fri 08:00-%02d:%02d", 12+n/30, n%30), fleet.Running, nil)
	}
	h := handler(w.state, local)
	for path, want := range map[string][]string{
		"/":              {"1 to 100 of 250", "test-99", "25 accounts and regions more", "and 240 more"},
		"/?page=3":       {"201 to 250 of 250", "test-249"},
		"/week?page=3":   {"201 to 256 of 256", "Mon-Fri 08:00-20:09"},
		"/week":          {"1 to 100 of 256", "office-hours"},
		"/week?page=two": {"1 to 100 of 256"},
	} {
		w := get(t, h, path)
		text := shown(w.Body.String())
		for _, one := range want {
			if !strings.Contains(text, one) {
				t.Errorf("%s: %q is missing in:\n%s", path, one, text)
			}
		}
		if w.Body.Len() > 200_000 {
			t.Errorf("%s has %d bytes", path, w.Body.Len())
		}
	}
}

// TestLongestTags holds the size where people write as much as AWS allows into tags.
func TestLongestTags(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat(`"><&'`, 51)
	for n := range 300 {
		w.add(n%3, long+fmt.Sprint(n%10), "Mon-Fri 08:00-19:00; off "+strings.Repeat("2026-12-25..2026-12-26, ", 7)+"2026-12-24", fleet.Running, nil)
		w.add(n%3, long+fmt.Sprint(n%10), long, fleet.Running, nil)
	}
	w.costs()
	c := &w.state.Cost
	record := journal.Record{Version: 1, Run: "long", Job: "power", Started: now}
	for n := range 300 {
		name := long + fmt.Sprint(n)
		record.Errors = append(record.Errors, strings.Repeat(long+"\n", 40))
		record.Outcomes = append(record.Outcomes, journal.Outcome{
			Target: dev, ID: fleet.ResourceID(fmt.Sprintf("i-%d", n)), Name: name, Action: "stop", Result: fleet.Failed, Reason: fleet.Reason{Text: strings.Repeat(name, 20)}, Schedule: name,
		})
		c.Tags["Team"] = append(c.Tags["Team"], watch.NamedAmounts{Name: name})
		c.Savings.Schedules = append(c.Savings.Schedules, cost.SavedSum{Schedule: name})
		c.Changes.Top = append(c.Changes.Top, trend.ResourceChange{ID: "i-1", Name: name})
		c.Recommendations = append(c.Recommendations, recommend.Listed{Code: recommend.GP2ToGP3, Name: name, Resource: "vol-1", Reason: name, Advice: name, Fix: "aws " + name})
	}
	c.Tags[long[:128]] = c.Tags["Team"]
	w.state.Runs = append(w.state.Runs, record)
	h := handler(w.state, local)
	for _, path := range []string{
		"/", "/machines", "/week", "/week?of=machines", "/machines/" + webOne, "/runs", "/runs/long", "/runs/long?page=2", "/costs", "/recommendations", "/recommendations?page=2",
	} {
		if got := get(t, h, path); got.Code != 200 || got.Body.Len() > 200_000 {
			t.Errorf("%s: %d, %d bytes", path, got.Code, got.Body.Len())
		}
	}
}

// A search has an end, in characters and in words.
func TestLongSearches(t *testing.T) {
	h := handler(many(t, 10_000), local)
	get(t, h, "/")
	for name, query := range map[string]string{"words": strings.Repeat("e ", 15_000), "a word": strings.Repeat("e", 30_000)} {
		began := time.Now()
		w := get(t, h, "/machines?"+url.Values{"q": {query}}.Encode())
		if took := time.Since(began); w.Code != 200 || took > slow*500*time.Millisecond {
			t.Errorf("%s: %d after %s", name, w.Code, took)
		}
		if !strings.Contains(w.Body.String(), `maxlength="200"`) || strings.Contains(w.Body.String(), strings.TrimSpace(query[:300])) {
			t.Errorf("%s: the page repeats them", name)
		}
	}
	if text := shown(get(t, h, "/machines?q=a+a+a+a+a+a+a+a+nowhere").Body.String()); !strings.Contains(text, "10,000 of 10,000") {
		t.Errorf("a ninth word counts: %.400s", text)
	}
}

// What a week is narrowed to stays when one goes to another, and the other week stays
// when one narrows it.
func TestTheWeekKeepsItsFilter(t *testing.T) {
	page := get(t, handler(evening(t), local), "/week?of=machines&q=berlin&account=333333333333&from=2026-12-07&page=1").Body.String()
	for _, link := range []string{"from=2026-12-14", "", "from=2026-12-07"} {
		query := "account=333333333333&"
		if link != "" {
			query += link + "&"
		}
		if want := html.EscapeString("/week?" + query + "of=machines&q=berlin"); !strings.Contains(page, `href="`+want+`"`) {
			t.Errorf("no link to %s:\n%s", want, page)
		}
	}
	if !strings.Contains(page, `<input type="hidden" name="from" value="2026-12-07">`) {
		t.Errorf("the form loses the week:\n%s", page)
	}
}

// The words for the picture of a machine count what it shows: its override, too.
func TestTheWordsForAWeek(t *testing.T) {
	page := get(t, handler(evening(t), local), "/machines/i-0a1b2c3d4e5f0001e").Body.String()
	if !strings.Contains(page, `aria-label="release-test: runs 58 hours of the week"`) {
		t.Errorf("the words are %s", regexp.MustCompile(`aria-label="release-test[^"]*"`).FindString(page))
	}
}

func BenchmarkNewState(b *testing.B) {
	state := many(b, 10_000)
	for b.Loop() {
		fresh := *state
		if w := get(b, handler(&fresh, local), "/"); w.Code != 200 {
			b.Fatal(fmt.Errorf("%d", w.Code))
		}
	}
}

// Without policies nothing is read of the copies: the page says so, and no link leads to it.
// Before they have been read, and while an account does not answer, it says that, too.
func TestBackupsThatAreNotKnown(t *testing.T) {
	without := *evening(t)
	config := *without.Config.Value
	config.Backup.Policies = nil
	without.Config.Value, without.Backups = &config, watch.Backups{}
	if page := get(t, handler(&without, local), "/").Body.String(); strings.Contains(page, `href="/backups"`) || strings.Contains(page, "Backed up") {
		t.Error("a link leads to backups without policies")
	}
	if text := shown(get(t, handler(&without, local), "/backups").Body.String()); !strings.Contains(text, "There are no backup policies.") {
		t.Errorf("without policies: %s", text)
	}
	unread := *evening(t)
	unread.Backups = watch.Backups{Part: watch.Part{Tried: now, Err: "ec2:DescribeSnapshots: not authorized"}}
	if text := shown(get(t, handler(&unread, local), "/backups").Body.String()); !strings.Contains(text, "not authorized") || !strings.Contains(text, "have not been read yet") {
		t.Errorf("before the first reading: %s", text)
	}
	if text := shown(get(t, handler(&unread, local), "/").Body.String()); !strings.Contains(text, "data Backups ec2:DescribeSnapshots: not authorized") {
		t.Errorf("today before the first reading: %s", text)
	}
	partly := *evening(t)
	partly.Backups.Targets = slices.Clone(partly.Backups.Targets)
	partly.Backups.Targets[1].Up, partly.Backups.Targets[1].Err = false, "snapshots in ap-northeast-2: not authorized"
	partly.Backups.Err = "snapshots in ap-northeast-2: not authorized"
	partly.Backups.At = now.Add(-4 * time.Hour)
	text := shown(get(t, handler(&partly, local), "/").Body.String())
	if !strings.Contains(text, "backups staging ap-northeast-2 7 min ago snapshots in ap-northeast-2: not authorized") || strings.Count(text, "not authorized") != 1+strings.Count(text, "AccessDenied: not authorized") {
		t.Errorf("one account is not read: %s", text)
	}
	if page := get(t, handler(&partly, local), "/backups").Body.String(); !strings.Contains(page, `<li class="old">Backups`) {
		t.Error("old data do not look old")
	}
}
