package amazon_test

import (
	"errors"
	"testing"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// Permissions are those of the policy, and asking for them changes nothing.
func TestPermissions(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Policy: []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["ec2:Describe*","ec2:StartInstances"],"Resource":"*"},
		{"Effect":"Allow","Action":"ec2:StopInstances","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/AutoStopStart":"Yes"}}},
		{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*","Condition":{"ForAllValues:StringLike":{"aws:TagKeys":"nightshift:*"}}}]}`)})
	ec2 := newPeer(server.URL()).session(t).Fleet(region)
	may := func(m fleet.Machine, tags fleet.Tags) map[string]bool {
		allowed := map[string]bool{}
		for _, p := range ec2.Permissions(t.Context(), m.ID, tags, true) {
			if p.Err != nil && !errors.Is(p.Err, fleet.ErrDenied) {
				t.Errorf("%s: %v", p.Action, p.Err)
			}
			allowed[p.Action] = p.Err == nil
		}
		return allowed
	}
	for _, tagged := range []bool{true, false} {
		m := someMachine(t, ec2, tagged)
		got := may(m, fleet.Tags{"nightshift:last": "x"})
		if len(got) != 4 || got["ec2:StopInstances"] != tagged || !got["ec2:StartInstances"] || !got["ec2:CreateTags"] || got["ec2:ModifyInstanceAttribute"] {
			t.Errorf("of one with the tag (%v): %v", tagged, got)
		}
		if got := may(m, fleet.Tags{"Owner": "me"}); got["ec2:CreateTags"] {
			t.Error("another key may be tagged")
		}
		for now, err := range ec2.Machines(t.Context(), fleet.Selector{IDs: []fleet.ResourceID{m.ID}}) {
			if err != nil || now.State != m.State || now.Tags["nightshift:last"] != "" || now.Type != m.Type {
				t.Errorf("it became %+v, %v", now, err)
			}
		}
	}
}

// someMachine is a running instance with or without the tag.
func someMachine(t *testing.T, ec2 *amazon.Fleet, tagged bool) fleet.Machine {
	t.Helper()
	for m, err := range ec2.Machines(t.Context(), fleet.Selector{}) {
		if err != nil {
			t.Fatal(err)
		}
		if m.State == fleet.Running && (m.Tags["AutoStopStart"] == "Yes") == tagged {
			return m
		}
	}
	t.Fatal("there is none")
	return fleet.Machine{}
}

// Both peers permit all to a caller without a policy, and do nothing.
func testPermissions(t *testing.T, p *peer) {
	id := p.run(t, 1, "permissions", "asked")[0]
	ec2 := p.session(t).Fleet(region)
	for _, permission := range ec2.Permissions(t.Context(), id, fleet.Tags{"nightshift:last": "x"}, true) {
		if permission.Err != nil {
			t.Errorf("%s: %v", permission.Action, permission.Err)
		}
	}
	for m, err := range ec2.Machines(t.Context(), fleet.Selector{IDs: []fleet.ResourceID{id}}) {
		if err != nil || m.State != fleet.Running || m.Tags["nightshift:last"] != "" {
			t.Errorf("it became %+v, %v", m, err)
		}
	}
}
