// Command function is a function for tests of the sandbox's Lambda: it does what
// its events say.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	runtime := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for n := 1; ; n++ {
		next, err := http.Get(runtime + "next")
		if err != nil {
			os.Exit(1)
		}
		body, _ := io.ReadAll(next.Body)
		next.Body.Close()
		var event struct{ Do, Name string }
		if err := json.Unmarshal(body, &event); err != nil {
			os.Exit(1)
		}
		fmt.Println("invocation", n)
		verb, answer := "response", any(map[string]any{"n": n, "deadline": next.Header.Get("Lambda-Runtime-Deadline-Ms")})
		switch event.Do {
		case "env":
			answer = os.Getenv(event.Name)
		case "fail":
			verb, answer = "error", map[string]string{"errorType": "Oops", "errorMessage": "as told"}
		case "exit":
			os.Exit(3)
		case "hang":
			time.Sleep(time.Hour)
		case "pid":
			answer = os.Getpid()
		case "who":
			answer = who()
		}
		raw, _ := json.Marshal(answer)
		sent, err := http.Post(runtime+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/"+verb, "application/json", bytes.NewReader(raw))
		if err != nil {
			os.Exit(1)
		}
		sent.Body.Close()
	}
}

// who asks the sandbox whose credentials the function has.
func who() string {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		return err.Error()
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		return err.Error()
	}
	return *out.Arn
}
