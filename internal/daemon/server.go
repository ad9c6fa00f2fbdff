package daemon

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"nightshift/internal/fleet"
)

// Listen opens the address on which the daemon answers.
func Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fleet.Errorf(fleet.ErrInvalid, "%s is in use: another program listens there, perhaps another nightshift serve; stop it, or choose another address with --listen", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fleet.Errorf(fleet.ErrInvalid, "not permitted to listen at %s; choose a port from 1024 on with --listen", address)
	case err != nil:
		return nil, fleet.Errorf(fleet.ErrInvalid, "--listen %s: %w; write it as 127.0.0.1:19847", address, err)
	}
	return listener, nil
}

// Handler answers requests. No answer asks AWS for anything.
func (d *Daemon) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !d.Ready() {
			answer(w, http.StatusServiceUnavailable, "the machines have not been read yet\n")
			return
		}
		answer(w, http.StatusOK, "ok\n")
	})
	if d.o.Metrics != nil {
		mux.Handle("GET /metrics", d.o.Metrics)
	}
	if d.o.Page != nil {
		mux.Handle("/", d.o.Page)
	}
	return mux
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // whoever asked is gone
}

// The times that a client has for a request, and that we have for an answer.
const (
	headerTime = 5 * time.Second
	bodyTime   = 15 * time.Second
	answerTime = 60 * time.Second
	idleTime   = 2 * time.Minute
	// closeTime is how long answers under way have when the process ends.
	closeTime = 5 * time.Second
)

// Serve answers requests on a listener until the context ends.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		if err := server.Shutdown(closing); err != nil {
			_ = server.Close() // whoever is still reading is cut off
		}
	})
	err := server.Serve(listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
