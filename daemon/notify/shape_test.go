package notify

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// A shape says of a decoded JSON value what is wrong with it. The services publish schemas in several languages; the
// tests hold what concerns us of each in this one, beside its source, with the lengths that only prose tells. What is
// published for programs is asked as well: see TestBodiesByWhatIsPublished.
type shape func(v any) error

type fields map[string]shape

// object has every field of must, any of may, and no other.
func object(must, may fields) shape {
	return func(v any) error {
		m, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%v is no object", v)
		}
		for name := range must {
			if _, ok := m[name]; !ok {
				return fmt.Errorf("%s is missing", name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			check := must[name]
			if check == nil {
				check = may[name]
			}
			if check == nil {
				return fmt.Errorf("%s is not known", name)
			}
			if err := check(m[name]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}
}

func list(least, most int, element shape) shape {
	return func(v any) error {
		l, ok := v.([]any)
		if !ok || len(l) < least || len(l) > most {
			return fmt.Errorf("no list of %d to %d: %v", least, most, v)
		}
		for i, e := range l {
			if err := element(e); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
		return nil
	}
}

// text is a string of 1 to so many characters.
func text(most int) shape {
	return func(v any) error {
		s, ok := v.(string)
		if n := utf8.RuneCountInString(s); !ok || n == 0 || n > most {
			return fmt.Errorf("no text of 1 to %d characters: %.80v (%d)", most, v, n)
		}
		return nil
	}
}

func word(words ...any) shape {
	return func(v any) error {
		if !slices.Contains(words, v) {
			return fmt.Errorf("%v is none of %v", v, words)
		}
		return nil
	}
}

func matching(pattern string) shape {
	re := regexp.MustCompile(pattern)
	return func(v any) error {
		if s, ok := v.(string); !ok || !re.MatchString(s) {
			return fmt.Errorf("%v does not match %s", v, pattern)
		}
		return nil
	}
}

// mapOf has names and values of two shapes.
func mapOf(name, value shape) shape {
	return func(v any) error {
		m, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%v is no object", v)
		}
		for n, e := range m {
			if err := name(n); err != nil {
				return err
			}
			if err := value(e); err != nil {
				return fmt.Errorf("%s: %w", n, err)
			}
		}
		return nil
	}
}

// oneOfType picks the shape of an object by its field type.
func oneOfType(shapes fields) shape {
	return func(v any) error {
		m, _ := v.(map[string]any)
		name, _ := m["type"].(string)
		if shapes[name] == nil {
			return fmt.Errorf("type %q is not known", name)
		}
		return shapes[name](v)
	}
}

func anything(any) error { return nil }

// dateTime is RFC 3339, as "format: date-time" has it.
func dateTime(v any) error {
	s, _ := v.(string)
	_, err := time.Parse(time.RFC3339Nano, s)
	return err
}

func uri(v any) error {
	s, _ := v.(string)
	_, err := url.ParseRequestURI(s)
	return err
}

// conforms decodes a body and holds it to a shape.
func conforms(body []byte, s shape) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	return s(v)
}
