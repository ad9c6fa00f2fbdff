package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

// The certificate of httptest is for this name.
const outside = "https://example.com"

// browser is a client that keeps cookies, asks example.com at an address of this
// machine, and follows no redirect.
func browser(t *testing.T, address string, roots *x509.CertPool) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask sends a request, a form where there is one, and gives the status with the body.
func ask(t *testing.T, client *http.Client, place string, form url.Values, header map[string]string) (*http.Response, string) {
	t.Helper()
	method, content := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, content = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, place, content)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for key, value := range header {
		r.Header.Set(key, value)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// certificate writes the certificate of httptest with its key, and gives who trusts it.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	pair := server.TLS.Certificates[0]
	secret, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	err = errors.Join(
		os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return cert, key, roots
}

// overrides logs in by a client and overrides the machine that is asked for, as a person
// does.
func overrides(t *testing.T, s *served, client *http.Client) {
	t.Helper()
	if r, _ := ask(t, client, outside+"/", nil, nil); r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(r.Header.Get("Location"), "/login?") {
		t.Fatalf("who is not logged in: %s to %q", r.Status, r.Header.Get("Location"))
	}
	r, page := ask(t, client, outside+"/login", url.Values{"token": {operateToken}, "next": {"/machines"}}, map[string]string{"Origin": outside})
	if r.StatusCode != http.StatusSeeOther || len(r.Cookies()) != 1 {
		t.Fatalf("login: %s: %s", r.Status, page)
	}
	if c := r.Cookies()[0]; c.Name != "__Host-nightshift" || !c.Secure || !c.HttpOnly {
		t.Errorf("the cookie is %v", c)
	}
	s.until(t, "the machines are on the page", func() bool {
		r, page = ask(t, client, outside+"/machines", nil, nil)
		return r.StatusCode == http.StatusOK && strings.Contains(page, `href="/machines/i-`)
	})
	id := page[strings.Index(page, `href="/machines/i-`)+len(`href="/machines/`):]
	id = id[:strings.IndexByte(id, '"')]
	form := url.Values{"machine": {id}, "state": {"on"}, "until": {"2h"}}
	if r, _ := ask(t, client, outside+"/override", form, map[string]string{"Origin": "https://attacker.example"}); r.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site: %s", r.Status)
	}
	if r, page := ask(t, client, outside+"/override", form, map[string]string{"Origin": outside}); r.StatusCode != http.StatusSeeOther {
		t.Errorf("an override: %s: %s", r.Status, page)
	}
	if _, page := ask(t, client, outside+"/machines/"+id, nil, nil); !strings.Contains(page, "The override is set: running until") {
		t.Error("the machine does not show its override")
	}
}

const operateToken = "another-token-to-operate"

func TestServeOverTLS(t *testing.T) {
	t.Setenv("NIGHTSHIFT_TEST_OPERATE", operateToken)
	cert, key, roots := certificate(t)
	s := startServe(t, "--tls-cert", cert, "--tls-key", key, "--host", "example.com", "--scrape-token", "env:NIGHTSHIFT_TEST_TOKEN", "--operate-token", "env:NIGHTSHIFT_TEST_OPERATE")
	address := strings.TrimPrefix(s.url, "https://")
	client := browser(t, address, roots)
	if r, _ := ask(t, client, outside+"/healthz", nil, nil); r.StatusCode != http.StatusOK || r.ProtoMajor != 2 || r.TLS.Version < tls.VersionTLS12 {
		t.Errorf("healthz: %s over %s", r.Status, r.Proto)
	}
	overrides(t, s, client)
	for token, want := range map[string]int{"": 401, "wrong-wrong-wrong-wrong": 401, "a-token-for-the-test": 200} {
		header := map[string]string{}
		if token != "" {
			header["Authorization"] = "Bearer " + token
		}
		if r, _ := ask(t, browser(t, address, roots), outside+"/metrics", nil, header); r.StatusCode != want {
			t.Errorf("metrics with the token %q: %s, want %d", token, r.Status, want)
		}
	}
	answer, err := http.Get("http://" + address + "/metrics") //nolint:noctx // it is our own server
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("without encryption: %s", answer.Status)
	}
	if _, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: "example.com", MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil { //nolint:gosec,noctx // an old client is to be refused
		t.Error("TLS 1.1 is taken")
	}
}

