package sandboxtest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// The module that carries AWS's official service models, frozen in July 2025,
// with the checksum that go.sum would hold.
const (
	modelsModule = "github.com/aws/aws-sdk-go@v1.55.8"
	modelsSum    = "h1:JRmEUbU52aJQZ2AjX4q4Wu7t4uZjOu71uyNmaWlUkJQ="
)

// modelFiles are the models of the services that are checked, by the name
// under which requests to them are signed.
func modelFiles() map[string]string {
	return map[string]string{
		"autoscaling":    "autoscaling/2011-01-01",
		"backup":         "backup/2018-11-15",
		"ce":             "ce/2017-10-25",
		"cloudformation": "cloudformation/2010-05-15",
		"ebs":            "ebs/2019-11-02",
		"ec2":            "ec2/2016-11-15",
		"kms":            "kms/2014-11-01",
		"lambda":         "lambda/2015-03-31",
		"organizations":  "organizations/2016-11-28",
		"pricing":        "pricing/2017-10-15",
		"rbin":           "rbin/2021-06-15",
		"rds":            "rds/2014-10-31",
		"secretsmanager": "secretsmanager/2017-10-17",
		"servicequotas":  "service-quotas/2019-06-24",
		"sns":            "sns/2010-03-31",
		"ssm":            "ssm/2014-11-06",
		"sts":            "sts/2011-06-15",
	}
}

// model is a service as its api-2.json describes it.
type model struct {
	Metadata struct {
		APIVersion   string
		Protocol     string // "ec2", "query", "json" or "rest-json"
		TargetPrefix string
		JSONVersion  string
		XMLNamespace string
	}
	Operations map[string]*operation
	Shapes     map[string]*shape
}

type operation struct {
	Name string
	HTTP struct { // of REST
		Method, RequestURI string
	}
	Input  *member
	Output *member
	Errors []*member
}

// shape is a type of the model.
type shape struct {
	Type     string // "structure", "list", "map", "string", "integer", "timestamp", …
	Required []string
	Members  map[string]*member
	Member   *member // of a list
	Key      *member // of a map
	Value    *member // of a map
	Enum     []string
	Pattern  string
	Min, Max *float64
	// Flattened is true of lists without an element of their own.
	Flattened bool
	Error     struct{ Code string }
	// Payload is the member that is the whole body, in REST.
	Payload string

	name    string
	pattern func() *regexp.Regexp // nil result: none, or not one that Go reads
}

// member is the use of a shape.
type member struct {
	Shape         string
	Location      string // "header", "uri" or "querystring" of REST; empty: the body
	LocationName  string
	QueryName     string
	Flattened     bool
	ResultWrapper string

	shape *shape
}

// parseModel reads an api-2.json and joins its references.
func parseModel(raw []byte) (*model, error) {
	var m model
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("read the service model: %w", err)
	}
	var broken error
	join := func(r *member) {
		if r == nil {
			return
		}
		if r.shape = m.Shapes[r.Shape]; r.shape == nil {
			broken = fmt.Errorf("service model: no shape %q", r.Shape)
		}
	}
	for _, op := range m.Operations {
		join(op.Input)
		join(op.Output)
		for _, e := range op.Errors {
			join(e)
		}
	}
	for name, s := range m.Shapes {
		s.name = name
		s.pattern = sync.OnceValue(func() *regexp.Regexp {
			if s.Pattern == "" {
				return nil
			}
			re, err := regexp.Compile("^(?:" + s.Pattern + ")$")
			if err != nil {
				return nil // Java's dialect has more
			}
			return re
		})
		join(s.Member)
		join(s.Key)
		join(s.Value)
		for _, r := range s.Members {
			join(r)
		}
	}
	return &m, broken
}

// modelSet caches the models for the whole test process.
type modelSet struct {
	mu     sync.Mutex
	loaded bool
	models map[string]*model
	err    error
	logged sync.Once // that there are none
}

//nolint:gochecknoglobals // parsed once a process: the EC2 model is large
var models modelSet

// get returns the models by service.
func (s *modelSet) get(ctx context.Context) (map[string]*model, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		s.models, s.err = loadModels(ctx)
		s.loaded = true
	}
	return s.models, s.err
}

// loadModels reads the models from the Go module cache, into which the go
// command puts them when they are not there.
func loadModels(ctx context.Context) (map[string]*model, error) {
	dir, err := modelsDir(ctx)
	if err != nil {
		return nil, err
	}
	loaded := map[string]*model{}
	for service, path := range modelFiles() {
		raw, err := os.ReadFile(filepath.Join(dir, "models", "apis", filepath.FromSlash(path), "api-2.json"))
		if err != nil {
			return nil, fmt.Errorf("read the model of %s: %w", service, err)
		}
		if loaded[service], err = parseModel(raw); err != nil {
			return nil, fmt.Errorf("%s: %w", service, err)
		}
	}
	return loaded, nil
}

func modelsDir(ctx context.Context) (string, error) {
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", modelsModule)
	cmd.Stderr = &stderr
	out, runErr := cmd.Output()
	var answer struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(out, &answer); err != nil && runErr == nil {
		runErr = err
	}
	switch {
	case answer.Error != "":
		return "", fmt.Errorf("download %s: %s", modelsModule, answer.Error)
	case runErr != nil:
		return "", fmt.Errorf("download %s: %w: %s", modelsModule, runErr, strings.TrimSpace(stderr.String()))
	case answer.Sum != modelsSum:
		return "", fmt.Errorf("%s has checksum %s, want %s", modelsModule, answer.Sum, modelsSum)
	}
	return answer.Dir, nil
}
