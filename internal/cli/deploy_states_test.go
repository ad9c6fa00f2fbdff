package cli_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"nightshift/internal/deploy"
	"nightshift/internal/sandbox"
)

// prunedArtifacts finds more old archives and configurations than are kept. What the
// stack uses is the oldest of them.
func prunedArtifacts(d *deployment) {
	d.must(3, "", []string{"--yes"}, "CREATE_COMPLETE")
	running := d.state().Parameters
	store := d.session().Artifacts(sandbox.AccountID, sandbox.DefaultRegion)
	for n := range deploy.Keep + 2 {
		for _, key := range []string{"nightshift/code/%02d.zip", "nightshift/config/%02d/nightshift.yaml", "nightshift/config/%02d/holidays.ics"} {
			if err := store.Put(d.Context(), artifacts, fmt.Sprintf(key, n), "text/plain", []byte("old")); err != nil {
				d.Fatal(err)
			}
		}
		d.account.Sandbox().Advance(time.Minute)
	}
	for _, key := range []string{"nightshift/notes.txt", "other/code/00.zip"} {
		if err := store.Put(d.Context(), artifacts, key, "text/plain", []byte("not of the stack")); err != nil {
			d.Fatal(err)
		}
	}
	d.must(3, "", []string{"--yes"}, "no changes") // and nothing is removed
	d.write("nightshift.yaml", strings.Replace(rulesFile, "19:00", "20:00", 1))
	d.must(3, "", []string{"--yes"}, "UPDATE_COMPLETE")

	previous, now := parentOf(running["Config"]), parentOf(d.state().Parameters["Config"])
	want := map[string]bool{running["CodeKey"]: true, "nightshift/notes.txt": true, "other/code/00.zip": true}
	for _, folder := range []string{previous, now} { // the one before stays, whatever its age
		want[folder+"nightshift.yaml"], want[folder+"holidays.ics"] = true, true
	}
	for n := range deploy.Keep + 2 {
		if n >= 2 {
			want[fmt.Sprintf("nightshift/code/%02d.zip", n)] = true
		}
		if n >= 3 { // the new one is among the last ten
			want[fmt.Sprintf("nightshift/config/%02d/nightshift.yaml", n)], want[fmt.Sprintf("nightshift/config/%02d/holidays.ics", n)] = true, true
		}
	}
	for _, key := range d.account.Sandbox().Objects(artifacts) {
		if !want[key] {
			d.Errorf("%s is left", key)
		}
		delete(want, key)
	}
	for key := range want {
		d.Errorf("%s was removed", key)
	}
}

// parentOf is the folder of the configuration that a parameter names.
func parentOf(config string) string {
	return strings.TrimSuffix(strings.TrimPrefix(config, "s3://"+artifacts+"/"), "nightshift.yaml")
}

// underReview finds what a plan has left that was given up.
func underReview(d *deployment) {
	begin := func(name string) {
		d.Helper()
		_, err := d.stacks().CreateChangeSet(d.Context(), deploy.NewChangeSet{Stack: "nightshift", Name: name, Create: true, Template: "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n"})
		if err != nil {
			d.Fatal(err)
		}
	}
	begin("left")
	d.must(0, "", []string{"--status"}, "REVIEW_IN_PROGRESS")
	// The change set is somebody's: a plan leaves it, and the stack with it.
	d.must(0, "", []string{"--plan"}, "+  Function")
	d.must(1, "n\n", nil, "Create the stack nightshift with these rights?", "nothing was changed")
	if sets := d.changeSets(); len(sets) != 1 || sets[0] != "left" {
		d.Errorf("change sets: %v", sets)
	}
	if err := d.stacks().DeleteChangeSet(d.Context(), "nightshift", "left"); err != nil {
		d.Fatal(err)
	}
	d.must(0, "", []string{"--status"}, "REVIEW_IN_PROGRESS") // AWS leaves the empty stack
	// Who made it may be about to fill it: a plan and a no leave it.
	d.must(0, "", []string{"--plan"}, "+  Function")
	d.must(1, "n\n", nil, "nothing was changed")
	d.must(0, "", []string{"--status"}, "REVIEW_IN_PROGRESS")
	if sets := d.changeSets(); len(sets) > 0 {
		d.Errorf("change sets are left: %v", sets)
	}

	begin("left-again")
	d.must(0, "", []string{"--destroy", "--yes"}, "DELETE_COMPLETE")
	d.absent()
	begin("left-at-last")
	d.must(3, "", []string{"--yes"}, "CREATE_COMPLETE")
}

