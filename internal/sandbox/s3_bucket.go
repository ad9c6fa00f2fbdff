package sandbox

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

const (
	bucketRegionHeader = "X-Amz-Bucket-Region"
	s3Namespace        = "http://s3.amazonaws.com/doc/2006-03-01/"
	globalRegion       = "us-east-1" // of S3's endpoint without a region
)

// home is where a bucket is and whose.
func (o *objectStore) home(bucket string) bucketHome {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buckets[bucket]
}

func (o *objectStore) forget(bucket string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.buckets, bucket)
}

// redirect points a request that was signed for another region to the
// bucket's.
func redirect(r *request, bucket, home string) answer {
	a := r.refuse(fail(http.StatusMovedPermanently, "PermanentRedirect", "The bucket you are attempting to access must be addressed "+
		"using the specified endpoint. Please send all future requests to this endpoint."))
	d := newDoc()
	d.text("Endpoint", bucket+".s3."+home+".amazonaws.com")
	d.text("Bucket", bucket)
	a.body = slices.Concat(a.body[:len(a.body)-len("</Error>")], d.elements(), []byte("</Error>"))
	a.header.Set(bucketRegionHeader, home)
	return a
}

// bucketLocation answers GetBucketLocation, which is empty for the region
// that S3 began with.
func bucketLocation(r *request, home string) answer {
	if home == globalRegion {
		home = ""
	}
	d := newDoc()
	d.root("LocationConstraint", s3Namespace)
	d.content(home)
	d.end("LocationConstraint")
	return answer{status: http.StatusOK, body: d.bytes(), header: r.header("application/xml")}
}

// foreign says whether a bucket belongs to another account than the caller's.
// No bucket has a policy that lets others in.
func foreign(r *call, home bucketHome) bool {
	return home.owner != "" && home.owner != r.caller.account.ID()
}

// notShared is the refusal of a call for another account's bucket.
func notShared(r *call, resource string) *apiError {
	return fail(http.StatusForbidden, "AccessDenied", "User: "+r.caller.arn+" is not authorized to perform: "+r.permission+
		" on resource: \""+resource+"\" because no resource-based policy allows the "+r.permission+" action")
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

// listBuckets answers ListBuckets with those of the caller's account.
func (o *objectStore) listBuckets(r *call) answer {
	owned := r.caller.account
	all, err := o.backend.ListBuckets()
	if err != nil {
		return r.refuse(fail(http.StatusInternalServerError, "InternalError", err.Error()))
	}
	d := newDoc()
	d.root("ListAllMyBucketsResult", s3Namespace)
	d.open("Owner")
	d.text("ID", fmt.Sprintf("%016x%016x", mixText(8, owned.ID()), mixText(9, owned.ID())))
	d.text("DisplayName", owned.Name())
	d.end("Owner")
	d.open("Buckets")
	for _, b := range all {
		if home := o.home(b.Name); home.owner == owned.ID() {
			d.open("Bucket")
			d.text("Name", b.Name)
			d.time("CreationDate", b.CreationDate.Time)
			d.text("BucketRegion", home.region)
			d.end("Bucket")
		}
	}
	d.end("Buckets")
	d.end("ListAllMyBucketsResult")
	return answer{status: http.StatusOK, body: d.bytes(), header: r.header("application/xml")}
}

// createBucket is CreateBucket. A request signed for us-east-1 may name any
// region; elsewhere a bucket can only be made where the request goes.
func (o *objectStore) createBucket(r *call, bucket string) answer {
	region, err := bucketRegion(r)
	if err != nil {
		return r.refuse(err)
	}
	if gofakes3.ValidateBucketName(bucket) != nil {
		return r.refuse(invalid("InvalidBucketName", "The specified bucket is not valid."))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch there := o.buckets[bucket]; {
	case there.owner == "":
		if err := o.backend.CreateBucket(bucket); err != nil {
			return r.refuse(fail(http.StatusInternalServerError, "InternalError", err.Error()))
		}
		o.buckets[bucket] = bucketHome{region, r.caller.account.ID()}
	case foreign(r, there):
		return r.refuse(fail(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. "+
			"The bucket namespace is shared by all users of the system. Please select a different name and try again."))
	case there.region != globalRegion || region != globalRegion: // there, creating it again changes nothing
		return r.refuse(fail(http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it."))
	}
	a := answer{status: http.StatusOK, header: r.header("application/xml")}
	a.header.Set("Location", "/"+bucket)
	return a
}

// bucketRegion is the region in which CreateBucket is to make a bucket.
func bucketRegion(r *call) (string, *apiError) {
	var in struct{ LocationConstraint string }
	if len(r.payload) > 0 {
		if err := xml.Unmarshal(r.payload, &in); err != nil {
			return "", invalid("MalformedXML", s3Words("MalformedXML"))
		}
	}
	wanted := strings.TrimSpace(in.LocationConstraint)
	switch {
	case wanted == "" && r.scope.region == globalRegion:
		return globalRegion, nil
	case wanted == "":
		return "", invalid("IllegalLocationConstraintException",
			"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case r.caller.account.regions[wanted] == nil || wanted == globalRegion:
		return "", invalid("InvalidLocationConstraint", "The specified location-constraint is not valid")
	case wanted != r.scope.region && r.scope.region != globalRegion:
		return "", invalid("IllegalLocationConstraintException",
			"The "+wanted+" location constraint is incompatible for the region specific endpoint this request was sent to.")
	}
	return wanted, nil
}

// reworded gives an error of the store the words of S3; the store leaves most
// of them out.
func reworded(r *request, a answer) answer {
	var e struct{ Code, Message string }
	if err := xml.Unmarshal(a.body, &e); err != nil || e.Code == "" { // HEAD, or no route
		e.Code = strings.ReplaceAll(http.StatusText(a.status), " ", "")
	}
	if words := s3Words(e.Code); words != "" && (e.Message == "" || e.Message == e.Code) {
		e.Message = words
	}
	if e.Code == "MethodNotAllowed" {
		a.status = http.StatusMethodNotAllowed
	}
	if e.Message == "" {
		e.Message = http.StatusText(a.status)
	}
	return r.refuse(fail(a.status, e.Code, e.Message))
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
