package cli_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"nightshift/internal/sandbox"
)

// maxRecorded is how long a text may be to be recorded whole.
const maxRecorded = 200_000

// recording is the text that is kept of a command.
type recording struct {
	stand  *stand
	masked bool
	text   strings.Builder
}

func (r *recording) command(line string, code int) {
	fmt.Fprintf(&r.text, "$ nightshift %s\nexit %d\n", line, code)
}

// section is a part of the recording; nothing where it is empty.
func (r *recording) section(name, text string) {
	if text == "" {
		return
	}
	text = r.stand.plain(text)
	if r.masked {
		text = mask(text)
	}
	fmt.Fprintf(&r.text, "-- %s --\n%s", name, text)
	if !strings.HasSuffix(text, "\n") {
		r.text.WriteString("(no newline at the end)\n")
	}
}

// files are those that were written; of a command with a clock of its own only
// their names.
func (r *recording) files(written []file) {
	names := map[string]int{}
	for _, f := range written {
		if r.masked {
			names[mask(f.name)]++
		} else {
			r.section(f.name, f.text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		fmt.Fprintf(&r.text, "-- %s -- (%d)\n", name, names[name])
	}
}

// calls counts the calls by account, action and error code.
func (r *recording) calls(calls []sandbox.Call) {
	if len(calls) == 0 {
		return
	}
	counts := map[string]int{}
	for _, c := range calls {
		counts[strings.TrimSpace(fmt.Sprintf("%s %s:%s %s", c.Account, c.Service, c.Action, c.Code))]++
	}
	r.text.WriteString("-- calls --\n")
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&r.text, "%3d %s\n", counts[key], key)
	}
}

// plain replaces what is different in every run: the port of the sandbox, the
// ids of requests, the times in the log and the version of Go. A JSON document is indented, so that a
// difference is seen.
func (s *stand) plain(text string) string {
	if document, ok := indented(text); ok {
		text = document
	}
	text = strings.ReplaceAll(text, s.url, "http://ENDPOINT")
	text = strings.ReplaceAll(text, strings.TrimPrefix(s.url, "http://"), "ENDPOINT")
	text = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b`).ReplaceAllString(text, "REQUEST")
	text = regexp.MustCompile(`"time":"[^"]+","level"`).ReplaceAllString(text, `"time":"NOW","level"`)
	return regexp.MustCompile(`\bgo1\.\d+(\.\d+)?\b`).ReplaceAllString(text, "GO")
}

// indented is a text that is one JSON object on one line with each value on a
// line of its own.
func indented(text string) (string, bool) {
	line, ok := strings.CutSuffix(text, "\n")
	if !ok || !strings.HasPrefix(line, "{") || strings.Contains(line, "\n") {
		return text, false
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		return text, false
	}
	return out.String(), true
}

// mask replaces numbers and ids, and makes what is aligned or drawn by them
// independent of their width.
func mask(text string) string {
	text = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(text, "ENDPOINT")
	text = regexp.MustCompile(`\b[0-9a-f]{12,}\b|\d[\d,.]*`).ReplaceAllString(text, "#")
	text = regexp.MustCompile(`█+`).ReplaceAllString(text, "█")
	return regexp.MustCompile(` {2,}`).ReplaceAllString(text, "  ")
}

// file is a file or an object with what is recorded of it.
type file struct{ name, text string }

// written are the files in the working directory and the objects in buckets
// that are new or have changed since the last call.
func (s *stand) written() []file {
	s.t.Helper()
	now := map[string][]byte{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		now[filepath.ToSlash(name)], err = os.ReadFile(name)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, account := range s.account.Accounts() {
		for _, bucket := range account.Buckets() {
			for _, key := range s.account.Objects(bucket) {
				now["s3://"+bucket+"/"+key], _ = s.account.Object(bucket, key)
			}
		}
	}
	var list []file
	for _, name := range slices.Sorted(maps.Keys(now)) {
		digest := digestOf(now[name])
		if s.seen[name] != digest {
			list = append(list, file{name, s.content(name, now[name])})
		}
		s.seen[name] = digest
	}
	for _, name := range slices.Sorted(maps.Keys(s.seen)) {
		if _, there := now[name]; !there {
			list = append(list, file{name, "(removed)\n"})
			delete(s.seen, name)
		}
	}
	return list
}

func digestOf(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content))[:16] }

// content is a text itself; of a workbook it is a digest of the cells of each
// sheet, and of everything else one of the bytes.
func (s *stand) content(name string, content []byte) string {
	s.t.Helper()
	switch {
	case strings.HasSuffix(name, ".xlsx"):
		return s.sheets(content)
	case strings.HasSuffix(name, ".gz"):
		in, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			s.t.Fatal(err)
		}
		if content, err = io.ReadAll(in); err != nil {
			s.t.Fatal(err)
		}
		return fmt.Sprintf("%d bytes unpacked, %s\n", len(content), digestOf(content))
	case strings.HasSuffix(name, ".html"):
		content = []byte(s.plain(string(content)))
	case utf8.Valid(content) && len(content) <= maxRecorded:
		return string(content)
	}
	return fmt.Sprintf("%d bytes, %s\n", len(content), digestOf(content))
}

// sheets are the sheets of a workbook with their size and a digest of their
// cells.
func (s *stand) sheets(content []byte) string {
	s.t.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = book.Close() }()
	var text strings.Builder
	for _, sheet := range book.GetSheetList() {
		rows, err := book.GetRows(sheet, excelize.Options{RawCellValue: true})
		if err != nil {
			s.t.Fatal(err)
		}
		columns := 0
		var cells strings.Builder
		for _, row := range rows {
			columns = max(columns, len(row))
			fmt.Fprintf(&cells, "%q\n", row)
		}
		fmt.Fprintf(&text, "%s: %d rows, %d columns, %s\n", sheet, len(rows), columns, digestOf([]byte(s.plain(cells.String()))))
	}
	return text.String()
}
