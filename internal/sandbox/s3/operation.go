package s3

import (
	"net/http"
	"slices"
	"strings"
)

// s3Operation is what a request asks S3 for.
type s3Operation struct {
	name       string
	permission string // empty where done is false
	done       bool   // the account has it
}

func doneBy(name, permission string) s3Operation { return s3Operation{name, "s3:" + permission, true} }

// s3OperationOf names the operation of a request.
func s3OperationOf(r *http.Request) s3Operation {
	bucket, key := s3Path(r)
	if sub, ok := foreignSubresource(r); ok {
		return s3Operation{name: subresourceOperation(r.Method, sub, key != "")}
	}
	has := r.URL.Query().Has
	switch {
	case bucket == "" && r.Method == http.MethodGet:
		return doneBy("ListBuckets", "ListAllMyBuckets")
	case bucket == "":
		return s3Operation{name: r.Method}
	case key == "":
		return s3BucketOperation(r.Method, has)
	}
	copies := r.Header.Get("X-Amz-Copy-Source") != ""
	return s3ObjectOperation(r.Method, has, copies)
}

func s3ObjectOperation(method string, has func(string) bool, copies bool) s3Operation {
	upload := has("uploadId")
	switch method {
	case http.MethodGet:
		if upload {
			return doneBy("ListParts", "ListMultipartUploadParts")
		}
		return doneBy("GetObject", "GetObject")
	case http.MethodHead:
		return doneBy("HeadObject", "GetObject")
	case http.MethodPut:
		switch {
		case upload && copies:
			return s3Operation{name: "UploadPartCopy"}
		case upload:
			return doneBy("UploadPart", "PutObject")
		case copies:
			return doneBy("CopyObject", "PutObject")
		}
		return doneBy("PutObject", "PutObject")
	case http.MethodPost:
		switch {
		case has("uploads"):
			return doneBy("CreateMultipartUpload", "PutObject")
		case upload:
			return doneBy("CompleteMultipartUpload", "PutObject")
		}
	case http.MethodDelete:
		if upload {
			return doneBy("AbortMultipartUpload", "AbortMultipartUpload")
		}
		return doneBy("DeleteObject", "DeleteObject")
	}
	return s3Operation{name: method}
}

func s3BucketOperation(method string, has func(string) bool) s3Operation {
	switch method {
	case http.MethodGet:
		switch {
		case has("location"):
			return doneBy("GetBucketLocation", "GetBucketLocation")
		case has("tagging"):
			return doneBy("GetBucketTagging", "GetBucketTagging")
		case has("versioning"):
			return doneBy("GetBucketVersioning", "GetBucketVersioning")
		case has("versions"):
			return doneBy("ListObjectVersions", "ListBucketVersions")
		case has("uploads"):
			return doneBy("ListMultipartUploads", "ListBucketMultipartUploads")
		case has("list-type"):
			return doneBy("ListObjectsV2", "ListBucket")
		}
		return doneBy("ListObjects", "ListBucket")
	case http.MethodHead:
		return doneBy("HeadBucket", "ListBucket")
	case http.MethodPut:
		if has("versioning") {
			return doneBy("PutBucketVersioning", "PutBucketVersioning")
		}
		return doneBy("CreateBucket", "CreateBucket")
	case http.MethodDelete:
		return doneBy("DeleteBucket", "DeleteBucket")
	case http.MethodPost:
		if has("delete") {
			return doneBy("DeleteObjects", "DeleteObject")
		}
		return s3Operation{name: "PostObject"} // a browser's form
	}
	return s3Operation{name: method}
}

// s3Operations are the names of the operations that the account has.
func s3Operations() []string {
	return []string{
		"AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateBucket", "CreateMultipartUpload", "DeleteBucket",
		"DeleteObject", "DeleteObjects", "GetBucketLocation", "GetBucketTagging", "GetBucketVersioning", "GetObject", "HeadBucket", "HeadObject",
		"ListBuckets", "ListMultipartUploads", "ListObjectVersions", "ListObjects", "ListObjectsV2", "ListParts",
		"PutBucketVersioning", "PutObject", "UploadPart",
	}
}

