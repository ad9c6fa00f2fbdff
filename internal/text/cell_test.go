package text_test

import (
	"testing"

	"nightshift/internal/text"
)

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "web-1": "web-1", "a=b": "a=b", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "＝1": "'＝1",
		"a;=1": "a;'=1", "a\n=1": "a\n'=1", "\t=1": "'\t'=1", "'=1": "'=1",
	} {
		if got := text.Cell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
