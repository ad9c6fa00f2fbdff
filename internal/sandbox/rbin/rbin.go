// Package rbin is the Recycle Bin of EC2, as far as its retention rules are read.
package rbin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

const (
	listPath  = "/list-rules"
	rulesPath = "/rules/"
)

// Service is the Recycle Bin.
func Service() service.Service {
	return service.Service{
		Name: "rbin", Operations: []string{"GetRule", "ListRules"},
		Read: read, Refusal: wire.RefuseRESTMessage, Serve: serve,
	}
}

// read finds the operation by method and path.
func read(r *wire.Request) {
	switch {
	case r.Method == http.MethodPost && r.URL.Path == listPath:
		r.Action = "ListRules"
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, rulesPath):
		r.Action = "GetRule"
	}
	r.Permission = "rbin:" + r.Action
}

func serve(r *service.Call) wire.Answer {
	reg := r.InRegion()
	reg.Mu.Lock()
	defer reg.Mu.Unlock()
	var out any
	var err *wire.Error
	switch r.Action {
	case "ListRules":
		out, err = list(r, reg)
	case "GetRule":
		out, err = get(r, reg)
	default:
		err = wire.Fail(http.StatusNotFound, "UnknownOperationException", "the sandbox has no "+r.Method+" "+r.URL.Path)
	}
	if err != nil {
		return r.Refuse(err)
	}
	return r.AnswerREST(out)
}

// listing is what ListRules is asked for.
type listing struct {
	ResourceType string
	ResourceTags []resourceTag
	MaxResults   int
	NextToken    string
	LockState    string
}

type resourceTag struct {
	ResourceTagKey   string
	ResourceTagValue string `json:",omitempty"`
}

// mostRules is the largest page, and the one that ListRules answers with where the
// caller names no size.
const mostRules = 1000

// list is ListRules, of snapshots only: the account has no rules for images.
func list(r *service.Call, reg *state.Region) (any, *wire.Error) {
	var in listing
	if json.Unmarshal(r.Payload, &in) != nil {
		return nil, invalid("the body is not JSON")
	}
	if err := r.Authorize("*", &policy.Context{Region: reg.Name}); err != nil {
		return nil, err
	}
	switch {
	case in.ResourceType != "EBS_SNAPSHOT" && in.ResourceType != "EC2_IMAGE":
		return nil, invalid("ResourceType must be EBS_SNAPSHOT or EC2_IMAGE")
	case in.MaxResults < 0 || in.MaxResults > mostRules:
		return nil, invalid("MaxResults must be from 1 to 1000")
	case in.MaxResults == 0:
		in.MaxResults = mostRules
	}
	from := 0
	if in.NextToken != "" {
		place, ok := wire.ReadBookmark(in.NextToken)
		if !ok {
			return nil, invalid("NextToken is not valid")
		}
		from = place.Skip
	}
	var rows []map[string]any
	for n, rule := range reg.Other.BinRules {
		switch {
		case n < from, in.ResourceType != "EBS_SNAPSHOT", !in.selects(rule):
		case len(rows) == in.MaxResults:
			return map[string]any{"Rules": rows, "NextToken": wire.Bookmark{Skip: n}.Encode()}, nil
		default:
			rows = append(rows, summary(reg, rule))
		}
	}
	return map[string]any{"Rules": rows}, nil
}

// selects says whether a rule has the lock and a tag that a call asks for.
func (in listing) selects(rule state.BinRule) bool {
	if in.LockState != "" && in.LockState != lockState(rule) {
		return false
	}
	return len(in.ResourceTags) == 0 || slices.ContainsFunc(in.ResourceTags, func(t resourceTag) bool {
		return slices.Contains(rule.Tags, state.Tag{Key: t.ResourceTagKey, Value: t.ResourceTagValue})
	})
}

func lockState(rule state.BinRule) string {
	if rule.Locked {
		return "locked"
	}
	return "unlocked"
}

func arn(reg *state.Region, id string) string {
	return "arn:aws:rbin:" + reg.Name + ":" + reg.Owner + ":rule/" + id
}

func summary(reg *state.Region, rule state.BinRule) map[string]any {
	return map[string]any{
		"Identifier": rule.ID, "Description": rule.Description, "LockState": lockState(rule), "RuleArn": arn(reg, rule.ID),
		"RetentionPeriod": map[string]any{"RetentionPeriodValue": rule.Days, "RetentionPeriodUnit": "DAYS"},
	}
}

// get is GetRule, which alone shows the tags of a rule.
func get(r *service.Call, reg *state.Region) (any, *wire.Error) {
	id := strings.TrimPrefix(r.URL.Path, rulesPath)
	r.IDs = 1
	if err := r.Authorize(arn(reg, id), &policy.Context{Region: reg.Name}); err != nil {
		return nil, err
	}
	for _, rule := range reg.Other.BinRules {
		if rule.ID != id {
			continue
		}
		tags := []resourceTag{}
		for _, t := range rule.Tags {
			tags = append(tags, resourceTag{t.Key, t.Value})
		}
		out := summary(reg, rule)
		out["ResourceType"], out["ResourceTags"], out["Status"] = "EBS_SNAPSHOT", tags, "available"
		return out, nil
	}
	return nil, wire.Fail(http.StatusNotFound, "ResourceNotFoundException", "Rule "+strconv.Quote(id)+" not found.")
}

func invalid(message string) *wire.Error { return wire.Invalid("ValidationException", message) }
