package policy_test

import (
	"strings"
	"testing"

	"nightshift/internal/sandbox/policy"
)

// What is not understood would be taken for something else, and a test that rests
// on it would prove nothing.
func TestParseRefuses(t *testing.T) {
	for what, tt := range map[string]struct{ statement, want string }{
		"an operator":           {`"Action":"a:B","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-01-01"}}`, "DateLessThan"},
		"a set operator":        {`"Action":"a:B","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"k"}}`, "ForAnyValue:StringEquals"},
		"an optional operator":  {`"Action":"a:B","Resource":"*","Condition":{"StringEqualsIfExists":{"aws:TagKeys":"k"}}`, "StringEqualsIfExists"},
		"a negated operator":    {`"Action":"a:B","Resource":"*","Condition":{"StringNotEquals":{"aws:TagKeys":"k"}}`, "StringNotEquals"},
		"a key":                 {`"Action":"a:B","Resource":"*","Condition":{"StringEquals":{"aws:SourceIp":"10.0.0.1"}}`, "aws:SourceIp"},
		"NotAction":             {`"NotAction":"a:B","Resource":"*"`, "NotAction"},
		"NotResource":           {`"Action":"a:B","NotResource":"*"`, "NotResource"},
		"Principal":             {`"Action":"a:B","Resource":"*","Principal":"*"`, "Principal"},
		"a misspelt element":    {`"Actions":"a:B","Resource":"*"`, "Actions"},
		"no action":             {`"Resource":"*"`, "no action or no resource"},
		"no resource":           {`"Action":"a:B"`, "no action or no resource"},
		"a variable":            {`"Action":"a:B","Resource":"arn:aws:s3:::b/${aws:username}/*"`, "${aws:username}"},
		"a variable in a value": {`"Action":"a:B","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"${aws:username}"}}`, "${aws:username}"},
		"an effect":             {`"Effect":"Maybe","Action":"a:B","Resource":"*"`, "Maybe"},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := policy.Parse([]byte(`{"Statement":[{"Effect":"Allow",` + tt.statement + `}]}`))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want an error about %s", err, tt.want)
			}
		})
	}
	if _, err := policy.Parse([]byte(`{"Statements":[]}`)); err == nil {
		t.Error("a document without statements is taken")
	}
}

// Wildcards that are written as variables are characters.
func TestEscapes(t *testing.T) {
	p, err := policy.Parse([]byte(`{"Statement":[
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/a${*}\\${?}/*"},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"${$}{*}"}}},
		{"Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"*"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		action, resource, prefix string
		want                     bool
	}{
		{"s3:GetObject", `arn:aws:s3:::b/a*\?/key`, "", true},
		{"s3:GetObject", `arn:aws:s3:::b/ax\y/key`, "", false},
		{"s3:ListBucket", "arn:aws:s3:::b", "${*}", true},
		{"s3:ListBucket", "arn:aws:s3:::b", "${x}", false},
		{"s3:PutObject", "arn:aws:s3:::b", "*", true},
		{"s3:PutObject", "arn:aws:s3:::b", "any", false},
	} {
		if got := p.Allows(tt.action, tt.resource, &policy.Context{Prefix: []string{tt.prefix}}); got != tt.want {
			t.Errorf("%s on %s with %q: %t, want %t", tt.action, tt.resource, tt.prefix, got, tt.want)
		}
	}
}

// A key of KMS that a request does not have is not one that fits.
func TestUseOfKeys(t *testing.T) {
	p, err := policy.Parse([]byte(`{"Statement":[{"Effect":"Allow","Action":"kms:CreateGrant","Resource":"*","Condition":{
		"Bool":{"kms:GrantIsForAWSResource":"true"},"StringLike":{"kms:ViaService":"ec2.*.amazonaws.com"},
		"ForAllValues:StringEquals":{"kms:GrantOperations":"Decrypt","kms:EncryptionContextKeys":"aws:ebs:id"},
		"Null":{"kms:GrantOperations":"false","kms:EncryptionContextKeys":"false"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	right := policy.KeyUse{Via: "ec2.us-east-1.amazonaws.com", ForResource: true, Operations: []string{"Decrypt"}, Context: []string{"aws:ebs:id"}}
	for what, change := range map[string]func(*policy.KeyUse){
		"nothing":               func(*policy.KeyUse) {},
		"by itself":             func(u *policy.KeyUse) { u.Via = "" },
		"by another service":    func(u *policy.KeyUse) { u.Via = "rds.us-east-1.amazonaws.com" },
		"for a person":          func(u *policy.KeyUse) { u.ForResource = false },
		"to encrypt, too":       func(u *policy.KeyUse) { u.Operations = []string{"Decrypt", "Encrypt"} },
		"to do nothing":         func(u *policy.KeyUse) { u.Operations = nil },
		"with another context":  func(u *policy.KeyUse) { u.Context = []string{"aws:s3:arn"} },
		"without a context":     func(u *policy.KeyUse) { u.Context = nil },
		"with a wider context":  func(u *policy.KeyUse) { u.Context = []string{"aws:ebs:id", "aws:s3:arn"} },
		"with another ec2 name": func(u *policy.KeyUse) { u.Via = "ec2messages.us-east-1.amazonaws.com" },
	} {
		use := right
		change(&use)
		if got := p.Allows("kms:CreateGrant", "arn:aws:kms:us-east-1:123456789012:key/a", &policy.Context{Key: use}); got != (what == "nothing") {
			t.Errorf("%s: %t", what, got)
		}
	}
}
