package cli_test

import (
	"strings"
	"testing"
)

// The list says what is wrong, not what was sent, and a recipient that is not there is
// answered with those that are.
func TestNotify(t *testing.T) {
	y := newTrial(t)
	for _, tt := range []struct {
		args string
		code int
		says []string
	}{
		{"notify test", 0, []string{"RESULT", "sent"}},
		{"notify list", 0, []string{"PROBLEM", "none"}},
		{"notify test nobody", 5, []string{`there is no recipient "nobody"; the configuration has chat, mail, team`}},
	} {
		code, output := y.runs(audience{config: trialNotices}, tt.args)
		for _, words := range tt.says {
			if code != tt.code || !strings.Contains(output, words) {
				t.Errorf("%s: code %d, want %d and %q\n%s", tt.args, code, tt.code, words, output)
			}
		}
	}
}
