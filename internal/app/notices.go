package app

import (
	"context"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// Versions is the store of the journal, in which leases and the state of notices lie,
// too. It is nil where the configuration has no journal.
func (s *Session) Versions(ctx context.Context) (blob.Versioned, error) {
	if s.Config == nil {
		return nil, nil //nolint:nilnil // no journal is no error
	}
	store, err := s.store(ctx, s.Config.Journal)
	if err != nil || store == nil {
		return nil, err
	}
	versions, ok := store.(blob.Versioned)
	if !ok {
		return nil, fleet.Errorf(fleet.ErrUnsupported, "%s keeps no versions", s.Config.Journal)
	}
	return versions, nil
}

// Parameter reads a parameter of Systems Manager, as the configuration refers to it.
func (s *Session) Parameter(ctx context.Context, name string) (string, error) {
	session, err := s.own(ctx)
	if err != nil {
		return "", err
	}
	return session.Parameter(ctx, name)
}

// Secret reads a secret of Secrets Manager.
func (s *Session) Secret(ctx context.Context, name string) (string, error) {
	session, err := s.own(ctx)
	if err != nil {
		return "", err
	}
	return session.Secret(ctx, name)
}

// PublishNotice sends a message to a topic of SNS.
func (s *Session) PublishNotice(ctx context.Context, topic, subject, message string, attributes map[string]string) error {
	session, err := s.own(ctx)
	if err != nil {
		return err
	}
	return session.Publish(ctx, topic, subject, message, attributes)
}

var _ blob.Versioned = (*amazon.Objects)(nil)
