package xlsx_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/cost/xlsx"
	"nightshift/internal/fleet"
)

// hostile are names as people and attackers write them, with what a reader of
// the workbook must see.
func hostile() [][2]string {
	same := []string{
		"=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(\"http://example.com\",\"click\")", "http://example.com",
		"결제-서버", "データベース", "👩‍💻 dev", "مرحبا", "_x0041_", "_x005F_", "_x000D_", "_x005F_x0041_", "_xD800_", "_x0041_x0042_", "__x00e9__", "<b>&amp;\"'", "  spaces  ", "1234", "1e5", "2026-11-22",
		"TRUE", "#REF!", "two\nlines", "a\ttab", strings.Repeat("x", 255), "&#x0;", "]]>",
	}
	var all [][2]string
	for _, s := range same {
		all = append(all, [2]string{s, s})
	}
	return append(all,
		[2]string{"bell\aand\x00null", "bell␇and␀null"},
		[2]string{"delete\x7f", "delete␡"},
		[2]string{"carriage\r\nreturn\r", "carriage\nreturn␍"},
		[2]string{"bad\xff\xfeUTF-8", "bad\uFFFDUTF-8"},
		[2]string{"not a character \uffff", "not a character \uFFFD"},
	)
}

func named(names [][2]string) estate {
	return estate{
		instances: func(yield func(fleet.Instance) bool) {
			for n, name := range names {
				i := fleet.Instance{
					Target: seoul, ID: fleet.ResourceID("i-" + string(rune('A'+n))), Type: "m5.large", State: fleet.Running,
					LaunchTime: now.AddDate(0, -1, 0), Tags: fleet.Tags{"Name": name[0]}, UsageOperation: "RunInstances",
				}
				if !yield(i) {
					return
				}
			}
		},
		volumes: func(func(fleet.Volume) bool) {},
	}
}

func write(t testing.TB, r sheet.Workbook) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := xlsx.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, workbook []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(workbook))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestTextStaysText(t *testing.T) {
	names := hostile()
	workbook := write(t, reportOf(t, named(names)))
	f := open(t, workbook)
	rows, err := f.GetRows("EC2_Detail_Costs", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	for n, name := range names {
		if got := rows[n+1][0]; got != name[1] {
			t.Errorf("%q reads %q, want %q", name[0], got, name[1])
		}
		cell, err := excelize.CoordinatesToCellName(1, n+2)
		if err != nil {
			t.Fatal(err)
		}
		if kind, err := f.GetCellType("EC2_Detail_Costs", cell); err != nil || kind != excelize.CellTypeInlineString {
			t.Errorf("%q is of cell type %v, %v; want text", name[0], kind, err)
		}
	}
	formula := regexp.MustCompile(`^SUM\('[A-Z][A-Za-z0-9_]*'!\$[A-Z]+\$2:\$[A-Z]+\$[0-9]+(,'[A-Z][A-Za-z0-9_]*'!\$[A-Z]+\$2:\$[A-Z]+\$[0-9]+)*\)$`)
	for part, text := range parts(t, workbook) {
		if !strings.Contains(part, "worksheets/") {
			continue
		}
		formulas := regexp.MustCompile(`<f>(.*?)</f>`).FindAllStringSubmatch(text, -1)
		if part != "xl/worksheets/sheet1.xml" && (len(formulas) > 0 || strings.Contains(text, "<hyperlink")) {
			t.Errorf("%s holds a formula or a link", part)
		}
		for _, f := range formulas {
			if !formula.MatchString(html.UnescapeString(f[1])) {
				t.Errorf("%s holds the formula %s", part, f[1])
			}
		}
		if strings.Contains(text, `TargetMode="External"`) {
			t.Errorf("%s leads out of the workbook", part)
		}
	}
}

// parts are the files in the workbook's archive.
func parts(t *testing.T, workbook []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range z.File {
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[file.Name] = string(text)
	}
	return all
}

func TestLongTextEndsInAMark(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"fits":      {strings.Repeat("가", 32_767), 32_767},
		"too long":  {strings.Repeat("가", 32_768), 32_767},
		"surrogate": {strings.Repeat("😀", 16_384), 32_767},
		"bad bytes": {strings.Repeat("x", 32_766) + "\xff\xff", 32_767},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, write(t, reportOf(t, named([][2]string{{c.text, ""}}))))
			got, err := f.GetCellValue("EC2_Detail_Costs", "A2")
			if err != nil {
				t.Fatal(err)
			}
			if units := len(utf16.Encode([]rune(got))); units > c.want {
				t.Errorf("%d UTF-16 units, want at most %d", units, c.want)
			}
			if cut := name == "too long" || name == "surrogate"; strings.HasSuffix(got, "…") != cut {
				t.Errorf("cut off: %v, want %v", !cut, cut)
			}
		})
	}
}

