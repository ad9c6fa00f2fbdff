package amazon

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
)

// invokeTime is how long an invocation is waited for: longer than a function may
// work, which is 15 minutes.
const invokeTime = 16 * time.Minute

// Functions is AWS Lambda in one region.
type Functions struct {
	invoke operation[lambda.InvokeInput, lambda.InvokeOutput]
}

// Functions gives access to the functions of a region. An invocation is sent once,
// but for expired credentials: sent again because no answer came it would run
// twice.
func (s *Session) Functions(region fleet.Region) *Functions {
	config := s.in(region)
	config.HTTPClient = patient(config.HTTPClient)
	client := lambda.NewFromConfig(config, func(o *lambda.Options) { o.Retryer = aws.NopRetryer{} })
	return &Functions{invoke: capture(s, "lambda:InvokeFunction", client.Invoke)}
}

// patient is our client with the time that a function may take for its answer.
func patient(client aws.HTTPClient) aws.HTTPClient {
	guard, ok := client.(stallGuard)
	if !ok {
		return client
	}
	if buildable, ok := guard.HTTPClient.(*awshttp.BuildableClient); ok {
		guard.HTTPClient = buildable.WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = invokeTime })
	}
	return stallGuard{guard.HTTPClient, invokeTime}
}

// Invoke calls a function and waits for its answer.
func (f *Functions) Invoke(ctx context.Context, name string, payload []byte) (deploy.Invocation, error) {
	ctx, cancel := context.WithTimeout(ctx, invokeTime)
	defer cancel()
	out, err := f.invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: payload})
	if err != nil {
		return deploy.Invocation{}, err
	}
	return deploy.Invocation{Payload: out.Payload, Failed: out.FunctionError != nil}, nil
}
