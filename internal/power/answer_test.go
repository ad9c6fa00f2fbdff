package power_test

import (
	"encoding/json"
	"errors"
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// The texts and keys that callers of the first Lambda scripts rely on.
func TestAnswer(t *testing.T) {
	seoul := fleet.Target{Region: "ap-northeast-2"}
	done := fleet.Outcome{Target: seoul, ID: "i-1", Name: "web", Result: fleet.Done}
	skipped := fleet.Outcome{Target: seoul, ID: "i-2", Name: "배치", Result: fleet.Skipped, Reason: fleet.Reason{Code: "already-stopped", Text: "is already stopped"}}
	tests := []struct {
		name     string
		action   power.Action
		outcomes []fleet.Outcome
		errs     []error
		want     string
	}{
		{"none tagged", power.Stop, nil, nil, `{"status":"no instances found"}`},
		{"stopped", power.Stop, []fleet.Outcome{done}, nil, `{"status":"stopped 1 instances","instances":["i-1"],"failed":[],"skipped":[]}`},
		{
			"none actionable", power.Start,
			[]fleet.Outcome{skipped},
			nil,
			`{"status":"started 0 instances","instances":[],"failed":[],"skipped":[{"instance":"i-2","region":"ap-northeast-2","name":"배치","code":"already-stopped","reason":"is already stopped"}]}`,
		},
		{"unreadable region", power.Stop, nil, []error{errors.New("x")}, `{"status":"no instances found","errors":["x"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(power.NewAnswer(tt.action, tt.outcomes, tt.errs))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
