package amazon

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"nightshift/internal/fleet"
)

// offerHead is what the file of a price list begins with.
const offerHead = `{"formatVersion":"v1.0","offerCode":"AmazonEC2","products":{}}`

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := io.WriteString(zip, text); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What servers of files do: the file comes out, or an error that says where
// and why it does not.
func TestOpenFile(t *testing.T) {
	tests := map[string]struct {
		serve func(w http.ResponseWriter, try int)
		tries int
		fails string // at opening or reading; "" for the whole file
	}{
		"plain": {serve: func(w http.ResponseWriter, _ int) { _, _ = io.WriteString(w, offerHead) }, tries: 1},
		"packed": {serve: func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed(t, offerHead))
		}, tries: 1},
		"busy at first": {serve: func(w http.ResponseWriter, try int) {
			if try == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_, _ = io.WriteString(w, offerHead)
		}, tries: 2},
		"busy": {serve: func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusServiceUnavailable) }, tries: 3, fails: "503 Service Unavailable"},
		"gone": {serve: func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusNotFound) }, tries: 1, fails: "404 Not Found"},
		"not packed": {serve: func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, offerHead)
		}, tries: 1, fails: "cannot be unpacked"},
		"breaks off": {serve: func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, offerHead)
		}, tries: 1, fails: "breaks off"},
		"breaks off packed": {serve: func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed(t, strings.Repeat(offerHead, 100))[:60])
		}, tries: 1, fails: "breaks off"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tries := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				tries++
				tt.serve(w, tries)
			}))
			defer server.Close()
			p := &Prices{client: awshttp.NewBuildableClient()}
			var got []byte
			file, err := p.open(t.Context(), server.URL+"/offers/index.json")
			if err == nil {
				got, err = io.ReadAll(file)
				if closing := file.Close(); closing != nil {
					t.Error(closing)
				}
			}
			if tries != tt.tries {
				t.Errorf("%d requests, want %d", tries, tt.tries)
			}
			host := strings.TrimPrefix(server.URL, "http://")
			switch {
			case tt.fails == "" && (err != nil || string(got) != offerHead):
				t.Errorf("read %q, %v", got, err)
			case tt.fails != "" && (!errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), tt.fails) || !strings.Contains(err.Error(), host)):
				t.Errorf("%v, want that %s says %q", err, host, tt.fails)
			}
		})
	}
}

// An interruption ends the tries.
func TestOpenFileInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		cancel()
	}))
	defer server.Close()
	if _, err := (&Prices{client: awshttp.NewBuildableClient()}).open(ctx, server.URL); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was interrupted", err)
	}
}

// Where a company's proxy has a certificate of its own, files are read through
// it like everything else.
func TestOpenFileBehindOwnCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, offerHead) }))
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	for _, path := range []string{bundle, ""} {
		t.Setenv("AWS_CA_BUNDLE", path)
		s, err := Open(t.Context(), Options{Region: "ap-northeast-2"})
		if err != nil {
			t.Fatal(err)
		}
		file, err := s.Prices().open(t.Context(), server.URL)
		switch {
		case path == "" && (!errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), "certificate")):
			t.Errorf("without the certificate: %v", err)
		case path != "" && err != nil:
			t.Error(err)
		case err == nil:
			got, err := io.ReadAll(file)
			if err != nil || string(got) != offerHead {
				t.Errorf("read %q, %v", got, err)
			}
			file.Close()
		}
	}
}
