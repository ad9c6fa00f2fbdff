package daemon

import (
	"crypto/tls"
	"net"
	"os"
	"sync"
	"time"

	"nightshift/internal/fleet"
)

// Encrypt makes a listener speak TLS with the certificate and the key of two files. They
// are read again once they have changed, so that a renewed certificate needs no restart.
func Encrypt(listener net.Listener, cert, key string) (net.Listener, error) {
	pair := &keyPair{cert: cert, key: key}
	if _, err := pair.get(nil); err != nil {
		return nil, fleet.Errorf(fleet.ErrInvalid, "--tls-cert %s, --tls-key %s: %w", cert, key, err)
	}
	return tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get, NextProtos: []string{"h2", "http/1.1"}}), nil
}

// keyPair is a certificate with its key, as they were read last.
type keyPair struct {
	cert, key string

	mu      sync.Mutex
	read    *tls.Certificate
	changed time.Time
}

// get reads the files where they have changed. Half of a renewal, and files that are gone,
// leave what was read before.
func (p *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed, err := lastChange(p.cert, p.key)
	if err == nil && changed.Equal(p.changed) {
		return p.read, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(p.cert, p.key); err == nil {
			p.read, p.changed = &pair, changed
		}
	}
	if p.read != nil {
		return p.read, nil
	}
	return nil, err
}

// lastChange is when the last of some files changed.
func lastChange(names ...string) (last time.Time, err error) {
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return last, err
		}
		if info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last, nil
}
