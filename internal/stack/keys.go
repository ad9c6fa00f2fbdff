package stack

import (
	"slices"
	"strings"
)

// startInstances is the action that may need more than the instance.
const startInstances = "ec2:StartInstances"

// starting are the statements for what is started along with an instance.
func (s Scope) starting() []Statement {
	var list []Statement
	if len(s.Keys) > 0 {
		list = append(list, s.grantForVolumes(sorted(s.Keys))...)
	}
	if s.Licenses {
		list = append(list, s.licensed()...)
	}
	return list
}

// grantForVolumes lets EC2, and nobody else, be granted to decrypt with the keys
// the data keys of the volumes of an instance that starts. See "Requirements for
// Amazon EBS encryption" in the Amazon EBS user guide. ForAllValues alone holds
// also where a request has none of the values.
func (s Scope) grantForVolumes(keys []string) []Statement {
	var list statements
	list.allow("StartWithEncryptedVolumes", []string{"kms:CreateGrant"}, keys, Condition{
		"Bool":       {"kms:GrantIsForAWSResource": {"true"}},
		"StringLike": {"kms:ViaService": {s.viaService("ec2")}},
		"ForAllValues:StringEquals": {
			"kms:EncryptionContextKeys": {"aws:ebs:id"},
			"kms:GrantOperations":       {"Decrypt"},
		},
		"Null": {"kms:EncryptionContextKeys": {"false"}, "kms:GrantOperations": {"false"}},
	})
	return list
}

// licensed lets instances with a license configuration be started. A
// configuration may be shared by another account, and has tags of its own if
// any. See "Actions, resources, and condition keys for Amazon EC2".
func (s Scope) licensed() []Statement {
	var list statements
	list.allow("StartLicensed", []string{startInstances}, []string{s.arn("license-manager", "*", "*", "license-configuration:*")}, nil)
	return list
}

// decrypting are the statements for keys of what other statements let be read and
// written, and none where these need none.
func (s Scope) decrypting(others []Statement) []Statement {
	if len(s.DataKeys) == 0 {
		return nil
	}
	uses := func(action string) bool {
		return slices.ContainsFunc(others, func(o Statement) bool { return slices.Contains(o.Action, action) })
	}
	var u keyUsers
	if uses("s3:GetObject") {
		u.buckets = append(u.buckets, decrypt)
	}
	if uses("s3:PutObject") {
		u.buckets = append(u.buckets, generateDataKey)
	}
	if uses("ssm:GetParameter") {
		u.parameters = append(u.parameters, decrypt)
	}
	if uses("secretsmanager:GetSecretValue") {
		u.secrets = append(u.secrets, decrypt)
	}
	if uses("sns:Publish") {
		u.topics = append(u.topics, decrypt, generateDataKey)
	}
	return s.keyUses(sorted(s.DataKeys), u)
}

// The actions of KMS for what is read and for what is written.
const (
	decrypt         = "kms:Decrypt"
	generateDataKey = "kms:GenerateDataKey"
)

// useOfKeys lets objects and parameters that are encrypted with the keys be read
// and written, and what the notices need be used.
func (s Scope) useOfKeys(keys []string, n Notices) []Statement {
	u := keyUsers{buckets: []string{decrypt, generateDataKey}, parameters: []string{decrypt}}
	if len(n.Secrets) > 0 {
		u.secrets = []string{decrypt}
	}
	if len(n.Topics) > 0 {
		u.topics = []string{decrypt, generateDataKey}
	}
	return s.keyUses(keys, u)
}

// keyUsers are the actions of KMS that are needed by way of each service.
type keyUsers struct{ buckets, parameters, secrets, topics []string }

// keyUses lets keys be used by way of these services alone. Who has this cannot
// decrypt anything that they do not hand out to them.
func (s Scope) keyUses(keys []string, u keyUsers) []Statement {
	via := func(service string) Condition {
		return Condition{"StringLike": {"kms:ViaService": {s.viaService(service)}}}
	}
	var list statements
	list.allow("UseKeysOfBuckets", u.buckets, keys, via("s3"))
	list.allow("UseKeysOfParameters", u.parameters, keys, via("ssm"))
	list.allow("UseKeysOfSecrets", u.secrets, keys, via("secretsmanager"))
	list.allow("UseKeysOfTopics", u.topics, keys, via("sns"))
	return list
}

// viaService is the name by which KMS knows a service in any region.
func (s Scope) viaService(service string) string {
	suffix := "amazonaws.com"
	switch s.Partition {
	case "aws-cn":
		suffix += ".cn"
	case substitutedPartition:
		suffix = "${AWS::URLSuffix}"
	}
	return strings.Join([]string{service, "*", suffix}, ".")
}

// sorted are values in order, each once.
func sorted(values []string) []string { return slices.Compact(slices.Sorted(slices.Values(values))) }