func TestNumbersAreNumbers(t *testing.T) {
	r := reportOf(t, many(3))
	f := open(t, write(t, r))
	if diff := cmp.Diff(sheetsOf(r), f.GetSheetList()); diff != "" {
		t.Errorf("sheets (-want +got):\n%s", diff)
	}
	for _, c := range []struct{ sheet, cell, raw, shown string }{
		{"EC2_Detail_Costs", "A1", "Name", "Name"},
		{"EC2_Detail_Costs", "G2", "2", "2"},
		{"EC2_Detail_Costs", "K2", "60.53", "60.53"},
		{"EC2_Detail_Costs", "K3", "121.07", "121.07"}, // 513 h × 0.236 = 121.068
		{"EC2_Detail_Costs", "L2", "0.73", "0.73"},     // 8 GiB × 0.0912
		{"EC2_Detail_Costs", "W2", "0.118", "0.1180"},
		{"EC2_Detail_Costs", "X2", "513", "513.00"},
		{"EC2_Detail_Costs", "AA2", "46317.375", "2026-10-22 09:00"}, // Seoul's wall clock
		{"Prices", "G2", "0.118", "0.1180"},
		{"Totals", "N1", "EBSOther(USD)", "EBSOther(USD)"},
	} {
		raw, err := f.GetCellValue(c.sheet, c.cell, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		shown, err := f.GetCellValue(c.sheet, c.cell)
		if err != nil {
			t.Fatal(err)
		}
		if raw != c.raw || shown != c.shown {
			t.Errorf("%s!%s is %q shown as %q, want %q as %q", c.sheet, c.cell, raw, shown, c.raw, c.shown)
		}
		kind, err := f.GetCellType(c.sheet, c.cell)
		if err != nil {
			t.Fatal(err)
		}
		if number := kind == excelize.CellTypeUnset || kind == excelize.CellTypeNumber; number != (c.cell[len(c.cell)-1] != '1') {
			t.Errorf("%s!%s is of cell type %v", c.sheet, c.cell, kind)
		}
	}
	panes, err := f.GetPanes("EC2_Detail_Costs")
	if err != nil || !panes.Freeze || panes.YSplit != 1 || panes.XSplit != 2 {
		t.Errorf("panes %+v, %v; want header and two columns frozen", panes, err)
	}
}

// sheetsOf are the names of the summary and of the report's tables.
func sheetsOf(r sheet.Workbook) []string {
	names := []string{"Summary"}
	for _, table := range r.Tables() {
		names = append(names, table.Name)
	}
	return names
}

func TestWideCharactersTakeTwoColumns(t *testing.T) {
	width := func(name string) float64 {
		f := open(t, write(t, reportOf(t, named([][2]string{{name, name}}))))
		w, err := f.GetColWidth("EC2_Detail_Costs", "A")
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	narrow, korean, long := width(strings.Repeat("a", 16)), width(strings.Repeat("가", 16)), width(strings.Repeat("a", 255))
	if korean-narrow != 16 || long > 60 {
		t.Errorf("widths %v, %v and %v: want 16 between the first two, and a cap", narrow, korean, long)
	}
}

func TestSameReportSameBytes(t *testing.T) {
	r := reportOf(t, many(50))
	first, second := write(t, r), write(t, r)
	if diff := cmp.Diff(parts(t, first), parts(t, second)); diff != "" {
		t.Errorf("two workbooks of one report differ:\n%s", diff)
	}
	if !bytes.Equal(first, second) {
		t.Error("two workbooks of one report have the same parts, but not the same bytes")
	}
}

type brokenWriter struct{}

var errFull = errors.New("disk full")

func (brokenWriter) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrorIsReturned(t *testing.T) {
	if err := xlsx.Write(brokenWriter{}, reportOf(t, many(3))); !errors.Is(err, errFull) {
		t.Errorf("error %v, want %v", err, errFull)
	}
}

// TestLibreOfficeReadsTheSame converts the workbook with LibreOffice, where it
// is installed, and compares the hostile names.
func TestLibreOfficeReadsTheSame(t *testing.T) {
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed")
	}
	if testing.Short() {
		t.Skip("LibreOffice takes some seconds")
	}
	dir := t.TempDir()
	names := hostile()
	if err := os.WriteFile(filepath.Join(dir, "report.xlsx"), write(t, reportOf(t, named(names))), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), office, "-env:UserInstallation=file://"+dir+"/profile", "--headless",
		"--convert-to", "ods", "--outdir", dir, filepath.Join(dir, "report.xlsx"))
	command.WaitDelay = time.Second
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, out)
	}
	ods, err := os.ReadFile(filepath.Join(dir, "report.ods"))
	if err != nil {
		t.Fatal(err)
	}
	content := parts(t, ods)["content.xml"]
	for _, f := range regexp.MustCompile(`table:formula="(.*?)"`).FindAllStringSubmatch(content, -1) {
		if !strings.HasPrefix(f[1], "of:=SUM(") {
			t.Errorf("LibreOffice sees the formula %s", f[1])
		}
	}
	got := odsNames(t, content)
	for n, name := range names {
		if !slices.Contains(got, name[1]) {
			t.Errorf("name %d, %q, is not among what LibreOffice reads", n, name[0])
		}
	}
}
