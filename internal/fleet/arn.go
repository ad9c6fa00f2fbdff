package fleet

import (
	"regexp"
	"strings"
)

// ParseAccount checks the form of an account id.
func ParseAccount(s string) (Account, error) {
	if len(s) != 12 || strings.Trim(s, "0123456789") != "" {
		return "", Errorf(ErrInvalid, "account %q: an account id has 12 digits", s)
	}
	return Account(s), nil
}

// ParseRegion checks the form of a region code. Whether the region exists and
// is enabled only AWS can say.
func ParseRegion(s string) (Region, error) {
	if !regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-\d{1,2}$`).MatchString(s) {
		return "", Errorf(ErrInvalid, "region %q is not a region code such as ap-northeast-2", s)
	}
	return Region(s), nil
}

// Partition is the part of AWS that the region belongs to, as written in
// ARNs.
func (r Region) Partition() string {
	for prefix, partition := range map[string]string{"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"} {
		if strings.HasPrefix(string(r), prefix) {
			return partition
		}
	}
	return "aws"
}

// AnyAccount means every account in an ARN.
const AnyAccount Account = "*"

// RoleARN is the ARN of an IAM role. Name has the role's path before it, such
// as "ops/nightshift".
type RoleARN struct {
	Partition string
	Account   Account
	Name      string
}

// ParseRoleARN reads an ARN such as arn:aws:iam::123456789012:role/nightshift.
// Paths and names have the characters that IAM allows.
func ParseRoleARN(s string) (RoleARN, error) {
	parts := regexp.MustCompile(`^arn:(aws(?:-[a-z]+)*):iam::(\d{12}):role/((?:[\x21-\x7e]+/)?[\w+=,.@-]{1,64})$`).FindStringSubmatch(s)
	if parts == nil {
		return RoleARN{}, Errorf(ErrInvalid, "%q is not the ARN of a role such as arn:aws:iam::123456789012:role/nightshift", s)
	}
	return RoleARN{parts[1], Account(parts[2]), parts[3]}, nil
}

// String is the form that ParseRoleARN reads.
func (r RoleARN) String() string {
	return "arn:" + r.Partition + ":iam::" + string(r.Account) + ":role/" + r.Name
}
