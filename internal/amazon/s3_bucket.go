package amazon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/fleet"
)

// Bucket is an S3 bucket. Its objects appear whole or not at all.
type Bucket struct {
	name string
	put  *redirected[s3.PutObjectInput, s3.PutObjectOutput]
}

// Bucket gives access to a bucket, in whichever region it lies.
func (s *Session) Bucket(name string) *Bucket {
	return &Bucket{name: name, put: s.putObject(s.Region())}
}

// putObject is the operation in the region where the bucket lies, which home is
// until S3 says otherwise.
func (s *Session) putObject(home fleet.Region) *redirected[s3.PutObjectInput, s3.PutObjectOutput] {
	return redirectFrom(home, func(region fleet.Region) operation[s3.PutObjectInput, s3.PutObjectOutput] {
		put := captureOnce(s, "s3:PutObject", s3.NewFromConfig(s.in(region), pathStyle).PutObject)
		return refreshed(s, func(ctx context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
			// An earlier try has read the body.
			if _, err := in.Body.(io.Seeker).Seek(0, io.SeekStart); err != nil {
				return nil, err
			}
			return put(ctx, in)
		})
	})
}

// pathStyle puts the bucket into the path where the endpoint is an IP address
// or localhost, which have no subdomains.
func pathStyle(o *s3.Options) {
	if o.BaseEndpoint == nil {
		return
	}
	u, err := url.Parse(*o.BaseEndpoint)
	o.UsePathStyle = err == nil && (net.ParseIP(u.Hostname()) != nil || u.Hostname() == "localhost")
}

// Put stores a whole object of the given content type, replacing one that is
// there. S3 shows an object only when all of its bytes have arrived and their
// checksum is right, so a broken upload leaves nothing under the key. A bucket
// in another region is found by the address in S3's refusal.
func (b *Bucket) Put(ctx context.Context, key, contentType string, body io.ReadSeeker) error {
	_, err := b.putIf(ctx, &s3.PutObjectInput{Key: &key, ContentType: &contentType}, body)
	return err
}

// putIf stores an object under the conditions that the input names, and gives its
// ETag.
func (b *Bucket) putIf(ctx context.Context, object *s3.PutObjectInput, body io.ReadSeeker) (string, error) {
	key := aws.ToString(object.Key)
	size, err := body.Seek(0, io.SeekEnd)
	if err != nil {
		return "", fmt.Errorf("upload s3://%s/%s: %w", b.name, key, err)
	}
	object.Bucket = &b.name
	object.Body, object.ContentLength = body, aws.Int64(size) // a body that is cut short is refused
	out, err := b.put.ask(ctx, object)
	switch {
	case err == nil && out.ETag == nil:
		return "", notS3("s3:PutObject")
	case err == nil:
		return *out.ETag, nil
	case errors.Is(err, fleet.ErrNotFound):
		return "", fmt.Errorf("there is no bucket %q: check its name, or create it first: %w", b.name, err)
	case errors.Is(err, fleet.ErrDenied):
		return "", fmt.Errorf("may not write s3://%s/%s: the role needs s3:PutObject there: %w", b.name, key, err)
	default:
		return "", fmt.Errorf("upload s3://%s/%s: %w", b.name, key, err)
	}
}

// notS3 is an answer without what S3 always says of an object or a bucket: it
// comes from somebody else, and what it is about has not happened.
func notS3(action string) error {
	return fleet.Errorf(fleet.ErrUnavailable, "%s: the answer is not one of S3; check AWS_ENDPOINT_URL", action)
}

// bucketRegion is the region of the bucket, where S3 refuses a request because
// the bucket lies in another one.
func bucketRegion(err error) fleet.Region {
	refusal, ok := errors.AsType[*fleet.Refusal](err)
	if !ok {
		return ""
	}
	return refusal.BucketRegion
}

// redirectedTo reads the bucket's region from an answer of S3.
func redirectedTo(err error) fleet.Region {
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || answer.Response == nil {
		return ""
	}
	return fleet.Region(answer.Response.Header.Get("X-Amz-Bucket-Region"))
}
