package notify

import (
	"peervane/config"
	"peervane/daemon/notice"
)

// They bound each text of a card, so that the message stays within the 28 KB that Teams takes:
// https://learn.microsoft.com/en-us/connectors/teams/#known-issues-and-limitations-with-actions.
const (
	teamsText = 2000
	teamsFact = 300
)

// newTeams posts to a workflow of Teams, "Post to a channel when a webhook request is received", which answers 202.
func newTeams(c config.Channel, version string) (Notifier, error) {
	return newPreset(c, version, teamsMessage)
}

type teamsBody struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	ContentURL  *string   `json:"contentUrl"`
	Content     teamsCard `json:"content"`
}

// teamsCard is an Adaptive Card: https://adaptivecards.io/explorer.
type teamsCard struct {
	Schema  string         `json:"$schema"`
	Type    string         `json:"type"`
	Version string         `json:"version"`
	MSTeams map[string]any `json:"msteams"`
	Body    []teamsElement `json:"body"`
}

type teamsElement struct {
	Type    string         `json:"type"`
	Style   string         `json:"style,omitempty"`
	Bleed   bool           `json:"bleed,omitempty"`
	Spacing string         `json:"spacing,omitempty"`
	Items   []teamsElement `json:"items,omitempty"`
	Inlines []teamsRun     `json:"inlines,omitempty"`
}

// teamsRun is text as it is. A TextBlock or a Fact would read Markdown into names such as new_more_specific.
type teamsRun struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Size     string `json:"size,omitempty"`
	Weight   string `json:"weight,omitempty"`
	FontType string `json:"fontType,omitempty"`
}

func teamsMessage(n *notice.Notice) any {
	body := []teamsElement{
		{Type: "Container", Style: teamsStyle(n), Bleed: true, Items: []teamsElement{
			rich("", teamsRun{Text: headline(n), Size: "Medium", Weight: "Bolder"}),
		}},
		rich("", teamsRun{Text: n.Summary}),
	}
	for _, f := range facts(n) {
		body = append(body, rich("Small", teamsRun{Text: f.Name + ": ", Weight: "Bolder"}, teamsRun{Text: clip(f.Value, teamsFact)}))
	}
	for _, line := range routeLines(n.Evidence.Routes) {
		body = append(body, rich("Small", teamsRun{Text: line, FontType: "Monospace"}))
	}
	return teamsBody{Type: "message", Attachments: []teamsAttachment{{
		ContentType: "application/vnd.microsoft.card.adaptive",
		Content: teamsCard{
			Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
			MSTeams: map[string]any{"width": "Full"}, Body: body,
		},
	}}}
}

func rich(spacing string, runs ...teamsRun) teamsElement {
	for i := range runs {
		runs[i].Type, runs[i].Text = "TextRun", clip(runs[i].Text, teamsText)
	}
	return teamsElement{Type: "RichTextBlock", Spacing: spacing, Inlines: runs}
}

// teamsStyle colours the headline.
func teamsStyle(n *notice.Notice) string {
	switch {
	case n.Status == notice.Resolved:
		return "good"
	case n.Severity >= notice.Error:
		return "attention"
	case n.Severity == notice.Warning:
		return "warning"
	}
	return "accent"
}
