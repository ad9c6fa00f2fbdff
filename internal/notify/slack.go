package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"
)

// The limits of Slack's messages (Block Kit reference).
const (
	slackBlocks  = 50
	slackHeader  = 150
	slackSection = 3000
	slackBytes   = 100 << 10 // more than 50 full sections in ASCII would need
)

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
	// Verbatim keeps Slack from making links and mentions of names.
	Verbatim bool `json:"verbatim,omitempty"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

type slackMessage struct {
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

// slack sends a message to an incoming webhook.
func (n *Notifier) slack(ctx context.Context, address string, m Message) error {
	body, err := fitted(m, slackBytes, slackBody)
	if err != nil {
		return err
	}
	_, err = n.post(ctx, address, http.Header{"Content-Type": {"application/json"}}, body)
	return err
}

func slackBody(m Message) ([]byte, error) {
	m = m.cut(slackBlocks - 3)
	out := slackMessage{
		Text:   slackEscaped(m.Title),
		Blocks: []slackBlock{{Type: "header", Text: &slackText{Type: "plain_text", Text: short(m.Title, slackHeader)}}},
	}
	for _, g := range m.Groups {
		out.Blocks = append(out.Blocks, slackBlock{Type: "section", Text: slackMarkdown(slackGroup(g))})
	}
	if m.Page != "" {
		out.Blocks = append(out.Blocks, slackBlock{Type: "section", Text: slackMarkdown("<" + slackEscaped(m.Page) + "|Open the page>")})
	}
	out.Blocks = append(out.Blocks, slackBlock{Type: "context", Elements: []slackText{*slackMarkdown(slackEscaped(m.footer()))}})
	return json.Marshal(out)
}

func slackMarkdown(text string) *slackText {
	return &slackText{Type: "mrkdwn", Text: text, Verbatim: true}
}

// slackGroup is a group as one section, whose last lines are left out where they are
// too many.
func slackGroup(g Group) string {
	text := "*" + slackEscaped(g.Heading) + "*"
	for n, l := range g.Lines {
		line := "\n• " + slackEscaped(l.Text)
		if l.Command != "" {
			line += "\n`" + strings.ReplaceAll(slackEscaped(l.Command), "`", "'") + "`"
		}
		if l.Link != "" {
			line += "\n<" + slackEscaped(l.Link) + "|Postpone>"
		}
		if utf8.RuneCountInString(text+line) > slackSection-40 {
			return text + "\n" + leftOut(len(g.Lines)-n+g.More)
		}
		text += line
	}
	if g.More > 0 {
		text += "\n" + leftOut(g.More)
	}
	return text
}

// slackEscaped keeps Slack from reading links and mentions, such as <!channel>.
func slackEscaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func short(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
