package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// testStart is a Sunday evening in the month's last third.
var testStart = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// account is a sandbox behind a socket with clients of the real SDK.
type account struct {
	*sandbox.Sandbox
	t   testing.TB
	url string
	ec2 *ec2.Client
	sts *sts.Client
	s3  *s3.Client
}

// open serves an account and holds every exchange against AWS's models. Its
// clock does not move unless the options say otherwise.
func open(t testing.TB, o sandbox.Options) *account {
	t.Helper()
	sandboxtest.Watch(t, &o)
	return openUnchecked(t, o)
}

func openUnchecked(t testing.TB, o sandbox.Options) *account {
	t.Helper()
	if o.Start.IsZero() {
		o.Start = testStart
	}
	if o.Speed == 0 {
		o.Speed = -1
	}
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	a := &account{Sandbox: s, t: t, url: srv.URL()}
	a.ec2 = a.region(sandbox.DefaultRegion)
	cfg := a.config(sandbox.DefaultRegion)
	a.sts = sts.NewFromConfig(cfg)
	a.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	return a
}

// config signs for a region and does not retry, so that every refusal is seen.
func (a *account) config(region string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: &a.url,
		Credentials:  credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
		HTTPClient:   plainBodies{},
		Retryer:      func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), 1) },
	}
}

// plainBodies hides WriteTo of request bodies: the SDK's closed body reports
// io.EOF from it, for which net/http takes the connection down if it looks at
// the body once more after the answer.
type plainBodies struct{}

func (plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return http.DefaultClient.Do(r)
}

func (a *account) region(name string) *ec2.Client { return ec2.NewFromConfig(a.config(name)) }

// describe lists what DescribeInstances gives for an input, all pages of it.
func (a *account) describe(in *ec2.DescribeInstancesInput) (ids []string, pages int) {
	a.t.Helper()
	p := ec2.NewDescribeInstancesPaginator(a.ec2, in)
	for p.HasMorePages() {
		out, err := p.NextPage(a.t.Context())
		if err != nil {
			a.t.Fatal(err)
		}
		pages++
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				ids = append(ids, *i.InstanceId)
			}
		}
	}
	return ids, pages
}

// one describes a single instance.
func (a *account) one(id string) types.Instance {
	a.t.Helper()
	out, err := a.ec2.DescribeInstances(a.t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		a.t.Fatal(err)
	}
	return out.Reservations[0].Instances[0]
}

// id finds an instance of sandbox.DefaultRegion by name.
func (a *account) id(name string) string {
	a.t.Helper()
	i, ok := a.Named(sandbox.DefaultRegion, name)
	if !ok {
		a.t.Fatalf("no instance named %q", name)
	}
	return i.ID
}

func (a *account) stop(ids ...string) error {
	_, err := a.ec2.StopInstances(a.t.Context(), &ec2.StopInstancesInput{InstanceIds: ids})
	return err
}

func (a *account) start(ids ...string) error {
	_, err := a.ec2.StartInstances(a.t.Context(), &ec2.StartInstancesInput{InstanceIds: ids})
	return err
}

// code is the AWS error code of err, or its text where it has none.
func code(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return err.Error()
}

func message(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return ""
}

func filterOf(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}
