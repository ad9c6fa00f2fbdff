// Package lambda is AWS Lambda: functions for provided.al2023, whose code is run
// as processes of this machine with a small Runtime API. Nothing calls them but
// Invoke: schedules and queues do not.
package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/s3"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// Function is a function of a region.
type Function struct {
	Name, Role, Handler, Runtime, Description string
	Architecture                              string // arm64 or x86_64
	LogGroup                                  string
	Memory, Timeout                           int // in MB and seconds
	Environment                               map[string]string
	Tags                                      map[string]string
	Bucket, Key                               string // of its code

	code     []byte
	modified time.Time
	revision uint64
}

// functions are those of a region by name.
type functions map[string]*Function

// hash is what Lambda calls CodeSha256.
func (f *Function) hash() string {
	sum := sha256.Sum256(f.code)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (f *Function) arn(r *state.Region) string {
	return "arn:aws:lambda:" + r.Name + ":" + r.Owner + ":function:" + f.Name
}

// Put creates a function in a region of an account, or changes it; the caller
// holds the region's lock.
func Put(a *state.Account, r *state.Region, store *s3.Store, f Function) *wire.Error {
	role := a.RoleByARN(f.Role)
	code, found := store.Object(f.Bucket, f.Key)
	_, notZip := zip.NewReader(bytes.NewReader(code), int64(len(code)))
	size := 0
	for k, v := range f.Environment {
		size += len(k) + len(v)
	}
	switch {
	case role == nil || !slices.Contains(role.Services, "lambda.amazonaws.com"):
		return wrong("The role defined for the function cannot be assumed by Lambda.")
	case f.Runtime != "provided.al2023":
		return wrong("the sandbox has no runtime " + f.Runtime + ", only provided.al2023")
	case f.Architecture != "arm64" && f.Architecture != "x86_64":
		return wrong("Architectures: " + f.Architecture + " is neither arm64 nor x86_64")
	case f.Memory < 128 || f.Memory > 10240 || f.Timeout < 1 || f.Timeout > 900:
		return wrong("MemorySize must be from 128 to 10240 and Timeout from 1 to 900")
	case size > 4096:
		return wrong("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.")
	case store.Owner(f.Bucket) == "":
		return wrong("Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist")
	case store.Owner(f.Bucket) != a.ID():
		return wrong("Your access has been denied by S3, please make sure your request credentials have permission to GetObject for " + f.Bucket + "/" + f.Key)
	case !found:
		return wrong("Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
	case notZip != nil:
		return wrong("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	all := state.Slot[functions](r)
	if *all == nil {
		*all = functions{}
	}
	f.code, f.modified = code, a.Now()
	if was := (*all)[f.Name]; was != nil {
		f.revision = was.revision
	}
	f.revision++
	(*all)[f.Name] = &f
	return nil
}

// Has says whether a region has a function; the caller holds the region's lock.
func Has(r *state.Region, name string) bool { return (*state.Slot[functions](r))[name] != nil }

// Remove deletes a function and ends its process; the caller holds the region's
// lock.
func (h *Host) Remove(r *state.Region, name string) {
	all := *state.Slot[functions](r)
	if f := all[name]; f != nil {
		h.end(f.arn(r))
	}
	delete(all, name)
}

func wrong(message string) *wire.Error {
	return wire.Invalid("InvalidParameterValueException", message)
}

// Service is AWS Lambda; without a host it only names its operations.
func Service(h *Host) service.Service {
	return service.Service{
		Name: "lambda", Operations: []string{"GetFunction", "GetFunctionConfiguration", "Invoke"},
		Read: read, Refusal: wire.RefuseRESTJSON("ResourceNotFoundException", "ServiceException", "AccessDeniedException"), Serve: h.serve,
	}
}

const functionsPath = "/2015-03-31/functions/"

// read finds the operation by method and path.
func read(r *wire.Request) {
	_, operation := target(r)
	r.Action = map[string]string{
		"GET ": "GetFunction", "GET configuration": "GetFunctionConfiguration", "POST invocations": "Invoke",
	}[r.Method+" "+operation]
	r.Permission = "lambda:" + r.Action
	if r.Action == "Invoke" {
		r.Permission = "lambda:InvokeFunction"
	}
}

// target is the function that a path names, by name or ARN, and what follows it.
func target(r *wire.Request) (name, operation string) {
	path, _ := strings.CutPrefix(r.URL.EscapedPath(), functionsPath)
	name, operation, _ = strings.Cut(path, "/")
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	if _, after, isARN := strings.Cut(name, ":function:"); isARN {
		name = after
	}
	return strings.TrimSuffix(name, ":$LATEST"), operation
}

// serve answers a call. The region is not locked while a function runs, since
// it calls the sandbox itself.
func (h *Host) serve(r *service.Call) wire.Answer {
	name, _ := target(r.Request)
	if r.Action == "" {
		return r.Refuse(wire.Fail(http.StatusNotFound, "UnknownOperationException", "the sandbox has no "+r.Method+" "+r.URL.Path))
	}
	reg := r.InRegion()
	reg.Mu.Lock()
	reg.Settle(r.Organization.Clock.Now())
	f := (*state.Slot[functions](reg))[name]
	reg.Mu.Unlock()
	arn := (&Function{Name: name}).arn(reg)
	if err := r.Authorize(arn, &policy.Context{Region: reg.Name}); err != nil {
		return r.Refuse(err)
	}
	switch qualifier := r.URL.Query().Get("Qualifier"); {
	case f == nil || qualifier != "" && qualifier != "$LATEST":
		return r.Refuse(wire.Fail(http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+arn))
	case r.Action == "Invoke":
		return h.invoke(r, reg, f)
	case r.Action == "GetFunctionConfiguration":
		return answer(r, f.configuration(reg))
	}
	return answer(r, map[string]any{
		"Configuration": f.configuration(reg), "Tags": f.Tags,
		"Code": map[string]any{"RepositoryType": "S3", "Location": "https://" + f.Bucket + ".s3." + reg.Name + ".amazonaws.com/" + f.Key},
	})
}

func answer(r *service.Call, body any) wire.Answer {
	b, err := json.Marshal(body)
	if err != nil {
		return r.Refuse(wire.Fail(http.StatusInternalServerError, "ServiceException", err.Error()))
	}
	return wire.Answer{Status: http.StatusOK, Body: b, Header: r.AnswerHeader("application/json")}
}

func (f *Function) configuration(r *state.Region) map[string]any {
	return map[string]any{
		"FunctionName": f.Name, "FunctionArn": f.arn(r), "Runtime": f.Runtime, "Role": f.Role, "Handler": f.Handler,
		"Description": f.Description, "Timeout": f.Timeout, "MemorySize": f.Memory, "Architectures": []string{f.Architecture},
		"CodeSize": len(f.code), "CodeSha256": f.hash(), "LastModified": f.modified.UTC().Format("2006-01-02T15:04:05.000+0000"),
		"Environment": map[string]any{"Variables": f.Environment}, "PackageType": "Zip", "Version": "$LATEST",
		"State": "Active", "LastUpdateStatus": "Successful", "EphemeralStorage": map[string]any{"Size": 512},
		"TracingConfig": map[string]any{"Mode": "PassThrough"}, "LoggingConfig": map[string]any{"LogGroup": f.LogGroup, "LogFormat": "JSON"},
		"RevisionId": strconv.FormatUint(random.HashText(f.revision, f.arn(r)), 16),
	}
}

// invoke runs a function and answers with what it answers.
func (h *Host) invoke(r *service.Call, reg *state.Region, f *Function) wire.Answer {
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); {
	case kind == "DryRun":
		return wire.Answer{Status: http.StatusNoContent, Header: r.AnswerHeader("application/json")}
	case kind != "" && kind != "RequestResponse":
		return r.Refuse(wrong("the sandbox has no invocations of type " + kind))
	case len(r.Payload) > 6<<20:
		return r.Refuse(wire.Fail(http.StatusRequestEntityTooLarge, "RequestTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation"))
	case len(r.Payload) > 0 && !json.Valid(r.Payload):
		return r.Refuse(wire.Invalid("InvalidRequestContentException", "Could not parse request body into json: Unexpected character"))
	}
	payload := r.Payload
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	got, err := h.run(r, reg, f, payload)
	if err != nil {
		return r.Refuse(wire.Fail(http.StatusInternalServerError, "ServiceException", err.Error()))
	}
	a := wire.Answer{Status: http.StatusOK, Body: got.payload, Header: r.AnswerHeader("application/json")}
	a.Header.Set("X-Amz-Executed-Version", "$LATEST")
	if got.failed {
		a.Header.Set("X-Amz-Function-Error", "Unhandled")
	}
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		a.Header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(got.log[max(0, len(got.log)-4096):]))
	}
	return a
}
