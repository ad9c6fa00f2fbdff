// Package ebs is the EBS direct APIs, as far as they list the blocks of snapshots.
package ebs

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// The paths of a snapshot's blocks begin and end so.
const (
	snapshotsPath = "/snapshots/"
	blocksPath    = "/blocks"
	changedPath   = "/changedblocks"
)

// Service is the EBS direct APIs.
func Service() service.Service {
	return service.Service{
		Name: "ebs", Operations: []string{"ListChangedBlocks", "ListSnapshotBlocks"},
		Read: read, Refusal: refuse, Serve: serve, Names: names,
	}
}

// read finds the operation by method and path.
func read(r *wire.Request) {
	switch {
	case r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, snapshotsPath):
	case strings.HasSuffix(r.URL.Path, changedPath):
		r.Action = "ListChangedBlocks"
	case strings.HasSuffix(r.URL.Path, blocksPath):
		r.Action = "ListSnapshotBlocks"
	}
	r.Permission = "ebs:" + r.Action
	r.Params = &wire.Params{} // none in a form: what a fault selects is in the path
}

// named is the snapshot that the path names.
func named(u *url.URL) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(u.Path, snapshotsPath), "/")
	return id
}

// names says whether a call is about a snapshot that a fault selects.
func names(r *service.Call, h service.Hit) bool {
	return h.ByID(named(r.URL), r.URL.Query().Get("firstSnapshotId"))
}

// call is a call with what it is about.
type call struct {
	*service.Call
	region *state.Region
	page   page
}

func serve(r *service.Call) wire.Answer {
	c := &call{Call: r, region: r.InRegion()}
	c.region.Mu.Lock()
	defer c.region.Mu.Unlock()
	out, err := c.answer()
	if err != nil {
		return r.Refuse(err)
	}
	return r.AnswerREST(out)
}

func (c *call) answer() (any, *wire.Error) {
	if c.Action == "" {
		return nil, wire.Fail(http.StatusNotFound, "UnknownOperationException", "the sandbox has no "+c.Method+" "+c.URL.Path)
	}
	second, err := c.snapshot(named(c.URL))
	if err != nil {
		return nil, err
	}
	if c.page, err = readPage(c.URL.Query()); err != nil {
		return nil, err
	}
	if c.Action == "ListSnapshotBlocks" {
		return c.all(second)
	}
	first, err := c.snapshot(c.URL.Query().Get("firstSnapshotId"))
	if err != nil {
		return nil, err
	}
	return c.changed(first, second)
}

// snapshot is one that the call names, and may list the blocks of.
func (c *call) snapshot(id string) (*state.Snapshot, *wire.Error) {
	if !strings.HasPrefix(id, "snap-") {
		return nil, invalid("The snapshot ID is not valid.")
	}
	c.IDs++
	now := c.Organization.Clock.Now()
	s := c.region.SnapshotNamed(id)
	var tags state.Tags
	if s != nil {
		tags = s.Tags
	}
	arn := "arn:aws:ec2:" + c.region.Name + "::snapshot/" + id
	if err := c.Authorize(arn, &policy.Context{ResourceTags: tags, Region: c.region.Name}); err != nil {
		return nil, err
	}
	switch {
	case s == nil || s.Owner != c.region.Owner && !s.Shared || now.Before(s.Visible):
		return nil, wire.Fail(http.StatusNotFound, "ResourceNotFoundException", "The snapshot '"+id+"' does not exist.")
	case s.Status(now) != "completed", s.Archived:
		return nil, invalid("The snapshot '" + id + "' cannot be read in its state.")
	}
	return s, nil
}

// all is ListSnapshotBlocks.
func (c *call) all(s *state.Snapshot) (any, *wire.Error) {
	if s.Full == 0 {
		return nil, invalid("The snapshot '" + s.ID + "' has no blocks.")
	}
	rows, at := []map[string]any{}, s.BlockAt()
	next := c.page.walk(s.EndOfBlocks(), func(index int64) bool {
		b, ok := at(index)
		if ok {
			rows = append(rows, map[string]any{"BlockIndex": index, "BlockToken": token(s, b)})
		}
		return ok
	})
	return c.describe(s, "Blocks", rows, next), nil
}

