package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// Machines of the sandbox.
const (
	batch    = "i-072a8023d1af3f4cb" // 배치서버, AutoStopStart=Yes
	prodDB   = "i-06388fa4e738856fb" // 운영-DB-1, for which no rule is
	renamed  = "i-08a3c38d26b2c52a5" // 개발-웹서버-2, AutoStopStart=Yes
	namesake = "i-09aed724eb7f13dbd" // 개발-웹서버-1, AutoStopStart=Yes
)

// overrides runs commands on an account with rules, and names machines in it.
func overrides(t *testing.T) (run func(args string) (code int, stdout, stderr string), rename func(id, name string)) {
	t.Helper()
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1})
	config := filepath.Join(t.TempDir(), "k.yaml")
	text := `
schedules: { office: Mon-Fri 08:00-19:00 }
power:
  rules:
    - { tag: AutoStopStart=No, ignore: true }
    - { tag: AutoStopStart=Yes, schedule: office, kinds: [instance, db-instance] }
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	client := ec2.New(ec2.Options{
		Region: sandbox.DefaultRegion, BaseEndpoint: aws.String(server.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	rename = func(id, name string) {
		t.Helper()
		if _, err := client.CreateTags(t.Context(), &ec2.CreateTagsInput{
			Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("Name"), Value: &name}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	run = func(args string) (int, string, string) {
		t.Helper()
		// A minute passes after each command: nightshift knows the account's time by
		// the second, and what it has ended is over by then.
		defer server.Sandbox().Advance(time.Minute)
		return runOn(t, server.URL(), append(strings.Fields("power "+args), "--config", config)...)
	}
	return run, rename
}

// TestIDsCountBeforeNames: nobody gets another machine overridden, or keeps one
// from being overridden, by a Name tag that is its id.
func TestIDsCountBeforeNames(t *testing.T) {
	run, rename := overrides(t)
	rename(renamed, prodDB)
	if code, stdout, stderr := run("override set " + prodDB + " on --until 3h"); code != 5 || !strings.Contains(stderr, "no rule is for "+prodDB) {
		t.Errorf("of a machine without a rule, whose id is another's name: %d %s%s", code, stdout, stderr)
	}
	rename(renamed, batch)
	rename(namesake, "dev-mysql")
	arn := "arn:aws:ec2:" + sandbox.DefaultRegion + ":" + sandbox.AccountID + ":instance/"
	for word, id := range map[string]string{
		batch: batch, arn + batch: batch, renamed: renamed, "dev-mysql": "dev-mysql", namesake: namesake,
		"arn:aws:rds:" + sandbox.DefaultRegion + ":" + sandbox.AccountID + ":db:dev-mysql": "dev-mysql",
	} {
		if code, stdout, stderr := run("override set " + word + " on --until 3h"); code != 0 || !strings.HasPrefix(stdout, id+" (") {
			t.Errorf("set %s: %d %s%s, want it on %s", word, code, stdout, stderr, id)
		}
		if code, stdout, stderr := run("explain " + word); code != 0 || !strings.HasPrefix(stdout, id+" (") || strings.Count(stdout, "  state ") != 1 {
			t.Errorf("explain %s: %d %s%s, want %s alone", word, code, stdout, stderr, id)
		}
		if code, stdout, stderr := run("override clear " + word); code != 0 || !strings.HasPrefix(stdout, id+" (") {
			t.Errorf("clear %s: %d %s%s, want it on %s", word, code, stdout, stderr, id)
		}
	}
	const nobody = "i-0123456789abcdef0"
	rename(renamed, nobody)
	for _, word := range []string{nobody, arn + nobody, strings.Replace(arn, sandbox.DefaultRegion, "us-east-1", 1) + batch} {
		if code, stdout, stderr := run("override set " + word + " on --until 3h"); code != 5 || !strings.Contains(stderr, "no machine") {
			t.Errorf("set %s: %d %s%s, want that there is no such machine", word, code, stdout, stderr)
		}
	}
	rename(renamed, "배치서버")
	if code, stdout, stderr := run("override set 배치서버 on --until 3h"); code != 5 || !strings.Contains(stderr, `2 machines have the name "배치서버"; give the id of one, such as i-0`) {
		t.Errorf("of a name that two have: %d %s%s", code, stdout, stderr)
	}
}

// TestOverridesWithoutEffectAreRefused: an override of a machine that is left
// alone would never be followed, and one that is over cannot be ended.
func TestOverridesWithoutEffectAreRefused(t *testing.T) {
	run, _ := overrides(t)
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"override set 운영-웹-2 on --until 3h", 5, "(운영-웹-2): is left alone by rule 1, so that there is nothing to override"},
		{"override clear 운영-웹-2", 5, "is left alone by rule 1, so that there is nothing to override"},
		{"override set " + prodDB + " on --until 3h", 5, "no rule is for"},
		{"override clear " + batch, 5, batch + " has no override: it has no tag nightshift:override"},
		{"override set " + batch + " on --until 3h", 0, "is overridden: on until"},
		{"override clear " + batch, 0, "is following its schedule again"},
		{"override clear " + batch, 5, batch + " has no override: the last one ended at "},
	} {
		if code, stdout, stderr := run(tt.args); code != tt.code || !strings.Contains(stdout+stderr, tt.says) {
			t.Errorf("%s: %d %s%s, want %d and %q", tt.args, code, stdout, stderr, tt.code, tt.says)
		}
	}
}
