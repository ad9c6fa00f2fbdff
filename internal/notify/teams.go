package notify

import (
	"context"
	"encoding/json"
	"net/http"

	"nightshift/internal/config"
)

// teamsBytes is how large a message for Teams may be; Microsoft names about 28 KB.
const teamsBytes = 25 << 10

// The parts of an Adaptive Card of version 1.2. Text stands in runs, in which
// nothing has a meaning; text blocks read Markdown.
type (
	teamsMessage struct {
		Type        string            `json:"type"`
		Attachments []teamsAttachment `json:"attachments"`
	}
	teamsAttachment struct {
		ContentType string       `json:"contentType"`
		Content     adaptiveCard `json:"content"`
	}
	adaptiveCard struct {
		Schema  string         `json:"$schema"`
		Type    string         `json:"type"`
		Version string         `json:"version"`
		Summary string         `json:"fallbackText"`
		MSTeams map[string]any `json:"msteams"`
		Body    []richText     `json:"body"`
		Actions []openURL      `json:"actions,omitempty"`
	}
	richText struct {
		Type    string    `json:"type"`
		Spacing string    `json:"spacing,omitempty"`
		Inlines []textRun `json:"inlines"`
	}
	textRun struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		Weight   string `json:"weight,omitempty"`
		Size     string `json:"size,omitempty"`
		Color    string `json:"color,omitempty"`
		FontType string `json:"fontType,omitempty"`
		IsSubtle bool   `json:"isSubtle,omitempty"`
		// SelectAction makes it a link.
		SelectAction *openURL `json:"selectAction,omitempty"`
	}
	openURL struct {
		Type  string `json:"type"`
		Title string `json:"title"`
		URL   string `json:"url"`
	}
)

// teams sends a message to a workflow that posts what its webhook receives.
func (n *Notifier) teams(ctx context.Context, address string, m Message) error {
	body, err := fitted(m, teamsBytes, teamsBody)
	if err != nil {
		return err
	}
	_, err = n.post(ctx, address, http.Header{"Content-Type": {"application/json"}}, body)
	return err
}

func teamsBody(m Message) ([]byte, error) {
	title := textRun{Text: m.Title, Weight: "Bolder", Size: "Medium"}
	if m.Failed {
		title.Color = "Attention"
	}
	card := adaptiveCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.2",
		Summary: m.Title, MSTeams: map[string]any{"width": "full"}, Body: []richText{paragraph("", title)},
	}
	for _, g := range m.Groups {
		card.Body = append(card.Body, paragraph("Medium", textRun{Text: g.Heading, Weight: "Bolder"}))
		for _, l := range g.Lines {
			card.Body = append(card.Body, paragraph("None", textRun{Text: "• " + l.Text}))
			if l.Command != "" {
				card.Body = append(card.Body, paragraph("None", textRun{Text: l.Command, FontType: "Monospace"}))
			}
			if config.CheckURL(l.Link) == nil {
				card.Body = append(card.Body, paragraph("None", textRun{Text: "Postpone", SelectAction: &openURL{Type: "Action.OpenUrl", Title: "Postpone", URL: l.Link}}))
			}
		}
		if g.More > 0 {
			card.Body = append(card.Body, paragraph("None", textRun{Text: leftOut(g.More), IsSubtle: true}))
		}
	}
	card.Body = append(card.Body, paragraph("Medium", textRun{Text: m.footer(), Size: "Small", IsSubtle: true}))
	if config.CheckURL(m.Page) == nil {
		card.Actions = []openURL{{Type: "Action.OpenUrl", Title: "Open the page", URL: m.Page}}
	}
	return json.Marshal(teamsMessage{Type: "message", Attachments: []teamsAttachment{{
		ContentType: "application/vnd.microsoft.card.adaptive", Content: card,
	}}})
}

func paragraph(spacing string, run textRun) richText {
	run.Type = "TextRun"
	return richText{Type: "RichTextBlock", Spacing: spacing, Inlines: []textRun{run}}
}
