// Package kms is AWS Key Management Service, as far as keys are described.
package kms

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// Key is what becomes of a key.
type Key struct {
	// State is as KMS calls it: Enabled, Disabled, PendingDeletion, PendingImport,
	// Unavailable and so on; empty where the key does not exist any more.
	State string
	// Deletion is when it will be gone, of one in PendingDeletion.
	Deletion time.Time
}

// keys are those of a region of which something was said, by their ARNs.
type keys map[string]Key

// Set says what has become of a key of a region. An error means that there is no such
// region.
func Set(a *state.Account, region, arn string, k Key) error {
	r := a.Regions[region]
	if r == nil {
		return fmt.Errorf("set key %s: the account has no region %q", arn, region)
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	all := state.Slot[keys](r)
	if *all == nil {
		*all = keys{}
	}
	(*all)[arn] = k
	return nil
}

// Service is AWS Key Management Service.
func Service() service.Service {
	return service.Service{
		Name: "kms", Operations: []string{"DescribeKey"},
		Read: (*wire.Request).ReadTarget, Refusal: wire.RefuseJSON("message"), Serve: serve,
	}
}

// serve answers DescribeKey, by the ARN of a key. A key of which nothing was said is
// enabled where a volume or a snapshot of the region has it.
func serve(r *service.Call) wire.Answer {
	if r.Action != "DescribeKey" {
		return r.Refuse(wire.Invalid("UnknownOperationException", "The sandbox has no "+r.Action))
	}
	var in struct{ KeyId string }
	if err := json.Unmarshal(r.Payload, &in); err != nil || in.KeyId == "" {
		return r.Refuse(wire.Invalid("ValidationException", "1 validation error detected: Value at 'keyId' failed to satisfy constraint: Member must not be null"))
	}
	r.IDs = 1
	if err := r.Authorize(in.KeyId, &policy.Context{Region: r.Scope.Region}); err != nil {
		return r.Refuse(err)
	}
	reg := r.InRegion()
	reg.Mu.Lock()
	defer reg.Mu.Unlock()
	key, said := (*state.Slot[keys](reg))[in.KeyId]
	if !said && used(reg, in.KeyId) {
		key.State = "Enabled"
	}
	if key.State == "" || !strings.HasPrefix(in.KeyId, "arn:") {
		return r.Refuse(wire.Invalid("NotFoundException", fmt.Sprintf("Key '%s' does not exist", in.KeyId)))
	}
	about := map[string]any{
		"AWSAccountId": ownerOf(in.KeyId), "Arn": in.KeyId, "KeyId": in.KeyId[strings.LastIndexByte(in.KeyId, '/')+1:],
		"Enabled": key.State == "Enabled", "KeyState": key.State, "KeyManager": "CUSTOMER", "KeyUsage": "ENCRYPT_DECRYPT",
		"KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS", "EncryptionAlgorithms": []string{"SYMMETRIC_DEFAULT"}, "MultiRegion": false,
	}
	if !key.Deletion.IsZero() {
		about["DeletionDate"] = float64(key.Deletion.UnixMilli()) / 1000
	}
	body, err := json.Marshal(map[string]any{"KeyMetadata": about})
	if err != nil {
		return r.Refuse(wire.Fail(http.StatusInternalServerError, "KMSInternalException", err.Error()))
	}
	return r.AnswerJSON(body)
}

// used says whether a volume or a snapshot has the key.
func used(r *state.Region, arn string) bool {
	for _, v := range r.Volumes {
		if v.KMSKey == arn {
			return true
		}
	}
	for _, s := range r.Other.Snapshots {
		if s.KMSKey == arn {
			return true
		}
	}
	return false
}

// ownerOf is the account in an ARN.
func ownerOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}
