package sandbox

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"nightshift/internal/sandbox/pricing"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// serveOffer answers a GET for a file of the price list, which needs no
// signature, as it is made, section by section: a whole file would take many
// times the memory of the account. It says whether the request was for one.
// Faults know it as offers:GetFile; one of kind NoAnswer cuts the file off in
// the middle.
func (s *Sandbox) serveOffer(w http.ResponseWriter, r *http.Request) bool {
	path, ok := strings.CutPrefix(r.URL.Path, pricing.OfferPath)
	if !ok || r.Header.Get("Authorization") != "" || r.URL.Query().Has("X-Amz-Credential") {
		return false
	}
	wait(r.Context(), max(s.opts.Latency, leastLatency))
	one := Call{Time: s.Now(), Service: "offers", Action: "GetFile"}
	w, refusal := s.faultyOffer(w, r)
	switch {
	case refusal != 0:
		http.Error(w, http.StatusText(refusal), refusal)
		one.Status = refusal
	case w != nil:
		one.Status = pricing.SendOffer(s.org.Catalog, w, r, path)
	}
	switch {
	case one.Status == 0:
		one.Code = "ConnectionCut"
	case one.Status >= http.StatusBadRequest:
		one.Code = http.StatusText(one.Status)
	}
	s.journal.add(one)
	s.log(r.Context(), one)
	if one.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	return true
}

// faultyOffer draws what goes wrong with a file: it is refused with a status,
// its writer ends early, or there is none because the connection is cut at once.
func (s *Sandbox) faultyOffer(w http.ResponseWriter, r *http.Request) (out http.ResponseWriter, refusal int) {
	of := &service.Call{Request: &wire.Request{Request: r, Action: "GetFile"}, Organization: s.org, Caller: state.Principal{Account: s.home.Account}}
	for _, f := range s.drawFaults(of, service.Service{Name: "offers"}) {
		switch f.Kind {
		case service.Cut:
			return nil, 0
		case service.NoAnswer:
			w = &shortWriter{ResponseWriter: w, left: 128 << 10}
		case service.Delay:
			wait(r.Context(), f.For)
		case service.Throttle, service.Broken:
			return w, http.StatusServiceUnavailable
		case service.Deny, service.Expired:
			return w, http.StatusForbidden
		default: // it strikes instances
		}
	}
	return w, 0
}

// shortWriter fails after some bytes.
type shortWriter struct {
	http.ResponseWriter
	left int
}

func (w *shortWriter) Write(b []byte) (int, error) {
	if len(b) > w.left {
		return 0, io.ErrShortWrite
	}
	w.left -= len(b)
	n, err := w.ResponseWriter.Write(b)
	if err != nil {
		return n, fmt.Errorf("send the price list: %w", err)
	}
	return n, nil
}
