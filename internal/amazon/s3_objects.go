package amazon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// Objects are objects under a prefix of an S3 bucket: a [blob.Store]. It is safe
// for concurrent use.
type Objects struct {
	bucket *Bucket
	prefix string
	get    *redirected[s3.GetObjectInput, s3.GetObjectOutput]
	list   *redirected[s3.ListObjectsV2Input, s3.ListObjectsV2Output]
	page   int32 // how many names to ask for at once
}

// namesPerPage is the largest page of names that S3 gives.
const namesPerPage = 1000

// Objects gives access to the objects of a bucket, in whichever region it lies.
// The prefix is put before every key as it is.
func (s *Session) Objects(bucket, prefix string) *Objects {
	return &Objects{
		bucket: s.Bucket(bucket),
		prefix: prefix,
		page:   namesPerPage,
		get: redirect(s, func(region fleet.Region) operation[s3.GetObjectInput, s3.GetObjectOutput] {
			return capture(s, "s3:GetObject", s3.NewFromConfig(s.in(region), pathStyle).GetObject)
		}),
		list: redirect(s, func(region fleet.Region) operation[s3.ListObjectsV2Input, s3.ListObjectsV2Output] {
			return capture(s, "s3:ListBucket", s3.NewFromConfig(s.in(region), pathStyle).ListObjectsV2)
		}),
	}
}

// address is how an object is called in errors.
func (o *Objects) address(name string) string { return "s3://" + o.bucket.name + "/" + o.prefix + name }

// Put stores an object, replacing one that is there. It appears whole or not
// at all. One that Get would not read is refused.
func (o *Objects) Put(ctx context.Context, key string, body []byte) error {
	if err := blob.CheckSize(o.address(key), body); err != nil {
		return err
	}
	return o.bucket.Put(ctx, o.prefix+key, "application/octet-stream", bytes.NewReader(body))
}

// Get reads an object. One of more than [blob.MaxObject] bytes is
// [fleet.ErrInvalid], one that is not there [fleet.ErrNotFound]. S3 calls it
// denied where the permission s3:ListBucket is missing or bound to a prefix;
// then its folder is listed to find out.
func (o *Objects) Get(ctx context.Context, name string) ([]byte, error) {
	object, err := o.object(ctx, name)
	if err != nil {
		return nil, err
	}
	return o.read(name, object.Body)
}

// read reads the body of an object and closes it.
func (o *Objects) read(name string, object io.ReadCloser) ([]byte, error) {
	body, err := blob.ReadAll(o.address(name), object)
	switch closeErr := object.Close(); {
	case errors.Is(err, fleet.ErrInvalid):
		return nil, err
	case err != nil || closeErr != nil:
		return nil, fmt.Errorf("read %s: %w", o.address(name), translate("s3:GetObject", errors.Join(err, closeErr)))
	}
	return body, nil
}

// Open reads an object as a stream, which the caller closes. Its errors are those
// of Get.
func (o *Objects) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	out, err := o.object(ctx, name)
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}

// object is the answer of S3 with an object, whose body the caller closes.
func (o *Objects) object(ctx context.Context, name string) (*s3.GetObjectOutput, error) {
	key := o.prefix + name
	out, err := o.get.ask(ctx, &s3.GetObjectInput{Bucket: aws.String(o.bucket.name), Key: aws.String(key)})
	switch {
	case errors.Is(err, fleet.ErrDenied):
		names, listErr := o.List(ctx, name[:strings.LastIndexByte(name, '/')+1])
		if listErr == nil && !slices.Contains(names, name) {
			return nil, fleet.Errorf(fleet.ErrNotFound, "there is no s3://%s/%s", o.bucket.name, key)
		}
		return nil, fmt.Errorf("may not read s3://%s/%s: the role needs s3:GetObject there, and s3:ListBucket to tell what is missing: %w", o.bucket.name, key, err)
	case err != nil:
		return nil, fmt.Errorf("read s3://%s/%s: %w", o.bucket.name, key, err)
	case out.ETag == nil:
		return nil, errors.Join(notS3("s3:GetObject"), out.Body.Close())
	}
	return out, nil
}

// List names what lies directly under a prefix that ends in "/": objects by
// their keys, and folders as prefixes that end in "/". It reads all pages; the
// order is S3's within objects and within folders. Nothing there is not an error.
func (o *Objects) List(ctx context.Context, prefix string) ([]string, error) {
	in := &s3.ListObjectsV2Input{
		Bucket: aws.String(o.bucket.name), Prefix: aws.String(o.prefix + prefix), Delimiter: aws.String("/"), MaxKeys: &o.page,
	}
	var names []string
	next := func(out *s3.ListObjectsV2Output) *string { return out.NextContinuationToken }
	for out, err := range pages(ctx, o.list.ask, in, &in.ContinuationToken, next) {
		switch {
		case errors.Is(err, fleet.ErrDenied):
			return nil, fmt.Errorf("may not list s3://%s/%s: the role needs s3:ListBucket: %w", o.bucket.name, *in.Prefix, err)
		case err != nil:
			return nil, fmt.Errorf("list s3://%s/%s: %w", o.bucket.name, *in.Prefix, err)
		case out.Name == nil:
			return nil, notS3("s3:ListObjectsV2")
		}
		for _, folder := range out.CommonPrefixes {
			names = append(names, strings.TrimPrefix(aws.ToString(folder.Prefix), o.prefix))
		}
		for _, object := range out.Contents {
			names = append(names, strings.TrimPrefix(aws.ToString(object.Key), o.prefix))
		}
	}
	return names, nil
}

// redirected is an operation on a bucket that may lie in another region: S3's
// refusal says where, and from then on it is asked there.
type redirected[In, Out any] struct {
	in func(fleet.Region) operation[In, Out]

	mu   sync.Mutex
	home fleet.Region
	do   operation[In, Out] // in home
}

func redirect[In, Out any](s *Session, in func(fleet.Region) operation[In, Out]) *redirected[In, Out] {
	return redirectFrom(s.Region(), in)
}

// redirectFrom asks in the region home first.
func redirectFrom[In, Out any](home fleet.Region, in func(fleet.Region) operation[In, Out]) *redirected[In, Out] {
	return &redirected[In, Out]{in: in, home: home, do: in(home)}
}

func (r *redirected[In, Out]) ask(ctx context.Context, in *In) (*Out, error) {
	r.mu.Lock()
	home, do := r.home, r.do
	r.mu.Unlock()
	out, err := do(ctx, in)
	region := bucketRegion(err)
	if region == "" || region == home {
		return out, err
	}
	do = r.in(region)
	r.mu.Lock()
	r.home, r.do = region, do
	r.mu.Unlock()
	return do(ctx, in)
}
