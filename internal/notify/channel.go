package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// refusal is an answer of a channel that is not a success.
type refusal struct {
	says string
	// never is true where the channel will not take this message, however often.
	never bool
	// after is how long to wait; 0 where the channel does not say.
	after time.Duration
	// unknown is true where the address or the key may have changed.
	unknown bool
}

func (r *refusal) Error() string { return r.says }

// newClient follows no redirects: they could lead a message, with its signature or
// key, somewhere else.
func newClient() *http.Client {
	return &http.Client{
		Timeout:       sendTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// mostAnswer is how much of an answer is read.
const mostAnswer = 4 << 10

// post sends a body and gives the answer's text where it is a success. Its errors
// never show the address.
func (n *Notifier) post(ctx context.Context, address string, header http.Header, body []byte) (string, error) {
	return n.ask(ctx, http.MethodPost, address, header, body)
}

func (n *Notifier) ask(ctx context.Context, method, address string, header http.Header, body []byte) (string, error) {
	if err := config.CheckURL(address); err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return "", fleet.Errorf(fleet.ErrInvalid, "its URL cannot be used")
	}
	if header != nil {
		request.Header = header
	}
	request.Header.Set("User-Agent", "nightshift")
	answer, err := n.client.Do(request)
	if err != nil {
		return "", fleet.Errorf(fleet.ErrUnavailable, "%s", unreachable(err))
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return "", fleet.Errorf(fleet.ErrUnavailable, "its answer was cut off")
	}
	if answer.StatusCode/100 == 2 {
		return string(text), nil
	}
	return "", refused(answer, string(text), n.Now())
}

// refused says why a channel did not take a message.
func refused(answer *http.Response, text string, now time.Time) *refusal {
	r := &refusal{says: fmt.Sprintf("it answers HTTP %d", answer.StatusCode)}
	// A code such as invalid_payload helps; other texts could repeat the address.
	if text = strings.TrimSpace(text); regexp.MustCompile(`^[a-z_]{1,40}$`).MatchString(text) {
		r.says += " (" + text + ")"
	}
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		r.never = true
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		r.after = retryAfter(answer.Header.Get("Retry-After"), now)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		r.unknown = true
		r.says += "; check the URL or the key"
	}
	if answer.StatusCode/100 == 3 {
		r.says += "; redirects are not followed"
	}
	return r
}

// retryAfter reads seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 86400)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// unreachable says why there was no answer, without the address.
func unreachable(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var slow interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns):
		return "its host cannot be found"
	case errors.As(err, &certificate):
		return "its certificate is not accepted"
	case errors.As(err, &slow) && slow.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer came in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing answers there"
	case errors.Is(err, context.Canceled):
		return "it was interrupted"
	default:
		return "it cannot be reached"
	}
}

// deliver sends a message to a recipient.
func (n *Notifier) deliver(ctx context.Context, s *app.Session, r config.Recipient, m Message) error {
	if r.Channel == config.SNS {
		return n.publish(ctx, s, r.Address.Name, m)
	}
	address, err := n.value(ctx, s, r.Address)
	if err != nil {
		return err
	}
	switch r.Channel {
	case config.Slack:
		err = n.slack(ctx, address, m)
	case config.Teams:
		err = n.teams(ctx, address, m)
	case config.PagerDuty:
		err = n.pagerDuty(ctx, address, r.URL, m)
	default:
		var secret string
		if !r.Secret.IsZero() {
			if secret, err = n.value(ctx, s, r.Secret); err != nil {
				return err
			}
		}
		err = n.webhook(ctx, address, secret, m)
	}
	if no, ok := errors.AsType[*refusal](err); ok && no.unknown {
		n.forgetValues(r.Address, r.Secret)
	}
	return err
}

// value is what a reference stands for, kept for a while: every read of a secret is
// a request that is paid.
type value struct {
	text string
	at   time.Time
}

const keepValues = 15 * time.Minute

func (n *Notifier) forgetValues(references ...config.Reference) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range references {
		delete(n.values, r)
	}
}

// value reads what a reference stands for.
func (n *Notifier) value(ctx context.Context, s *app.Session, r config.Reference) (string, error) {
	if r.Scheme == config.Plain {
		return r.Name, nil
	}
	n.mu.Lock()
	known, ok := n.values[r]
	n.mu.Unlock()
	if ok && n.Now().Sub(known.at).Abs() < keepValues {
		return known.text, nil
	}
	text, err := n.read(ctx, s, r)
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", fleet.Errorf(fleet.ErrInvalid, "%s is empty", r)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.values[r] = value{text, n.Now()}
	return text, nil
}

// mostSecret is how large a file with a secret may be.
const mostSecret = 64 << 10

func (n *Notifier) read(ctx context.Context, s *app.Session, r config.Reference) (string, error) {
	switch r.Scheme {
	case config.Environment:
		if text := n.Getenv(r.Name); text != "" {
			return text, nil
		}
		return "", fleet.Errorf(fleet.ErrNotFound, "the variable %s is not set", r.Name)
	case config.SecretFile:
		return readFile(r.Name)
	case config.Parameter:
		return s.Parameter(ctx, r.Name)
	default:
		return s.Secret(ctx, r.Name)
	}
}

func readFile(name string) (string, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return "", fleet.Errorf(fleet.ErrNotFound, "the file %s cannot be read", name)
	case !info.Mode().IsRegular() || info.Size() > mostSecret:
		return "", fleet.Errorf(fleet.ErrInvalid, "%s is not a file with a secret", name)
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return "", fleet.Errorf(fleet.ErrDenied, "the file %s cannot be read", name)
	}
	return string(body), nil
}

// heartbeat calls the URL of a job that went well.
func (n *Notifier) heartbeat(ctx context.Context, s *app.Session, r config.Reference) error {
	address, err := n.value(ctx, s, r)
	if err != nil {
		return err
	}
	_, err = n.ask(ctx, http.MethodGet, address, nil, nil)
	return err
}
