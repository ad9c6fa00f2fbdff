package plain_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/cost"
	"nightshift/internal/cost/plain"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.FixedZone("KST", 9*3600))

// reportOf is a report of running instances of these names; the price of the
// last one is not known.
func reportOf(names ...string) sheet.Workbook {
	seoul := fleet.Target{Account: "123456789012", Region: "ap-northeast-2"}
	priced := &cost.Price{Kind: "instance", Item: "m5.large", Quote: price.Quote{Status: price.Exact, Rate: price.Rate{USD: price.Dollar * 118 / 1000, Unit: "Hrs"}}}
	unknown := &cost.Price{Kind: "instance", Item: "z9.huge", Quote: price.Quote{Status: price.Missing}}
	r := cost.Report{
		Month: cost.MonthOf(now), Hours: cost.BestHours, Targets: []fleet.Target{seoul}, Prices: []*cost.Price{priced, unknown},
		Totals: []cost.Total{{Target: seoul}, {}},
	}
	for n, name := range names {
		i := &cost.Instance{
			Target: seoul, ID: "i-1", Type: "m5.large", State: fleet.Running, Name: name, Price: priced, PriceStatus: price.Exact,
			Hours: 513*time.Hour + 15*time.Minute, LaunchTime: now.AddDate(0, -1, 0), EBS: cost.Amount{Known: true}, EBSToDate: cost.Amount{Known: true},
		}
		if n == len(names)-1 {
			i.Price, i.PriceStatus = unknown, price.Missing
		}
		r.Instances = append(r.Instances, i)
	}
	return sheet.Workbook{Report: r}
}

func records(t *testing.T, r sheet.Workbook, table string) [][]string {
	t.Helper()
	var b bytes.Buffer
	if err := plain.WriteCSV(&b, r, table); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.ReplaceAll(b.String(), "\r\n", ""), "\n") {
		t.Error("a line does not end in CR LF")
	}
	all, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCSVIsTheTable(t *testing.T) {
	rows := records(t, reportOf("web, \"the\" one", "결제-서버", "unknown"), "")
	column := map[string]int{}
	for n, header := range rows[0] {
		column[header] = n
	}
	for _, c := range []struct {
		row          int
		header, want string
	}{
		{1, "Name", `web, "the" one`},
		{2, "Name", "결제-서버"},
		{1, "EC2Monthly(USD)", "60.56"},
		{1, "Hours", "513.25"},
		{1, "Hourly(USD)", "0.118"},
		{1, "TotalMonthToDate(USD)", "60.5635"},
		{1, "LaunchTime", "2026-10-22T09:00:00+09:00"},
		{3, "EC2Monthly(USD)", ""},
		{3, "PriceStatus", "missing"},
		{1, "VolumeSize(GB)", "0"},
	} {
		if got := rows[c.row][column[c.header]]; got != c.want {
			t.Errorf("row %d: %s is %q, want %q", c.row, c.header, got, c.want)
		}
	}
	if diff := cmp.Diff([]string{"Name", "InstanceId", "InstanceType"}, rows[0][:3]); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if rows := records(t, reportOf("a"), "ebs_summary"); rows[0][0] != "VolumeType" {
		t.Errorf("the named table begins with %v", rows[0])
	}
}

func TestCSVOfAnUnknownTable(t *testing.T) {
	err := plain.WriteCSV(&bytes.Buffer{}, reportOf("a"), "Nonsense")
	if err == nil || !strings.Contains(err.Error(), "EC2_Detail_Costs, EBS_Summary") {
		t.Errorf("error %v, want the names of the tables", err)
	}
}

