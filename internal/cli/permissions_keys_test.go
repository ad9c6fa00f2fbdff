package cli_test

import (
	"strings"
	"testing"
	"time"

	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/policy"
)

// What only some accounts need is permitted on request, and its lack is found: by
// `check --live` where AWS can be asked, else by the command that needs it.
func TestPermissionsOnRequest(t *testing.T) {
	const license = "arn:aws:license-manager:" + inRegion + "license-configuration:lic-1"
	for _, tt := range []struct {
		name, flag, command, config, says string
		lacks, has                        int
		prepare                           func(*trial)
	}{
		{"a bucket under a key", "--data-key " + limitKey, "check --live", trialConfig, "allow kms:Decrypt", 4, 0, func(y *trial) {
			y.must(y.Sandbox().EncryptBucket(sandbox.DefaultBucket, limitKey))
		}},
		{"a parameter under a key", "--data-key " + limitKey, "check --live", trialParameter, "allow kms:Decrypt", 4, 0, func(y *trial) {
			y.must(y.Sandbox().SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift/config", Value: trialText, Secret: true, Key: limitKey}))
		}},
		{"a license configuration", "--license-manager", "power apply --wait=false", trialConfig, license, 3, 0, func(y *trial) {
			i, _ := y.Sandbox().Named(sandbox.DefaultRegion, "야간-리포트")
			y.Sandbox().SetLicenses(i.ID, license)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for flag, want := range map[string]int{"": tt.lacks, tt.flag: tt.has} {
				y := newTrial(t)
				printed := y.policy(strings.Fields("--config " + tt.config + " " + flag)...)
				tt.prepare(y)
				y.must(y.Sandbox().SetPolicy(printed))
				code, output := y.runs(audience{config: tt.config}, tt.command)
				if code != want || strings.Contains(output, tt.says) != (flag == "") {
					t.Errorf("with %q: code %d, want %d, and %q where it lacks\n%s", flag, code, want, tt.says, output)
				}
			}
		})
	}
}

// An instance whose volumes are under a key falls back to stopped without a grant.
func TestGrantOnRequest(t *testing.T) {
	for flag, want := range map[string]string{"": "stopped", " --key " + limitKey: "running"} {
		y := newTrial(t)
		i, _ := y.Sandbox().Named(sandbox.DefaultRegion, "야간-리포트")
		printed := y.policy(strings.Fields("--for power --config " + trialConfig + flag)...)
		y.Sandbox().SetVolumeKey(i.ID, limitKey)
		y.must(y.Sandbox().SetPolicy(printed))
		if code, output := y.runs(audience{config: trialConfig}, "power apply --wait=false"); code != 0 {
			t.Errorf("code %d\n%s", code, output)
		}
		y.Sandbox().Advance(time.Hour)
		if i, _ := y.Sandbox().Instance(i.ID); i.State != want {
			t.Errorf("with%s it is %s, want %s", flag, i.State, want)
		}
		_, output := y.runs(audience{config: trialConfig}, "power plan")
		if strings.Contains(output, "kms:CreateGrant") != (flag == "") {
			t.Errorf("with %q the plan says\n%s", flag, output)
		}
	}
}

// Whoever cannot read the configuration learns which action is missing: from each
// command, and with the code for it from those that can do nothing without it.
func TestConfigurationThatCannotBeRead(t *testing.T) {
	y := newTrial(t)
	y.must(y.Sandbox().SetPolicy(policy.Denying("s3:GetObject", "ssm:GetParameter")))
	for place, action := range map[string]string{trialAll: "s3:GetObject", trialParameter: "ssm:GetParameter"} {
		for _, c := range []ends{
			{"power plan", 4},
			{"power apply", 4},
			{"power explain i-1", 4},
			{"power next", 4},
			{"power week", 4},
			{"power forecast", 4},
			{"power override list", 4},
			{"power override clear i-1", 4},
			{"history", 4},
			{"check", 4},
			{"check --live", 4},
			{"cost savings", 4},
			{"cost trend", 4},
			{"cost movers", 4},
			{"cost quote --instance m5.large", 4},
			{"policy", 4},
			{"policy --for deploy", 4},
			{"template", 4},
			{"deploy --plan", 4},
			{"deploy --status", 4},
			{"deploy --destroy --yes", 4},
			// These do what the configuration has nothing to do with.
			{"cost explain 야간-리포트", 3},
			{"cost findings", 3},
			{"cost prices", 3},
			{"report --bucket " + sandbox.DefaultBucket, 3},
			{"stop --dry-run", 3},
		} {
			code, output := y.runs(audience{config: place}, c.args)
			if code != c.code || !strings.Contains(output, "allow "+action+" to the role") {
				t.Errorf("nightshift %s --config %s: code %d, want %d, and %s\n%s", c.args, place, code, c.code, action, output)
			}
		}
	}
}
