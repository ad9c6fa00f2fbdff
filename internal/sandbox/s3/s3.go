// Package s3 is Amazon S3 over a store in memory.
package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// Store is the S3 of all accounts, which share the names of buckets. They
// are in memory.
type Store struct {
	backend *s3mem.Backend
	handler http.Handler

	mu      sync.Mutex
	buckets map[string]BucketHome // by name
	tags    map[string]state.Tags // of buckets
}

// BucketHome is where a bucket is and whose; the zero value is that of one that
// does not exist.
type BucketHome struct {
	Region, Owner string
	// Key is the ARN of the customer managed KMS key of its objects.
	Key string
}

// NewStore makes an empty store.
func NewStore(c *state.Clock) *Store {
	b := s3mem.New(s3mem.WithTimeSource(c))
	// The account's clock may be far from the client's: no limit on the skew.
	f := gofakes3.New(b, gofakes3.WithTimeSource(c), gofakes3.WithTimeSkewLimit(0))
	return &Store{backend: b, handler: f.Server(), buckets: map[string]BucketHome{}, tags: map[string]state.Tags{}}
}

// Create makes a bucket, unless its owner has it already. An error means that S3
// does not take the name or that it is another account's.
func (o *Store) Create(name string, home BucketHome) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if there := o.buckets[name]; there.Owner != "" {
		if there.Owner != home.Owner {
			return fmt.Errorf("bucket %q: it belongs to account %s", name, there.Owner)
		}
		return nil
	}
	if err := gofakes3.ValidateBucketName(name); err != nil {
		return fmt.Errorf("bucket %q: not a name that S3 takes: %w", name, err)
	}
	if err := o.backend.CreateBucket(name); err != nil {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	o.buckets[name] = home
	return nil
}

// Owner is the account that a bucket belongs to; empty where there is none.
func (o *Store) Owner(name string) string { return o.home(name).Owner }

// Encrypt gives a bucket the customer managed KMS key of its objects, those that
// are there included.
func (o *Store) Encrypt(name, key string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	home := o.buckets[name]
	if home.Owner == "" {
		return fmt.Errorf("encrypt bucket %s: there is none", name)
	}
	home.Key = key
	o.buckets[name] = home
	return nil
}

// SetTags replaces the tags of a bucket.
func (o *Store) SetTags(name string, tags state.Tags) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tags[name] = slices.Clone(tags)
}

// Remove deletes a bucket, which must be empty.
func (o *Store) Remove(name string) error {
	if err := o.backend.DeleteBucket(name); err != nil {
		return fmt.Errorf("delete bucket %s: %w", name, err)
	}
	o.forget(name)
	return nil
}

// Buckets lists the names of an account's buckets.
func (o *Store) Buckets(owner string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(o.buckets)) {
		if o.buckets[name].Owner == owner {
			names = append(names, name)
		}
	}
	return names
}

// Objects lists the keys of a bucket in order; none where there is no bucket.
func (o *Store) Objects(bucket string) []string {
	list, err := o.backend.ListBucket(bucket, nil, gofakes3.ListBucketPage{})
	if err != nil {
		return nil
	}
	var keys []string
	for _, one := range list.Contents {
		keys = append(keys, one.Key)
	}
	slices.Sort(keys)
	return keys
}

// Object is the content of an object; false where there is none.
func (o *Store) Object(bucket, key string) ([]byte, bool) {
	found, err := o.backend.GetObject(bucket, key, nil)
	if err != nil {
		return nil, false
	}
	b, err := io.ReadAll(found.Contents)
	if err := errors.Join(err, found.Contents.Close()); err != nil {
		return nil, false
	}
	return b, true
}

// Put writes an object as of an instant.
func (o *Store) Put(bucket, key, contentType string, now time.Time, body []byte) error {
	meta := map[string]string{"Content-Type": contentType, "Last-Modified": now.UTC().Format(http.TimeFormat)}
	_, err := o.backend.PutObject(bucket, key, meta, bytes.NewReader(body), int64(len(body)), nil)
	return err
}

// Service is Amazon S3 over a store; without one it only names its operations.
func Service(o *Store) service.Service {
	return service.Service{
		Name: "s3", Operations: s3Operations(),
		Read: func(r *wire.Request) {
			op := s3OperationOf(r.Request)
			r.Action, r.Permission = op.name, op.permission
		},
		Refusal: wire.RefuseREST, Serve: o.serve,
	}
}

