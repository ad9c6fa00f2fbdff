package sandboxtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/sandbox"
)

// jsonRequest checks a request of the JSON protocol.
func (c *checker) jsonRequest(m *model, op *operation, e sandbox.Exchange) {
	c.mediaType(e.RequestHeader.Get("Content-Type"), "application/x-amz-json-"+m.Metadata.JSONVersion)
	if got, want := e.RequestHeader.Get("X-Amz-Target"), m.Metadata.TargetPrefix+"."+e.Action; got != want {
		c.add("X-Amz-Target", "%q, want %q", got, want)
	}
	body, err := parseJSON(e.RequestBody)
	if err != nil {
		c.add("", "not JSON: %v", err)
		return
	}
	if op != nil && op.Input != nil {
		c.json(op.Input.shape, body, "")
	}
}

// jsonAnswer checks an answer of the JSON protocol and returns its error code.
func (c *checker) jsonAnswer(m *model, op *operation, e sandbox.Exchange) (code string) {
	c.mediaType(e.AnswerHeader.Get("Content-Type"), "application/x-amz-json-"+m.Metadata.JSONVersion)
	body, err := parseJSON(e.AnswerBody)
	if err != nil {
		c.add("", "HTTP %d is not JSON: %v", e.Status, err)
		return ""
	}
	if e.Status < 400 {
		if op != nil && op.Output != nil {
			c.json(op.Output.shape, body, "")
		}
		return ""
	}
	object, _ := body.(map[string]any)
	code, _ = object["__type"].(string)
	if _, after, ok := strings.Cut(code, "#"); ok {
		code = after
	}
	if code == "" {
		c.add("__type", "an error without a type")
		return ""
	}
	known := slices.Contains(commonErrors(), code)
	if op != nil {
		for _, r := range op.Errors {
			if r.Shape == code {
				known = true
				c.json(r.shape, without(object, "__type"), "")
			}
		}
	}
	if !known {
		c.add("__type", "%q is not an error of the action", code)
	}
	return code
}

// commonErrors are those that every JSON service of AWS may answer.
func commonErrors() []string {
	return []string{
		"AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException", "InternalFailure",
		"InvalidSignatureException", "MissingAuthenticationTokenException", "NotAuthorized",
		"OptInRequired", "RequestExpired", "SerializationException", "ServiceUnavailableException", "ThrottlingException",
		"UnknownOperationException", "UnrecognizedClientException", "ValidationException",
	}
}

func without(object map[string]any, name string) map[string]any {
	rest := map[string]any{}
	for k, v := range object {
		if k != name {
			rest[k] = v
		}
	}
	return rest
}

func parseJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return v, nil
}

// json checks a value against a shape.
func (c *checker) json(s *shape, v any, path string) {
	if v == nil {
		return // null is as good as absent
	}
	switch s.Type {
	case "structure":
		object, ok := v.(map[string]any)
		if !ok {
			c.add(path, "%s, want an object", kind(v))
			return
		}
		names := map[string]*member{}
		for name, r := range s.Members {
			if r.LocationName != "" {
				name = r.LocationName
			}
			names[name] = r
		}
		for _, name := range sorted(object) {
			switch r := names[name]; {
			case r != nil:
				c.json(r.shape, object[name], join(path, name))
			case !c.allowsMember(s, name):
				c.add(join(path, name), "not a member of %s", s.name)
			}
		}
		for _, name := range s.Required {
			if object[name] == nil {
				c.add(join(path, name), "missing, but required")
			}
		}
	case "list":
		list, ok := v.([]any)
		if !ok {
			c.add(path, "%s, want an array", kind(v))
			return
		}
		c.length(s, len(list), path)
		for _, item := range list {
			c.json(s.Member.shape, item, path+"[]")
		}
	case "map":
		object, ok := v.(map[string]any)
		if !ok {
			c.add(path, "%s, want an object", kind(v))
			return
		}
		c.length(s, len(object), path)
		for _, name := range sorted(object) {
			c.json(s.Value.shape, object[name], path+"{}")
		}
	case "integer", "long", "float", "double":
		n, ok := v.(json.Number)
		if !ok {
			c.add(path, "%s, want a number", kind(v))
			return
		}
		c.scalarText(s, n.String(), path)
	case "boolean":
		if _, ok := v.(bool); !ok {
			c.add(path, "%s, want a boolean", kind(v))
		}
	case "timestamp":
		if _, ok := v.(json.Number); !ok {
			c.add(path, "%s, want seconds since 1970 as a number", kind(v))
		}
	default:
		text, ok := v.(string)
		if !ok {
			c.add(path, "%s, want a string", kind(v))
			return
		}
		if s.Type == "string" {
			c.text(s, text, path)
		}
	}
}

func kind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	default:
		return "a string"
	}
}
