package notify

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"peervane/daemon/notice"
)

var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func TestLogLineHoldsTheWholeNotice(t *testing.T) {
	n := &notice.Notice{
		Incident: "i1", Type: notice.SubPrefix, Status: notice.Firing, Severity: notice.Critical,
		Summary: "AS1 -> AS2 <x>", Prefix: netip.MustParsePrefix("192.0.2.0/24"),
	}
	body, err := n.Body()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg", LevelKey: "level", EncodeLevel: zapcore.LowercaseLevelEncoder})
	Log(zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&out), zap.InfoLevel)), n, body)
	var line struct {
		Level, Msg, Incident, Type, Status, Severity, Summary, Prefix string
		Peer                                                          *string
		Notice                                                        json.RawMessage
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.Msg != "incident" || line.Level != "error" || line.Incident != "i1" || line.Type != "subprefix" ||
		line.Status != "firing" || line.Severity != "critical" || line.Summary != n.Summary || line.Prefix != "192.0.2.0/24" {
		t.Errorf("got %s", out.Bytes())
	}
	if line.Peer != nil {
		t.Error("an empty peer is told")
	}
	if !bytes.Equal(line.Notice, body) {
		t.Errorf("the notice is not the body:\n%s\n%s", line.Notice, body)
	}
}

func TestLogLevels(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	for _, s := range []notice.Severity{notice.Info, notice.Warning, notice.Error, notice.Critical} {
		Log(zap.New(core), &notice.Notice{Severity: s}, []byte("{}"))
	}
	for i, want := range []zapcore.Level{zap.InfoLevel, zap.WarnLevel, zap.ErrorLevel, zap.ErrorLevel} {
		if got := logs.All()[i].Level; got != want {
			t.Errorf("line %d is at %v, want %v", i, got, want)
		}
	}
}
