package amazon

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"nightshift/internal/fleet"
)

// Role is a role in another account that trusts ours.
type Role struct {
	// ARN is the role's, "arn:aws:iam::123456789012:role/nightshift".
	ARN string
	// ExternalID is what the role's trust policy asks for; empty if nothing. It
	// is kept out of errors and logs.
	ExternalID string
	// Name is that of the session, by which CloudTrail in the other account
	// shows who acted: 2 to 64 letters, digits and characters of _+=,.@-. Empty
	// means "nightshift".
	Name string
}

// roleTime is for how long credentials of a role are asked for: the longest
// that AWS allows where one role assumes another, and for roles by default.
const roleTime = time.Hour

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// Assume gives a session with the credentials of a role, which are fetched
// before it returns and again when they are about to expire. The same role
// again is the same session: AssumeRole is asked again only when the
// credentials have expired, or where they have been refused.
//
// The session shares log, count of calls and clock with the one that it comes
// from; its token buckets are those of its account. A refusal is
// [fleet.ErrDenied]; a role that does not exist is refused as well, since AWS
// does not distinguish the two.
func (s *Session) Assume(ctx context.Context, role Role) (*Session, error) {
	if role.Name == "" {
		role.Name = "nightshift"
	}
	arn, err := fleet.ParseRoleARN(role.ARN)
	switch {
	case err != nil:
		return nil, fmt.Errorf("role: %w", err)
	case !sessionName.MatchString(role.Name):
		return nil, fleet.Errorf(fleet.ErrInvalid, "session name %q: use 2 to 64 letters, digits and characters of _+=,.@-", role.Name)
	}
	away := s.with(role, arn.Account)
	if err := away.Authenticate(ctx); err != nil {
		return nil, err
	}
	return away, nil
}

// with is the session with a role, which is made once.
func (s *Session) with(role Role, account fleet.Account) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if away, ok := s.assumed[role]; ok {
		return away
	}
	away := &Session{common: s.common, config: s.config.Copy(), assumed: map[Role]*Session{}}
	away.account = account
	away.config.Credentials = aws.NewCredentialsCache(
		stscreds.NewAssumeRoleProvider(s.roles(role), role.ARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName, o.Duration = role.Name, roleTime
			if role.ExternalID != "" {
				o.ExternalID = &role.ExternalID
			}
		}),
		func(o *aws.CredentialsCacheOptions) {
			o.ExpiryWindow = time.Duration(float64(time.Minute) / s.clockScale)
		},
	)
	s.assumed[role] = away
	return away
}

// assumer is the operation AssumeRole as stscreds wants it.
type assumer operation[sts.AssumeRoleInput, sts.AssumeRoleOutput]

// AssumeRole asks for credentials. Options are for clients.
func (a assumer) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	return a(ctx, in)
}

// roles assumes a role, and says what to do where that is refused.
func (s *Session) roles(role Role) assumer {
	ask := capture(s, "sts:AssumeRole", sts.NewFromConfig(s.in(s.Region())).AssumeRole)
	return func(ctx context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
		out, err := ask(ctx, in)
		if err != nil {
			return nil, &own{role.refused(err)}
		}
		if expires := out.Credentials; expires != nil {
			expires.Expiration = s.ourTime(expires.Expiration, out)
		}
		return out, nil
	}
}

// ourTime is when credentials expire by our clock: who caches them compares
// with it, and that of a sandbox may be another and run faster.
func (s *Session) ourTime(expires *time.Time, out *sts.AssumeRoleOutput) *time.Time {
	theirs, stated := awsmiddleware.GetServerTime(out.ResultMetadata)
	ours, known := awsmiddleware.GetResponseAt(out.ResultMetadata)
	if expires == nil || !stated || !known {
		return expires
	}
	return aws.Time(ours.Add(time.Duration(float64(expires.Sub(theirs)) / s.clockScale)))
}

// refused says what to check. AWS repeats parameters that it does not like, and
// an external id is secret.
func (r Role) refused(err error) error {
	refusal, ok := errors.AsType[*fleet.Refusal](err)
	if !ok {
		return fmt.Errorf("the role %s cannot be assumed: %w", r.ARN, err)
	}
	quoted, asks := *refusal, "asks for no external id, as none is configured"
	if r.ExternalID != "" {
		quoted.Message = strings.ReplaceAll(quoted.Message, r.ExternalID, "(external id)")
		asks = "asks for the external id that is configured"
	}
	if !errors.Is(err, fleet.ErrDenied) {
		return fmt.Errorf("the role %s cannot be assumed: %w", r.ARN, &quoted)
	}
	return fmt.Errorf("the role %s may not be assumed: check that it exists, that its trust policy names this account or role and %s, and that sts:AssumeRole on it is allowed here: %w",
		r.ARN, asks, &quoted)
}
