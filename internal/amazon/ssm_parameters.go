package amazon

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"nightshift/internal/fleet"
)

// Parameter reads a parameter of Systems Manager Parameter Store in the
// session's region, decrypted where it is a SecureString. The name may end in
// ":VERSION". One that is not there is [fleet.ErrNotFound].
func (s *Session) Parameter(ctx context.Context, name string) (string, error) {
	out, err := s.parameters()(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return "", fmt.Errorf("there is no parameter %q in %s: %w", name, s.Region(), err)
	case errors.Is(err, fleet.ErrDenied):
		return "", fmt.Errorf("may not read the parameter %q: the role needs ssm:GetParameter, and kms:Decrypt where it is encrypted with a key of yours: %w", name, err)
	case err != nil:
		return "", fmt.Errorf("read the parameter %q: %w", name, err)
	case out.Parameter == nil:
		return "", fleet.Errorf(fleet.ErrUnavailable, "read the parameter %q: the answer is not one of this AWS service; check AWS_ENDPOINT_URL", name)
	}
	return aws.ToString(out.Parameter.Value), nil
}

func (s *Session) parameters() operation[ssm.GetParameterInput, ssm.GetParameterOutput] {
	return capture(s, "ssm:GetParameter", ssm.NewFromConfig(s.in(s.Region())).GetParameter)
}