// A real proxy does TLS. What it says counts where it is listed, and nowhere else.
func TestServeBehindAProxy(t *testing.T) {
	t.Setenv("NIGHTSHIFT_TEST_OPERATE", operateToken)
	tokens := []string{"--host", "example.com", "--scrape-token", "env:NIGHTSHIFT_TEST_TOKEN", "--operate-token", "env:NIGHTSHIFT_TEST_OPERATE"}
	front := func(s *served, says func(*httputil.ProxyRequest)) *http.Client {
		backend, err := url.Parse(s.url)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(backend)
			says(r)
		}})
		t.Cleanup(proxy.Close)
		roots := x509.NewCertPool()
		roots.AddCert(proxy.Certificate())
		return browser(t, proxy.Listener.Addr().String(), roots)
	}
	token := map[string]string{"Authorization": "Bearer a-token-for-the-test"}
	s := startServe(t, append(tokens, "--trusted-proxy", "127.0.0.1")...)
	overrides(t, s, front(s, (*httputil.ProxyRequest).SetXForwarded))
	for name, test := range map[string]struct {
		says func(*httputil.ProxyRequest)
		want int
	}{
		"all": {(*httputil.ProxyRequest).SetXForwarded, 200},
		"nothing of the connection": {func(r *httputil.ProxyRequest) {
			r.SetXForwarded()
			r.Out.Header.Del("X-Forwarded-Proto")
		}, 403},
		"that it is open": {func(r *httputil.ProxyRequest) {
			r.SetXForwarded()
			r.Out.Header.Set("X-Forwarded-Proto", "http")
		}, 403},
		"another host": {func(r *httputil.ProxyRequest) {
			r.SetXForwarded()
			r.Out.Header.Set("X-Forwarded-Host", "attacker.example")
		}, 421},
		"nothing, and keeps the host": {func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host }, 403},
	} {
		if r, page := ask(t, front(s, test.says), outside+"/", nil, token); r.StatusCode != test.want {
			t.Errorf("a listed proxy that says %s: %s, want %d: %.200s", name, r.Status, test.want, page)
		}
	}
	for _, client := range []string{"192.0.2.1", "192.0.2.2"} { // each client has its own tries
		from := front(s, func(r *httputil.ProxyRequest) {
			r.SetXForwarded()
			r.Out.Header.Set("X-Forwarded-For", client)
		})
		for n := range 6 {
			want := 401
			if n == 5 {
				want = 429
			}
			if r, _ := ask(t, from, outside+"/metrics", nil, map[string]string{"Authorization": "Bearer wrong-wrong-wrong-wrong"}); r.StatusCode != want {
				t.Errorf("wrong token %d of %s: %s, want %d", n, client, r.Status, want)
			}
		}
	}
	other := startServe(t, append(tokens, "--trusted-proxy", "192.0.2.0/24")...)
	if r, _ := ask(t, front(other, (*httputil.ProxyRequest).SetXForwarded), outside+"/", nil, token); r.StatusCode != http.StatusOK {
		t.Errorf("a proxy of this machine that is not listed: %s, want 200 as without its headers", r.Status)
	}
	forged := func(r *httputil.ProxyRequest) {
		r.Out.Host = "attacker.example"
		r.Out.Header.Set("X-Forwarded-Host", "example.com")
		r.Out.Header.Set("X-Forwarded-Proto", "https")
	}
	if r, _ := ask(t, front(other, forged), outside+"/", nil, token); r.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("the host that an unlisted proxy says counts: %s", r.Status)
	}
}

