package amazon

import (
	"bytes"
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

var _ blob.Versioned = (*Objects)(nil)

// GetVersion reads an object with its version, which is its ETag. Both times are
// S3's.
func (o *Objects) GetVersion(ctx context.Context, name string) (blob.Version, error) {
	out, err := o.object(ctx, name)
	if err != nil {
		return blob.Version{}, err
	}
	body, err := o.read(name, out.Body)
	if err != nil {
		return blob.Version{}, err
	}
	now, dated := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !dated || out.LastModified == nil {
		return blob.Version{}, notS3("s3:GetObject")
	}
	return blob.Version{Body: body, Version: *out.ETag, Modified: *out.LastModified, Now: now}, nil
}

// PutVersion stores an object in place of the version that was read. S3 refuses
// it with 412 where another is there, with 404 where it was deleted, and with 409
// where another write is on its way.
func (o *Objects) PutVersion(ctx context.Context, key string, body []byte, version string) (string, error) {
	if err := blob.CheckSize(o.address(key), body); err != nil {
		return "", err
	}
	in := &s3.PutObjectInput{Key: aws.String(o.prefix + key), ContentType: aws.String("application/octet-stream")}
	if version == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &version
	}
	stored, err := o.bucket.putIf(ctx, in, bytes.NewReader(body))
	refusal, refused := errors.AsType[*fleet.Refusal](err)
	gone := refused && refusal.Code == "NoSuchKey"
	if gone || errors.Is(err, fleet.ErrConflict) {
		return "", fleet.Errorf(fleet.ErrConflict, "%s has changed since it was read: %w", o.address(key), err)
	}
	return stored, err
}
