package sandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

// s3In signs for a region and does not follow redirects.
func (a *account) s3In(region string) *s3.Client {
	return s3.NewFromConfig(a.config(region), func(o *s3.Options) { o.UsePathStyle = true })
}

// raw sends a request to S3 as it is.
func (a *account) raw(method, path, body string) (status int, answer string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+sandbox.AccessKey+"/20261122/"+sandbox.DefaultRegion+"/s3/aws4_request, SignedHeaders=host, Signature=0")
	return do(a.t, req)
}

// TestSubresourcesLeaveObjectsAlone sends what the account does not have: the
// store behind it would write "acl" over the object.
func TestSubresourcesLeaveObjectsAlone(t *testing.T) {
	a := open(t, sandbox.Options{})
	bucket := sandbox.DefaultBucket
	if err := a.put(bucket, "report", "content"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ method, path, operation string }{
		{"PUT", bucket + "/report?acl", "PutObjectAcl"},
		{"GET", bucket + "/report?acl", "GetObjectAcl"},
		{"PUT", bucket + "/report?tagging", "PutObjectTagging"},
		{"DELETE", bucket + "/report?tagging", "DeleteObjectTagging"},
		{"GET", bucket + "/report?attributes", "GetObjectAttributes"},
		{"PUT", bucket + "/report?retention", "PutObjectRetention"},
		{"PUT", bucket + "/report?legal-hold&versionId=1", "PutObjectLegalHold"},
		{"POST", bucket + "/report?restore", "RestoreObject"},
		{"POST", bucket + "/report?select&select-type=2", "SelectObjectContent"},
		{"PUT", bucket + "/report?renameObject", "RenameObject"},
		{"PUT", bucket + "/report?new-thing", "Put?new-thing"},
		{"PUT", bucket + "?acl", "PutBucketAcl"},
		{"PUT", bucket + "?encryption", "PutBucketEncryption"},
		{"GET", bucket + "?encryption", "GetBucketEncryption"},
		{"PUT", bucket + "?policy", "PutBucketPolicy"},
		{"DELETE", bucket + "?policy", "DeleteBucketPolicy"},
		{"PUT", bucket + "?publicAccessBlock", "PutPublicAccessBlock"},
		{"PUT", bucket + "?lifecycle", "PutBucketLifecycleConfiguration"},
		{"DELETE", bucket + "?lifecycle", "DeleteBucketLifecycle"},
		{"PUT", bucket + "?cors", "PutBucketCors"},
		{"PUT", bucket + "?ownershipControls", "PutBucketOwnershipControls"},
		{"PUT", bucket + "?inventory&id=all", "PutBucketInventoryConfiguration"},
		{"DELETE", bucket + "?website", "DeleteBucketWebsite"},
		{"PUT", "another-bucket?tagging", "PutBucketTagging"},
		{"POST", bucket, "PostObject"},
	} {
		t.Run(tt.operation, func(t *testing.T) {
			a.ResetCalls()
			status, body := a.raw(tt.method, "/"+tt.path, "<X/>")
			if status != http.StatusNotImplemented || !strings.Contains(body, "<Code>NotImplemented</Code>") {
				t.Errorf("%d %s", status, body)
			}
			if got := a.Calls()[0]; got.Action != tt.operation || got.Code != "NotImplemented" {
				t.Errorf("recorded %s %s", got.Action, got.Code)
			}
		})
	}
	if got, _ := a.Object(bucket, "report"); string(got) != "content" {
		t.Errorf("the object is now %q", got)
	}
	if diff := cmp.Diff([]string{bucket}, a.Buckets()); diff != "" {
		t.Errorf("buckets: -want +got\n%s", diff)
	}
	if status, body := a.raw("PUT", "/"+bucket+"?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"); status != 200 {
		t.Errorf("versioning: %d %s", status, body)
	}
	if err := a.put(bucket, "report", "second"); err != nil {
		t.Fatal(err)
	}
	versions, err := a.s3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket})
	if err != nil || len(versions.Versions) != 2 {
		t.Errorf("versions: %v", err)
	}
}

