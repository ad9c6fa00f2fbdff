package amazon

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rbin"
	"github.com/aws/aws-sdk-go-v2/service/rbin/types"

	"nightshift/internal/fleet"
)

// rulesPerPage is the largest page of rules that the Recycle Bin allows.
const rulesPerPage = 1000

// Bin is the Recycle Bin of one account and region.
type Bin struct {
	listRules operation[rbin.ListRulesInput, rbin.ListRulesOutput]
	getRule   operation[rbin.GetRuleInput, rbin.GetRuleOutput]
}

// Bin gives access to the Recycle Bin of a region.
func (s *Session) Bin(region fleet.Region) *Bin {
	client := rbin.NewFromConfig(s.in(region))
	return &Bin{
		listRules: capture(s, "rbin:ListRules", client.ListRules),
		getRule:   capture(s, "rbin:GetRule", client.GetRule),
	}
}

// Rules lists the retention rules for snapshots that are in force. After an error the
// answer holds what was read.
func (b *Bin) Rules(ctx context.Context) ([]fleet.BinRule, error) {
	in := &rbin.ListRulesInput{ResourceType: types.ResourceTypeEbsSnapshot, MaxResults: aws.Int32(rulesPerPage)}
	next := func(out *rbin.ListRulesOutput) *string { return out.NextToken }
	list := func(out *rbin.ListRulesOutput) []types.RuleSummary { return out.Rules }
	id := func(r types.RuleSummary) *string { return r.Identifier }
	ids, err := collect(each(pages(ctx, b.listRules, in, &in.NextToken, next), list, id))
	if err != nil {
		return nil, err
	}
	var rules []fleet.BinRule
	for _, id := range ids {
		rule, err := b.getRule(ctx, &rbin.GetRuleInput{Identifier: id})
		if errors.Is(err, fleet.ErrNotFound) { // deleted in between
			continue
		}
		if err != nil {
			return rules, err
		}
		if rule.Status == types.RuleStatusAvailable {
			rules = append(rules, binRule(rule))
		}
	}
	return rules, nil
}

// binRule converts a rule of GetRule. Its only unit is the day.
func binRule(r *rbin.GetRuleOutput) fleet.BinRule {
	out := fleet.BinRule{ID: aws.ToString(r.Identifier), Tags: binTags(r.ResourceTags), Except: binTags(r.ExcludeResourceTags)}
	if r.RetentionPeriod != nil {
		out.For = time.Duration(aws.ToInt32(r.RetentionPeriod.RetentionPeriodValue)) * 24 * time.Hour
	}
	return out
}

func binTags(in []types.ResourceTag) []fleet.Tag {
	var out []fleet.Tag
	for _, t := range in {
		out = append(out, fleet.Tag{Key: aws.ToString(t.ResourceTagKey), Value: aws.ToString(t.ResourceTagValue)})
	}
	return out
}
