// Package backup is AWS Backup, as far as it lists what it protects.
package backup

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// RecoveryPoint is a copy that AWS Backup keeps of a resource.
type RecoveryPoint struct {
	ARN     string // of a snapshot or an image
	Vault   string
	Status  string // COMPLETED, PARTIAL, DELETING or EXPIRED
	Created time.Time
	Bytes   int64
}

// protected is a resource with what AWS Backup keeps of it, the oldest first.
type protected struct {
	arn, kind string
	points    []RecoveryPoint
}

// resources are those of a region in the order in which they were protected.
type resources []*protected

// Add lets AWS Backup keep a copy of a resource, which an ARN names; the caller holds
// the region's lock. The kind is EBS or EC2.
func Add(r *state.Region, resource, kind string, p RecoveryPoint) {
	all := state.Slot[resources](r)
	at := slices.IndexFunc(*all, func(x *protected) bool { return x.arn == resource })
	if at < 0 {
		at = len(*all)
		*all = append(*all, &protected{arn: resource, kind: kind})
	}
	(*all)[at].points = append((*all)[at].points, p)
	slices.SortStableFunc((*all)[at].points, func(a, b RecoveryPoint) int { return a.Created.Compare(b.Created) })
}

// Service is AWS Backup.
func Service() service.Service {
	return service.Service{
		Name: "backup", Operations: []string{"ListProtectedResources", "ListRecoveryPointsByResource"},
		Read: read, Refusal: wire.RefuseRESTJSON("InvalidParameterValueException", "ResourceNotFoundException", "ServiceUnavailableException"), Serve: serve,
	}
}

const (
	resourcesPath = "/resources/"
	pointsPath    = "/recovery-points/"
)

// pathOf is the path of a call, with the slash at its end that SDKs leave out.
func pathOf(u *url.URL) string { return strings.TrimSuffix(u.EscapedPath(), "/") + "/" }

// read finds the operation by the path.
func read(r *wire.Request) {
	path := pathOf(r.URL)
	switch {
	case r.Method != http.MethodGet:
	case path == resourcesPath:
		r.Action = "ListProtectedResources"
	case strings.HasPrefix(path, resourcesPath) && strings.HasSuffix(path, pointsPath):
		r.Action = "ListRecoveryPointsByResource"
	}
	r.Permission = "backup:" + r.Action
}

// serve answers a call. Neither listing can be limited to a resource by IAM.
func serve(r *service.Call) wire.Answer {
	reg := r.InRegion()
	if r.Action == "" {
		return r.Refuse(wire.Fail(http.StatusNotFound, "UnknownOperationException", "the sandbox has no "+r.Method+" "+r.URL.Path))
	}
	if err := r.Authorize("*", &policy.Context{Region: reg.Name}); err != nil {
		return r.Refuse(err)
	}
	from, most, err := page(r.URL.Query())
	if err != nil {
		return r.Refuse(err)
	}
	reg.Mu.Lock()
	defer reg.Mu.Unlock()
	all := *state.Slot[resources](reg)
	if r.Action == "ListProtectedResources" {
		return r.AnswerREST(cut("Results", all, from, most, func(p *protected) map[string]any { return p.describe(reg) }))
	}
	r.IDs = 1
	path := strings.TrimSuffix(strings.TrimPrefix(pathOf(r.URL), resourcesPath), pointsPath)
	arn, broken := url.PathUnescape(path)
	if broken != nil || !strings.HasPrefix(arn, "arn:") {
		return r.Refuse(wire.Invalid("InvalidParameterValueException", "The resource ARN "+path+" is not valid."))
	}
	var points []RecoveryPoint
	for _, p := range all {
		if p.arn == arn {
			points = p.points
		}
	}
	return r.AnswerREST(cut("RecoveryPoints", points, from, most, RecoveryPoint.describe))
}

// mostRows is the largest page, and the one that is answered with where the caller
// names no size.
const mostRows = 1000

// page reads the size and the place of a page.
func page(q url.Values) (from, most int, refusal *wire.Error) {
	most = mostRows
	if text := q.Get("maxResults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostRows {
			return 0, 0, wire.Invalid("InvalidParameterValueException", "maxResults must be from 1 to 1000.")
		}
		most = n
	}
	if token := q.Get("nextToken"); token != "" {
		place, ok := wire.ReadBookmark(token)
		if !ok {
			return 0, 0, wire.Invalid("InvalidParameterValueException", "The nextToken is not valid.")
		}
		from = place.Skip
	}
	return from, most, nil
}

// cut is a page of a list, under a name.
func cut[T any](name string, list []T, from, most int, describe func(T) map[string]any) map[string]any {
	rows := []map[string]any{}
	for _, x := range list[min(from, len(list)):min(from+most, len(list))] {
		rows = append(rows, describe(x))
	}
	out := map[string]any{name: rows}
	if from+most < len(list) {
		out["NextToken"] = wire.Bookmark{Skip: from + most}.Encode()
	}
	return out
}

func (p *protected) describe(reg *state.Region) map[string]any {
	last := p.points[len(p.points)-1]
	return map[string]any{
		"ResourceArn": p.arn, "ResourceType": p.kind, "LastBackupTime": seconds(last.Created), "LastRecoveryPointArn": last.ARN,
		"LastBackupVaultArn": "arn:aws:backup:" + reg.Name + ":" + reg.Owner + ":backup-vault:" + last.Vault,
	}
}

func (p RecoveryPoint) describe() map[string]any {
	return map[string]any{
		"RecoveryPointArn": p.ARN, "CreationDate": seconds(p.Created), "Status": p.Status, "BackupVaultName": p.Vault,
		"BackupSizeBytes": p.Bytes, "IsParent": false, "VaultType": "BACKUP_VAULT",
	}
}

// seconds writes a time as the service does.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