func TestUploadInParts(t *testing.T) {
	a := open(t, sandbox.Options{})
	bucket, key, part := sandbox.DefaultBucket, "large", int32(1)
	up, err := a.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	source := bucket + "/other"
	if _, err := a.s3.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
		Bucket: &bucket, Key: &key, UploadId: up.UploadId, PartNumber: &part, CopySource: &source,
	}); code(err) != "NotImplemented" {
		t.Errorf("copy of a part: %v", err)
	}
	done, err := a.s3.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: &bucket, Key: &key, UploadId: up.UploadId, PartNumber: &part, Body: strings.NewReader("content"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.s3.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: &bucket, Key: &key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: &part, ETag: done.ETag}}},
	}); err != nil {
		t.Fatal(err)
	}
	if got, _ := a.Object(bucket, key); string(got) != "content" {
		t.Errorf("stored %q", got)
	}
}

func TestBucketsHaveARegion(t *testing.T) {
	a := open(t, sandbox.Options{Buckets: []string{"second"}})
	create := func(region, bucket string, constraint types.BucketLocationConstraint) error {
		in := &s3.CreateBucketInput{Bucket: &bucket}
		if constraint != "" {
			in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: constraint}
		}
		_, err := a.s3In(region).CreateBucket(t.Context(), in)
		return err
	}
	for _, tt := range []struct{ region, bucket, constraint, code string }{
		{"us-east-1", "in-virginia", "", ""},
		{"us-east-1", "in-ireland", "eu-west-1", ""},
		{"us-west-2", "in-oregon", "us-west-2", ""},
		{"us-west-2", "not-there", "", "IllegalLocationConstraintException"},
		{"us-west-2", "not-there", "eu-west-1", "IllegalLocationConstraintException"},
		{"us-east-1", "not-there", "xx-north-9", "InvalidLocationConstraint"},
		{"us-east-1", "Not_There", "", "InvalidBucketName"},
		{"us-west-2", "in-oregon", "us-west-2", "BucketAlreadyOwnedByYou"},
		{"us-east-1", "second", "", "BucketAlreadyOwnedByYou"},
		{"us-east-1", "in-virginia", "", ""}, // as S3 does there
	} {
		if err := create(tt.region, tt.bucket, types.BucketLocationConstraint(tt.constraint)); code(err) != tt.code {
			t.Errorf("create %s in %s (%s): %v, want %q", tt.bucket, tt.region, tt.constraint, err, tt.code)
		}
	}
	for bucket, home := range map[string]string{
		sandbox.DefaultBucket: sandbox.DefaultRegion, "second": sandbox.DefaultRegion,
		"in-virginia": "us-east-1", "in-ireland": "eu-west-1", "in-oregon": "us-west-2",
	} {
		where, err := a.s3.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: &bucket})
		if want := strings.TrimPrefix(home, "us-east-1"); err != nil || string(where.LocationConstraint) != want {
			t.Errorf("%s lies in %q, want %q: %v", bucket, where.LocationConstraint, want, err)
		}
		head, err := a.s3In(home).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &bucket})
		if err != nil || *head.BucketRegion != home {
			t.Errorf("head of %s: %v", bucket, err)
		}
		key := "key"
		if _, err := a.s3In(home).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
			t.Errorf("put into %s from %s: %v", bucket, home, err)
		}
		if _, err := a.s3In("eu-central-1").PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("y")}); code(err) != "PermanentRedirect" {
			t.Errorf("put into %s from elsewhere: %v", bucket, err)
		}
		if got, _ := a.Object(bucket, key); string(got) != "x" {
			t.Errorf("%s holds %q", bucket, got)
		}
	}
}

func TestRedirectNamesTheRegion(t *testing.T) {
	a := open(t, sandbox.Options{})
	for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodPut} {
		req, err := http.NewRequestWithContext(t.Context(), method, a.url+"/"+sandbox.DefaultBucket+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodPut {
			req.URL.Path += "key"
		}
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+sandbox.AccessKey+"/20261122/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		if got := res.Header.Get("X-Amz-Bucket-Region"); res.StatusCode != http.StatusMovedPermanently || got != sandbox.DefaultRegion {
			t.Errorf("%s: %d, region %q", method, res.StatusCode, got)
		}
	}
}

func TestBucketIsGoneAfterItsDeletion(t *testing.T) {
	a := open(t, sandbox.Options{Buckets: []string{"second"}})
	bucket := "second"
	if _, err := a.s3.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	if err := a.put(bucket, "k", "x"); code(err) != "NoSuchBucket" {
		t.Errorf("put: %v", err)
	}
	if _, err := a.s3In("us-east-1").CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Errorf("create it elsewhere: %v", err)
	}
}

