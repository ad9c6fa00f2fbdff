package cli

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/daemon"
	"nightshift/internal/fleet"
)

// defaultListen is where the daemon answers. The port is outside the range that
// Prometheus allots to exporters, which is full.
const defaultListen = "127.0.0.1:19847"

// A process that lives long has its memory to share with others: it collects often, and
// keeps below a limit for as long as what is alive leaves room. That is more than what it
// knows of 10,000 machines.
const (
	serveGCPercent = 50
	serveHeapLimit = 150 << 20
)

// serveFlags are the flags of the command serve.
type serveFlags struct {
	listen, bucket, prefix    string
	observe                   bool
	sweep                     time.Duration
	scrapeToken, operateToken string
	tlsCert, tlsKey           string
	proxies, hosts            []string
}

func (a *commandLine) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the jobs of the configuration at their times, and show how the account is doing",
		Long: `Run the jobs of the configuration's section jobs at their times until the process is
ended, and answer over HTTP: a page for people, /metrics for Prometheus, /healthz and
/readyz.

The configuration is read anew twice a minute. One with errors is not used: the one
before stays in force. A run that was missed is made up for once; a stop or start by
tag only within 10 minutes. On SIGTERM nothing new begins, and what has begun has
40 seconds to end.

With --observe no job is run, and no permission to change anything is needed: it
shows the work of a deployed function, whose runs it reads from the journal.

Who reaches the address may read. Elsewhere than on this machine that needs a token,
and a certificate or a proxy that has one. Overrides on the page always need the
token of --operate-token. Tokens are given by reference: env:NIGHTSHIFT_NAME or
file:/path.`,
		Example: `  nightshift serve --config nightshift.yaml --bucket my-reports
  nightshift serve --observe --config s3://my-bucket/nightshift.yaml
  nightshift serve --listen :19847 --scrape-token file:/run/secrets/scrape --tls-cert cert.pem --tls-key key.pem`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", defaultListen, "address and port to answer at")
	flags.BoolVar(&f.observe, "observe", false, "run no job; only read and show")
	flags.DurationVar(&f.sweep, "sweep", 0, "how often the machines are read (default: as often as the job power runs, at most 5m)")
	flags.StringVar(&f.bucket, "bucket", "", "upload reports to this S3 bucket (default: $NIGHTSHIFT_BUCKET)")
	flags.StringVar(&f.prefix, "prefix", cmp.Or(a.Env("NIGHTSHIFT_PREFIX"), "ec2/"), "prefix of the reports' keys in the bucket")
	flags.StringVar(&f.scrapeToken, "scrape-token", "", "reference of the token for reading, as env:NIGHTSHIFT_NAME or file:/path")
	flags.StringVar(&f.operateToken, "operate-token", "", "reference of the token for overrides on the page")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "file of the certificate; it is read anew when it changes")
	flags.StringVar(&f.tlsKey, "tls-key", "", "file of the certificate's key")
	flags.StringArrayVar(&f.proxies, "trusted-proxy", nil, "address or range of a proxy whose forwarded headers count; repeat for several")
	flags.StringArrayVar(&f.hosts, "host", nil, "further name under which the page is reached; repeat for several")
	for _, flag := range []string{"listen", "sweep", "bucket", "prefix", "scrape-token", "operate-token", "trusted-proxy", "host"} {
		complete(cmd, flag)
	}
	return cmd
}

// serve runs the daemon until the context ends.
func (a *commandLine) serve(ctx context.Context, f serveFlags) error {
	ref, err := a.configRef()
	switch {
	case err != nil:
		return err
	case ref.IsZero():
		return errNoConfig()
	case f.sweep != 0 && f.sweep < time.Minute:
		return fleet.Errorf(fleet.ErrInvalid, "--sweep %s: must be 1m or longer", f.sweep)
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return fleet.Errorf(fleet.ErrInvalid, "--tls-cert and --tls-key belong together")
	}
	access, err := f.access(a.Env)
	if err != nil {
		return err
	}
	listener, err := f.open()
	if err != nil {
		return err
	}
	defer listener.Close() // where serving has not begun
	o, err := a.daemonOptions(ctx, f, access)
	if err != nil {
		return err
	}
	defer a.tuneMemory(serveGCPercent, serveHeapLimit)()
	d := daemon.New(o)
	if !a.quiet {
		fmt.Fprintf(a.Stderr, "nightshift listens at %s://%s; stop it with Ctrl-C\n", f.scheme(), listener.Addr())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return daemon.Serve(ctx, listener, d.Handler(), o.Log) })
	group.Go(func() error { return d.Run(ctx) })
	return group.Wait()
}

func (f serveFlags) scheme() string {
	if f.tlsCert != "" {
		return "https"
	}
	return "http"
}

// open opens the address to answer at.
func (f serveFlags) open() (net.Listener, error) {
	listener, err := daemon.Listen(f.listen)
	if err != nil || f.tlsCert == "" {
		return listener, err
	}
	encrypted, err := daemon.Encrypt(listener, f.tlsCert, f.tlsKey)
	if err != nil {
		_ = listener.Close() // nobody has been answered
	}
	return encrypted, err
}
