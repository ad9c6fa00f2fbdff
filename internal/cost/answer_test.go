package cost_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
)

func TestAnswerKeepsTheSeedsKeys(t *testing.T) {
	e := estate{instances: []fleet.Instance{server("i-1")}, volumesErr: fleet.ErrDenied}
	text, err := json.Marshal(build(t, e, seoulPrices(t), cost.Options{}).Uploaded("my-bucket", "ec2/ec2_monthly_costs_20261122.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"statusCode":200,"body":"Report uploaded to s3://my-bucket/ec2/ec2_monthly_costs_20261122.xlsx","complete":false,`
	if !strings.HasPrefix(string(text), want) {
		t.Errorf("answer %s, want it to begin with %s", text, want)
	}
	for _, part := range []string{`"prices":{"exact":1}`, `"totalMonthToDateUSD":"60.53"`, `"problems":["123456789012 ap-northeast-2: volumes: access denied"]`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("answer %s lacks %s", text, part)
		}
	}
}

// TestKeyHasTheDateOfItsZone looks at one instant in two zones.
func TestKeyHasTheDateOfItsZone(t *testing.T) {
	at := time.Date(2026, 11, 30, 20, 0, 0, 0, time.UTC)
	if got := cost.Key("ec2/", at, ".xlsx"); got != "ec2/ec2_monthly_costs_20261130.xlsx" {
		t.Errorf("key in UTC is %s", got)
	}
	if got := cost.Key("", at.In(kst), ".xlsx"); got != "ec2_monthly_costs_20261201.xlsx" {
		t.Errorf("key in Seoul is %s", got)
	}
}