// Of several accounts one cannot be read; the page and the metrics have the others, and
// say so of this one.
func TestServeWithSeveralAccounts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nightshift.yaml")
	role := func(account string) string { return "arn:aws:iam::" + account + ":role/" + sandbox.MemberRole }
	text := "timezone: Asia/Seoul\nregions: [" + sandbox.DefaultRegion + "]\njournal: s3://" + sandbox.DefaultBucket + "/journal\n" +
		"schedules: { office-hours: Mon-Fri 08:00-19:00 }\npower: { rules: [{ tag: AutoStopStart=Yes, schedule: office-hours }] }\n" +
		"accounts:\n  - { name: management }\n  - { name: dev, role: " + role("200000000001") + ", external_id: " + sandbox.MemberExternalID + " }\n" +
		"  - { name: lost, role: " + role("200000000002") + ", external_id: wrong }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, "--config", file, "--observe")
	s.until(t, "it is ready", func() bool { code, _ := s.get(t, "/readyz", ""); return code == http.StatusOK })
	up := func(account, region string) string {
		return s.metric(t, `nightshift_target_up{aws_account_id="`+account+`",aws_region="`+region+`"}`)
	}
	if got := up("200000000001", sandbox.DefaultRegion); got != "1" {
		_, all := s.get(t, "/metrics", "")
		t.Errorf("dev is up: %q\n%s", got, all)
	}
	_, page := s.get(t, "/", "")
	for _, want := range []string{"management", ">dev<", "lost", "unreachable", "sts:AssumeRole"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in:\n%s", want, page)
		}
	}
	if _, page := s.get(t, "/machines?account=200000000001", ""); !strings.Contains(page, `href="/machines/i-`) || strings.Contains(page, "management<span") {
		t.Errorf("the machines of dev are:\n%s", page)
	}
}

// What somebody writes into tags to harm whoever looks is text on every page, and a name
// among others in the metrics.
func TestServeWithHostileTags(t *testing.T) {
	const hostile = "\"><script>alert(1)</script>'{{.}}\\\n# HELP up\u202e"
	account, args, env := serveArgs(t)
	client := ec2.New(ec2.Options{
		Region: sandbox.DefaultRegion, BaseEndpoint: aws.String(env("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	var ids []string
	for _, i := range account.Accounts()[0].Instances(sandbox.DefaultRegion) {
		if i.Tags["AutoStopStart"] == "Yes" {
			ids = append(ids, i.ID)
		}
	}
	tags := []types.Tag{{Key: aws.String("Name"), Value: aws.String(hostile)}, {Key: aws.String(hostile), Value: aws.String(hostile)}, {Key: aws.String("Schedule"), Value: aws.String(hostile)}}
	if _, err := client.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: ids[:2], Tags: tags}); err != nil {
		t.Fatal(err)
	}
	s := startServeOn(t, account, args, env, "--observe")
	s.until(t, "the machines are on the page", func() bool {
		_, page := s.get(t, "/machines", "")
		return strings.Contains(page, "&lt;script&gt;alert(1)")
	})
	for _, path := range []string{"/", "/week?of=machines", "/machines", "/machines/" + ids[0], "/override?machine=" + ids[0], "/machines?q=" + url.QueryEscape(hostile), "/machines?tag=" + url.QueryEscape(hostile+"="+hostile)} {
		code, page := s.get(t, path, "")
		if code != http.StatusOK || strings.Contains(page, "<script>alert") || !strings.Contains(path, "=%22") && strings.ContainsRune(page, '\u202e') { // a search field has what is typed
			t.Errorf("%s: %d: a tag is code:\n%s", path, code, page)
		}
	}
	_, text := s.get(t, "/metrics", "")
	if strings.Contains(text, "\n# HELP up\u202e") {
		t.Error("a tag is a line of the metrics")
	}
}
