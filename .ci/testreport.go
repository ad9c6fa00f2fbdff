// Command testreport reads the output of `go test -json` and writes what a
// reader of a build wants: a line for each package, everything that a failed
// test said, which tests were skipped and why, and the counts as the last line.
// It exits with 1 where a test or a package failed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
}

type testID struct{ pkg, name string }

type report struct {
	out                     io.Writer
	said                    map[testID][]string // by tests that have not ended
	skips                   []string
	passed, failed, skipped int
	broken                  int // packages that failed, with or without a test
}

func main() {
	r := report{out: os.Stdout, said: make(map[testID][]string)}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if r.close(); r.failed+r.broken > 0 {
		os.Exit(1)
	}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		switch {
		case len(line) == 0:
		case json.Unmarshal(line, &e) != nil:
			fmt.Fprintf(r.out, "%s", line)
		default:
			r.add(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) add(e event) {
	id := testID{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		if e.Test != "" {
			r.said[id] = append(r.said[id], e.Output)
		} else if e.Output != "PASS\n" && e.Output != "FAIL\n" {
			fmt.Fprint(r.out, e.Output)
		}
	case "pass":
		if e.Test != "" {
			r.passed++
		}
		delete(r.said, id)
	case "skip":
		if e.Test != "" {
			r.skipped++
			r.skips = append(r.skips, fmt.Sprintf("  %s %s: %s", e.Package, e.Test, why(r.said[id])))
		}
		delete(r.said, id)
	case "fail":
		if e.Test != "" {
			r.failed++
			r.show(id)
			return
		}
		r.broken++
		for _, open := range slices.SortedFunc(maps.Keys(r.said), func(a, b testID) int { return strings.Compare(a.name, b.name) }) {
			if open.pkg == e.Package {
				r.show(open)
			}
		}
	}
}

// show prints what a test printed and forgets it.
func (r *report) show(id testID) {
	fmt.Fprint(r.out, strings.Join(r.said[id], ""))
	delete(r.said, id)
}

// why is the message of a skipped test, on one line.
func why(said []string) string {
	var words []string
	for _, line := range said {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			words = append(words, line)
		}
	}
	return strings.Join(words, " ")
}

func (r *report) close() {
	if len(r.skips) > 0 {
		slices.Sort(r.skips)
		fmt.Fprintf(r.out, "skipped:\n%s\n", strings.Join(r.skips, "\n"))
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped", r.passed, r.failed, r.skipped)
	if r.broken > 0 {
		fmt.Fprintf(r.out, " (%d packages failed)", r.broken)
	}
	fmt.Fprintln(r.out)
}
