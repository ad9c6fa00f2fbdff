package page_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/cost/page"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

var (
	seoul = fleet.Target{Account: "123456789012", Region: "ap-northeast-2"}
	now   = time.Date(2026, 11, 22, 9, 0, 0, 0, time.FixedZone("KST", 9*3600))
)

// reportOf is a report of a running instance of each name, with a volume each,
// and one unattached volume.
func reportOf(names ...string) sheet.Workbook {
	hourly := &cost.Price{Kind: "instance", Item: "m5.large", Quote: price.Quote{Status: price.Exact, Rate: price.Rate{USD: price.Dollar * 118 / 1000, Unit: "Hrs"}}}
	r := cost.Report{
		Month: cost.MonthOf(now), Hours: cost.BestHours, Targets: []fleet.Target{seoul}, Prices: []*cost.Price{hourly},
		Types: []cost.TypeSummary{{Type: fleet.GP3}},
	}
	all := cost.Total{}
	amount := func(usd price.USD) cost.Amount { return cost.Amount{USD: usd, Known: true} }
	for n, name := range append(names, "") {
		v := &cost.Volume{
			Volume: fleet.Volume{Target: seoul, ID: fleet.VolumeID(fmt.Sprintf("vol-%d", n)), Type: fleet.GP3, SizeGiB: 1000, State: "in-use"},
			Name:   fmt.Sprintf("vol-%d", n), Status: price.Exact, Monthly: amount(price.Dollar * 912 / 10), ToDate: amount(price.Dollar * 65),
		}
		r.Volumes = append(r.Volumes, v)
		all.Volumes++
		all.EBSToDate = all.EBSToDate.Add(v.ToDate.USD)
		all.TotalToDate = all.TotalToDate.Add(v.ToDate.USD)
		if n == len(names) {
			v.State = "available"
			all.EBSUnattached = v.Monthly.USD
			r.Types[0].Unattached = cost.VolumeSum{Count: 1, GiB: 1000, Monthly: v.Monthly.USD}
			break
		}
		id := fleet.ResourceID(fmt.Sprintf("i-%d", n))
		v.BilledTo, v.AttachedTo = id, []fleet.ResourceID{id}
		i := &cost.Instance{
			Target: seoul, ID: id, Type: "m5.large", State: fleet.Running, Name: name, Platform: "Linux", Price: hourly, PriceStatus: price.Exact,
			Hours: 513 * time.Hour, AtLeast: 513 * time.Hour, Source: cost.FromLaunchTime, LaunchTime: now.AddDate(0, -1, 0),
			VolumeGiB: 1000, EBS: v.Monthly, EBSToDate: v.ToDate, EBSStatus: price.Exact,
		}
		r.Instances = append(r.Instances, i)
		r.Types[0].Attached.Count++
		r.Types[0].Attached.Monthly = r.Types[0].Attached.Monthly.Add(v.Monthly.USD)
		all.Instances++
		all.Running++
		all.EC2 = all.EC2.Add(i.EC2().USD)
		all.TotalToDate = all.TotalToDate.Add(i.EC2().USD)
	}
	one := all
	one.Target = seoul
	r.Totals = []cost.Total{one, all}
	return sheet.Workbook{Report: r}
}

func write(t *testing.T, r sheet.Workbook) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func manyNames(n int) []string {
	names := make([]string, n)
	for k := range names {
		names[k] = fmt.Sprintf("web-%d", k)
	}
	return names
}

// TestPageNeedsNothingElse looks for everything by which a page loads or runs
// something.
func TestPageNeedsNothingElse(t *testing.T) {
	text := write(t, reportOf(manyNames(3)...))
	if found := regexp.MustCompile(`<[^>]* on[a-z]+=`).FindString(text); found != "" {
		t.Errorf("the page runs something: %s", found)
	}
	for _, bad := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", "http:", "https:", "javascript:"} {
		if strings.Contains(strings.ToLower(text), bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !strings.Contains(text, `content="default-src 'none'; style-src 'unsafe-inline'"`) {
		t.Error("the page does not forbid what it does not need")
	}
}

// TestHostileNamesAreText writes names that would be markup, and compares what a
// parser reads.
func TestHostileNamesAreText(t *testing.T) {
	names := []string{
		"<script>alert(1)</script>", "</title></svg></style><img src=x onerror=alert(1)>", `" onmouseover="alert(1)`, "{{.Title}}", "&amp;",
		"\u202eevil", "مرحبا", "결제-서버", strings.Repeat("long", 100), "]]>", "<!--", "nul\x00",
	}
	r := reportOf(names...)
	r.Recommendations = []recommend.Recommendation{{Code: "<b>", Resource: "r", Name: names[1], Reason: names[0], Saving: price.Dollar}}
	r.Problems = []cost.Problem{{What: names[2], Err: errors.New(names[0])}}
	text := write(t, r)
	for _, bad := range []string{"<script", "<img", `onmouseover="alert`, "<b>"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page holds %q as markup", bad)
		}
	}
	cells := textsOf(t, text)
	for _, name := range names {
		if want := strings.ReplaceAll(name, "\x00", "\ufffd"); !cells[want] {
			t.Errorf("%q is not shown as it is", name)
		}
	}
}

