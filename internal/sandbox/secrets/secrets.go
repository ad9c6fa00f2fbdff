// Package secrets is AWS Secrets Manager, as far as secrets are read.
package secrets

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// secret is one of a region.
type secret struct {
	arn, version, value, key string
	created                  time.Time
}

// secrets are those of a region by their names.
type secrets map[string]secret

// Set creates a secret in a region, or gives it a new value, and gives its ARN,
// which ends in six random letters. The key is the ARN of the customer managed KMS
// key that encrypts it, or empty.
func Set(a *state.Account, region, name, value, key string) (arn string, err error) {
	r := a.Regions[region]
	if r == nil {
		return "", fmt.Errorf("set secret %s: the account has no region %q", name, region)
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	all := state.Slot[secrets](r)
	if *all == nil {
		*all = secrets{}
	}
	h := random.HashText(17, a.ID()+region+name)
	var end strings.Builder
	for n := range 6 {
		end.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[h>>(8*n)&0xff%62])
	}
	v := random.HashText(18, name+value)
	s := secret{
		arn:     fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%s", region, a.ID(), name, end.String()),
		version: fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", v>>32, v>>16&0xffff, v&0xfff, v>>4&0xfff, v>>16),
		value:   value, key: key, created: a.Now(),
	}
	(*all)[name] = s
	return s.arn, nil
}

// Service is AWS Secrets Manager.
func Service() service.Service {
	return service.Service{
		Name: "secretsmanager", Operations: []string{"GetSecretValue"},
		Read: (*wire.Request).ReadTarget, Refusal: wire.RefuseJSON("Message"), Serve: serve,
	}
}

// serve answers GetSecretValue, by the name or the ARN. IAM is asked about the ARN,
// of which the random letters are unknown where there is no such secret.
func serve(r *service.Call) wire.Answer {
	if r.Action != "GetSecretValue" {
		return r.Refuse(wire.Invalid("UnknownOperationException", "The sandbox has no "+r.Action))
	}
	var in struct{ SecretId string }
	if err := json.Unmarshal(r.Payload, &in); err != nil || in.SecretId == "" {
		return r.Refuse(wire.Invalid("InvalidParameterException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"))
	}
	reg := r.InRegion()
	reg.Mu.Lock()
	defer reg.Mu.Unlock()
	var name string
	var found secret
	for one, s := range *state.Slot[secrets](reg) {
		if in.SecretId == one || in.SecretId == s.arn {
			name, found = one, s
		}
	}
	arn := found.arn
	if arn == "" {
		arn = in.SecretId
		if !strings.HasPrefix(arn, "arn:") {
			arn = fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-??????", r.Scope.Region, r.Caller.Account.ID(), in.SecretId)
		}
	}
	if err := r.Authorize(arn, &policy.Context{Region: r.Scope.Region}); err != nil {
		return r.Refuse(err)
	}
	if found.arn == "" {
		return r.Refuse(wire.Invalid("ResourceNotFoundException", "Secrets Manager can't find the specified secret."))
	}
	if err := r.UseKey("kms:Decrypt", found.key, policy.KeyUse{Context: []string{"SecretARN"}}); err != nil {
		return r.Refuse(err)
	}
	body, err := json.Marshal(map[string]any{
		"ARN": found.arn, "Name": name, "SecretString": found.value, "VersionId": found.version,
		"VersionStages": []string{"AWSCURRENT"}, "CreatedDate": float64(found.created.UnixMilli()) / 1000,
	})
	if err != nil {
		return r.Refuse(wire.Fail(http.StatusInternalServerError, "InternalServiceError", err.Error()))
	}
	return r.AnswerJSON(body)
}
