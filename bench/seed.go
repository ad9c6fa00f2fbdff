package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"nightshift/internal/sandbox"
)

// seed runs the first scripts.
type seed struct{ python, driver, folder string }

// findSeed looks for the scripts and for a Python that can run them, or says
// why it cannot.
func findSeed(ctx context.Context, root string) (found *seed, why string) {
	folder := os.Getenv("NIGHTSHIFT_SEED") //nolint:forbidigo // where the scripts are
	if folder == "" {
		folder = filepath.Join(root, "..", "shared", "seed")
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err.Error()
	}
	for _, script := range []string{"cost_report.py", "stop_start.py"} {
		if _, err := os.Stat(filepath.Join(folder, script)); err != nil {
			return nil, "no " + script + " in $NIGHTSHIFT_SEED or ../shared/seed"
		}
	}
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(ctx, python, "-c", "import boto3, openpyxl").Run() == nil {
			return &seed{python, filepath.Join(root, "internal", "cli", "testdata", "seed", "run.py"), folder}, ""
		}
	}
	return nil, "no python3 with boto3 and openpyxl"
}

// command is the command line that gives a script an event.
func (s *seed) command(script, event string) []string {
	return []string{s.python, s.driver, filepath.Join(s.folder, script), event}
}

// easy makes an account's fleet one that the script can stop: it takes the tag
// from instances that refuse to be stopped, belong to an Auto Scaling group or
// do not run. Which ones refuse is tried on a twin of the account.
func easy(account *sandbox.Sandbox, o sandbox.Options) (left int, err error) {
	o.Latency, o.Speed, o.Throttle = 0, -1, false
	twin, err := sandbox.New(o)
	if err != nil {
		return 0, err
	}
	var hard []string
	for _, i := range account.Instances(sandbox.DefaultRegion) {
		if i.Tags["AutoStopStart"] != "Yes" {
			continue
		}
		if i.State == "running" && i.Tags["aws:autoscaling:groupName"] == "" &&
			ask(twin, url.Values{"Action": {"StopInstances"}, "InstanceId.1": {i.ID}}) == nil {
			left++
			continue
		}
		hard = append(hard, i.ID)
	}
	for ids := range slices.Chunk(hard, 1000) { // EC2 takes no more
		form := url.Values{"Action": {"DeleteTags"}, "Tag.1.Key": {"AutoStopStart"}}
		for n, id := range ids {
			form.Set(fmt.Sprintf("ResourceId.%d", n+1), id)
		}
		if err := ask(account, form); err != nil {
			return 0, err
		}
	}
	return left, nil
}

// ask makes an EC2 call without a network.
func ask(account *sandbox.Sandbox, form url.Values) error {
	form.Set("Version", "2016-11-15")
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return send(account, "ec2", r)
}

// send makes a call of a service without a network.
func send(account *sandbox.Sandbox, service string, r *http.Request) error {
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+sandbox.AccessKey+"/20261122/"+sandbox.DefaultRegion+
		"/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	account.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return fmt.Errorf("%s %s: %s", r.Method, r.URL, w.Body)
	}
	return nil
}