// textsOf are the texts of all elements. The page is also read as XML, which
// fails on elements that are not closed.
func textsOf(t *testing.T, page string) map[string]bool {
	t.Helper()
	_, body, _ := strings.Cut(page, "<body>")
	body, _, _ = strings.Cut(body, "</html>")
	body = regexp.MustCompile(`<wbr>`).ReplaceAllString(body, "")
	d := xml.NewDecoder(strings.NewReader("<body>" + body))
	d.Entity = xml.HTMLEntity
	found := map[string]bool{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		if text, ok := token.(xml.CharData); ok {
			found[string(text)] = true
		}
	}
}

func TestLongTablesSayWhatIsMissing(t *testing.T) {
	text := write(t, reportOf(manyNames(1234)...))
	_, detail, _ := strings.Cut(text, `<section class="sheet" id="EC2_Detail_Costs">`)
	detail, _, _ = strings.Cut(detail, "</section>")
	if rows := strings.Count(detail, "<tr>") - 1; rows != 200 {
		t.Errorf("%d rows, want 200", rows)
	}
	if !strings.Contains(detail, "1,034 more rows are in the workbook") || !strings.Contains(detail, "1,234 rows") {
		t.Error("the page does not say that 1,034 of 1,234 rows are left out")
	}
	if short := write(t, reportOf(manyNames(200)...)); strings.Contains(short, "more rows are") {
		t.Error("the page of 200 instances leaves rows out")
	}
}

func TestSummaryComesFirst(t *testing.T) {
	r := reportOf(manyNames(1234)...)
	text := write(t, r)
	at := -1
	for _, want := range []string{r.Summary().Title, "Month to date", "$154,973.96", "Spent this month so far", "<svg", `id="EC2_Detail_Costs"`, `id="Run"`} {
		next := strings.Index(text[at+1:], want)
		if next < 0 {
			t.Fatalf("%q does not come after what must come before it", want)
		}
		at += 1 + next
	}
}

// TestNumbersAreAligned: numbers are grouped and at the right, text is not.
func TestNumbersAreAligned(t *testing.T) {
	text := write(t, reportOf("12345"))
	for _, want := range []string{
		`<td class="text"><bdi>12345</bdi></td>`, `<td class="number"><bdi>1,000</bdi></td>`, `<td class="number"><bdi>60.53</bdi></td>`,
		`<td class="number screen"><bdi>0.1180</bdi></td>`, `<td class="number screen"><bdi>2026-10-22 09:00</bdi></td>`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
}

// TestChartsAreDrawnToScale measures the bars: their lengths are as the values,
// and all shapes and labels are within the picture.
func TestChartsAreDrawnToScale(t *testing.T) {
	r := reportOf("small", "large")
	r.Instances[1].Hours *= 3
	r.Instances[0].EBSToDate, r.Instances[1].EBSToDate = cost.Amount{Known: true}, cost.Amount{Known: true}
	text := write(t, r)
	bars := map[string]float64{}
	for _, m := range regexp.MustCompile(`<rect class="s0" x="[^"]*" y="[^"]*" width="([^"]*)" height="[^"]*"><title>([^<]*)</title>`).FindAllStringSubmatch(text, -1) {
		bars[m[2]] = float(t, m[1])
	}
	small, large := bars["small (m5.large): 60.53"], bars["large (m5.large): 181.60"]
	if small <= 0 || large/small < 2.98 || large/small > 3.02 {
		t.Errorf("bars of 60.53 and 181.60 are %v and %v long; all: %v", small, large, bars)
	}
	for _, picture := range regexp.MustCompile(`(?s)<svg [^>]*viewBox="0 0 (\d+) (\d+)".*?</svg>`).FindAllStringSubmatch(text, -1) {
		width, height := float(t, picture[1]), float(t, picture[2])
		for _, at := range regexp.MustCompile(` (x|y|x1|x2|y1|y2)="([^"]*)"`).FindAllStringSubmatch(picture[0], -1) {
			limit := width
			if at[1][0] == 'y' {
				limit = height
			}
			if v := float(t, at[2]); v < 0 || v > limit {
				t.Errorf("%s is outside of the picture of %v × %v", at[0], width, height)
			}
		}
		if !strings.Contains(picture[0], `role="img"`) || strings.Count(picture[0], "<desc ") != 1 {
			t.Error("a chart cannot be understood without seeing it")
		}
	}
}

func float(t *testing.T, text string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEmptyReportIsAPage(t *testing.T) {
	r := reportOf()
	r.Volumes, r.Types, r.Totals = nil, nil, []cost.Total{{}}
	text := write(t, r)
	if strings.Contains(text, "<svg") || !strings.Contains(text, "$0.00") || strings.Contains(text, "NaN") {
		t.Error("the page of an empty account draws charts, or does not say that it costs nothing")
	}
	textsOf(t, text)
}

func TestSameReportSameBytes(t *testing.T) {
	r := reportOf(manyNames(5)...)
	if first, second := write(t, r), write(t, r); first != second {
		t.Error("two pages of one report differ")
	}
}

var errFull = errors.New("disk full")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrorIsReturned(t *testing.T) {
	if err := page.Write(brokenWriter{}, reportOf("a")); !errors.Is(err, errFull) {
		t.Errorf("error %v, want %v", err, errFull)
	}
}
