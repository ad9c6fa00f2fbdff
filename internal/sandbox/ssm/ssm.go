// Package ssm is Parameter Store of AWS Systems Manager.
package ssm

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// Parameter is a parameter of Systems Manager Parameter Store.
type Parameter struct {
	Name  string // "/nightshift/config", or "config"
	Value string
	// Secret makes it a SecureString, which is readable only to who asks for
	// its decryption.
	Secret bool
	// Key is the ARN of the customer managed KMS key of a SecureString.
	Key string

	modified time.Time
}

// parameters are the versions of each parameter of a region by its name, the
// oldest first.
type parameters map[string][]Parameter

// SetParameter creates a parameter in a region, or gives it a new version. An
// error means that the region or the name is wrong.
func SetParameter(a *state.Account, region string, p Parameter) error {
	r := a.Regions[region]
	switch {
	case r == nil:
		return fmt.Errorf("set parameter %s: the account has no region %q", p.Name, region)
	case p.Name == "" || strings.Contains(strings.TrimPrefix(p.Name, "/"), "/") && p.Name[0] != '/':
		return fmt.Errorf("set parameter %q: a name with a slash begins with one", p.Name)
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	p.modified = a.Now()
	all := state.Slot[parameters](r)
	if *all == nil {
		*all = parameters{}
	}
	(*all)[p.Name] = append((*all)[p.Name], p)
	return nil
}

// Service is AWS Systems Manager.
func Service() service.Service {
	return service.Service{
		Name: "ssm", Operations: []string{"GetParameter"},
		Read: (*wire.Request).ReadTarget, Refusal: wire.RefuseJSON("message"), Serve: serveSSM,
	}
}

// serveSSM answers GetParameter, the one operation of Systems Manager that the
// sandbox has.
func serveSSM(r *service.Call) wire.Answer {
	if r.Action != "GetParameter" {
		return r.Refuse(wire.Invalid("UnknownOperationException", "The sandbox has no "+r.Action))
	}
	var in struct {
		Name           string
		WithDecryption bool
	}
	if err := json.Unmarshal(r.Payload, &in); err != nil {
		return r.Refuse(wire.Invalid("SerializationException", "The request is not JSON"))
	}
	name, selector, selected := strings.Cut(in.Name, ":")
	if name == "" || selected && selector == "" {
		return r.Refuse(wire.Invalid("ValidationException", "Invalid parameter name: "+in.Name))
	}
	arn := fmt.Sprintf("arn:aws:ssm:%s:%s:parameter/%s", r.Scope.Region, r.Caller.Account.ID(), strings.TrimPrefix(name, "/"))
	if err := r.Authorize(arn, &policy.Context{Region: r.Scope.Region}); err != nil {
		return r.Refuse(err)
	}
	reg := r.InRegion()
	reg.Mu.Lock()
	defer reg.Mu.Unlock()
	versions := (*state.Slot[parameters](reg))[name]
	if len(versions) == 0 {
		return r.Refuse(wire.Invalid("ParameterNotFound", "The parameter "+name+" does not exist"))
	}
	version := len(versions)
	if selected {
		n, err := strconv.Atoi(selector)
		if err != nil || n < 1 || n > len(versions) {
			return r.Refuse(wire.Invalid("ParameterVersionNotFound", "Systems Manager could not find version "+selector+" of "+name))
		}
		version = n
	}
	p := versions[version-1]
	kind, value := "String", p.Value
	if p.Secret {
		kind = "SecureString"
		if in.WithDecryption {
			if err := r.UseKey("kms:Decrypt", p.Key, policy.KeyUse{Context: []string{"PARAMETER_ARN"}}); err != nil {
				return r.Refuse(err)
			}
		} else {
			value = base64.StdEncoding.EncodeToString([]byte("sealed " + strconv.FormatUint(random.HashText(1, value), 36)))
		}
	}
	found := map[string]any{
		"ARN": arn, "DataType": "text", "LastModifiedDate": float64(p.modified.UnixMilli()) / 1000,
		"Name": name, "Type": kind, "Value": value, "Version": version,
	}
	if selected {
		found["Selector"] = ":" + selector
	}
	body, err := json.Marshal(map[string]any{"Parameter": found})
	if err != nil {
		return r.Refuse(wire.Fail(http.StatusInternalServerError, "InternalServerError", err.Error()))
	}
	return r.AnswerJSON(body)
}
