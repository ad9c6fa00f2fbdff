package cost_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

func TestExplain(t *testing.T) {
	windows := server("i-1")
	windows.Type, windows.UsageOperation, windows.PlatformDetails = "m5.xlarge", "RunInstances:0002", "Windows"
	prices := seoulPrices(t)
	r := build(t, estate{
		instances: []fleet.Instance{windows},
		volumes:   []fleet.Volume{disk("vol-1", fleet.GP3, 100, "i-1"), disk("vol-2", "unheard-of", 8)},
	}, prices, cost.Options{})
	e, ok := r.Explain("name of i-1", prices.products)
	if !ok || len(e.Instances) != 1 || len(e.Volumes) != 2 || e.Volumes[0].Named || e.Volumes[1].Named {
		t.Fatalf("%v: %+v", ok, e)
	}
	i := e.Instances[0]
	verdicts := map[string]string{}
	for _, c := range i.Candidates {
		verdicts[c.SKU] = c.Verdict
	}
	if len(verdicts) != 2 || verdicts["m5.xlarge/RunInstances"] != "another operation" || verdicts["m5.xlarge/RunInstances:0002"] != "taken" {
		t.Errorf("candidates %v", verdicts)
	}
	if i.SKU != "m5.xlarge/RunInstances:0002" || i.Hourly != cost.Known(dollars(t, "0.42")) || i.Hours != now.Sub(monthStart).Hours() {
		t.Errorf("%+v", i)
	}
	// 21 days and 9 hours have passed, 8 days and 15 hours are to come.
	for n, want := range []string{
		"EC2 so far: 0.42 × 513 h = 215.46",
		"EC2 in a month: 0.42 × 730 h, if it runs all the time = 306.60",
		"EC2 to the month's end: EC2 so far + 0.42 × 207 h, as it is now to 1 Dec 00:00 = 302.40",
		"EBS in a month: its volumes, below = 9.12",
	} {
		if got := i.Sums[n]; got.Name+": "+got.Terms+" = "+got.Amount.USD.String() != want {
			t.Errorf("%+v, want %s", got, want)
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"filters":{"capacitystatus":"Used","instanceType":"m5.xlarge",`, `"hourly_usd":0.42,`, `"monthly_usd":9.12,"month_to_date_usd":`,
		`"type":"unheard-of","size_gib":8,"parts":[],"monthly_usd":null,`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if e, ok := r.Explain("vol-2", nil); !ok || len(e.Instances) != 0 || !e.Volumes[1].Named {
		t.Errorf("a volume: %v, %+v", ok, e)
	}
	if _, ok := r.Explain("vol-3", nil); ok {
		t.Error("what is not there was explained")
	}
}

// Amounts are exact numbers in JSON; unknown is null and not zero.
func TestAmountsInJSON(t *testing.T) {
	for _, tt := range []struct {
		amount cost.Amount
		text   string
	}{{cost.Amount{}, "null"}, {cost.Known(0), "0.00"}, {cost.Known(dollars(t, "0.0123456789")), "0.0123456789"}, {cost.Known(-price.Dollar), "-1.00"}} {
		text, err := json.Marshal(tt.amount)
		var back cost.Amount
		if err != nil || string(text) != tt.text || json.Unmarshal(text, &back) != nil || back != tt.amount {
			t.Errorf("%+v is %s and back %+v (%v)", tt.amount, text, back, err)
		}
	}
	var a cost.Amount
	if err := json.Unmarshal([]byte(`"much"`), &a); err == nil || a.Known {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestListedPrices(t *testing.T) {
	prices := seoulPrices(t)
	r := build(t, estate{instances: []fleet.Instance{server("i-1")}, volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 100, "i-1")}}, prices, cost.Options{})
	list := map[string]cost.ListedPrice{}
	for _, p := range r.Prices {
		l := p.Listed(price.Quote{})
		list[l.Item] = l
	}
	if l := list["m5.large"]; l.USD != cost.Known(dollars(t, "0.118")) || l.Unit != "Hrs" || l.UsedBy != 1 || l.Then.Known || l.Label != "m5.large" {
		t.Errorf("%+v", l)
	}
	p := cost.Price{Kind: string(cost.ReservationLine), Item: "m5.large", Tenancy: "Dedicated"}
	if l := p.Listed(price.Quote{Status: price.Exact, Rate: price.Rate{USD: 5}}); l.Label != "m5.large Dedicated unused" || l.Item != "m5.large" || l.USD.Known || l.Then != cost.Known(5) {
		t.Errorf("%+v", l)
	}
	key := price.InstanceKey{Region: seoul.Region, Type: "m5.xlarge", Tenancy: "Shared", Operation: "RunInstances:0002"}
	kept := cost.KeptPrices(seoul.Region, &key, prices.products, now)
	if len(kept) != 1 || kept[0].USD != cost.Known(dollars(t, "0.42")) || kept[0].Platform != "Windows" || !kept[0].Fetched.Equal(now) {
		t.Errorf("%+v", kept)
	}
	rates := cost.KeptPrices(seoul.Region, nil, append(prices.products, prices.products...), time.Time{})
	if len(rates) != 6 || rates[0].Kind != "rate" || rates[0].Item != "EBS:VolumeUsage.gp2" || rates[0].USD != cost.Known(dollars(t, "0.114")) {
		t.Errorf("%+v", rates)
	}
}