// changed is ListChangedBlocks: the blocks that only one of two snapshots has, or that
// were written to between them.
func (c *call) changed(first, second *state.Snapshot) (any, *wire.Error) {
	if !first.Related(second) {
		return nil, invalid(unrelated)
	}
	rows, atFirst, atSecond := []map[string]any{}, first.BlockAt(), second.BlockAt()
	next := c.page.walk(max(first.EndOfBlocks(), second.EndOfBlocks()), func(index int64) bool {
		a, before := atFirst(index)
		b, after := atSecond(index)
		if before == after && a == b {
			return false
		}
		row := map[string]any{"BlockIndex": index}
		if before {
			row["FirstBlockToken"] = token(first, a)
		}
		if after {
			row["SecondBlockToken"] = token(second, b)
		}
		rows = append(rows, row)
		return true
	})
	return c.describe(second, "ChangedBlocks", rows, next), nil
}

func (c *call) describe(s *state.Snapshot, name string, rows []map[string]any, next string) map[string]any {
	out := map[string]any{
		name: rows, "BlockSize": state.BlockBytes, "VolumeSize": s.SizeGiB,
		"ExpiryTime": float64(c.Organization.Clock.Now().Add(7*state.Day).UnixMilli()) / 1000,
	}
	if next != "" {
		out["NextToken"] = next
	}
	return out
}

// token names a block of a snapshot for GetSnapshotBlock.
func token(s *state.Snapshot, b state.Block) string {
	return opaque(wire.Bookmark{Resource: s.ID, Step: int(b.Index)})
}

// opaque writes a token in the letters that these APIs allow.
func opaque(b wire.Bookmark) string {
	return strings.NewReplacer("-", "+", "_", "/").Replace(b.Encode())
}

// The sizes of a page, and the one that is answered with where the caller names none.
const (
	leastBlocks = 100
	mostBlocks  = 10_000
)

// page is where a list of blocks begins and how long it is.
type page struct {
	from int64
	most int
}

func readPage(q url.Values) (page, *wire.Error) {
	p := page{most: mostBlocks}
	number := func(name string, least, most int64, into func(int64)) *wire.Error {
		text := q.Get(name)
		if text == "" {
			return nil
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < least || n > most {
			return invalid("The value of " + name + " is not valid.")
		}
		into(n)
		return nil
	}
	if err := number("maxResults", leastBlocks, mostBlocks, func(n int64) { p.most = int(n) }); err != nil {
		return p, err
	}
	if err := number("startingBlockIndex", 0, 1<<40, func(n int64) { p.from = n }); err != nil {
		return p, err
	}
	if text := q.Get("pageToken"); text != "" {
		place, ok := wire.ReadBookmark(strings.NewReplacer("+", "-", "/", "_").Replace(text))
		if !ok {
			return p, invalid("The page token is not valid.")
		}
		p.from = int64(place.Skip)
	}
	return p, nil
}

// walk goes on with a list of blocks until a page is full, and gives the token of the
// next one.
func (p page) walk(end int64, take func(index int64) bool) (next string) {
	taken := 0
	for index := p.from; index < end; index++ {
		if taken == p.most {
			return opaque(wire.Bookmark{Skip: int(index)})
		}
		if take(index) {
			taken++
		}
	}
	return ""
}

// unrelated is the refusal to compare snapshots of different volumes.
const unrelated = "The snapshots are not of the same volume."

// refuse writes an error with a message and a reason.
func refuse(r *wire.Request, e *wire.Error) wire.Answer {
	reasons := map[string]string{
		"ValidationException": "INVALID_PARAMETER_VALUE", "ResourceNotFoundException": "SNAPSHOT_NOT_FOUND",
		"AccessDeniedException": "UNAUTHORIZED_ACCOUNT", "RequestThrottledException": "ACCOUNT_THROTTLED",
	}
	reason := reasons[e.Code]
	if e.Message == unrelated {
		reason = "UNRELATED_SNAPSHOTS"
	}
	body, _ := json.Marshal(map[string]string{"Message": e.Message, "Reason": reason}) // cannot fail: strings
	a := wire.Answer{Status: e.Status, Header: r.AnswerHeader("application/json"), Body: body}
	a.Header.Set("X-Amzn-Errortype", e.Code)
	return a
}

func invalid(message string) *wire.Error { return wire.Invalid("ValidationException", message) }
