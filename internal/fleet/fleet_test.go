package fleet_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightshift/internal/fleet"
)

func TestParseTag(t *testing.T) {
	good := map[string]fleet.Tag{
		"AutoStopStart=Yes":                 {Key: "AutoStopStart", Value: "Yes"},
		"Schedule":                          {Key: "Schedule"},
		"a=b=c":                             {Key: "a", Value: "b=c"},
		"환경=개발":                             {Key: "환경", Value: "개발"},
		strings.Repeat("키", 128) + "=value": {Key: strings.Repeat("키", 128), Value: "value"},
	}
	for text, want := range good {
		got, err := fleet.ParseTag(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q reads %+v and prints %q, %v", text, got, got, err)
		}
	}
	for text, says := range map[string]string{
		"":                              "the key is missing",
		"=Yes":                          "the key is missing",
		"AutoStopStart=":                "the value is missing",
		"AutoStopStart= Yes":            "spaces",
		"\xff=a":                        "UTF-8",
		strings.Repeat("k", 129):        "128",
		"k=" + strings.Repeat("v", 257): "256",
	} {
		_, err := fleet.ParseTag(text)
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want an error that says %q", text, err, says)
		}
	}
}

func TestTagPrintsAsItReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		tag, err := fleet.ParseTag(text)
		if err == nil && tag.String() != text {
			t.Fatalf("%q became %q", text, tag)
		}
	})
}

func TestTagOn(t *testing.T) {
	tags := fleet.Tags{"AutoStopStart": "Yes", "Name": ""}
	for tag, want := range map[fleet.Tag]bool{
		{Key: "AutoStopStart", Value: "Yes"}: true,
		{Key: "AutoStopStart", Value: "yes"}: false,
		{Key: "autostopstart", Value: "Yes"}: false,
		{Key: "AutoStopStart"}:               true,
		{Key: "Name"}:                        true,
		{Key: "Other"}:                       false,
	} {
		if got := tag.On(tags); got != want {
			t.Errorf("%s on %v is %v", tag, tags, got)
		}
	}
}

func TestAllTagsHaveToMatch(t *testing.T) {
	tags := fleet.Tags{"Env": "dev", "Team": "data"}
	for _, tt := range []struct {
		list []string
		on   bool
		err  string
	}{
		{nil, true, ""},
		{[]string{"Env=dev"}, true, ""},
		{[]string{"Env=dev", "Team=data"}, true, ""},
		{[]string{"Env", "Team=data", "Env=dev", "Env"}, true, ""},
		{[]string{"Env=dev", "Team=web"}, false, ""},
		{[]string{"Team=web", "Env=dev"}, false, ""},
		{[]string{"Env=dev", "Owner"}, false, ""},
		{[]string{"Env=dev", "Env=qa"}, false, "a key has one value"},
		{[]string{"Env=dev", "=x"}, false, "the key is missing"},
	} {
		all, err := fleet.ParseTags(tt.list)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %v, want %q", tt.list, err, tt.err)
		}
		if err == nil && fleet.AllOn(all, tags) != tt.on {
			t.Errorf("%q: on %v is %v", tt.list, tags, !tt.on)
		}
	}
}

func TestNameFallsBackToTheID(t *testing.T) {
	if got := (fleet.Instance{ID: "i-1"}).Name(); got != "i-1" {
		t.Errorf("without tags: %q", got)
	}
	if got := (fleet.Instance{ID: "i-1", Tags: fleet.Tags{"Name": ""}}).Name(); got != "" {
		t.Errorf("with an empty name: %q, want it kept", got)
	}
	if got := (fleet.Volume{ID: "vol-1", Tags: fleet.Tags{"Name": "로그"}}).Name(); got != "로그" {
		t.Errorf("with a name: %q", got)
	}
}

func ExampleErrorf() {
	err := fleet.Errorf(fleet.ErrDenied, "may not stop %s", "i-0abc")
	fmt.Println(err)
	fmt.Println(errors.Is(err, fleet.ErrDenied))
	// Output:
	// may not stop i-0abc
	// true
}
