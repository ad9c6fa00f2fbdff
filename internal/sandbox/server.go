package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/wire"
)

// Server is a sandbox that listens on a socket.
type Server struct {
	// Addr is the address that it listens on, with the port that was chosen.
	Addr string

	sandbox *Sandbox
	http    *http.Server
	done    chan error
}

// Listen serves the account on addr, for example "127.0.0.1:0", until the
// server is closed.
func (s *Sandbox) Listen(addr string) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the sandbox: %w", err)
	}
	srv := &Server{
		Addr:    l.Addr().String(),
		sandbox: s,
		http: &http.Server{
			Handler:           s,
			ReadHeaderTimeout: 30 * time.Second,
			ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		},
		done: make(chan error, 1),
	}
	go func() { srv.done <- srv.http.Serve(l) }()
	return srv, nil
}

// URL is the endpoint to give to clients.
func (s *Server) URL() string { return "http://" + s.Addr }

// Sandbox is the account that is served.
func (s *Server) Sandbox() *Sandbox { return s.sandbox }

// Close stops listening, cuts open connections and ends the processes of
// functions.
func (s *Server) Close() error {
	err := s.http.Close()
	s.sandbox.functions.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// leastLatency is how long every answer takes. The SDK for Go closes a
// request's body as soon as it has the answer, and net/http takes the
// connection down where that happens before its last look at the body: an
// answer faster than any real network would be missed now and then.
const leastLatency = time.Millisecond

// ServeHTTP answers one API one.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.serveOffer(w, r) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the request's body could not be read", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	url := r.URL.RequestURI() // before S3 rewrites it
	req := &service.Call{Request: &wire.Request{Request: r, Payload: body, ID: s.requestID(), Now: s.Now(), Scope: wire.ScopeOf(r)}, Organization: s.org}
	to := s.serviceOf(req.Request)
	wait(r.Context(), max(s.opts.Latency, leastLatency))

	a := s.handle(req, to)
	if a.Header == nil {
		a.Header = http.Header{}
	}
	one := recordOf(req, a)
	s.journal.add(one)
	s.log(r.Context(), one)
	if s.opts.Tap != nil {
		s.opts.Tap(Exchange{
			Service: one.Service, Account: one.Account, Region: one.Region, Action: one.Action,
			Method: r.Method, URL: url, RequestHeader: r.Header.Clone(), RequestBody: body,
			Status: one.Status, AnswerHeader: a.Header.Clone(), AnswerBody: a.Body,
		})
	}
	if a.Cut {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.Header)
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	if w.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.Body) // the client may have gone; nobody is left to answer
	}
}

// recordOf is what the log of calls keeps of one.
func recordOf(r *service.Call, a wire.Answer) Call {
	one := Call{
		Time: r.Now, Service: r.Scope.Service, Action: r.Action, Region: r.Scope.Region, Permission: r.Permission,
		Status: a.Status, Code: a.Code, IDs: r.IDs, DryRun: r.DryRun,
	}
	if r.Caller.Account != nil {
		one.Account = r.Caller.Account.ID()
	}
	if a.Cut {
		one.Status, one.Code = 0, "ConnectionCut"
	}
	return one
}

// handle takes a call through authentication, faults and limits to its
// service.
func (s *Sandbox) handle(r *service.Call, to service.Service) wire.Answer {
	if err := s.authenticate(r); err != nil {
		return r.Refuse(err)
	}
	r.Faults = s.drawFaults(r, to)
	r.Draw = func(step string, named func(service.Hit) bool) []service.Hit {
		return s.draw(r.Caller.Account.ID(), to.Name+":"+step, named)
	}
	var noAnswer bool
	for _, f := range r.Faults {
		switch f.Kind {
		case service.Cut:
			return wire.Answer{Cut: true}
		case service.NoAnswer:
			noAnswer = true
		case service.Delay:
			wait(r.Context(), f.For)
		default:
			if err := refusalBy(f, r.Request, r.Caller.ARN); err != nil {
				return r.Refuse(err)
			}
		}
	}
	if s.opts.Throttle && to.Name == "ec2" && slices.Contains(to.Operations, r.Action) &&
		!s.limits[r.Caller.Account.ID()].take(r.Scope.Region, r.Params, r.Action, s.Now()) {
		return r.Refuse(wire.Throttled(r.Request))
	}
	a := to.Serve(r)
	a.Cut = a.Cut || noAnswer
	return a
}

func (s *Sandbox) requestID() string {
	n := s.requests.Add(1)
	a, b := random.Hash(s.opts.Seed, n, 1), random.Hash(s.opts.Seed, n, 2)
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

func (s *Sandbox) log(ctx context.Context, c Call) {
	if s.opts.Log == nil {
		return
	}
	s.opts.Log.LogAttrs(ctx, slog.LevelInfo, "call", slog.String("service", c.Service), slog.String("action", c.Action),
		slog.String("account", c.Account), slog.String("region", c.Region), slog.Int("status", c.Status), slog.String("code", c.Code), slog.Int("ids", c.IDs))
}

// wait sleeps for d of real time or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
