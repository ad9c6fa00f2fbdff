package cost_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/cost"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// rowsOf are a table's rows with the values as they are shown.
func rowsOf(t *testing.T, r cost.Report, name string) (headers []string, rows [][]any) {
	t.Helper()
	return tableOf(t, sheet.Workbook{Report: r}, name)
}

// tableOf is rowsOf for a workbook.
func tableOf(t *testing.T, w sheet.Workbook, name string) (headers []string, rows [][]any) {
	t.Helper()
	for _, table := range w.Tables() {
		if table.Name != name {
			continue
		}
		for _, column := range table.Columns {
			headers = append(headers, column.Header)
		}
		for values := range table.Rows {
			row := make([]any, len(values))
			for n, value := range values {
				if usd, ok := value.(price.USD); ok {
					value = usd.String()
				}
				row[n] = value
			}
			rows = append(rows, row)
		}
		if len(rows) != table.Len {
			t.Errorf("%s yields %d rows and says %d", name, len(rows), table.Len)
		}
		return headers, rows
	}
	t.Fatalf("there is no table %s", name)
	return nil, nil
}

// TestSeedColumns holds the thirteen columns and the two of the summary, with
// the arithmetic of the first report: 24 h × 22 days × 0.118 = 62.30.
func TestSeedColumns(t *testing.T) {
	stopped := server("i-2")
	stopped.State, stopped.Tags = fleet.Stopped, fleet.Tags{"Platform": "Windows"}
	unknown := server("i-3")
	unknown.Type, unknown.State = "z9.huge", fleet.Stopped
	database := server("i-4")
	database.Tags["Platform"] = "rds"
	e := estate{
		instances: []fleet.Instance{server("i-1"), stopped, unknown, database},
		volumes: []fleet.Volume{
			disk("vol-1", fleet.GP3, 100, "i-1"), disk("vol-2", fleet.GP2, 50, "i-2"),
			disk("vol-3", fleet.GP2, 8, "i-1"), disk("vol-4", fleet.GP3, 500, "i-4"), disk("vol-5", fleet.GP2, 10),
		},
	}
	r := build(t, e, seoulPrices(t), cost.Options{Hours: cost.AssumedHours, ExcludePlatform: "RDS"})
	headers, rows := rowsOf(t, r, "EC2_Detail_Costs")
	if diff := cmp.Diff([]string{
		"Name", "InstanceId", "InstanceType", "State", "AZ", "Platform", "vCPU", "Memory",
		"VolumeSize(GB)", "AttachedVolumes", "EC2Monthly(USD)", "EBSMonthly(USD)", "TotalMonthly(USD)",
	}, headers[:13]); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	for n := range rows {
		rows[n] = rows[n][:13]
	}
	if diff := cmp.Diff([][]any{
		{"name of i-1", "i-1", "m5.large", "running", "ap-northeast-2a", "Linux", int64(2), "8 GiB", int64(108), "gp3:100GB, gp2:8GB", "62.30", "10.03", "72.33"},
		{"i-2", "i-2", "m5.large", "stopped", "ap-northeast-2a", "Windows", int64(2), "8 GiB", int64(50), "gp2:50GB", "0.00", "5.70", "5.70"},
		{"name of i-3", "i-3", "z9.huge", "stopped", "ap-northeast-2a", "Linux", "-", "-", int64(0), "-", "0.00", "0.00", "0.00"},
	}, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	headers, rows = rowsOf(t, r, "EBS_Summary")
	if diff := cmp.Diff([]string{"VolumeType", "TotalMonthlyUSD"}, headers[:2]); diff != "" {
		t.Errorf("summary headers (-want +got):\n%s", diff)
	}
	var summary [][]any
	for _, row := range rows {
		summary = append(summary, row[:2])
	}
	// gp3 100 GB = 9.12; gp2 58 GB = 6.612.
	if diff := cmp.Diff([][]any{{"gp3", "9.12"}, {"gp2", "6.61"}}, summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if r.Excluded != 1 {
		t.Errorf("%d instances left out, want 1", r.Excluded)
	}
}

func TestMemoryIsWrittenAsInThePriceList(t *testing.T) {
	var e estate
	for _, name := range []fleet.InstanceType{"t3.nano", "m5.xlarge", "x1e.32xlarge"} {
		i := server(fleet.ResourceID("i-" + name))
		i.Type = name
		e.instances = append(e.instances, i)
	}
	_, rows := rowsOf(t, build(t, e, seoulPrices(t), cost.Options{}), "EC2_Detail_Costs")
	for n, want := range []string{"0.5 GiB", "16 GiB", "3,904 GiB"} {
		if got := rows[n][7]; got != want {
			t.Errorf("memory of %v is %q, want %q", rows[n][2], got, want)
		}
	}
}

func TestDistinctKeysAreLookedUpOnce(t *testing.T) {
	var e estate
	for n := range 100 {
		i := server(fleet.ResourceID(rune('a' + n)))
		if n%2 == 1 {
			i.UsageOperation, i.Type = "RunInstances:0002", "m5.xlarge"
		}
		e.instances = append(e.instances, i)
	}
	host := server("i-host")
	host.Tenancy = "host"
	e.instances = append(e.instances, host)
	prices := seoulPrices(t)
	r := build(t, e, prices, cost.Options{})
	if len(prices.asked) != 1 || len(prices.asked[0]) != 2 || len(prices.regions) != 1 {
		t.Errorf("asked for %v in %v, want two keys in one call and one region", prices.asked, prices.regions)
	}
	uses := map[string]int{}
	for _, p := range r.Prices {
		uses[p.Item+" "+p.Tenancy] = p.Uses
	}
	if diff := cmp.Diff(map[string]int{"m5.large Shared": 50, "m5.xlarge Shared": 50, "m5.large Host": 1}, uses); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
	if last := r.Instances[100]; last.EC2() != (cost.Amount{Known: true}) || last.PriceNote != "host billed" {
		t.Errorf("instance on a host costs %v (%s)", last.EC2(), last.PriceNote)
	}
	if !r.Complete() {
		t.Errorf("report is not complete: %v, %v", r.Statuses(), r.Problems)
	}
}

// TestSharedVolumeCostsOnce attaches one io2 volume to two instances.
func TestSharedVolumeCostsOnce(t *testing.T) {
	shared := disk("vol-shared", fleet.IO2, 100, "i-gone", "i-1", "i-2")
	shared.IOPS = 1000
	e := estate{instances: []fleet.Instance{server("i-1"), server("i-2")}, volumes: []fleet.Volume{shared}}
	r := build(t, e, seoulPrices(t), cost.Options{})
	const monthly = "79.38" // 12.78 + 66.60
	first, second := r.Instances[0], r.Instances[1]
	if got := first.EBS.USD.String(); got != monthly || first.EBSNote != "" {
		t.Errorf("first row costs %s (%s), want %s", got, first.EBSNote, monthly)
	}
	if second.EBS.USD != 0 || second.EBSNote != "vol-shared is shared; its cost stands at i-1" || second.VolumeGiB != 100 {
		t.Errorf("second row: %v GiB cost %v (%s)", second.VolumeGiB, second.EBS.USD, second.EBSNote)
	}
	if got := r.Totals[1].EBS.String(); got != monthly {
		t.Errorf("all volumes cost %s, want %s", got, monthly)
	}
	if got := r.Types[0].Attached; got.Count != 1 || got.Monthly.String() != monthly {
		t.Errorf("summary %+v, want one volume at %s", got, monthly)
	}
}

// TestTotalsAddUp compares the totals with the rows, to the last digit.
func TestTotalsAddUp(t *testing.T) {
	left := server("i-3")
	left.Tags["Platform"] = "RDS"
	young := disk("vol-4", fleet.GP3, 72, "i-1")
	young.Created = now.AddDate(0, 0, -1)
	e := estate{
		instances: []fleet.Instance{server("i-1"), server("i-2"), left},
		volumes: []fleet.Volume{
			disk("vol-1", fleet.GP3, 33, "i-1"), disk("vol-2", fleet.GP2, 17), disk("vol-3", fleet.GP2, 19, "i-3"), young,
		},
	}
	r := build(t, e, seoulPrices(t), cost.Options{ExcludePlatform: "RDS"})
	var ec2, toDate, runRate, forecast price.USD
	for _, i := range r.Instances {
		ec2, runRate, forecast = ec2.Add(i.EC2().USD), runRate.Add(i.RunRate().USD), forecast.Add(i.EC2Forecast().USD)
	}
	for _, v := range r.Volumes {
		toDate, runRate, forecast = toDate.Add(v.ToDate.USD), runRate.Add(v.Monthly.USD), forecast.Add(v.Forecast.USD)
	}
	want := cost.Total{
		Instances: 2, Running: 2, Volumes: 4, EC2: ec2, EC2AtLeast: ec2,
		EBS: dollars(t, "9.576"), EBSUnattached: dollars(t, "1.938"), EBSOther: dollars(t, "2.166"),
		EBSToDate: toDate, TotalToDate: ec2.Add(toDate), TotalAtMost: ec2.Add(toDate), RunRate: runRate, Forecast: forecast,
	}
	if diff := cmp.Diff(want, r.Totals[1]); diff != "" {
		t.Errorf("total (-want +got):\n%s", diff)
	}
	// A day of a 30-day month: 72 × 0.0912 ÷ 30.
	if got := r.Volumes[3].ToDate.USD.String(); got != "0.21888" {
		t.Errorf("a volume of one day costs %s so far, want 0.21888", got)
	}
	if got, want := r.Instances[0].EC2().USD.String(), "60.534"; got != want { // 513 h × 0.118
		t.Errorf("21 days and 9 hours cost %s, want %s", got, want)
	}
	if got, want := r.Instances[0].EC2Forecast().USD.String(), "84.96"; got != want { // 720 h × 0.118
		t.Errorf("all of November costs %s, want %s", got, want)
	}
}

func TestUnknownIsNotZero(t *testing.T) {
	strange := server("i-1")
	strange.Type = "z9.huge"
	e := estate{instances: []fleet.Instance{strange}, volumes: []fleet.Volume{disk("vol-1", "gp9", 10, "i-1"), disk("vol-2", fleet.GP3, 10, "i-1")}}
	r := build(t, e, seoulPrices(t), cost.Options{})
	i := r.Instances[0]
	if i.EC2().Known || i.EBS.Known || i.TotalToDate().Known || i.PriceStatus != price.Missing || i.EBSStatus != price.Missing {
		t.Errorf("EC2 %v, EBS %v, %s, %s: want unknown and missing", i.EC2(), i.EBS, i.PriceStatus, i.EBSStatus)
	}
	_, rows := rowsOf(t, r, "EC2_Detail_Costs")
	if diff := cmp.Diff([]any{nil, nil, nil}, rows[0][10:13]); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	if r.Missing() != 2 || r.Complete() || r.Totals[0].Unpriced != 2 {
		t.Errorf("%d missing, complete %v, %d unpriced; want 2, false, 2", r.Missing(), r.Complete(), r.Totals[0].Unpriced)
	}
	if got := r.Totals[0].EBS.String(); got != "0.912" {
		t.Errorf("the known volume adds up to %s, want 0.912", got)
	}
}

func TestFailuresStayWhereTheyHappen(t *testing.T) {
	cut := errors.New("connection cut")
	e := estate{
		instances: []fleet.Instance{server("i-1")}, volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 10, "i-1")},
		volumesErr: cut, typesErr: fleet.ErrDenied,
	}
	denied := estate{instancesErr: fleet.ErrDenied, volumesErr: fleet.ErrDenied}
	prices := seoulPrices(t)
	prices.volumesErr = fleet.ErrThrottled
	r, err := cost.Build(t.Context(), []cost.Source{{Target: tokyo, Inventory: denied}, {Target: seoul, Inventory: e}}, prices,
		cost.Options{Now: now, Zone: kst})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range r.Problems {
		got = append(got, p.Error())
	}
	if diff := cmp.Diff([]string{
		"123456789012 ap-northeast-1: instances: access denied",
		"123456789012 ap-northeast-1: volumes: access denied",
		"123456789012 ap-northeast-2: volumes: connection cut",
		"123456789012 ap-northeast-2: instance types: access denied",
		"ap-northeast-2: volume prices: throttled",
	}, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if !errors.Is(r.Problems[0], fleet.ErrDenied) {
		t.Error("a problem hides its cause")
	}
	i := r.Instances[0]
	if i.EBS.Known || !strings.Contains(i.EBSNote, "connection cut") || i.EC2().USD == 0 {
		t.Errorf("EBS %v (%s), EC2 %v: want unknown volumes and a priced instance", i.EBS, i.EBSNote, i.EC2())
	}
	if r.Complete() {
		t.Error("the report calls itself complete")
	}
}

func TestPriceListFailureIsInTheNotes(t *testing.T) {
	e := estate{instances: []fleet.Instance{server("i-1")}, volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 10, "i-1")}}
	r := build(t, e, &list{instancesErr: fleet.ErrThrottled, volumesErr: fleet.ErrThrottled}, cost.Options{})
	const want = "the price list could not be read: throttled"
	if i := r.Instances[0]; i.PriceNote != want || i.EBSNote != want || i.PriceStatus != price.Missing {
		t.Errorf("%s: %q and %q, want %q", i.PriceStatus, i.PriceNote, i.EBSNote, want)
	}
	if len(r.Problems) != 2 {
		t.Errorf("problems %v, want two", r.Problems)
	}
}

