package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"peervane/config"
)

// newLog makes the daemon's log: JSON with RFC 3339 times in UTC, or lines for people, with colours on a terminal only.
// onJournal says that each line carries its syslog priority, as sd-daemon(3) has it. The level may be changed later.
func newLog(cfg config.Log, w *os.File, onJournal bool) (*zap.Logger, zap.AtomicLevel, error) {
	level, err := zap.ParseAtomicLevel(cfg.Level)
	if err != nil {
		return nil, level, fmt.Errorf("log.level: %w", err)
	}
	terminal := term.IsTerminal(int(w.Fd()))
	encoder := zapcore.NewJSONEncoder(encoding(false))
	if cfg.Format == "console" || cfg.Format == "auto" && terminal {
		encoder = zapcore.NewConsoleEncoder(encoding(terminal && os.Getenv("NO_COLOR") == ""))
		if terminal {
			encoder = briefEncoder{encoder}
		}
	}
	if onJournal {
		encoder = priorityEncoder{encoder}
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(w), level)).Named("peervane"), level, nil
}

func encoding(colour bool) zapcore.EncoderConfig {
	c := zapcore.EncoderConfig{
		TimeKey: "ts", LevelKey: "level", NameKey: "logger", MessageKey: "msg", LineEnding: zapcore.DefaultLineEnding,
		EncodeTime: encodeTime, EncodeLevel: zapcore.LowercaseLevelEncoder,
		EncodeDuration: zapcore.StringDurationEncoder, EncodeName: zapcore.FullNameEncoder,
	}
	if colour {
		c.EncodeLevel = zapcore.LowercaseColorLevelEncoder
	}
	return c
}

func encodeTime(t time.Time, enc zapcore.PrimitiveArrayEncoder) {
	enc.AppendString(t.UTC().Format("2006-01-02T15:04:05.000000Z"))
}

// briefEncoder leaves the whole notice out, where a person reads along: what stands beside it says it all, and 'peervane
// incidents show' the rest.
type briefEncoder struct{ zapcore.Encoder }

func (e briefEncoder) Clone() zapcore.Encoder { return briefEncoder{e.Encoder.Clone()} }

func (e briefEncoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	isNotice := func(f zapcore.Field) bool { return f.Key == "notice" }
	if slices.ContainsFunc(fields, isNotice) {
		fields = slices.DeleteFunc(slices.Clone(fields), isNotice)
	}
	return e.Encoder.EncodeEntry(entry, fields)
}

// priorityEncoder puts "<N>" before each line, N the syslog priority of its level (RFC 5424).
type priorityEncoder struct{ zapcore.Encoder }

func (e priorityEncoder) Clone() zapcore.Encoder { return priorityEncoder{e.Encoder.Clone()} }

func (e priorityEncoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	line, err := e.Encoder.EncodeEntry(entry, fields)
	if err != nil {
		return nil, err
	}
	text := bytes.Clone(line.Bytes())
	line.Reset()
	fmt.Fprintf(line, "<%d>", priority(entry.Level))
	_, err = line.Write(text)
	return line, err
}

func priority(l zapcore.Level) int {
	switch {
	case l >= zapcore.DPanicLevel:
		return 2
	case l == zapcore.ErrorLevel:
		return 3
	case l == zapcore.WarnLevel:
		return 4
	case l == zapcore.InfoLevel:
		return 6
	}
	return 7
}

// priorityWriter puts a priority before each line of what is no part of the log.
type priorityWriter struct {
	w        io.Writer
	priority int
}

func (p priorityWriter) Write(b []byte) (int, error) {
	var out []byte
	for line := range bytes.Lines(b) {
		out = append(fmt.Appendf(out, "<%d>", p.priority), line...)
	}
	if _, err := p.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}
