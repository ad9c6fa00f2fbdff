package wire

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Bookmark is what an opaque token holds: a digest of the request that it goes on
// with, and the position: what is to be left out in which step, which begins
// with a resource if one is named. Known is the end of what was known at the
// first page, so that pages of one answer do not contradict each other.
type Bookmark struct {
	Request    string
	Step, Skip int
	Resource   string `json:",omitempty"`
	Known      time.Time
}

// Encode writes the bookmark as a token.
func (b Bookmark) Encode() string {
	raw, _ := json.Marshal(b) // cannot fail: texts, numbers and a time
	return base64.URLEncoding.EncodeToString(raw)
}

// ReadBookmark is the place that a token means; false where it is none.
func ReadBookmark(token string) (b Bookmark, ok bool) {
	raw, err := base64.URLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(raw, &b) != nil {
		return b, false
	}
	return b, b.Step >= 0 && b.Skip >= 0
}

// QueryDigest names an operation with its parameters.
func QueryDigest(operation string, parameters any) string {
	raw, _ := json.Marshal(parameters) // filters and names cannot fail
	sum := sha256.Sum256(append([]byte(operation+"\n"), raw...))
	return hex.EncodeToString(sum[:12])
}
