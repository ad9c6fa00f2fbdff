package daemon_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/sandbox"
)

// calls are the requests of a pass after some time, such as "2 ec2:DescribeInstances".
func (w *world) calls(t *testing.T, d time.Duration) string {
	t.Helper()
	w.ResetCalls()
	w.pass(t, d)
	counts := map[string]int{}
	for _, c := range w.Calls() {
		counts[c.Service+":"+c.Action]++
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprint(counts[name], " ", name))
	}
	return strings.Join(list, ", ")
}

// What is asked of AWS is what docs/daemon.md says: a run reads the machines and writes
// its record and its lease, and a sweep reads machines and journal once more.
func TestCalls(t *testing.T) {
	w := newWorld(t, at(23, 20, 0), sandbox.Options{})
	for range 3 {
		w.pass(t, 5*time.Minute)
	}
	if got, want := w.calls(t, 5*time.Minute), "2 ec2:DescribeInstances, 2 ec2:DescribeSpotInstanceRequests, 4 s3:ListObjectsV2, 2 s3:PutObject"; got != want {
		t.Errorf("a tick without a change: %s\nwant %s", got, want)
	}
	if got := w.calls(t, 30*time.Second); got != "" {
		t.Errorf("a look at the clock: %s", got)
	}
	w.options.Observe = true
	w.restart()
	for range 2 {
		w.pass(t, 5*time.Minute)
	}
	if got, want := w.calls(t, 5*time.Minute), "1 ec2:DescribeInstances, 1 ec2:DescribeSpotInstanceRequests, 4 s3:ListObjectsV2"; got != want {
		t.Errorf("a sweep of who only observes: %s\nwant %s", got, want)
	}
}

// What a sweep of the backups asks is what docs/daemon.md says, too: each listing once, and
// of AWS Backup and the Recycle Bin one more for each resource and rule that it names.
func TestCallsOfBackups(t *testing.T) {
	w := newWorld(t, at(23, 20, 0), sandbox.Options{Backups: true})
	w.configure(t, backups)
	w.options.Observe = true
	w.restart()
	w.pass(t, 5*time.Minute)
	if got, want := w.calls(t, 10*time.Minute), "1 s3:ListObjectsV2"; got != want {
		t.Errorf("a sweep without a rule: %s\nwant %s", got, want)
	}
	const want = "1 backup:ListProtectedResources, 2 backup:ListRecoveryPointsByResource, " +
		"1 ec2:DescribeFastSnapshotRestores, 1 ec2:DescribeImages, 1 ec2:DescribeInstances, 1 ec2:DescribeLaunchTemplateVersions, " +
		"1 ec2:DescribeLockedSnapshots, 2 ec2:DescribeSnapshots, 1 ec2:DescribeSpotInstanceRequests, 1 ec2:DescribeVolumes, " +
		"1 rbin:GetRule, 1 rbin:ListRules, 1 rds:DescribeDBInstances, 2 s3:ListObjectsV2, 1 servicequotas:GetServiceQuota, 1 sts:GetCallerIdentity"
	if got := w.calls(t, 5*time.Minute); got != want {
		t.Errorf("with the backups: %s\nwant %s", got, want)
	}
	if got := w.calls(t, 30*time.Second); got != "" {
		t.Errorf("a look at the clock: %s", got)
	}
}
