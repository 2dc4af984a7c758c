package notify

import (
	"encoding/json"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"peervane/daemon/notice"
)

// Log is the channel that is always there: one line for each notice, the whole body in it. It does not go through the
// outbox, so that it works when nothing else does.
func Log(log *zap.Logger, n *notice.Notice, body []byte) {
	line := log.Check(level(n), "incident")
	if line == nil {
		return
	}
	fields := []zap.Field{
		zap.String("incident", n.Incident),
		zap.String("type", n.Type),
		zap.String("status", string(n.Status)),
		zap.Stringer("severity", n.Severity),
		zap.String("summary", n.Summary),
	}
	for _, f := range [...]zap.Field{
		zap.String("prefix", prefixText(n)), zap.String("peer", n.Peer), zap.String("pop", n.POP),
	} {
		if f.String != "" {
			fields = append(fields, f)
		}
	}
	if n.Held != "" {
		fields = append(fields, zap.String("held", n.Held))
	}
	line.Write(append(fields, zap.Reflect("notice", json.RawMessage(body)))...)
}

// level is the log level of a notice: that of its severity, and for an end and for what is held back, which ask nobody to do anything, info. Critical
// has none of its own: above Error, zap would end the process.
func level(n *notice.Notice) zapcore.Level {
	if n.Status == notice.Resolved || n.Held != "" {
		return zap.InfoLevel
	}
	switch n.Severity {
	case notice.Warning:
		return zap.WarnLevel
	case notice.Error, notice.Critical:
		return zap.ErrorLevel
	}
	return zap.InfoLevel
}
