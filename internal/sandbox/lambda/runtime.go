package lambda

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// runtimePath begins the paths of the Runtime API.
const runtimePath = "/2018-06-01/runtime/"

// listen serves the Runtime API of a process.
func (p *process) listen() (*http.Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the Runtime API: %w", err)
	}
	api := &http.Server{
		Addr: l.Addr().String(), Handler: p, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	go func() { _ = api.Serve(l) }() // ends with the process
	return api, nil
}

// ServeHTTP is the Runtime API: the next invocation, its response or error, and
// the error of a start that failed.
func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, _ := strings.CutPrefix(r.URL.Path, runtimePath)
	if r.Method == http.MethodGet && path == "invocation/next" {
		p.serveNext(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 6<<20+1))
	id, verb, _ := strings.Cut(strings.TrimPrefix(path, "invocation/"), "/")
	one := p.taken(id)
	switch {
	case r.Method == http.MethodPost && path == "init/error":
		// The process ends now, and with it the invocation that waits.
	case err != nil || r.Method != http.MethodPost || verb != "response" && verb != "error":
		w.WriteHeader(http.StatusNotFound)
		return
	case one == nil:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}`)
		return
	case len(body) > 6<<20:
		one.done <- failure("Function.ResponseSizeTooLarge", id, "Response payload size exceeded maximum allowed payload size (6291556 bytes).")
	default:
		one.done <- outcome{payload: body, failed: verb == "error"}
	}
	w.WriteHeader(http.StatusAccepted)
}

// serveNext waits for an invocation.
func (p *process) serveNext(w http.ResponseWriter, r *http.Request) {
	select {
	case p.idle <- struct{}{}:
	default: // it asked before, over a connection that broke
	}
	select {
	case <-r.Context().Done():
	case one := <-p.next:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", one.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(one.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", one.arn)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		_, _ = w.Write(one.payload) // the process may have ended
	}
}
