package xlsx_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// odsNames reads the text cells of an OpenDocument spreadsheet.
func odsNames(t *testing.T, content string) []string {
	t.Helper()
	var cells []string
	var cell strings.Builder
	paragraphs := 0
	for d := xml.NewDecoder(strings.NewReader(content)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return cells
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			switch token.Name.Local {
			case "table-cell":
				cell.Reset()
				paragraphs = 0
			case "p":
				if paragraphs++; paragraphs > 1 {
					cell.WriteByte('\n')
				}
			case "tab":
				cell.WriteByte('\t')
			case "s":
				count := 1
				for _, a := range token.Attr {
					if a.Name.Local == "c" {
						count = int(a.Value[0] - '0')
					}
				}
				cell.WriteString(strings.Repeat(" ", count))
			}
		case xml.CharData:
			cell.Write(token)
		case xml.EndElement:
			if token.Name.Local == "table-cell" {
				cells = append(cells, cell.String())
			}
		}
	}
}
