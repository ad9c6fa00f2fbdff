package cost_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/fleet"
)

// aws is EC2 as the commands of recommendations see it: a shell function over
// files that hold the state of one instance, of its type and of one volume. What
// EC2 refuses ends with a code other than 0, and what takes time is not done
// before it was waited for. The file "refuse" names steps that are refused
// whatever the state.
const aws = `
aws() {
	step=$2
	if [ "$step" = wait ]; then step=$3; fi
	echo "$step" >>calls
	if grep -qx -- "$step" refuse; then return 254; fi
	case "$step" in
	stop-instances) [ "$(cat state)" = running ] && echo stopping >state ;;
	instance-stopped) [ "$(cat state)" = stopping ] && echo stopped >state; [ "$(cat state)" = stopped ] ;;
	modify-instance-attribute) [ "$(cat state)" = stopped ] && echo "$6" >type ;;
	start-instances) [ "$(cat state)" = stopped ] && echo running >state ;;
	create-snapshot) echo pending >copy && echo snap-1 ;;
	snapshot-completed) [ "$5" = snap-1 ] && echo completed >copy ;;
	create-image) echo pending >copy && echo ami-1 ;;
	image-available) [ "$5" = ami-1 ] && echo completed >copy ;;
	delete-volume) [ "$(cat copy)" = completed ] && echo deleted >volume ;;
	terminate-instances) [ "$(cat copy)" = completed ] && echo terminated >state ;;
	describe-addresses) echo eipassoc-1 ;;
	disassociate-address) [ "$4" = eipassoc-1 ] && echo free >address ;;
	release-address) [ "$(cat address)" = free ] && echo released >address ;;
	*) return 252 ;;
	esac
}
`

// shell runs a command against such an EC2 and gives what its files hold in the
// end.
func shell(t *testing.T, command string, files map[string]string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	after := map[string]string{"calls": "", "refuse": "", "state": "running", "type": "old", "copy": "", "volume": "available", "address": "held"}
	for name := range after {
		if text, ok := files[name]; ok {
			after[name] = text
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(after[name]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), bash(t), "-c", aws+command)
	cmd.Dir = dir
	_ = cmd.Run() // what became of it is in the files
	for name := range after {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		after[name] = strings.Join(strings.Fields(string(text)), " ")
	}
	return after
}

func bash(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here to read the commands")
	}
	return path
}

