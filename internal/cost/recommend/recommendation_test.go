package recommend_test

import (
	"testing"

	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

func TestAtLeast(t *testing.T) {
	all := []recommend.Recommendation{
		{Code: "a", Saving: 40 * price.Dollar, Target: fleet.Target{Account: "123456789012", Region: "us-east-1"}, Resource: "vol-1"},
		{Code: "b", Saving: 39 * price.Dollar},
		{Code: "c", Saving: 41 * price.Dollar, Certain: true},
	}
	chosen, sum := recommend.AtLeast(all, 40)
	list := recommend.List(chosen)
	if len(list) != 2 || sum != 81*price.Dollar || list[0].Code != "a" || list[0].Region != "us-east-1" || list[1].Saving != cost.Known(41*price.Dollar) || !list[1].Certain {
		t.Errorf("%+v, %s", list, sum)
	}
	if list := recommend.List(nil); list == nil {
		t.Error("nothing is null in JSON")
	}
}
