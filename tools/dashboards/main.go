// The program dashboards writes Grafana's dashboards for nightshift:
//
//	go run . ../../deploy/grafana
//
// It is a module of its own, so that nothing of it is in nightshift. The names and
// labels of metrics are those of internal/metrics; the tests hold every query to them.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: dashboards DIRECTORY")
	}
	if err := write(os.Args[1]); err != nil {
		log.Fatal("dashboards: ", err)
	}
}

// write writes all dashboards to a directory.
func write(dir string) error {
	files, err := render()
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// boards are all dashboards, the one to begin with first.
func boards() []board {
	q := newQueries()
	return []board{operations(q), fleet(q), costs(q), backups(q), cloudWatch()}
}

// render makes the files of all dashboards.
func render() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, b := range boards() {
		made, err := b.build()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.title, err)
		}
		if files[b.file], err = marshal(made); err != nil {
			return nil, fmt.Errorf("%s: %w", b.title, err)
		}
	}
	return files, nil
}

func marshal(made any) ([]byte, error) {
	text, err := json.MarshalIndent(made, "", "  ")
	return append(text, '\n'), err
}
