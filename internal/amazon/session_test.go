package amazon_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
)

// A run that ends while its credentials are fetched says nothing about them.
func TestAuthenticateWhenInterrupted(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[default]\ncredential_process = sleep 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(key, "")
	}
	t.Setenv("AWS_CONFIG_FILE", config)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	s, err := amazon.Open(t.Context(), amazon.Options{Region: region})
	if err != nil {
		t.Fatal(err)
	}
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	late, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for _, tt := range []struct {
		ctx  context.Context
		want error
	}{{interrupted, context.Canceled}, {late, context.DeadlineExceeded}} {
		if err := s.Authenticate(tt.ctx); !errors.Is(err, tt.want) || errors.Is(err, fleet.ErrCredentials) {
			t.Errorf("got %v, want %v and nothing about credentials", err, tt.want)
		}
	}
}
