package amazon

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"nightshift/internal/fleet"
)

// Secret reads the text of a secret of Secrets Manager by its name, in the session's
// region, or by its ARN, in the region that the ARN names. One that is not there is
// [fleet.ErrNotFound].
func (s *Session) Secret(ctx context.Context, name string) (string, error) {
	region := s.Region()
	if parts := strings.SplitN(name, ":", 5); len(parts) == 5 && parts[0] == "arn" {
		region = fleet.Region(parts[3])
	}
	out, err := s.secrets(region)(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return "", fmt.Errorf("there is no secret %q in %s: %w", name, region, err)
	case errors.Is(err, fleet.ErrDenied):
		return "", fmt.Errorf("may not read the secret %q: the role needs secretsmanager:GetSecretValue, and kms:Decrypt where it is encrypted with a key of yours: %w", name, err)
	case err != nil:
		return "", fmt.Errorf("read the secret %q: %w", name, err)
	case out.SecretString == nil:
		return "", fleet.Errorf(fleet.ErrInvalid, "the secret %q is not a text", name)
	}
	return *out.SecretString, nil
}

func (s *Session) secrets(region fleet.Region) operation[secretsmanager.GetSecretValueInput, secretsmanager.GetSecretValueOutput] {
	return capture(s, "secretsmanager:GetSecretValue", secretsmanager.NewFromConfig(s.in(region)).GetSecretValue)
}