// beingDeleted deploys while somebody deletes the stack: it waits, and makes a new one.
func beingDeleted(d *deployment) {
	d.must(3, "", []string{"--yes"}, "CREATE_COMPLETE")
	before, err := d.stacks().Stack(d.Context(), "nightshift")
	if err != nil {
		d.Fatal(err)
	}
	const long = 1000 * time.Hour
	d.fail("cloudformation:DeleteResource=slow,id=Undelivered,for=" + long.String())
	if err := d.stacks().Delete(d.Context(), "nightshift", "", "by-hand"); err != nil {
		d.Fatal(err)
	}
	d.must(0, "", []string{"--status"}, "DELETE_IN_PROGRESS")
	d.account.Sandbox().ResetCalls()
	waited, ended := make(chan struct{}), make(chan struct{})
	go func() { // the time goes by when somebody has waited for it for two minutes
		defer close(waited)
		for d.called("DescribeStackEvents") < 65 {
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
		d.account.Sandbox().Advance(long)
	}()
	const waits = "nightshift: the stack nightshift is DELETE_IN_PROGRESS: waiting until that has ended"
	output := d.must(3, "", []string{"--yes"}, waits+"\n", waits+", for 1 min already\n", waits+", for 2 min already\n", "CREATE_COMPLETE", "the reports of an earlier installation")
	if asked, said := d.called("DescribeStackEvents"), strings.Count(output, waits); said > asked/30+1 { // it asks every two seconds
		d.Errorf("it asks %d times, and says %d times that it waits", asked, said)
	}
	close(ended)
	<-waited
	after, err := d.stacks().Stack(d.Context(), "nightshift")
	if err != nil || after.ID == before.ID {
		d.Errorf("it is the same stack: %+v %v", after, err)
	}
}

// notDeleted finds a stack of which a resource could not be deleted.
func notDeleted(d *deployment) {
	const plan = "cloudformation:DeleteResource=refuse,id=Undelivered,code=InternalFailure,message=the queue stays"
	d.must(3, "", []string{"--yes"}, "CREATE_COMPLETE")
	d.fail(plan)
	d.must(1, "", []string{"--destroy", "--yes"}, "Undelivered (AWS::SQS::Queue)", "the queue stays")
	if s := d.state(); s.Status != "DELETE_FAILED" {
		d.Errorf("after a removal that failed: %s", s.Status)
	}
	d.must(0, "", []string{"--plan"}, "DELETE_FAILED and cannot be changed any more")
	d.interrupt("Delete the stack nightshift and create it again? [y/N]")
	d.must(1, "", []string{"--yes"}, "the queue stays")
	d.fail("")
	d.must(3, "", []string{"--yes"}, "DELETE_FAILED and cannot be changed any more", "CREATE_COMPLETE")

	d.fail(plan)
	d.must(1, "", []string{"--destroy", "--yes"}, "the queue stays")
	d.fail("")
	d.must(0, "", []string{"--destroy", "--yes"}, "DELETE_COMPLETE")
	d.must(1, "", []string{"--status"}, "there is no stack nightshift")
}

// notRolledBack finds a stack that could be neither made nor taken back.
func notRolledBack(d *deployment) {
	d.fail("cloudformation:CreateResource=refuse,id=Undelivered,code=InternalFailure,message=no queue;cloudformation:DeleteResource=refuse,id=Log,code=InternalFailure,message=the log stays")
	d.must(1, "", []string{"--yes"}, "no queue")
	if s := d.state(); s.Status != "ROLLBACK_FAILED" {
		d.Errorf("after a creation that could not be taken back: %s", s.Status)
	}
	d.fail("")
	d.must(1, "n\n", nil, "Delete the stack nightshift and create it again?", "nothing was changed")
	d.must(3, "", []string{"--yes"}, "ROLLBACK_FAILED and cannot be changed any more", "CREATE_COMPLETE")
}

// timely holds how much time the first deployment takes of its own: all but that for
// which AWS was at work on the stack, which the sandbox emulates.
//
// Most of it is packing the program. Where that takes longer than here, because the
// machine is slower or has other work, the whole may take longer as well.
func (d *deployment) timely(took time.Duration) {
	d.Helper()
	const atMost, packing = 10 * time.Second, 2500 * time.Millisecond
	events, err := d.stacks().Events(d.Context(), "nightshift", func(deploy.Event) bool { return false })
	if err != nil {
		d.Fatal(err)
	}
	newest, oldest := map[string]time.Time{}, map[string]time.Time{} // of each operation
	for _, e := range events {
		if newest[e.Token].IsZero() {
			newest[e.Token] = e.At
		}
		oldest[e.Token] = e.At
	}
	var emulated time.Duration
	for token, at := range newest {
		if token != "" {
			emulated += at.Sub(oldest[token])
		}
	}
	program, err := os.ReadFile(d.program)
	if err != nil {
		d.Fatal(err)
	}
	begin := time.Now()
	if _, err := deploy.Zip(program); err != nil {
		d.Fatal(err)
	}
	slower := max(1, time.Since(begin).Seconds()/packing.Seconds())
	waited := time.Duration(float64(emulated) / d.speed)
	own, limit := took-waited, time.Duration(slower*float64(atMost))
	d.Logf("the first deployment took %s of its own, beside %s of AWS's in %s; at most %s on this machine, which is %.1f times slower", own, emulated, waited, limit, slower)
	switch {
	case emulated < time.Minute:
		d.Errorf("AWS was at work for %s only: that is not what is measured", emulated)
	case own > limit:
		d.Errorf("the first deployment took %s of its own time, want at most %s (%s where packing the program takes %s)", own, limit, atMost, packing)
	}
}
