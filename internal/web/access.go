package web

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"nightshift/internal/fleet"
)

// minToken is how long a token is at least: a shorter one can be guessed.
const minToken = 16

// Token is a secret that its owner shows. It keeps no more than a hash of it; the
// zero Token is none, which nobody can show.
type Token struct {
	sum [sha256.Size]byte
	set bool
}

// ReadToken reads the token that a reference names: "env:NIGHTSHIFT_…", a variable
// of the environment, or "file:/…", a file by its absolute path. An empty reference
// is no token. Errors name the reference and never what is behind it.
func ReadToken(ref string, getenv func(string) string) (Token, error) {
	kind, name, _ := strings.Cut(ref, ":")
	bad := func(format string, args ...any) (Token, error) {
		return Token{}, fleet.Errorf(fleet.ErrInvalid, "token %s: %s", ref, fmt.Sprintf(format, args...))
	}
	var value string
	switch {
	case ref == "":
		return Token{}, nil
	case kind == "env" && strings.HasPrefix(name, "NIGHTSHIFT_"):
		if value = getenv(name); value == "" {
			return bad("the environment variable %s is not set", name)
		}
	case kind == "file" && filepath.IsAbs(name):
		content, err := os.ReadFile(name)
		if err != nil {
			return Token{}, fmt.Errorf("token %s: %w", ref, errors.Unwrap(err))
		}
		value = string(content)
	case kind == "env":
		return bad("only variables whose names begin with NIGHTSHIFT_ are read")
	case kind == "file":
		return bad("the path has to be absolute")
	default: // what was given may be the token itself, which no error may show
		return Token{}, fleet.Errorf(fleet.ErrInvalid, "a token is given by reference, as env:NIGHTSHIFT_TOKEN or file:/run/secrets/token")
	}
	value = strings.TrimSpace(value)
	switch {
	case len(value) < minToken:
		return bad("it has to have at least %d characters", minToken)
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }):
		return bad("it has to be one word")
	}
	return newToken(value), nil
}

func newToken(value string) Token { return Token{sum: sha256.Sum256([]byte(value)), set: true} }

// is reports whether a text is the token. How long that takes says nothing about
// the token.
func (t Token) is(text string) bool {
	sum := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1 && t.set
}

// Access says who may see and change what.
type Access struct {
	// Listen is the address that the server listens on, such as "127.0.0.1:19847".
	Listen string
	// TLS is true where the server itself speaks TLS.
	TLS bool
	// Scrape is the token for who reads, Operate that for who also writes.
	Scrape, Operate Token
	// Proxies are the peers whose word counts for where a request is from.
	Proxies []netip.Prefix
	// Hosts are names under which the page is reached, without ports, in addition to
	// those of this machine.
	Hosts []string
}

// Check says why a server must not be started with this access.
func (a Access) Check() error {
	if _, _, err := net.SplitHostPort(a.Listen); err != nil {
		return fleet.Errorf(fleet.ErrInvalid, "--listen %s: write it as 127.0.0.1:19847", cmp.Or(a.Listen, `""`))
	}
	where := a.exposedBy()
	switch {
	case a.Scrape.set && a.Scrape == a.Operate:
		return fleet.Errorf(fleet.ErrInvalid, "--scrape-token and --operate-token are the same: whoever reads could write")
	case where == "":
		return nil
	case !a.Scrape.set:
		return fleet.Errorf(fleet.ErrInvalid, "%s lets other machines in: give --scrape-token, such as env:NIGHTSHIFT_SCRAPE_TOKEN, or listen on 127.0.0.1", where)
	case !a.TLS && len(a.Proxies) == 0:
		return fleet.Errorf(fleet.ErrInvalid, "%s lets other machines in, and a token would cross the network unencrypted: give --tls-cert and --tls-key, or list the proxy that does TLS with --trusted-proxy", where)
	}
	return nil
}

// exposedBy is the flag by which others than this machine reach the server; empty
// where none does.
func (a Access) exposedBy() string {
	if !a.local() {
		return "--listen " + a.Listen
	}
	if len(a.Proxies) > 0 {
		return "--trusted-proxy " + a.Proxies[0].String()
	}
	if n := slices.IndexFunc(a.Hosts, func(host string) bool { return !loopback(host) }); n >= 0 {
		return "--host " + a.Hosts[n]
	}
	return ""
}

// local reports whether the server listens on this machine only.
func (a Access) local() bool {
	host, _, err := net.SplitHostPort(a.Listen)
	return err == nil && loopback(host)
}

// allows reports whether the page may be reached under a host, with or without a
// port. Else a foreign name that somebody points to this machine would be same-origin
// with the page.
func (a Access) allows(hostport string) bool {
	host := bare(hostport)
	if a.local() && loopback(host) {
		return true
	}
	listen, _, _ := net.SplitHostPort(a.Listen)
	return host != "" && (strings.EqualFold(host, listen) || slices.ContainsFunc(a.Hosts, func(one string) bool { return strings.EqualFold(bare(one), host) }))
}

// trusts reports whether a peer is a listed proxy.
func (a Access) trusts(peer netip.Addr) bool {
	return slices.ContainsFunc(a.Proxies, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// loopback reports whether a host, without a port, is this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.Unmap().IsLoopback()
}

// bare is a host without its port and brackets.
func bare(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}
