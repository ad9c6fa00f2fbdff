package function

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// NewLog writes the log of a function as AWS Lambda documents it: a line of JSON
// with timestamp, level, message and the id of the request.
func NewLog(w io.Writer) *slog.Logger {
	return slog.New(requestLog{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: lambdacontext.ReplaceAttr})})
}

// requestLog adds the id of the request, by which Lambda groups its lines.
type requestLog struct{ slog.Handler }

// Handle writes one line.
func (l requestLog) Handle(ctx context.Context, r slog.Record) error {
	if request, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("requestId", request.AwsRequestID)) //nolint:sloglint // as Lambda calls it
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs keeps the id of the request.
func (l requestLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLog{l.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the id of the request, within the group.
func (l requestLog) WithGroup(name string) slog.Handler { return requestLog{l.Handler.WithGroup(name)} }
