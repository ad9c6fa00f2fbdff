package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
)

// webhookBytes is how large a message may be, for a webhook as for SNS.
const webhookBytes = 200 << 10

// webhook posts the message as JSON, signed as Standard Webhooks has it: HMAC-SHA256
// over id, timestamp and body, so that a recorded message cannot be sent again later.
func (n *Notifier) webhook(ctx context.Context, address, secret string, m Message) error {
	body, err := fitted(m, webhookBytes, func(m Message) ([]byte, error) {
		return json.Marshal(struct {
			Version int    `json:"version"`
			Kind    string `json:"kind"`
			Data    any    `json:"data"`
		}{1, "notice", m})
	})
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(n.Now().Unix(), 10)
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set("Webhook-Id", m.ID)
	header.Set("Webhook-Timestamp", timestamp)
	if secret != "" {
		signature, err := sign(secret, m.ID, timestamp, body)
		if err != nil {
			return err
		}
		header.Set("Webhook-Signature", signature)
	}
	_, err = n.post(ctx, address, header, body)
	return err
}

// sign is the signature of a message. A secret that begins with whsec_ is base64, as
// Standard Webhooks writes it; every other one is taken as it is.
func sign(secret, id, timestamp string, body []byte) (string, error) {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return "", fleet.Errorf(fleet.ErrInvalid, "the secret begins with whsec_, and what follows is not base64")
		}
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// subjectLength is how long the subject of a message of SNS may be.
const subjectLength = 100

// publish sends the message as a text to a topic of SNS.
func (n *Notifier) publish(ctx context.Context, s *app.Session, topic string, m Message) error {
	body, err := fitted(m, webhookBytes, func(m Message) ([]byte, error) { return []byte(m.Plain()), nil })
	if err != nil {
		return err
	}
	return s.PublishNotice(ctx, topic, subjectOf(m.Title), string(body), map[string]string{"id": m.ID})
}

// subjectOf is a title as SNS takes subjects: ASCII, on one line.
func subjectOf(title string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, "nightshift "+title)
	if len(ascii) > subjectLength {
		return ascii[:subjectLength-3] + "..."
	}
	return ascii
}
