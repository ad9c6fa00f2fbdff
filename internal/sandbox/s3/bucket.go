package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/johannesboyne/gofakes3"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/wire"
)

const (
	bucketRegionHeader = "X-Amz-Bucket-Region"
	s3Namespace        = "http://s3.amazonaws.com/doc/2006-03-01/"
)

// GlobalRegion is the region of S3's endpoint that has no region in its name.
const GlobalRegion = "us-east-1"

// home is where a bucket is and whose.
func (o *Store) home(bucket string) BucketHome {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buckets[bucket]
}

func (o *Store) forget(bucket string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.buckets, bucket)
	delete(o.tags, bucket)
}

// redirect points a request that was signed for another region to the
// bucket's.
func redirect(r *wire.Request, bucket, home string) wire.Answer {
	a := r.Refuse(wire.Fail(http.StatusMovedPermanently, "PermanentRedirect", "The bucket you are attempting to access must be addressed "+
		"using the specified endpoint. Please send all future requests to this endpoint."))
	d := wire.NewDoc()
	d.Text("Endpoint", bucket+".s3."+home+".amazonaws.com")
	d.Text("Bucket", bucket)
	a.Body = slices.Concat(a.Body[:len(a.Body)-len("</Error>")], d.Elements(), []byte("</Error>"))
	a.Header.Set(bucketRegionHeader, home)
	return a
}

// bucketLocation answers GetBucketLocation, which is empty for the region
// that S3 began with.
func bucketLocation(r *wire.Request, home string) wire.Answer {
	if home == GlobalRegion {
		home = ""
	}
	d := wire.NewDoc()
	d.Root("LocationConstraint", s3Namespace)
	d.Content(home)
	d.End("LocationConstraint")
	return wire.Answer{Status: http.StatusOK, Body: d.Bytes(), Header: r.AnswerHeader("application/xml")}
}

// foreign says whether a bucket belongs to another account than the caller's.
// No bucket has a policy that lets others in.
func foreign(r *service.Call, home BucketHome) bool {
	return home.Owner != "" && home.Owner != r.Caller.Account.ID()
}

// notExpected says whether a bucket belongs to another account than the one that
// the caller expects.
func notExpected(r *service.Call, home BucketHome) bool {
	expected := r.Header.Get("X-Amz-Expected-Bucket-Owner")
	return expected != "" && home.Owner != "" && home.Owner != expected
}