// foreignSubresource is the part of a query that asks for something other than
// the bucket or the object itself and that the account does not have, such as
// "acl". Parameters of the operations that it has are none.
func foreignSubresource(r *http.Request) (string, bool) {
	_, key := s3Path(r)
	var own []string // sub-resources that the account has
	switch {
	case key != "":
		own = []string{"uploads", "uploadId", "partNumber", "versionId"}
	case r.Method == http.MethodGet:
		own = []string{"location", "tagging", "versioning", "versions", "uploads"}
	case r.Method == http.MethodPut:
		own = []string{"versioning"}
	case r.Method == http.MethodPost:
		own = []string{"delete"}
	}
	parameters := []string{
		"bucket-region", "continuation-token", "delimiter", "encoding-type", "fetch-owner", "key-marker", "list-type",
		"marker", "max-buckets", "max-keys", "max-parts", "max-uploads", "part-number-marker", "prefix", "start-after",
		"upload-id-marker", "version-id-marker", "x-id",
	}
	var foreign []string
	for name := range r.URL.Query() {
		lower := strings.ToLower(name)
		if slices.Contains(own, name) || slices.Contains(parameters, name) ||
			strings.HasPrefix(lower, "x-amz-") || strings.HasPrefix(lower, "response-") {
			continue
		}
		foreign = append(foreign, name)
	}
	if len(foreign) == 0 {
		return "", false
	}
	for _, name := range foreign { // "id" or "versionId" next to it says less
		if _, known := subresourceStems()[name]; known {
			return name, true
		}
	}
	return slices.Min(foreign), true
}

// subresourceOperation names the operation on a sub-resource, such as
// PutObjectTagging for PUT /bucket/key?tagging.
func subresourceOperation(method, sub string, object bool) string {
	verb := map[string]string{
		http.MethodGet: "Get", http.MethodHead: "Head", http.MethodPut: "Put", http.MethodDelete: "Delete", http.MethodPost: "Post",
	}[method]
	switch {
	case sub == "restore":
		return "RestoreObject"
	case sub == "select":
		return "SelectObjectContent"
	case sub == "renameObject":
		return "RenameObject"
	case sub == "session":
		return "CreateSession"
	case sub == "lifecycle" && method == http.MethodDelete:
		return "DeleteBucketLifecycle"
	case object && (sub == "acl" || sub == "tagging"):
		return verb + "Object" + subresourceStems()[sub][len("Bucket"):]
	}
	if stem, ok := subresourceStems()[sub]; ok {
		return verb + stem
	}
	return verb + "?" + sub
}

// subresourceStems are the sub-resources of the S3 API Reference, with what
// follows the verb in the names of their operations.
func subresourceStems() map[string]string {
	return map[string]string{
		"accelerate": "BucketAccelerateConfiguration", "acl": "BucketAcl", "analytics": "BucketAnalyticsConfiguration",
		"attributes": "ObjectAttributes", "cors": "BucketCors", "encryption": "BucketEncryption",
		"intelligent-tiering": "BucketIntelligentTieringConfiguration", "inventory": "BucketInventoryConfiguration",
		"legal-hold": "ObjectLegalHold", "lifecycle": "BucketLifecycleConfiguration", "logging": "BucketLogging",
		"metadataConfiguration": "BucketMetadataConfiguration", "metadataTable": "BucketMetadataTableConfiguration",
		"metrics": "BucketMetricsConfiguration", "notification": "BucketNotificationConfiguration",
		"object-lock": "ObjectLockConfiguration", "ownershipControls": "BucketOwnershipControls", "policy": "BucketPolicy",
		"policyStatus": "BucketPolicyStatus", "publicAccessBlock": "PublicAccessBlock", "replication": "BucketReplication",
		"requestPayment": "BucketRequestPayment", "renameObject": "", "restore": "", "retention": "ObjectRetention",
		"select": "", "session": "", "tagging": "BucketTagging", "torrent": "ObjectTorrent", "website": "BucketWebsite",
	}
}