// serve hands a request to the store and keeps its answer. What the store
// does not do is refused before it gets there, since the store would take
// "PUT /bucket/key?acl" for a new object.
func (o *Store) serve(r *service.Call) wire.Answer {
	op := s3OperationOf(r.Request.Request)
	if !op.done {
		return r.Refuse(wire.Fail(http.StatusNotImplemented, "NotImplemented",
			"A header or query you provided requested functionality that is not implemented: the sandbox has no "+op.name))
	}
	bucket, key := s3Path(r.Request.Request)
	resource := "*"
	if bucket != "" {
		resource = "arn:aws:s3:::" + bucket
		if key != "" {
			resource += "/" + key
		}
	}
	ctx := &policy.Context{Region: r.Scope.Region}
	if q := r.URL.Query(); key == "" && q.Has("prefix") {
		ctx.Prefix = []string{q.Get("prefix")}
	}
	if err := r.Authorize(resource, ctx); err != nil {
		return r.Refuse(err)
	}
	home := o.home(bucket)
	switch {
	case op.name == "ListBuckets":
		return o.listBuckets(r)
	case op.name == "CreateBucket":
		return o.createBucket(r, bucket)
	case foreign(r, home) || foreign(r, o.home(copySource(r.Request.Request))) || notExpected(r, home):
		return r.Refuse(notShared(r, resource))
	case op.name == "GetBucketLocation" && home.Region != "": // also from elsewhere
		return bucketLocation(r.Request, home.Region)
	case home.Region != "" && home.Region != r.Scope.Region:
		return redirect(r.Request, bucket, home.Region)
	case op.name == "GetBucketTagging" && home.Region != "":
		return o.bucketTagging(r.Request, bucket)
	}
	if use := keyUse(op.name); use != "" {
		if err := r.UseKey(use, home.Key, policy.KeyUse{Context: []string{"aws:s3:arn"}}); err != nil {
			return r.Refuse(err)
		}
	}
	if err := o.concealed(r, op.name, bucket, key); err != nil {
		return r.Refuse(err)
	}
	a := o.forward(r.Request)
	if home := o.home(bucket); home.Region != "" && key == "" {
		a.Header.Set(bucketRegionHeader, home.Region)
	}
	if op.name == "DeleteBucket" && a.Code == "" {
		o.forget(bucket)
	}
	return a
}

// concealed is the refusal of an object that is not there: who may not list it does
// not learn that, as the API Reference says of GetObject. What AWS takes for the
// prefix then is not documented; here it is the key.
func (o *Store) concealed(r *service.Call, operation, bucket, key string) *wire.Error {
	if operation != "GetObject" && operation != "HeadObject" {
		return nil
	}
	there, err := o.backend.HeadObject(bucket, key)
	if err == nil {
		_ = there.Contents.Close() // it has none
		return nil
	}
	asked := *r
	request := *r.Request
	request.Permission, asked.Request = "s3:ListBucket", &request
	return asked.Authorize("arn:aws:s3:::"+bucket, &policy.Context{Region: r.Scope.Region, Prefix: []string{key}})
}

// keyUse is the action of KMS that S3 takes for a caller who reads or writes an
// object under a key.
func keyUse(operation string) string {
	switch operation {
	case "GetObject":
		return "kms:Decrypt"
	case "PutObject", "CreateMultipartUpload":
		return "kms:GenerateDataKey"
	}
	return ""
}

// forward lets the store answer.
func (o *Store) forward(r *wire.Request) wire.Answer {
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(r.Payload))
	if host := virtualBucket(r.Host); host != "" {
		in.URL.Path = "/" + host + in.URL.Path
		in.URL.RawPath = ""
		in.RequestURI = in.URL.RequestURI()
	}
	w := &recorder{header: http.Header{}}
	o.handler.ServeHTTP(w, in)
	a := wire.Answer{Status: w.status, Header: w.header, Body: w.body.Bytes()}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if a.Status >= http.StatusBadRequest {
		a = reworded(r, a)
	}
	a.Header.Set("X-Amz-Request-Id", r.ID)
	return a
}

// recorder keeps an answer instead of sending it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// virtualBucket is the bucket that a host name begins with, as in
// bucket.s3.amazonaws.com, bucket.s3.REGION.amazonaws.com or bucket.localhost;
// empty where the path names it.
func virtualBucket(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if rest, ok := strings.CutSuffix(host, ".localhost"); ok {
		bucket, _ := strings.CutSuffix(rest, ".s3")
		if bucket == "s3" {
			return ""
		}
		return bucket
	}
	if rest, ok := strings.CutSuffix(host, ".amazonaws.com"); ok {
		for _, mark := range []string{".s3.", ".s3-"} {
			if n := strings.LastIndex(rest+".", mark); n > 0 {
				return rest[:n]
			}
		}
	}
	return ""
}

// s3Path is the bucket and the key that a request is for.
func s3Path(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if b := virtualBucket(r.Host); b != "" {
		return b, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

var _ gofakes3.TimeSource = (*state.Clock)(nil)
