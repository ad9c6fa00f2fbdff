package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

func TestAccountsAreAsWritten(t *testing.T) {
	c := mustLoad(t, `
accounts:
  - { id: "012345678901", name: dev, role: "arn:aws:iam::012345678901:role/nightshift", external_id: practice, regions: [ap-northeast-2] }
  - { name: home }
  - { role: "arn:aws-us-gov:iam::333333333333:role/teams/nightshift", external_id_env: NIGHTSHIFT_ID, regions: all }
  - { organization: teams/nightshift, external_id: "a:b/c", except: ["222222222222", 444444444444] }
`)
	want := []config.Account{
		{ID: "012345678901", Name: "dev", Role: "arn:aws:iam::012345678901:role/nightshift", ExternalID: "practice", Regions: []string{"ap-northeast-2"}},
		{Name: "home"},
		{ID: "333333333333", Role: "arn:aws-us-gov:iam::333333333333:role/teams/nightshift", ExternalIDEnv: "NIGHTSHIFT_ID", Regions: []string{"all"}},
		{Organization: "teams/nightshift", ExternalID: "a:b/c", Except: []fleet.Account{"222222222222", "444444444444"}},
	}
	if diff := cmp.Diff(want, c.Accounts); diff != "" {
		t.Error(diff)
	}
	for n, name := range []string{"dev", "home", "333333333333", "the organization"} {
		if got := c.Accounts[n].String(); got != name {
			t.Errorf("account %d is called %s, want %s", n, got, name)
		}
	}
}

// A wrong account is listed with an error: were it left out, the
// credentials' own account might be worked in instead.
func TestWrongAccountsStayListed(t *testing.T) {
	for text, want := range map[string][]config.Account{
		`accounts: { id: "123456789012" }`:                                           {{}},
		`acounts: [{ name: home }]`:                                                  {{}},
		`accounts: []`:                                                               {{}},
		`accounts: [{ titel: home }]`:                                                {{}},
		`accounts: [{ name: home }, { id: "123456789012", role: x }]`:                {{Name: "home"}, {ID: "123456789012"}},
		`accounts: [{ id: "123456789012" }, { id: "123456789012", name: twice }]`:    {{ID: "123456789012"}, {ID: "123456789012", Name: "twice"}},
		`accounts: [{ organization: a }, { organization: b }]`:                       {{Organization: "a"}, {Organization: "b"}},
		`accounts: [{ role: "arn:aws:iam::123456789012:role/a", regions: [seoul] }]`: {{ID: "123456789012", Role: "arn:aws:iam::123456789012:role/a"}},
	} {
		c, err := load(text)
		if !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, c.Accounts, cmpopts.IgnoreFields(config.Account{}, "Err")); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
		// The last of each of these lists is the wrong one.
		for n, a := range c.Accounts {
			if wrong := n == len(want)-1; wrong != errors.Is(a.Err, fleet.ErrInvalid) {
				t.Errorf("%s: %s has the error %v", text, a, a.Err)
			}
		}
	}
}

func TestCost(t *testing.T) {
	for text, want := range map[string]config.Cost{
		`timezone: UTC`: {CloudWatch: 1000},
		`cost: { history: rows, prices: "s3://bucket", bill: "s3://bucket/exports/", cost_explorer: { requests: 20 }, cloudwatch: { metrics: 0 }, tags: [Env, Team], min_coverage: 99.5 }`: {
			History: "rows", Prices: "s3://bucket", Bill: "s3://bucket/exports/", CostExplorer: 20, Tags: []string{"Env", "Team"}, MinCoverage: 99.5,
		},
		`cost: { tags: Team, min_coverage: 95% }`: {CloudWatch: 1000, Tags: []string{"Team"}, MinCoverage: 95},
	} {
		if diff := cmp.Diff(want, mustLoad(t, text).Cost); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
}

// Where a cap on what is paid cannot be read, nothing is paid.
func TestWrongCapsAreNothing(t *testing.T) {
	for _, text := range []string{
		`cost: { cloudwatch: { metrics: lots } }`, `cost: { cloudwatch: 5 }`, `cost: { cloudwach: { metrics: 0 } }`, `cost: [cloudwatch]`,
		`cost: { cost_explorer: { request: 20 }, cloudwatch: { metrics: 0 } }`, `cost: { cost_explorer: { requests: -1 }, cloudwatch: { metrics: -1 } }`,
	} {
		c, err := load(text)
		if !errors.Is(err, fleet.ErrInvalid) || c.Cost.CloudWatch != 0 || c.Cost.CostExplorer != 0 {
			t.Errorf("%s: %v, %+v", text, err, c.Cost)
		}
	}
}

// A key that is at the wrong level is reported with where it belongs.
func TestKeysOfOtherLevels(t *testing.T) {
	for text, says := range map[string]string{
		`external_id: x`:                         "it belongs to an account",
		`cloudwatch: { metrics: 3 }`:             "it belongs to cost",
		`cost: { timezone: UTC }`:                "it belongs to",
		`accounts: [{ name: home, history: x }]`: "it belongs to cost",
	} {
		if _, err := load(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
