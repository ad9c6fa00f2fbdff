package wire

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Instant is a time in CloudWatch's messages, which give it in seconds: in CBOR
// with the tag of epoch times (RFC 8949, section 3.4.2), as smithy RPC v2 wants
// it, and in JSON as a bare number.
type Instant struct{ time.Time }

// epoch is the number of the tag.
const epoch = 1

// MarshalCBOR writes whole seconds as an integer, others as a float.
func (t Instant) MarshalCBOR() ([]byte, error) {
	if t.Nanosecond() == 0 {
		return cbor.Marshal(cbor.Tag{Number: epoch, Content: t.Unix()})
	}
	return cbor.Marshal(cbor.Tag{Number: epoch, Content: float64(t.UnixMilli()) / 1000})
}

// UnmarshalCBOR reads an integer or a float with the tag.
func (t *Instant) UnmarshalCBOR(b []byte) error {
	var tag cbor.RawTag
	if err := cbor.Unmarshal(b, &tag); err != nil {
		return err
	}
	if tag.Number != epoch {
		return fmt.Errorf("tag %d where a timestamp belongs", tag.Number)
	}
	var seconds float64
	if err := cbor.Unmarshal(tag.Content, &seconds); err != nil {
		return err
	}
	return t.set(seconds)
}

// MarshalJSON writes seconds, with the milliseconds as a fraction.
func (t Instant) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads seconds.
func (t *Instant) UnmarshalJSON(b []byte) error {
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("%s where a timestamp belongs", b)
	}
	return t.set(seconds)
}

func (t *Instant) set(seconds float64) error {
	if math.IsNaN(seconds) || math.Abs(seconds) > 1e11 {
		return fmt.Errorf("%v is not a time", seconds)
	}
	t.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	return nil
}

// The header of smithy RPC v2.
const (
	smithyProtocol = "Smithy-Protocol"
	smithyCBOR     = "rpc-v2-cbor"
)

// IsCBOR says whether a request speaks smithy RPC v2 with CBOR.
func (r *Request) IsCBOR() bool { return r.Header.Get(smithyProtocol) == smithyCBOR }

// ReadCBOR reads the request's input.
func (r *Request) ReadCBOR(into any) error { return cbor.Unmarshal(r.Payload, into) }

// AnswerCBOR answers with texts, numbers and times.
func (r *Request) AnswerCBOR(status int, out any) Answer {
	a := Answer{Status: status, Header: r.AnswerHeader("application/cbor")}
	a.Header.Set(smithyProtocol, smithyCBOR)
	a.Body, _ = cbor.Marshal(out) // cannot fail
	return a
}