func TestObjectErrorsHaveWords(t *testing.T) {
	a := open(t, sandbox.Options{})
	bucket, key := sandbox.DefaultBucket, "no such key"
	_, err := a.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if code(err) != "NoSuchKey" || message(err) != "The specified key does not exist." {
		t.Errorf("got %s: %q", code(err), message(err))
	}
	if err := a.put(bucket, "k", "x"); err != nil {
		t.Fatal(err)
	}
	_, err = a.s3.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket})
	if code(err) != "BucketNotEmpty" || message(err) == "" {
		t.Errorf("got %s: %q", code(err), message(err))
	}
}

func TestPresignedURLsExpire(t *testing.T) {
	a := open(t, sandbox.Options{})
	if err := a.put(sandbox.DefaultBucket, "k", "x"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, date, expires string
		status              int
		part                string
	}{
		{"in time", time.Now().UTC().Add(-time.Minute).Format("20060102T150405Z"), "900", 200, "x"},
		{"late", time.Now().UTC().Add(-time.Hour).Format("20060102T150405Z"), "900", 403, "<Code>AccessDenied</Code><Message>Request has expired</Message>"},
		{"no date", "", "900", 400, "AuthorizationQueryParametersError"},
		{"no number", time.Now().UTC().Format("20060102T150405Z"), "soon", 400, "AuthorizationQueryParametersError"},
		{"too long", time.Now().UTC().Format("20060102T150405Z"), "604801", 400, "AuthorizationQueryParametersError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"/"+sandbox.DefaultBucket+"/k"+
				"?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+sandbox.AccessKey+"%2F20261122%2F"+sandbox.DefaultRegion+"%2Fs3%2Faws4_request"+
				"&X-Amz-Date="+tt.date+"&X-Amz-Expires="+tt.expires+"&X-Amz-SignedHeaders=host&X-Amz-Signature=0", nil)
			if err != nil {
				t.Fatal(err)
			}
			if status, body := do(t, req); status != tt.status || !strings.Contains(body, tt.part) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

func TestBucketOfAStack(t *testing.T) {
	t.Parallel()
	s := openStack(t, sandbox.Options{Buckets: []string{"other"}})
	body := "Resources: { Reports: { Type: AWS::S3::Bucket } }"
	set, err := s.propose(cfn.ChangeSetTypeCreate, body, nil, cfn.Tag{Key: aws.String("team"), Value: aws.String("a")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.ChangeSetId}); err != nil {
		t.Fatal(err)
	}
	s.Advance(time.Minute)
	s.stack()
	list, err := s.s3.ListBuckets(t.Context(), &s3.ListBucketsInput{Prefix: aws.String("small-")})
	if err != nil || len(list.Buckets) != 1 {
		t.Fatalf("%+v %v", list, err)
	}
	bucket := list.Buckets[0].Name
	tags := map[string]string{}
	out, err := s.s3.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: bucket, ExpectedBucketOwner: aws.String(sandbox.AccountID)})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range out.TagSet {
		tags[*one.Key] = *one.Value
	}
	if tags["team"] != "a" || tags["aws:cloudformation:stack-name"] != "small" || tags["aws:cloudformation:logical-id"] != "Reports" {
		t.Errorf("tags %v", tags)
	}
	if _, err := s.s3.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: aws.String("other")}); code(err) != "NoSuchTagSet" {
		t.Errorf("a bucket without tags: %v", err)
	}
	if _, err := s.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket, ExpectedBucketOwner: aws.String("200000000001")}); code(err) != "AccessDenied" {
		t.Errorf("a bucket of another owner: %v", err)
	}

	// It goes with the stack only when it is empty.
	_, err = s.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("v")})
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []cfn.StackStatus{cfn.StackStatusDeleteFailed, cfn.StackStatusDeleteComplete} {
		id := *s.stack().StackId
		in := &cloudformation.DeleteStackInput{StackName: &id}
		if n > 0 {
			in.RetainResources = []string{"Reports"}
		}
		if _, err := s.DeleteStack(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		s.Advance(time.Minute)
		s.name = id
		if stack := s.stack(); stack.StackStatus != want {
			t.Errorf("%s, want %s: %v", stack.StackStatus, want, s.events("FAILED"))
		}
	}
	if !slices.Contains(s.Buckets(), *bucket) {
		t.Error("the bucket is gone with what is in it")
	}
}