func TestNothingReadIsAnError(t *testing.T) {
	_, err := cost.Build(t.Context(), []cost.Source{
		{Target: seoul, Inventory: estate{instancesErr: fleet.ErrCredentials}},
		{Target: tokyo, Inventory: estate{instancesErr: fleet.ErrDenied}},
	}, seoulPrices(t), cost.Options{Now: now})
	if !errors.Is(err, fleet.ErrCredentials) || !errors.Is(err, fleet.ErrDenied) {
		t.Errorf("error %v, want both causes", err)
	}
}

func TestEmptyAccountIsAReport(t *testing.T) {
	r := build(t, estate{}, seoulPrices(t), cost.Options{})
	if !r.Complete() || len(r.Totals) != 2 {
		t.Errorf("problems %v, totals %v", r.Problems, r.Totals)
	}
	for _, table := range (sheet.Workbook{Report: r}).Tables() {
		if len(table.Columns) == 0 {
			t.Errorf("table %s has no columns", table.Name)
		}
	}
}

func TestEndedContextIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := cost.Build(ctx, []cost.Source{{Target: seoul, Inventory: estate{}}}, seoulPrices(t), cost.Options{Now: now})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

// TestEmptyRegionsAskForNoPrices: most regions of an account are empty.
func TestEmptyRegionsAskForNoPrices(t *testing.T) {
	prices := seoulPrices(t)
	if _, err := cost.Build(t.Context(), []cost.Source{
		{Target: tokyo, Inventory: estate{}, OtherResources: belongings{}},
		{Target: seoul, Inventory: estate{volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 10), disk("vol-2", fleet.GP3, 10)}}},
	}, prices, cost.Options{Now: now, Zone: kst}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]fleet.Region{seoul.Region}, prices.regions); diff != "" || len(prices.asked) != 0 {
		t.Errorf("asked for rates of %v and instances %v", prices.regions, prices.asked)
	}
}
