package amazon

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"nightshift/internal/fleet"
)

// Account asks AWS whose credentials these are.
func (s *Session) Account(ctx context.Context) (fleet.Account, error) {
	out, err := s.identity()(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return fleet.Account(aws.ToString(out.Account)), nil
}

func (s *Session) identity() operation[sts.GetCallerIdentityInput, sts.GetCallerIdentityOutput] {
	return capture(s, "sts:GetCallerIdentity", sts.NewFromConfig(s.in(s.Region())).GetCallerIdentity)
}
