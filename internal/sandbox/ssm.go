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

// SetParameter creates a parameter in a region, or gives it a new version. An
// error means that the region or the name is wrong.
func (a *Account) SetParameter(region string, p Parameter) error {
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
	r.parameters[p.Name] = append(r.parameters[p.Name], p)
	return nil
}

// serveSSM answers GetParameter, the one operation of Systems Manager that the
// account has.
func (s *Sandbox) serveSSM(r *request) answer {
	if r.call.Action != "GetParameter" {
		return r.refuse(invalid("UnknownOperationException", "The practice account has no "+r.call.Action))
	}
	var in struct {
		Name           string
		WithDecryption bool
	}
	if err := json.Unmarshal(r.body, &in); err != nil {
		return r.refuse(invalid("SerializationException", "The request is not JSON"))
	}
	name, selector, selected := strings.Cut(in.Name, ":")
	if name == "" || selected && selector == "" {
		return r.refuse(invalid("ValidationException", "Invalid parameter name: "+in.Name))
	}
	arn := fmt.Sprintf("arn:aws:ssm:%s:%s:parameter/%s", r.scope.region, r.caller.account.id, strings.TrimPrefix(name, "/"))
	if err := s.authorize(r, arn, &policyContext{region: r.scope.region}); err != nil {
		return r.refuse(err)
	}
	reg := r.caller.account.regions[r.scope.region]
	reg.mu.Lock()
	defer reg.mu.Unlock()
	versions := reg.parameters[name]
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
	return answer{status: http.StatusOK, body: body, header: r.header("application/x-amz-json-1.1")}
}
