package sandbox

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// objectStore is the account's S3: buckets in memory.
type objectStore struct {
	backend *s3mem.Backend
	handler http.Handler
}

func newObjectStore(c *clock, buckets []string) (*objectStore, error) {
	b := s3mem.New(s3mem.WithTimeSource(c))
	for _, name := range buckets {
		if err := b.CreateBucket(name); err != nil {
			return nil, fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	// The account's clock may be far from the client's: no limit on the skew.
	f := gofakes3.New(b, gofakes3.WithTimeSource(c), gofakes3.WithTimeSkewLimit(0))
	return &objectStore{backend: b, handler: f.Server()}, nil
}

// Buckets lists the names of the account's buckets.
func (s *Sandbox) Buckets() []string {
	list, err := s.s3.backend.ListBuckets()
	if err != nil {
		return nil
	}
	var names []string
	for _, b := range list {
		names = append(names, b.Name)
	}
	slices.Sort(names)
	return names
}

// Objects lists the keys of a bucket in order; none where there is no bucket.
func (s *Sandbox) Objects(bucket string) []string {
	list, err := s.s3.backend.ListBucket(bucket, nil, gofakes3.ListBucketPage{})
	if err != nil {
		return nil
	}
	var keys []string
	for _, o := range list.Contents {
		keys = append(keys, o.Key)
	}
	slices.Sort(keys)
	return keys
}

// Object is the content of an object; false where there is none.
func (s *Sandbox) Object(bucket, key string) ([]byte, bool) {
	o, err := s.s3.backend.GetObject(bucket, key, nil)
	if err != nil {
		return nil, false
	}
	b, err := io.ReadAll(o.Contents)
	if err := errors.Join(err, o.Contents.Close()); err != nil {
		return nil, false
	}
	return b, true
}

// serveS3 hands a request to the store and keeps its answer.
func (s *Sandbox) serveS3(r *request) answer {
	bucket, key := s3Path(r.Request)
	resource := "*"
	if bucket != "" {
		resource = "arn:aws:s3:::" + bucket
		if key != "" {
			resource += "/" + key
		}
	}
	if err := s.authorize(r, resource, nil); err != nil {
		return r.refuse(err)
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(r.body))
	if host := virtualBucket(r.Host); host != "" {
		in.URL.Path = "/" + host + in.URL.Path
		in.URL.RawPath = ""
		in.RequestURI = in.URL.RequestURI()
	}
	w := &recorder{header: http.Header{}}
	s.s3.handler.ServeHTTP(w, in)
	a := answer{status: w.status, header: w.header, body: w.body.Bytes()}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.status >= http.StatusBadRequest {
		a.code = s3ErrorCode(a)
	}
	a.header.Set("X-Amz-Request-Id", r.id)
	return a
}

func s3ErrorCode(a answer) string {
	var e struct{ Code string }
	if err := xml.Unmarshal(a.body, &e); err != nil || e.Code == "" {
		return strings.ReplaceAll(http.StatusText(a.status), " ", "")
	}
	return e.Code
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

// s3Operation names the operation that a request asks for and the permission
// that it needs.
func s3Operation(r *http.Request) (operation, permission string) {
	bucket, key := s3Path(r)
	q := r.URL.Query()
	upload := q.Has("uploadId")
	switch {
	case bucket == "":
		return "ListBuckets", "s3:ListAllMyBuckets"
	case key == "":
		return s3BucketOperation(r.Method, q.Has)
	}
	switch r.Method {
	case http.MethodGet:
		if upload {
			return "ListParts", "s3:ListMultipartUploadParts"
		}
		return "GetObject", "s3:GetObject"
	case http.MethodHead:
		return "HeadObject", "s3:GetObject"
	case http.MethodPut:
		switch {
		case upload:
			return "UploadPart", "s3:PutObject"
		case r.Header.Get("X-Amz-Copy-Source") != "":
			return "CopyObject", "s3:PutObject"
		}
		return "PutObject", "s3:PutObject"
	case http.MethodPost:
		if q.Has("uploads") {
			return "CreateMultipartUpload", "s3:PutObject"
		}
		return "CompleteMultipartUpload", "s3:PutObject"
	case http.MethodDelete:
		if upload {
			return "AbortMultipartUpload", "s3:AbortMultipartUpload"
		}
		return "DeleteObject", "s3:DeleteObject"
	}
	return r.Method, "s3:" + r.Method
}

func s3BucketOperation(method string, has func(string) bool) (operation, permission string) {
	switch method {
	case http.MethodGet:
		switch {
		case has("location"):
			return "GetBucketLocation", "s3:GetBucketLocation"
		case has("versioning"):
			return "GetBucketVersioning", "s3:GetBucketVersioning"
		case has("versions"):
			return "ListObjectVersions", "s3:ListBucketVersions"
		case has("uploads"):
			return "ListMultipartUploads", "s3:ListBucketMultipartUploads"
		case has("list-type"):
			return "ListObjectsV2", "s3:ListBucket"
		}
		return "ListObjects", "s3:ListBucket"
	case http.MethodHead:
		return "HeadBucket", "s3:ListBucket"
	case http.MethodPut:
		if has("versioning") {
			return "PutBucketVersioning", "s3:PutBucketVersioning"
		}
		return "CreateBucket", "s3:CreateBucket"
	case http.MethodDelete:
		return "DeleteBucket", "s3:DeleteBucket"
	case http.MethodPost:
		return "DeleteObjects", "s3:DeleteObject"
	}
	return method, "s3:" + method
}

var _ gofakes3.TimeSource = (*clock)(nil)