// bucketTagging answers GetBucketTagging.
func (o *Store) bucketTagging(r *wire.Request, bucket string) wire.Answer {
	o.mu.Lock()
	tags := o.tags[bucket]
	o.mu.Unlock()
	if len(tags) == 0 {
		return r.Refuse(wire.Fail(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist"))
	}
	d := wire.NewDoc()
	d.Root("Tagging", s3Namespace)
	d.Open("TagSet")
	for _, tag := range tags {
		d.Open("Tag")
		d.Text("Key", tag.Key)
		d.Text("Value", tag.Value)
		d.End("Tag")
	}
	d.End("TagSet")
	d.End("Tagging")
	return wire.Answer{Status: http.StatusOK, Body: d.Bytes(), Header: r.AnswerHeader("application/xml")}
}

// notShared is the refusal of a call for another account's bucket.
func notShared(r *service.Call, resource string) *wire.Error {
	return wire.Fail(http.StatusForbidden, "AccessDenied", "User: "+r.Caller.ARN+" is not authorized to perform: "+r.Permission+
		" on resource: \""+resource+"\" because no resource-based policy allows the "+r.Permission+" action")
}

// copySource is the bucket that CopyObject reads; empty for other calls.
func copySource(r *http.Request) string {
	source, err := url.PathUnescape(r.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return ""
	}
	bucket, _, _ := strings.Cut(strings.TrimPrefix(source, "/"), "/")
	return bucket
}

// listBuckets answers ListBuckets with those of the caller's account that begin
// with a prefix, on one page.
func (o *Store) listBuckets(r *service.Call) wire.Answer {
	owned := r.Caller.Account
	all, err := o.backend.ListBuckets()
	if err != nil {
		return r.Refuse(wire.Fail(http.StatusInternalServerError, "InternalError", err.Error()))
	}
	d := wire.NewDoc()
	d.Root("ListAllMyBucketsResult", s3Namespace)
	d.Open("Owner")
	d.Text("ID", fmt.Sprintf("%016x%016x", random.HashText(8, owned.ID()), random.HashText(9, owned.ID())))
	d.Text("DisplayName", owned.Name())
	d.End("Owner")
	d.Open("Buckets")
	for _, b := range all {
		if home := o.home(b.Name); home.Owner == owned.ID() && strings.HasPrefix(b.Name, r.URL.Query().Get("prefix")) {
			d.Open("Bucket")
			d.Text("Name", b.Name)
			d.Time("CreationDate", b.CreationDate.Time)
			d.Text("BucketRegion", home.Region)
			d.End("Bucket")
		}
	}
	d.End("Buckets")
	d.End("ListAllMyBucketsResult")
	return wire.Answer{Status: http.StatusOK, Body: d.Bytes(), Header: r.AnswerHeader("application/xml")}
}

// createBucket is CreateBucket. A request signed for us-east-1 may name any
// region; elsewhere a bucket can only be made where the request goes.
func (o *Store) createBucket(r *service.Call, bucket string) wire.Answer {
	region, err := bucketRegion(r)
	if err != nil {
		return r.Refuse(err)
	}
	if gofakes3.ValidateBucketName(bucket) != nil {
		return r.Refuse(wire.Invalid("InvalidBucketName", "The specified bucket is not valid."))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch there := o.buckets[bucket]; {
	case there.Owner == "":
		if err := o.backend.CreateBucket(bucket); err != nil {
			return r.Refuse(wire.Fail(http.StatusInternalServerError, "InternalError", err.Error()))
		}
		o.buckets[bucket] = BucketHome{Region: region, Owner: r.Caller.Account.ID()}
	case foreign(r, there):
		return r.Refuse(wire.Fail(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. "+
			"The bucket namespace is shared by all users of the system. Please select a different name and try again."))
	case there.Region != GlobalRegion || region != GlobalRegion: // there, creating it again changes nothing
		return r.Refuse(wire.Fail(http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it."))
	}
	a := wire.Answer{Status: http.StatusOK, Header: r.AnswerHeader("application/xml")}
	a.Header.Set("Location", "/"+bucket)
	return a
}

// bucketRegion is the region in which CreateBucket is to make a bucket.
func bucketRegion(r *service.Call) (string, *wire.Error) {
	var in struct{ LocationConstraint string }
	if len(r.Payload) > 0 {
		if err := xml.Unmarshal(r.Payload, &in); err != nil {
			return "", wire.Invalid("MalformedXML", s3Words("MalformedXML"))
		}
	}
	requested := strings.TrimSpace(in.LocationConstraint)
	switch {
	case requested == "" && r.Scope.Region == GlobalRegion:
		return GlobalRegion, nil
	case requested == "":
		return "", wire.Invalid("IllegalLocationConstraintException",
			"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case r.Caller.Account.Regions[requested] == nil || requested == GlobalRegion:
		return "", wire.Invalid("InvalidLocationConstraint", "The specified location-constraint is not valid")
	case requested != r.Scope.Region && r.Scope.Region != GlobalRegion:
		return "", wire.Invalid("IllegalLocationConstraintException",
			"The "+requested+" location constraint is incompatible for the region specific endpoint this request was sent to.")
	}
	return requested, nil
}

// reworded gives an error of the store the words of S3; the store leaves most
// of them out.
func reworded(r *wire.Request, a wire.Answer) wire.Answer {
	var e struct{ Code, Message string }
	if err := xml.Unmarshal(a.Body, &e); err != nil || e.Code == "" { // HEAD, or no route
		e.Code = strings.ReplaceAll(http.StatusText(a.Status), " ", "")
	}
	if e.Code == "PreconditionFailed" { // the store says which one in words of its own
		if strings.Contains(e.Message, "does not exist") { // so S3 answers If-Match
			a.Status, e.Code = http.StatusNotFound, "NoSuchKey"
		}
		e.Message = ""
	}
	if words := s3Words(e.Code); words != "" && (e.Message == "" || e.Message == e.Code) {
		e.Message = words
	}
	if e.Code == "MethodNotAllowed" {
		a.Status = http.StatusMethodNotAllowed
	}
	if e.Message == "" {
		e.Message = http.StatusText(a.Status)
	}
	return r.Refuse(wire.Fail(a.Status, e.Code, e.Message))
}

// s3Words are the messages of "List of error codes" in the S3 API Reference.
func s3Words(code string) string {
	return map[string]string{
		"BadDigest":            "The Content-MD5 you specified did not match what we received.",
		"BucketNotEmpty":       "The bucket you tried to delete is not empty",
		"EntityTooSmall":       "Your proposed upload is smaller than the minimum allowed size",
		"IncompleteBody":       "You did not provide the number of bytes specified by the Content-Length HTTP header.",
		"InvalidArgument":      "Invalid Argument",
		"InvalidDigest":        "The Content-MD5 you specified is not valid.",
		"InvalidPart":          "One or more of the specified parts could not be found.",
		"InvalidPartOrder":     "The list of parts was not in ascending order.",
		"InvalidRange":         "The requested range is not satisfiable",
		"KeyTooLongError":      "Your key is too long",
		"MalformedXML":         "The XML you provided was not well-formed or did not validate against our published schema",
		"MetadataTooLarge":     "Your metadata headers exceed the maximum allowed metadata size",
		"MethodNotAllowed":     "The specified method is not allowed against this resource.",
		"MissingContentLength": "You must provide the Content-Length HTTP header.",
		"NoSuchBucket":         "The specified bucket does not exist",
		"NoSuchKey":            "The specified key does not exist.",
		"NoSuchUpload":         "The specified multipart upload does not exist.",
		"NoSuchVersion":        "The specified version does not exist.",
		"PreconditionFailed":   "At least one of the pre-conditions you specified did not hold",
		"NotImplemented":       "A header you provided implies functionality that is not implemented",
		"InternalError":        "We encountered an internal error. Please try again.",
		"IllegalVersioningConfigurationException": "The versioning configuration specified in the request is invalid",
	}[code]
}
