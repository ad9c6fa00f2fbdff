package amazon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"nightshift/internal/blob"
	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
)

// Artifacts are buckets with code and configurations in one region. Every call
// names the account that a bucket must belong to: its name can be guessed, and a
// stranger may have taken it.
type Artifacts struct {
	region fleet.Region
	owner  string

	create operation[s3.CreateBucketInput, s3.CreateBucketOutput]
	list   *redirected[s3.ListObjectsV2Input, s3.ListObjectsV2Output]
	get    *redirected[s3.GetObjectInput, s3.GetObjectOutput]
	put    *redirected[s3.PutObjectInput, s3.PutObjectOutput]
	remove *redirected[s3.DeleteObjectInput, s3.DeleteObjectOutput]
	names  operation[s3.ListBucketsInput, s3.ListBucketsOutput]
	tags   *redirected[s3.GetBucketTaggingInput, s3.GetBucketTaggingOutput]
}

// Artifacts gives access to the buckets of an account in a region.
func (s *Session) Artifacts(account fleet.Account, region fleet.Region) *Artifacts {
	client := func(region fleet.Region) *s3.Client { return s3.NewFromConfig(s.in(region), pathStyle) }
	return &Artifacts{
		region: region, owner: string(account),
		create: capture(s, "s3:CreateBucket", client(region).CreateBucket),
		list: redirectFrom(region, func(r fleet.Region) operation[s3.ListObjectsV2Input, s3.ListObjectsV2Output] {
			return capture(s, "s3:ListBucket", client(r).ListObjectsV2)
		}),
		get: redirectFrom(region, func(r fleet.Region) operation[s3.GetObjectInput, s3.GetObjectOutput] {
			return capture(s, "s3:GetObject", client(r).GetObject)
		}),
		put: s.putObject(region),
		remove: redirectFrom(region, func(r fleet.Region) operation[s3.DeleteObjectInput, s3.DeleteObjectOutput] {
			return capture(s, "s3:DeleteObject", client(r).DeleteObject)
		}),
		names: capture(s, "s3:ListAllMyBuckets", client(region).ListBuckets),
		tags: redirectFrom(region, func(r fleet.Region) operation[s3.GetBucketTaggingInput, s3.GetBucketTaggingOutput] {
			return capture(s, "s3:GetBucketTagging", client(r).GetBucketTagging)
		}),
	}
}

// foreign says of a refusal that the bucket may be a stranger's.
func (a *Artifacts) foreign(bucket string, err error) error {
	refusal, ok := errors.AsType[*fleet.Refusal](err)
	switch {
	case ok && refusal.Code == "BucketAlreadyExists":
		return fleet.Errorf(fleet.ErrDenied, "the name of the bucket %s is taken by another account: name another bucket with deploy.artifact_bucket in nightshift.yaml: %w", bucket, err)
	case ok && errors.Is(err, fleet.ErrDenied):
		return fmt.Errorf("the bucket %s does not belong to the account %s, or it may not be used: allow %s, or name another bucket with deploy.artifact_bucket in nightshift.yaml: %w", bucket, a.owner, refusal.Action, err)
	default:
		return err
	}
}

// List gives the objects below a prefix.
func (a *Artifacts) List(ctx context.Context, bucket, prefix string) ([]deploy.Object, error) {
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, ExpectedBucketOwner: &a.owner}
	next := func(out *s3.ListObjectsV2Output) *string { return out.NextContinuationToken }
	list := func(out *s3.ListObjectsV2Output) []types.Object { return out.Contents }
	all, err := collect(each(pages(ctx, a.list.ask, in, &in.ContinuationToken, next), list, func(o types.Object) deploy.Object {
		return deploy.Object{Key: aws.ToString(o.Key), Bytes: aws.ToInt64(o.Size), At: aws.ToTime(o.LastModified)}
	}))
	return all, a.foreign(bucket, err)
}

// Create makes a private bucket; S3 encrypts what is in it. One that we have
// already is right.
func (a *Artifacts) Create(ctx context.Context, bucket string) error {
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if a.region != "us-east-1" { // which is the one that may not be named
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(a.region)}
	}
	_, err := a.create(ctx, in)
	if refusal, ok := errors.AsType[*fleet.Refusal](err); ok && refusal.Code == "BucketAlreadyOwnedByYou" {
		return nil
	}
	return a.foreign(bucket, err)
}

// Get reads an object of at most [blob.MaxObject] bytes.
func (a *Artifacts) Get(ctx context.Context, bucket, key string) ([]byte, error) {
	out, err := a.get.ask(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, ExpectedBucketOwner: &a.owner})
	if err != nil {
		return nil, a.foreign(bucket, err)
	}
	body, err := blob.ReadAll("s3://"+bucket+"/"+key, out.Body)
	return body, errors.Join(err, out.Body.Close())
}

// Put stores an object.
func (a *Artifacts) Put(ctx context.Context, bucket, key, contentType string, body []byte) error {
	_, err := a.put.ask(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, ContentType: &contentType, ExpectedBucketOwner: &a.owner,
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
	})
	return a.foreign(bucket, err)
}

// Remove deletes an object.
func (a *Artifacts) Remove(ctx context.Context, bucket, key string) error {
	_, err := a.remove.ask(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, ExpectedBucketOwner: &a.owner})
	return a.foreign(bucket, err)
}

// Tagged gives the buckets whose names begin with a prefix, with their tags.
func (a *Artifacts) Tagged(ctx context.Context, prefix string) (map[string]map[string]string, error) {
	in := &s3.ListBucketsInput{Prefix: &prefix, MaxBuckets: aws.Int32(namesPerPage)}
	next := func(out *s3.ListBucketsOutput) *string { return out.ContinuationToken }
	list := func(out *s3.ListBucketsOutput) []types.Bucket { return out.Buckets }
	found := map[string]map[string]string{}
	for name, err := range each(pages(ctx, a.names, in, &in.ContinuationToken, next), list, func(b types.Bucket) string { return aws.ToString(b.Name) }) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(name, prefix) {
			continue // S3's like may not know prefixes
		}
		out, err := a.tags.ask(ctx, &s3.GetBucketTaggingInput{Bucket: &name, ExpectedBucketOwner: &a.owner})
		if refusal, ok := errors.AsType[*fleet.Refusal](err); ok && refusal.Code == "NoSuchTagSet" {
			continue
		}
		if err != nil {
			return nil, err
		}
		found[name] = map[string]string{}
		for _, t := range out.TagSet {
			found[name][aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	}
	return found, nil
}
