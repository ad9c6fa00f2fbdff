// Package quotas is Service Quotas, as far as the quota of snapshots is read.
package quotas

import (
	"encoding/json"
	"net/http"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/wire"
)

// The quota that the sandbox knows.
const (
	code = "L-309BACF6"
	of   = "ebs"
)

// Service is Service Quotas.
func Service() service.Service {
	return service.Service{
		Name: "servicequotas", Operations: []string{"GetServiceQuota"},
		Read: (*wire.Request).ReadTarget, Refusal: wire.RefuseJSON("Message"), Serve: serve,
	}
}

// serve answers GetServiceQuota.
func serve(r *service.Call) wire.Answer {
	if r.Action != "GetServiceQuota" {
		return r.Refuse(wire.Invalid("UnknownOperationException", "The sandbox has no "+r.Action))
	}
	var in struct{ ServiceCode, QuotaCode string }
	if err := json.Unmarshal(r.Payload, &in); err != nil || in.ServiceCode == "" || in.QuotaCode == "" {
		return r.Refuse(wire.Invalid("IllegalArgumentException", "Service code and quota code are needed."))
	}
	reg := r.InRegion()
	arn := "arn:aws:servicequotas:" + reg.Name + ":" + reg.Owner + ":" + in.ServiceCode + "/" + in.QuotaCode
	if err := r.Authorize(arn, &policy.Context{Region: reg.Name}); err != nil {
		return r.Refuse(err)
	}
	if in.ServiceCode != of || in.QuotaCode != code {
		return r.Refuse(wire.Invalid("NoSuchResourceException", "The request failed because the specified service or quota does not exist."))
	}
	body, err := json.Marshal(map[string]any{"Quota": map[string]any{
		"ServiceCode": of, "ServiceName": "Amazon Elastic Block Store (Amazon EBS)", "QuotaArn": arn, "QuotaCode": code,
		"QuotaName": "Snapshots per Region", "Value": float64(r.Organization.MostSnapshots), "Unit": "None", "Adjustable": true, "GlobalQuota": false,
	}})
	if err != nil {
		return r.Refuse(wire.Fail(http.StatusInternalServerError, "ServiceException", err.Error()))
	}
	return r.AnswerJSON(body)
}
