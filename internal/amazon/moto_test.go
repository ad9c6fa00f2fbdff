package amazon_test

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// moto serves an empty account of moto's, which is written by other people from
// the same documents, until the test ends. Without it the test is skipped, and
// what is said not to be tested.
func moto(t *testing.T, what string) string {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not installed: " + what + " not tested against an independent emulator")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-H", "127.0.0.1", "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	endpoint := "http://127.0.0.1:" + port
	for range 300 {
		if answer, err := http.Get(endpoint + "/moto-api/"); err == nil {
			answer.Body.Close()
			return endpoint
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("moto_server does not answer")
	return ""
}
