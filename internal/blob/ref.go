package blob

import (
	"regexp"
	"strings"

	"nightshift/internal/fleet"
)

// Scheme is the kind of place that a Ref names.
type Scheme string

// The schemes.
const (
	None      Scheme = ""
	File      Scheme = "file" // a file or a folder of this machine
	S3        Scheme = "s3"   // an object, or a prefix of objects, in a bucket
	Parameter Scheme = "ssm"  // a parameter of Systems Manager
)

// Ref names a place: a path, "s3://bucket/key" or "ssm:/name". The zero Ref is
// none.
type Ref struct {
	Scheme Scheme
	Bucket string // of S3
	// Path is the path, the key or prefix within the bucket, or the parameter's
	// name.
	Path string
}

// bucketName is the form of bucket names (Amazon S3 user guide, general purpose
// bucket naming rules); access points are named by their ARN.
var bucketName = regexp.MustCompile(`^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9]|arn:[a-z-]+:s3[a-z-]*:[^/]+:accesspoint[:/][^/]+)$`)

// IsBucket reports whether a text can be the name of a bucket, or the ARN of an
// access point.
func IsBucket(name string) bool { return bucketName.MatchString(name) }

// ParseRef reads a place. An empty text is no place and the zero Ref. A text
// that looks like another scheme is an error: it is not taken for a path.
func ParseRef(text string) (Ref, error) {
	bad := func(format string, args ...any) (Ref, error) {
		return Ref{}, fleet.Errorf(fleet.ErrInvalid, format, args...)
	}
	scheme, rest, colon := strings.Cut(text, ":")
	switch {
	case text == "":
		return Ref{}, nil
	case !colon || !schemeName.MatchString(scheme):
		return Ref{Scheme: File, Path: text}, nil
	case strings.EqualFold(scheme, "s3"):
		path, ok := strings.CutPrefix(rest, "//")
		bucket, key, _ := strings.Cut(path, "/")
		switch {
		case scheme != "s3" || !ok:
			return bad("%q is not a place in S3; write s3://%s", text, strings.TrimLeft(rest, "/"))
		case !IsBucket(bucket):
			return bad("%q names no bucket; write s3://bucket/prefix", text)
		}
		return Ref{Scheme: S3, Bucket: bucket, Path: key}, nil
	case scheme == "ssm":
		if rest == "" {
			return bad("%q names no parameter; write ssm:/name", text)
		}
		return Ref{Scheme: Parameter, Path: rest}, nil
	case strings.HasPrefix(rest, "//"):
		return bad("%q: must be a directory or s3://bucket/prefix", text)
	default:
		return Ref{Scheme: File, Path: text}, nil
	}
}

// schemeName is the form of a scheme. A single letter is a drive.
var schemeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+$`)

// String is the form that ParseRef reads.
func (r Ref) String() string {
	switch {
	case r.Scheme == S3 && r.Path == "":
		return "s3://" + r.Bucket
	case r.Scheme == S3:
		return "s3://" + r.Bucket + "/" + r.Path
	case r.Scheme == Parameter:
		return "ssm:" + r.Path
	default:
		return r.Path
	}
}

// IsZero reports whether it names no place.
func (r Ref) IsZero() bool { return r == Ref{} }

// Prefix is the key in S3 as a prefix of other keys: empty, or ending in "/".
func (r Ref) Prefix() string {
	if r.Path == "" || strings.HasSuffix(r.Path, "/") {
		return r.Path
	}
	return r.Path + "/"
}

// MarshalText writes what ParseRef reads.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (r *Ref) UnmarshalText(text []byte) error {
	parsed, err := ParseRef(string(text))
	*r = parsed
	return err
}
