package history_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/cost/history"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

var update = flag.Bool("update", false, "write the golden files anew")

func day(t testing.TB, s string) trend.Date {
	t.Helper()
	d, err := trend.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func usd(u price.USD) cost.Amount { return cost.Amount{USD: u, Known: true} }

// sample is an instance, a volume with three parts, a volume without a price and
// a line, with everything that a row can have and can lack.
func sample() []trend.Row {
	generated := time.Date(2026, 11, 22, 10, 30, 0, 123_000_000, time.UTC)
	base := trend.Row{
		Generated: generated, Account: "123456789012", Region: "ap-northeast-2", PriceStatus: "exact",
		Seconds: 1_862_100, SecondsElapsed: 1_899_000, SecondsMonth: 2_592_000,
	}
	instance, volume, unknown, address := base, base, base, base
	instance.Kind, instance.ID, instance.Name, instance.Type = trend.InstanceRow, "i-0123456789abcdef0", "=web, \"Seoul\" 서울", "m5.xlarge"
	instance.State, instance.Zone, instance.Lifecycle = "running", "ap-northeast-2a", fleet.Spot
	instance.Tenancy, instance.Operation, instance.Schedule, instance.HoursSource = "Shared", "RunInstances", "office-hours", "launch-time"
	instance.Tags = fleet.Tags{"Team": "core", "Cost=Center": "4711", "empty": ""}
	instance.Parts = []trend.RowPart{{Dimension: "m5.xlarge", Quantity: 730, Unit: "Hrs", Rate: usd(2360000000), SKU: "SKU1", Monthly: usd(1722800000000)}}
	instance.ToDate, instance.Monthly, instance.Forecast = usd(1220710000001), usd(1722800000000), usd(-1)
	volume.Kind, volume.ID, volume.Name, volume.Type, volume.State = trend.VolumeRow, "vol-1", "data", "gp3", "in-use"
	volume.ParentID = "i-0123456789abcdef0"
	volume.Parts = []trend.RowPart{
		{Dimension: "EBS:VolumeUsage.gp3", Quantity: 1000, Unit: "GiB", Rate: usd(912000000), SKU: "SKU2", Monthly: usd(912000000000)},
		{Dimension: "EBS:VolumeP-IOPS.gp3", Quantity: 13000, Unit: "IOPS", Rate: usd(57000000), SKU: "SKU3", Monthly: usd(741000000000)},
		{Dimension: "EBS:VolumeP-Throughput.gp3", Quantity: 875, Unit: "MiB/s", Rate: usd(466944000000), SKU: "SKU4", Monthly: usd(399000000000)},
	}
	volume.ToDate, volume.Monthly, volume.Forecast = usd(0), usd(2052000000000), usd(2052000000000)
	unknown.Kind, unknown.ID, unknown.Name, unknown.Type, unknown.PriceStatus = trend.VolumeRow, "vol-2", "", "gp9", "missing"
	unknown.Seconds = 0
	address.Kind, address.ID, address.Name, address.State = trend.RowKind(cost.AddressLine), "eipalloc-1", "10.0.0.1", "idle"
	address.Parts = []trend.RowPart{{Dimension: "PublicIPv4:IdleAddress", Quantity: 0.125, Unit: "addresses"}}
	return []trend.Row{instance, volume, unknown, address}
}

// collect reads a day up to the error.
func collect(rows iter.Seq2[trend.Row, error]) ([]trend.Row, error) {
	var list []trend.Row
	for row, err := range rows {
		if err != nil {
			return list, err
		}
		list = append(list, row)
	}
	return list, nil
}

func TestDayComesBackAsItWas(t *testing.T) {
	ctx, store, date := t.Context(), blob.Folder(t.TempDir()), day(t, "2026-11-22")
	key, err := history.Write(ctx, store, date, slices.Values(sample()))
	if err != nil || key != "history/dt=2026-11-22/part-0.parquet" {
		t.Fatal(key, err)
	}
	got, err := collect(history.Read(ctx, store, date))
	if diff := cmp.Diff(sample(), got); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
}

func TestSpendingIsPartOfTheDay(t *testing.T) {
	ctx, store, date := t.Context(), blob.Folder(t.TempDir()), day(t, "2026-11-22")
	if _, err := history.Write(ctx, store, date, slices.Values(sample())); err != nil {
		t.Fatal(err)
	}
	days, err := daysOf(ctx, store, date, date, history.ReadSpending)
	if err != nil || len(days) != 1 {
		t.Fatal(days, err)
	}
	got, err := collect(days[0].Rows)
	if err != nil {
		t.Fatal(err)
	}
	var want []trend.Row
	for _, r := range sample() {
		want = append(want, trend.Row{
			Account: r.Account, Region: r.Region, Kind: r.Kind, ID: r.ID, Type: r.Type, Tags: r.Tags, SecondsElapsed: r.SecondsElapsed, ToDate: r.ToDate, Forecast: r.Forecast,
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRerunReplacesItsDay(t *testing.T) {
	ctx, store, date := t.Context(), blob.Folder(t.TempDir()), day(t, "2026-11-22")
	for _, rows := range [][]trend.Row{sample(), sample()[:1]} {
		key, err := history.Write(ctx, store, date, slices.Values(rows))
		if err != nil {
			t.Fatal(err)
		}
		first, err := store.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := history.Write(ctx, store, date, slices.Values(rows)); err != nil {
			t.Fatal(err)
		}
		second, err := store.Get(ctx, key)
		if err != nil || !bytes.Equal(first, second) {
			t.Error("the same rows made other bytes", err)
		}
	}
	names, err := store.List(ctx, "history/dt=2026-11-22/")
	if err != nil || len(names) != 1 {
		t.Error(names, err)
	}
	if got, err := collect(history.Read(ctx, store, date)); len(got) != 1 || err != nil {
		t.Error(len(got), err)
	}
}

func TestEmptyDayIsADay(t *testing.T) {
	ctx, store, date := t.Context(), blob.Folder(t.TempDir()), day(t, "2026-11-22")
	if _, err := history.Write(ctx, store, date, slices.Values([]trend.Row(nil))); err != nil {
		t.Fatal(err)
	}
	if got, err := collect(history.Read(ctx, store, date)); len(got) != 0 || err != nil {
		t.Error(got, err)
	}
}

func TestDatesAreThoseAskedFor(t *testing.T) {
	ctx, store := t.Context(), blob.Folder(t.TempDir())
	for _, s := range []string{"2026-11-22", "2026-11-01", "2026-10-31", "2026-12-01"} {
		if _, err := history.Write(ctx, store, day(t, s), slices.Values(sample())); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"history/dt=tomorrow/x", "history/README", "history/2026-11-05/part-0.parquet", "history/dt=2026-11-31/x"} {
		if err := store.Put(ctx, key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	got, err := history.Dates(ctx, store, day(t, "2026-11-01"), day(t, "2026-11-22"))
	want := []trend.Date{day(t, "2026-11-01"), day(t, "2026-11-22")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v (%v)", got, want, err)
	}
	if got, err := history.Dates(ctx, blob.Folder(t.TempDir()), 0, 1<<20); len(got) != 0 || err != nil {
		t.Error("an empty store:", got, err)
	}
}

// TestNoDamagePasses turns bits in every byte of a file and cuts it off
// everywhere.
func TestNoDamagePasses(t *testing.T) {
	whole := encode(t, slices.Values(sample()))
	for n := range whole {
		if rows, err := collect(history.Decode(whole[:n])); err == nil || len(rows) > 0 {
			t.Fatalf("the first %d bytes were read: %v", n, err)
		}
		spoiled := bytes.Clone(whole)
		spoiled[n] ^= 0x55
		if rows, err := collect(history.Decode(spoiled)); err == nil || len(rows) > 0 {
			t.Fatalf("byte %d of %d was spoiled: %v", n, len(whole), err)
		}
	}
	if _, err := collect(history.Decode(append(bytes.Clone(whole), 0))); err == nil {
		t.Error("a byte more was read")
	}
}

func encode(t testing.TB, rows iter.Seq[trend.Row]) []byte {
	t.Helper()
	file, err := history.Encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestDamageIsAnErrorOfThatDay: the error names the file, and the next day
// is read.
func TestDamageIsAnErrorOfThatDay(t *testing.T) {
	ctx, store := t.Context(), blob.Folder(t.TempDir())
	date, other := day(t, "2026-11-15"), day(t, "2026-11-22")
	key, err := history.Write(ctx, store, date, slices.Values(sample()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := history.Write(ctx, store, other, slices.Values(sample())); err != nil {
		t.Fatal(err)
	}
	whole, err := store.Get(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, body []byte, mustFail bool) {
		t.Helper()
		if err := store.Put(ctx, key, body); err != nil {
			t.Fatal(err)
		}
		days, err := daysOf(ctx, store, date, other, history.Read)
		if err != nil || len(days) != 2 {
			t.Fatal(days, err)
		}
		rows, err := collect(days[0].Rows)
		switch {
		case err == nil && (mustFail || !cmp.Equal(rows, sample())):
			t.Errorf("%s: read without an error", what)
		case err != nil && (!errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), key)):
			t.Errorf("%s: %v", what, err)
		}
		if rows, err := collect(days[1].Rows); err != nil || len(rows) != len(sample()) {
			t.Errorf("%s: the other day: %v", what, err)
		}
	}
	check("empty", nil, true)
	check("text", []byte("Name,InstanceId\nweb,i-1\n"), true)
	check("cut off", whole[:len(whole)/2], true)
	spoiled := bytes.Clone(whole)
	spoiled[len(spoiled)/4] ^= 1
	check("one bit turned", spoiled, true)
	var foreign bytes.Buffer
	if err := parquet.Write(&foreign, []struct{ ID string }{{"i-1"}}); err != nil {
		t.Fatal(err)
	}
	check("another program's file", foreign.Bytes(), true)
	for text, want := range map[string]string{"2": "newer nightshift", "zero": `its version is "zero"`} {
		var versioned bytes.Buffer
		if err := parquet.Write(&versioned, []struct{ ID string }{{"i-1"}},
			parquet.KeyValueMetadata("nightshift.history", text), parquet.KeyValueMetadata("nightshift.sha256", history.Unsealed())); err != nil {
			t.Fatal(err)
		}
		if err := history.Seal(versioned.Bytes()); err != nil {
			t.Fatal(err)
		}
		check("version "+text, versioned.Bytes(), true)
		if _, err := collect(history.Read(ctx, store, date)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("version %s: %v", text, err)
		}
	}
}

func TestAbsentDayAndBrokenStore(t *testing.T) {
	ctx, date := t.Context(), day(t, "2026-11-22")
	if _, err := collect(history.Read(ctx, blob.Folder(t.TempDir()), date)); !errors.Is(err, fleet.ErrNotFound) {
		t.Error(err)
	}
	broken := refusing{}
	if _, err := history.Write(ctx, broken, date, slices.Values(sample())); !errors.Is(err, fleet.ErrDenied) {
		t.Error(err)
	}
	if _, err := history.Dates(ctx, broken, date, date); !errors.Is(err, fleet.ErrDenied) {
		t.Error(err)
	}
	if _, err := collect(history.Read(ctx, broken, date)); !errors.Is(err, fleet.ErrDenied) || errors.Is(err, fleet.ErrInvalid) {
		t.Error(err)
	}
}

// refusing is a bucket whose policy allows nothing.
type refusing struct{}

func (refusing) Put(context.Context, string, []byte) error   { return fleet.ErrDenied }
func (refusing) Get(context.Context, string) ([]byte, error) { return nil, fleet.ErrDenied }
func (refusing) Open(context.Context, string) (io.ReadCloser, error) {
	return nil, fleet.ErrDenied
}

func (refusing) List(context.Context, string) ([]string, error) { return nil, fleet.ErrDenied }

func TestReadingEndsWhereNobodyReadsOn(t *testing.T) {
	ctx, store, date := t.Context(), blob.Folder(t.TempDir()), day(t, "2026-11-22")
	if _, err := history.Write(ctx, store, date, slices.Values(sample())); err != nil {
		t.Fatal(err)
	}
	for _, err := range history.Read(ctx, store, date) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	ended, cancel := context.WithCancel(ctx)
	defer cancel()
	n := 0
	for _, err := range history.Read(ended, store, date) {
		if n++; n == 1 {
			cancel()
		} else if !errors.Is(err, context.Canceled) || n > 2 {
			t.Error(n, err)
		}
	}
}

// TestManyGroups writes more rows than a row group has.
func TestManyGroups(t *testing.T) {
	const rows = 20_001
	file := encode(t, many(rows))
	opened, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if len(opened.RowGroups()) != 2 {
		t.Errorf("%d row groups", len(opened.RowGroups()))
	}
	for _, group := range opened.Metadata().RowGroups {
		for _, column := range group.Columns {
			for _, encoding := range column.MetaData.Encoding {
				if !slices.Contains([]string{"PLAIN", "RLE", "PLAIN_DICTIONARY", "RLE_DICTIONARY"}, encoding.String()) {
					t.Errorf("%v is encoded as %s, which old readers do not know", column.MetaData.PathInSchema, encoding)
				}
			}
		}
	}
	n := 0
	next, stop := iter.Pull(many(rows))
	defer stop()
	for got, err := range history.Decode(file) {
		want, _ := next()
		if n++; err != nil || got.ID != want.ID || got.ToDate != want.ToDate || len(got.Parts) != len(want.Parts) || len(got.Tags) != len(want.Tags) {
			t.Fatal(n, err, cmp.Diff(want, got))
		}
	}
	if n != rows {
		t.Error(n)
	}
}

// many are the rows of a fleet.
func many(n int) iter.Seq[trend.Row] {
	rows := sample()
	return func(yield func(trend.Row) bool) {
		for i := range n {
			row := rows[i%2]
			row.ID = fmt.Sprintf("%s-%017x", row.Kind, i)
			row.Name = fmt.Sprintf("machine %d", i/3)
			row.ToDate.USD = price.USD(i) * 1_234_567
			if !yield(row) {
				return
			}
		}
	}
}

func TestGolden(t *testing.T) {
	for name, got := range map[string]string{
		"schema.txt": history.Schema(),
		"athena.sql": history.Athena("nightshift_history", "s3://example-bucket/nightshift/", day(t, "2026-01-01")),
	} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: files that are there have another schema; add columns only, or a new version (-update writes the file):\n%s", name, diff)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(float64(len(encode(b, many(300_000)))), "file-bytes")
	}
}

func BenchmarkDecode(b *testing.B) {
	file := encode(b, many(300_000))
	for b.Loop() {
		if rows, err := count(history.Decode(file)); rows != 300_000 || err != nil {
			b.Fatal(rows, err)
		}
	}
}

// BenchmarkTenDays makes the trend of ten days of a large fleet from files.
func BenchmarkTenDays(b *testing.B) {
	store := blob.Folder(b.TempDir())
	first := day(b, "2026-11-10")
	for d := range trend.Date(10) {
		if _, err := history.Write(b.Context(), store, first+d, many(300_000)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		days, err := daysOf(b.Context(), store, first, first+9, history.ReadSpending)
		if err != nil {
			b.Fatal(err)
		}
		builder := trend.NewBuilder([]string{"Team"})
		for _, d := range days {
			if err := builder.Add(d); err != nil {
				b.Fatal(err)
			}
		}
		if len(days) != 10 || len(builder.Trend().Weeks) == 0 {
			b.Fatal("no trend")
		}
	}
}

func count(rows iter.Seq2[trend.Row, error]) (n int, err error) {
	for _, err = range rows {
		n++
	}
	return n, err
}

// daysOf are the stored days between two dates. Each is read when its rows are.
func daysOf(
	ctx context.Context, store blob.Store, from, to trend.Date, read func(context.Context, blob.Store, trend.Date) iter.Seq2[trend.Row, error],
) ([]trend.Day, error) {
	dates, err := history.Dates(ctx, store, from, to)
	var days []trend.Day
	for _, date := range dates {
		days = append(days, trend.Day{Date: date, Rows: read(ctx, store, date)})
	}
	return days, err
}
