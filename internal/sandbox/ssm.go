package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Parameter is a parameter of Systems Manager Parameter Store.
type Parameter struct {
	Name  string // "/nightshift/config", or "config"
	Value string
	// Secret makes it a SecureString, which is readable only to who asks for
	// its decryption.
	Secret bool

	modified time.Time
}

// parameters are the versions of each parameter of a region by its name, the
// oldest first.
type parameters map[string][]Parameter

// SetParameter creates a parameter in a region, or gives it a new version. An
// error means that the region or the name is wrong.
func SetParameter(a *account, region string, p Parameter) error {
	r := a.regions[region]
	switch {
	case r == nil:
		return fmt.Errorf("set parameter %s: the account has no region %q", p.Name, region)
	case p.Name == "" || strings.Contains(strings.TrimPrefix(p.Name, "/"), "/") && p.Name[0] != '/':
		return fmt.Errorf("set parameter %q: a name with a slash begins with one", p.Name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p.modified = a.Now()
	all := slot[parameters](r)
	if *all == nil {
		*all = parameters{}
	}
	(*all)[p.Name] = append((*all)[p.Name], p)
	return nil
}

// ssmService is AWS Systems Manager.
func ssmService() service {
	return service{
		name: "ssm", operations: []string{"GetParameter"},
		read: (*request).readTarget, refusal: refuseJSON("message"), serve: serveSSM,
	}
}

// serveSSM answers GetParameter, the one operation of Systems Manager that the
// sandbox has.
func serveSSM(r *call) answer {
	if r.action != "GetParameter" {
		return r.refuse(invalid("UnknownOperationException", "The sandbox has no "+r.action))
	}
	var in struct {
		Name           string
		WithDecryption bool
	}
	if err := json.Unmarshal(r.payload, &in); err != nil {
		return r.refuse(invalid("SerializationException", "The request is not JSON"))
	}
	name, selector, selected := strings.Cut(in.Name, ":")
	if name == "" || selected && selector == "" {
		return r.refuse(invalid("ValidationException", "Invalid parameter name: "+in.Name))
	}
	arn := fmt.Sprintf("arn:aws:ssm:%s:%s:parameter/%s", r.scope.region, r.caller.account.ID(), strings.TrimPrefix(name, "/"))
	if err := r.authorize(arn, &policyContext{region: r.scope.region}); err != nil {
		return r.refuse(err)
	}
	reg := r.here()
	reg.mu.Lock()
	defer reg.mu.Unlock()
	versions := (*slot[parameters](reg))[name]
	if len(versions) == 0 {
		return r.refuse(invalid("ParameterNotFound", "The parameter "+name+" does not exist"))
	}
	version := len(versions)
	if selected {
		n, err := strconv.Atoi(selector)
		if err != nil || n < 1 || n > len(versions) {
			return r.refuse(invalid("ParameterVersionNotFound", "Systems Manager could not find version "+selector+" of "+name))
		}
		version = n
	}
	p := versions[version-1]
	kind, value := "String", p.Value
	if p.Secret {
		kind = "SecureString"
		if !in.WithDecryption {
			value = base64.StdEncoding.EncodeToString([]byte("sealed " + strconv.FormatUint(mixText(1, value), 36)))
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
		return r.refuse(fail(http.StatusInternalServerError, "InternalServerError", err.Error()))
	}
	return r.answerJSON(body)
}