// everyRecommendation is a report with a recommendation of every code and of
// every command.
func everyRecommendation(t *testing.T, tag fleet.Tag) []recommend.Recommendation {
	t.Helper()
	typed := func(id fleet.ResourceID, kind fleet.InstanceType, state fleet.State) fleet.Instance {
		i := prod(server(id))
		i.Type, i.State = kind, state
		if state != fleet.Running {
			i.Stopped = now.AddDate(0, 0, -3)
		}
		return i
	}
	forgotten := typed("i-forgotten", "m5.large", fleet.Stopped)
	forgotten.Stopped = now.AddDate(0, 0, -75)
	member := typed("i-member", "t2.large", fleet.Running)
	member.Ineligible.Managed = fleet.Reason{Code: "auto-scaling", Text: "belongs to the Auto Scaling group web"}
	scratch := typed("i-scratch", "t2.large", fleet.Running)
	scratch.Ineligible.Cannot = fleet.Reason{Code: "instance-store-root", Text: "has an instance-store root volume"}
	loose := disk("vol-loose", fleet.GP3, 500)
	loose.State = "available"
	snap := func(id, volume, description string) fleet.Snapshot {
		return fleet.Snapshot{
			ID: fleet.SnapshotID(id), Volume: fleet.VolumeID(volume), State: "completed", Started: now.AddDate(0, 0, -400),
			SizeGiB: 100, FullBytes: 100 << 30, Description: description,
		}
	}
	snapshots := []fleet.Snapshot{snap("snap-1", "vol-one", ""), snap("snap-2", "vol-image", "Created by CreateImage(i-1) for ami-1")}
	for n := range 101 {
		snapshots = append(snapshots, snap(fmt.Sprint("snap-m", n), "vol-many", ""))
		if n < 3 {
			snapshots = append(snapshots, snap(fmt.Sprint("snap-f", n), "vol-few", ""))
		}
	}
	reservation := func(id string, unused int64) fleet.Reservation {
		return fleet.Reservation{
			Target: seoul, ID: id, Type: "m5.xlarge", Platform: "Linux/UNIX", Tenancy: "default", State: "active", Total: 3, Available: unused, Created: monthStart,
		}
	}
	r, err := cost.Build(t.Context(), []cost.Source{{
		Target: seoul,
		Inventory: estate{
			instances: []fleet.Instance{
				forgotten, member, scratch, server("i-night"), prod(server("i-1")),
				typed("i-on", "t2.large", fleet.Running), typed("i-off", "t2.large", fleet.Stopped), typed("i-ending", "t2.large", fleet.Stopping),
				typed("i-disks", "m3.large", fleet.Running),
			},
			volumes: []fleet.Volume{
				loose, disk("vol-gp2", fleet.GP2, 500, "i-1"), disk("vol-forgotten", fleet.GP3, 500, "i-forgotten"),
				with(disk("vol-io1", fleet.IO1, 100, "i-1"), 3000, 0), with(disk("vol-shared", fleet.IO1, 100, "i-1", "i-on"), 40_000, 0),
				with(disk("vol-io2", fleet.IO2, 1000, "i-1"), 32_000, 0),
			},
		},
		OtherResources: belongings{
			snapshots:    snapshots,
			addresses:    []fleet.Address{{ID: "eipalloc-free", IP: "203.0.113.3"}, {ID: "eipalloc-held", IP: "203.0.113.2", Instance: "i-forgotten", Interface: "eni-2"}},
			reservations: []fleet.Reservation{reservation("cr-all", 3), reservation("cr-some", 2)},
		},
	}}, dearer(t), cost.Options{
		Now: now, Zone: kst,
		Schedulable: func(fleet.Instance) (fleet.Tag, bool) { return tag, tag.Key != "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return recommend.For(r)
}

// TestCommandsAreShellLines: whatever is printed as a command is one line that a
// shell can read, and where there is none it is said what to do.
func TestCommandsAreShellLines(t *testing.T) {
	all := everyRecommendation(t, fleet.Tag{Key: "Schedule", Value: "office-hours"})
	codes := map[string]bool{}
	var script strings.Builder
	for _, f := range all {
		codes[f.Code] = true
		fix := f.Fix()
		if strings.ContainsAny(fix, "{}\n") || strings.Contains(fix, "%!") {
			t.Errorf("%s of %s: the command is not filled in: %s", f.Code, f.Resource, fix)
		}
		if fix == "" && f.Advice == "" {
			t.Errorf("%s of %s has neither a command nor advice", f.Code, f.Resource)
		}
		if out, err := exec.CommandContext(t.Context(), bash(t), "-n", "-c", fix).CombinedOutput(); err != nil {
			t.Errorf("%s of %s: bash cannot read %s: %s", f.Code, f.Resource, fix, out)
		}
		// Every step is a call of AWS in the region of the resource.
		if calls := strings.Count(fix, "aws ec2 "); calls != strings.Count(fix, "--region "+string(f.Target.Region)) {
			t.Errorf("%s of %s: not every step names the region: %s", f.Code, f.Resource, fix)
		}
		fmt.Fprintln(&script, fix)
	}
	for _, code := range []string{
		recommend.UnattachedVolume, recommend.StoppedInstance, recommend.GP2ToGP3, recommend.IO1ToGP3, recommend.IO1ToIO2, recommend.UnusableIOPS,
		recommend.OrphanedSnapshots, recommend.IdleAddress, recommend.UnusedCapacity, recommend.PreviousGeneration, recommend.RunsAllNight,
	} {
		if !codes[code] {
			t.Errorf("no finding %s", code)
		}
	}
	for _, prose := range []string{"; then", "when the", "; with the schedule", " more;"} {
		if strings.Contains(script.String(), prose) {
			t.Errorf("a command has the words %q in it", prose)
		}
	}
}

func fixOf(t *testing.T, all []recommend.Recommendation, resource string) recommend.Recommendation {
	t.Helper()
	for _, f := range about(all, resource) {
		if f.Code != recommend.RunsAllNight || resource == "i-night" {
			return f
		}
	}
	t.Fatalf("no finding about %s", resource)
	return recommend.Recommendation{}
}

// TestCommandsEndWell runs commands against states that EC2 may be in. A machine
// that runs is running in the end, one that is off stays off, and nothing is
// deleted before its copy is complete.
func TestCommandsEndWell(t *testing.T) {
	all := everyRecommendation(t, fleet.Tag{})
	for _, tt := range []struct {
		name, resource string
		before, after  map[string]string
	}{
		{"a running instance gets the type", "i-on", nil, map[string]string{"state": "running", "type": "t3.large"}},
		{"EC2 refuses the type", "i-on", map[string]string{"refuse": "modify-instance-attribute"}, map[string]string{"state": "running", "type": "old"}},
		{"it cannot be stopped", "i-on", map[string]string{"refuse": "stop-instances"}, map[string]string{"state": "running", "type": "old"}},
		{"a stopped instance stays stopped", "i-off", map[string]string{"state": "stopped"}, map[string]string{"state": "stopped", "type": "t3.large", "calls": "modify-instance-attribute"}},
		{"one that is stopping, too", "i-ending", map[string]string{"state": "stopping"}, map[string]string{"state": "stopped", "type": "t3.large"}},
		{"a volume is kept as a snapshot", "vol-loose", nil, map[string]string{"copy": "completed", "volume": "deleted"}},
		{"no snapshot, no deletion", "vol-loose", map[string]string{"refuse": "create-snapshot"}, map[string]string{"volume": "available", "calls": "create-snapshot"}},
		{"the snapshot fails", "vol-loose", map[string]string{"refuse": "snapshot-completed"}, map[string]string{"volume": "available"}},
		{"an instance is kept as an image", "i-forgotten", map[string]string{"state": "stopped"}, map[string]string{"copy": "completed", "state": "terminated"}},
		{"no image, no end", "i-forgotten", map[string]string{"state": "stopped", "refuse": "create-image"}, map[string]string{"state": "stopped", "calls": "create-image"}},
		{"the image fails", "i-forgotten", map[string]string{"state": "stopped", "refuse": "image-available"}, map[string]string{"state": "stopped"}},
		{"an address is taken off first", "eipalloc-held", nil, map[string]string{"address": "released"}},
		{"it cannot be taken off", "eipalloc-held", map[string]string{"refuse": "disassociate-address"}, map[string]string{"address": "held"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fix := fixOf(t, all, tt.resource).Fix()
			got := shell(t, fix, tt.before)
			for name, want := range tt.after {
				if got[name] != want {
					t.Errorf("%s is %q, want %q, after %s\nof which ran: %s", name, got[name], want, fix, got["calls"])
				}
			}
		})
	}
}

// TestCommandsByHand are those that no shell function plays.
func TestCommandsByHand(t *testing.T) {
	all := everyRecommendation(t, fleet.Tag{Key: "Hours", Value: "office.9-18"})
	const region = " --region ap-northeast-2"
	for resource, want := range map[string]string{
		"cr-all":        "aws ec2 cancel-capacity-reservation --capacity-reservation-id cr-all" + region,
		"cr-some":       "aws ec2 modify-capacity-reservation --capacity-reservation-id cr-some --instance-count 1" + region,
		"i-night":       "aws ec2 create-tags --resources i-night --tags Key=Hours,Value=office.9-18" + region,
		"vol-one":       "aws ec2 delete-snapshot --snapshot-id snap-1" + region,
		"vol-few":       `for snapshot in snap-f0 snap-f1 snap-f2; do aws ec2 delete-snapshot --snapshot-id "$snapshot"` + region + "; done",
		"vol-image":     "", // EC2 would refuse it
		"vol-many":      "",
		"i-member":      "", // its group would replace it
		"i-scratch":     "", // it cannot be stopped
		"vol-shared":    "aws ec2 modify-volume --volume-id vol-shared --volume-type io2 --iops 40000" + region,
		"eipalloc-free": "aws ec2 release-address --allocation-id eipalloc-free" + region,
	} {
		f := fixOf(t, all, resource)
		if f.Fix() != want {
			t.Errorf("%s: the command is %q, want %q", resource, f.Fix(), want)
		}
		if want == "" && f.Advice == "" {
			t.Errorf("%s: neither a command nor advice", resource)
		}
	}
	for name, tag := range map[string]fleet.Tag{
		"no rule":     {},
		"a file":      {Key: "Schedule", Value: "file://secret"},
		"a list":      {Key: "Schedule", Value: "a,Key=b"},
		"a command":   {Key: "Schedule", Value: "$(reboot)"},
		"other words": {Key: "일정", Value: "평일"},
	} {
		if f := fixOf(t, everyRecommendation(t, tag), "i-night"); f.Fix() != "" || !strings.Contains(f.Advice, "rule") {
			t.Errorf("%s: the command is %q, the advice %q", name, f.Fix(), f.Advice)
		}
	}
}

// TestSuccessorsLoseLocalDisks: m3, c3 and r3 have disks that m6i, c6i and r6i do
// not, which is not a certain saving.
func TestSuccessorsLoseLocalDisks(t *testing.T) {
	all := everyRecommendation(t, fleet.Tag{})
	for resource, unknown := range map[string]bool{"i-disks": true, "i-on": false} {
		f := fixOf(t, all, resource)
		if f.Code != recommend.PreviousGeneration || strings.Contains(f.Reason, "instance store") != unknown || f.Certain == unknown {
			t.Errorf("%s: %+v", resource, f)
		}
	}
}
