package notice

import "fmt"

// Severity orders incidents: Off < Info < Warning < Error < Critical. Off, the zero value, silences a type in the
// configuration; no notice carries it.
type Severity uint8

// The severities.
const (
	Off Severity = iota
	Info
	Warning
	Error
	Critical
)

var severityNames = [...]string{"off", "info", "warning", "error", "critical"}

func (s Severity) String() string {
	if int(s) >= len(severityNames) {
		return fmt.Sprintf("severity(%d)", uint8(s))
	}
	return severityNames[s]
}

// ParseSeverity reads a severity's name.
func ParseSeverity(name string) (Severity, error) {
	for i, have := range severityNames {
		if have == name {
			return Severity(i), nil
		}
	}
	return Off, fmt.Errorf("unknown severity %q: use one of info, warning, error, critical, off", name)
}

// MarshalText gives the name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name.
func (s *Severity) UnmarshalText(text []byte) error {
	parsed, err := ParseSeverity(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}
