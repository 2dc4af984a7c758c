package notify

import (
	"strings"

	"peervane/config"
	"peervane/daemon/notice"
)

// The limits of Block Kit: https://docs.slack.dev/reference/block-kit/blocks (header, section).
const (
	slackHeader  = 150
	slackSection = 3000
	slackField   = 2000
	slackFields  = 10 // of a section
)

// newSlack posts to an incoming webhook of Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
func newSlack(c config.Channel, version string) (Notifier, error) {
	return newPreset(c, version, slackMessage)
}

type slackBody struct {
	Text   string       `json:"text"` // shown where blocks are not: notifications, screen readers
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type   string      `json:"type"`
	Text   *slackText  `json:"text,omitempty"`
	Fields []slackText `json:"fields,omitempty"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func slackMessage(n *notice.Notice) any {
	title := headline(n)
	blocks := []slackBlock{
		{Type: "header", Text: &slackText{"plain_text", clip(title, slackHeader)}},
		{Type: "section", Text: mrkdwn(n.Summary)},
	}
	var fields []slackText
	for _, f := range facts(n) {
		fields = append(fields, slackText{"mrkdwn", "*" + slackEscape(f.Name) + "*\n" + clipEscaped(f.Value, slackField-100)})
	}
	for len(fields) > 0 {
		some := min(len(fields), slackFields)
		blocks = append(blocks, slackBlock{Type: "section", Fields: fields[:some]})
		fields = fields[some:]
	}
	if routes := strings.Join(routeLines(n.Evidence.Routes), "\n"); routes != "" {
		blocks = append(blocks, slackBlock{Type: "section", Text: &slackText{"mrkdwn", "```" + clipEscaped(routes, slackSection-10) + "```"}})
	}
	return slackBody{Text: clipEscaped(title+": "+n.Summary, slackSection), Blocks: blocks}
}

func mrkdwn(text string) *slackText { return &slackText{"mrkdwn", clipEscaped(text, slackSection)} }

// slackEscape takes from a text what Slack would read as a link, a mention or a character reference:
// https://docs.slack.dev/messaging/formatting-message-text#escaping.
var slackEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'")

func slackEscape(text string) string { return slackEscaper.Replace(text) }

// clipEscaped escapes as much of a text as fits into so many characters.
func clipEscaped(text string, limit int) string {
	for keep := limit; ; keep -= keep/8 + 1 {
		if escaped := slackEscape(clip(text, max(keep, 1))); len([]rune(escaped)) <= limit || keep < 1 {
			return escaped
		}
	}
}
