package stack_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// moto is an account of an emulator that other people have written. It is asked in
// the protocols of the services and without their SDKs: the names of properties in
// a template and of members in their APIs are mostly the same, so that what was made
// is compared by the names of the template.
type moto struct {
	t        *testing.T
	endpoint string
}

// send sends a request to a service and gives what it answers.
func (m moto) send(service, method, path string, header map[string]string, body []byte) []byte {
	m.t.Helper()
	request, err := http.NewRequestWithContext(m.t.Context(), method, m.endpoint+path, bytes.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	// It finds the service by the scope of the signature, which it does not check.
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261130/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		m.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusMultipleChoices {
		m.t.Fatalf("%s %s %s: %s %s %v", service, method, path, response.Status, answer, err)
	}
	return answer
}

// rest calls a service of REST and JSON; target names the operation of one that has
// all of them at one address.
func (m moto) rest(service, method, path, target string, in any) (out map[string]any) {
	m.t.Helper()
	header, body := map[string]string{"Content-Type": "application/json"}, []byte(nil)
	if target != "" {
		header = map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
	}
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			m.t.Fatal(err)
		}
	}
	answer := m.send(service, method, path, header, body)
	if err := json.Unmarshal(answer, &out); err != nil && len(answer) > 0 {
		m.t.Fatalf("%s %s: %v in %s", service, path, err, answer)
	}
	return out
}

// query calls a service of the Query protocol and gives the result.
func (m moto) query(service, version, action string, in map[string]any) map[string]any {
	m.t.Helper()
	form := url.Values{"Action": {action}, "Version": {version}}
	for name, value := range in {
		flatten(form, name, value)
	}
	header := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	answer, _ := m.xml(m.send(service, http.MethodPost, "/", header, []byte(form.Encode()))).(map[string]any)
	result, _ := answer[action+"Result"].(map[string]any)
	return result
}

// flatten writes a value as parameters of the Query protocol.
func flatten(form url.Values, name string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, one := range v {
			flatten(form, name+"."+key, one)
		}
	case []any:
		for n, one := range v {
			flatten(form, fmt.Sprintf("%s.member.%d", name, n+1), one)
		}
	default:
		form.Set(name, fmt.Sprint(v))
	}
}

// xml is an answer in XML as a value: members of a list are a list.
func (m moto) xml(answer []byte) any {
	m.t.Helper()
	d := xml.NewDecoder(bytes.NewReader(answer))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			m.t.Fatalf("%v in %s", err, answer)
		}
		if _, begins := token.(xml.StartElement); begins {
			return m.element(d)
		}
	}
}

// element is the value of an element whose start was read.
func (m moto) element(d *xml.Decoder) any {
	m.t.Helper()
	var text string
	all, list := map[string]any{}, []any(nil)
	for {
		token, err := d.Token()
		if err != nil {
			m.t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.CharData:
			text += string(token)
		case xml.StartElement:
			one, name := m.element(d), token.Name.Local
			switch before, twice := all[name]; {
			case name == "member":
				list = append(list, one)
			case twice:
				many, _ := before.([]any)
				if many == nil {
					many = []any{before}
				}
				all[name] = append(many, one)
			default:
				all[name] = one
			}
		case xml.EndElement:
			switch {
			case list != nil:
				return list
			case len(all) > 0:
				return all
			}
			return strings.TrimSpace(text)
		}
	}
}
