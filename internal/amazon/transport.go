package amazon

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// answerTime is how long to wait for an answer to begin, and for more of it
// once it has begun.
const answerTime = time.Minute

// stallGuard is an HTTP client that ends an answer which has begun and does not
// go on. The transport bounds only the time until an answer begins; a peer that
// is alive and sends no more would be waited for as long as the caller lives.
type stallGuard struct {
	aws.HTTPClient
	most time.Duration // between two reads
}

// Do sends a request.
func (g stallGuard) Do(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	answer, err := g.HTTPClient.Do(request.WithContext(ctx))
	if err != nil || answer.Body == nil {
		cancel()
		return answer, err
	}
	answer.Body = &guardedBody{ReadCloser: answer.Body, most: g.most, cancel: cancel}
	return answer, nil
}

// guardedBody is the body of an answer. Its Read ends when nothing comes.
type guardedBody struct {
	io.ReadCloser
	most    time.Duration
	cancel  context.CancelFunc
	stalled bool
}

// Read reads what has come of the body.
func (b *guardedBody) Read(into []byte) (int, error) {
	timer := time.AfterFunc(b.most, b.cancel)
	n, err := b.ReadCloser.Read(into)
	b.stalled = !timer.Stop() || b.stalled // the request is cancelled, even if this much has come
	if b.stalled && err != nil && !errors.Is(err, io.EOF) {
		err = errStalled{b.most}
	}
	return n, err
}

// Close ends the connection, or gives it back where all was read.
func (b *guardedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// errStalled is an answer that does not go on. To the SDK it is a timeout, after
// which the request may be sent again.
type errStalled struct{ after time.Duration }

func (e errStalled) Error() string {
	return "the answer began, and then nothing came for " + e.after.String()
}

// Timeout makes it a timeout for [net.Error] and the SDK.
func (errStalled) Timeout() bool { return true }

// Temporary is the other half of [net.Error].
func (errStalled) Temporary() bool { return true }

// RetryableError makes the SDK try again.
func (errStalled) RetryableError() bool { return true }
