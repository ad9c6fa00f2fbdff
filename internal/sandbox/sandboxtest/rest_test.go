package sandboxtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"nightshift/internal/sandbox"
)

func TestCheckOfREST(t *testing.T) {
	t.Parallel()
	known := testModels(t)
	call := func(path string, status int, code, answer string) sandbox.Exchange {
		return sandbox.Exchange{
			Service: "lambda", Action: "GetFunctionConfiguration", Method: http.MethodGet, URL: path, Status: status,
			AnswerHeader: http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {code}}, AnswerBody: []byte(answer),
		}
	}
	const path = "/2015-03-31/functions/f/configuration"
	for name, tt := range map[string]struct {
		exchange sandbox.Exchange
		want     string // part of what is found; empty: nothing is
	}{
		"right":        {call(path+"?Qualifier=$LATEST", 200, "", `{"FunctionName": "f"}`), ""},
		"refused":      {call(path, 404, "ResourceNotFoundException", `{"Type": "User", "Message": "none"}`), ""},
		"wrong path":   {call("/2015-03-31/functions/f", 200, "", `{}`), "want GET /2015-03-31/functions/{FunctionName}/configuration"},
		"wrong member": {call(path, 200, "", `{"Name": "f"}`), "Name: not a member"},
		"wrong error":  {call(path, 404, "NotFound", `{}`), `"NotFound" is not an error of the action`},
		"no message":   {call(path, 404, "ResourceNotFoundException", `{"message": "none"}`), "message: not a member"},
	} {
		got := fmt.Sprint(check(known, tt.exchange))
		if tt.want == "" && got != "[]" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s, want %q", name, got, tt.want)
		}
	}
}
