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
	"strconv"
	"time"
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
		return nil, fmt.Errorf("listen for the practice account: %w", err)
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

// Close stops listening and cuts open connections.
func (s *Server) Close() error {
	err := s.http.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// leastLatency is how long every answer takes. The SDK for Go closes a
// request's body as soon as it has the answer, and net/http takes the
// connection down where that happens before its last look at the body: an
// answer faster than any real network would be lost now and then.
const leastLatency = time.Millisecond

// ServeHTTP answers one API call.
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
	req := &request{Request: r, body: body, id: s.requestID(), now: s.Now()}
	req.scope = scopeOf(r)
	req.name()
	wait(r.Context(), max(s.opts.Latency, leastLatency))

	a := s.handle(req)
	if a.header == nil {
		a.header = http.Header{}
	}
	call := req.call
	call.Time, call.Service, call.Region = req.now, req.scope.service, req.scope.region
	call.Status, call.Code = a.status, a.code
	if req.caller.account != nil {
		call.Account = req.caller.account.id
	}
	if a.cut {
		call.Status, call.Code = 0, "ConnectionCut"
	}
	s.journal.add(call)
	s.log(r.Context(), call)
	if s.opts.Tap != nil {
		s.opts.Tap(Exchange{
			Service: call.Service, Account: call.Account, Region: call.Region, Action: call.Action,
			Method: r.Method, URL: url, RequestHeader: r.Header.Clone(), RequestBody: body,
			Status: call.Status, AnswerHeader: a.header.Clone(), AnswerBody: a.body,
		})
	}
	if a.cut {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	if w.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // the client may have gone; nobody is left to tell
	}
}

// handle takes a call through authentication, faults and limits to its
// service.
func (s *Sandbox) handle(r *request) answer {
	if err := s.authenticate(r); err != nil {
		return r.refuse(err)
	}
	r.faults = s.drawFaults(r)
	var lost bool
	for _, f := range r.faults {
		switch f.Kind {
		case Cut:
			return answer{cut: true}
		case Lost:
			lost = true
		case Delay:
			wait(r.Context(), f.For)
		default:
			if err := f.refusal(r); err != nil {
				return r.refuse(err)
			}
		}
	}
	a := s.dispatch(r)
	a.cut = a.cut || lost
	return a
}

func (s *Sandbox) dispatch(r *request) answer {
	switch r.scope.service {
	case "ec2":
		return s.serveEC2(r)
	case "sts":
		return s.serveSTS(r)
	case "pricing":
		return s.servePricing(r)
	case "s3":
		return s.serveS3(r)
	case "rds":
		return s.serveRDS(r)
	case "autoscaling":
		return s.serveAutoScaling(r)
	case "ssm":
		return s.serveSSM(r)
	case "monitoring":
		return s.serveCloudWatch(r)
	case "ce":
		return s.serveCostExplorer(r)
	case "organizations":
		return s.serveOrganizations(r)
	}
	return r.refuse(fail(http.StatusNotFound, "UnknownService",
		"the practice account has no service "+r.scope.service))
}

func (s *Sandbox) servePricing(r *request) answer {
	if err := s.authorize(r, "*", nil); err != nil {
		return r.refuse(err)
	}
	status, body := s.catalog.serve(r.Host, r.call.Action, r.body)
	a := answer{status: status, body: body, header: r.header("application/x-amz-json-1.1")}
	if status != http.StatusOK {
		a.code = jsonErrorCode(body)
	}
	return a
}

func (s *Sandbox) requestID() string {
	n := s.requests.Add(1)
	a, b := mix(s.opts.Seed, n, 1), mix(s.opts.Seed, n, 2)
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

func (s *Sandbox) log(ctx context.Context, c Call) {
	if s.opts.Log == nil {
		return
	}
	s.opts.Log.LogAttrs(ctx, slog.LevelInfo, "call", slog.String("service", c.Service), slog.String("action", c.Action),
		slog.String("account", c.Account), slog.String("region", c.Region), slog.Int("status", c.Status), slog.String("code", c.Code), slog.Int("ids", c.IDs))
}
