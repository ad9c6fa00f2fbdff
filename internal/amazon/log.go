package amazon

import (
	"fmt"
	"log/slog"

	"github.com/aws/smithy-go/logging"
)

// sdkLog hands what the SDK has to say to our own log. Its warnings are about
// its own ways (an older metadata service, a clock that is off), so they are
// details to us.
type sdkLog struct{ log *slog.Logger }

func (l sdkLog) Logf(level logging.Classification, format string, args ...any) {
	l.log.Debug("aws sdk", "level", string(level), "says", fmt.Sprintf(format, args...))
}