// TestCSVTextIsNoFormula: spreadsheets run a cell that begins with one of these,
// after a comma or what they take for the end of a cell.
func TestCSVTextIsNoFormula(t *testing.T) {
	for name, want := range map[string]string{
		"=cmd|'/c calc'!A1": "'=cmd|'/c calc'!A1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t'=1", "\r=1": "''=1",
		"＝1": "'＝1", "a;=1": "a;'=1", "a\n=1": "a\n'=1", "a=1": "a=1", "a-b+c@d": "a-b+c@d", "'=1": "'=1", "web": "web", "-": "'-",
	} {
		if got := records(t, reportOf(name, "last"), "")[1][0]; got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// TestCSVNumbersAreNotGuarded: a negative amount stays a number.
func TestCSVNumbersAreNotGuarded(t *testing.T) {
	r := reportOf("a", "b")
	r.Instances[0].Price = &cost.Price{Quote: price.Quote{Status: price.Exact, Rate: price.Rate{USD: -price.Dollar}}}
	if got := records(t, r, "")[1][10]; got != "-513.25" {
		t.Errorf("the amount is %q, want -513.25", got)
	}
}

// envelope is the JSON as its readers know it.
type envelope struct {
	Version int    `json:"version"`
	Kind    string `json:"kind"`
	Data    struct {
		Title    string `json:"title"`
		Month    string `json:"month"`
		From, To time.Time
		Complete bool `json:"complete"`
		Summary  []struct {
			Title   string `json:"title"`
			Figures []struct {
				Label string `json:"label"`
				Value any    `json:"value"`
				Unit  string `json:"unit"`
				Table string `json:"table"`
			} `json:"figures"`
		} `json:"summary"`
		Tables map[string][]map[string]any `json:"tables"`
	} `json:"data"`
}

func decoded(t *testing.T, r sheet.Workbook) envelope {
	t.Helper()
	var b bytes.Buffer
	if err := plain.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	var e envelope
	if err := json.Unmarshal(b.Bytes(), &e); err != nil {
		t.Fatalf("%v in %s", err, b.Bytes())
	}
	return e
}

func TestJSONHoldsAllTables(t *testing.T) {
	r := reportOf("=<b>&\u2028 \u202e\"", "unknown")
	e := decoded(t, r)
	if e.Version != 1 || e.Kind != "cost-report" || e.Data.Month != "2026-11" || e.Data.Complete || !e.Data.From.Equal(r.Month.Start) {
		t.Errorf("envelope %+v", e)
	}
	for _, table := range r.Tables() {
		rows, ok := e.Data.Tables[strings.ToLower(table.Name)]
		if !ok || len(rows) != table.Len {
			t.Errorf("table %s has %d rows, want %d", table.Name, len(rows), table.Len)
		}
		for _, row := range rows {
			if len(row) != len(table.Columns) {
				t.Errorf("table %s: %d keys, want %d", table.Name, len(row), len(table.Columns))
			}
		}
	}
	row := e.Data.Tables["ec2_detail_costs"][0]
	for key, want := range map[string]any{
		"name": "=<b>&\u2028 \u202e\"", "instance_id": "i-1", "az": "", "vcpu": "-", "volume_size_gb": 0.0, "ec2_monthly_usd": "60.56", "ebs_monthly_usd": "0.00",
		"total_month_to_date_usd": "60.5635", "hours": 513.25, "launch_time": "2026-10-22T09:00:00+09:00", "hourly_usd": "0.118", "sku": "", "price_status": "exact",
	} {
		if got, ok := row[key]; !ok || got != want {
			t.Errorf("%s is %v (there: %v), want %v", key, got, ok, want)
		}
	}
	if got, ok := e.Data.Tables["ec2_detail_costs"][1]["ec2_monthly_usd"]; !ok || got != nil {
		t.Errorf("an unknown amount is %v (there: %v), want null", got, ok)
	}
	if s := e.Data.Summary; len(s) < 3 || s[0].Figures[0].Label != "Month to date" || s[0].Figures[0].Value != "0.00" || s[0].Figures[0].Table != "totals" {
		t.Errorf("summary %+v", s)
	}
}

// TestJSONKeysAreStable holds the keys that readers know.
func TestJSONKeysAreStable(t *testing.T) {
	var b bytes.Buffer
	if err := plain.WriteJSON(&b, reportOf("a")); err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(b.String(), `"ec2_detail_costs":[{`)
	row, _, _ = strings.Cut(row, "}")
	want := []string{
		"name", "instance_id", "instance_type", "state", "az", "platform", "vcpu", "memory", "volume_size_gb", "attached_volumes",
		"ec2_monthly_usd", "ebs_monthly_usd", "total_monthly_usd",
	}
	at := 0
	for _, key := range want {
		next := strings.Index(row[at:], `"`+key+`":`)
		if next < 0 {
			t.Fatalf("%s does not come after what must come before it in %s", key, row)
		}
		at += next
	}
}

func TestEmptyReport(t *testing.T) {
	r := reportOf()
	if rows := records(t, r, ""); len(rows) != 1 {
		t.Errorf("%d lines, want the headers", len(rows))
	}
	if e := decoded(t, r); e.Data.Tables["ec2_detail_costs"] == nil || len(e.Data.Tables["ec2_detail_costs"]) != 0 {
		t.Errorf("the table is %v, want an empty list", e.Data.Tables["ec2_detail_costs"])
	}
}

var errFull = errors.New("disk full")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrorIsReturned(t *testing.T) {
	if err := plain.WriteJSON(brokenWriter{}, reportOf("a")); !errors.Is(err, errFull) {
		t.Errorf("JSON: error %v, want %v", err, errFull)
	}
	if err := plain.WriteCSV(brokenWriter{}, reportOf("a"), ""); !errors.Is(err, errFull) {
		t.Errorf("CSV: error %v, want %v", err, errFull)
	}
}
