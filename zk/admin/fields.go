package admin

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// A Field is a line of an answer: a key and its value.
type Field struct{ Key, Value string }

// Fields are lines in the order of the answer.
type Fields []Field

// Get is the value of a key. It tells whether there is one.
func (f Fields) Get(key string) (string, bool) {
	for _, field := range f {
		if field.Key == key {
			return field.Value, true
		}
	}
	return "", false
}

// Int is the value of a key as a whole number. It tells whether there is one.
func (f Fields) Int(key string) (int64, bool) {
	text, ok := f.Get(key)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// Float is the value of a key as a number. It tells whether there is one.
func (f Fields) Float(key string) (float64, bool) {
	text, ok := f.Get(key)
	if !ok {
		return 0, false
	}
	n, err := parseFloat(text)
	return n, err == nil
}

// A target reads the value of a known key.
type target func(value string) error

// take gives the value of each known key to its target, and returns the others.
func (f Fields) take(known map[string]target) (other Fields, err error) {
	for _, field := range f {
		if set := known[field.Key]; set == nil {
			other = append(other, field)
		} else if err := set(field.Value); err != nil {
			return nil, fmt.Errorf("%s: %w", field.Key, err)
		}
	}
	return other, nil
}

func toText(p *string) target {
	return func(s string) error { *p = s; return nil }
}

func toInt(p *int64) target {
	return func(s string) (err error) { *p, err = strconv.ParseInt(s, 10, 64); return err }
}

func toFloat(p *float64) target {
	return func(s string) (err error) { *p, err = parseFloat(s); return err }
}

// toHex reads an id or zxid such as "0x1f".
func toHex(p *int64) target {
	return func(s string) (err error) { *p, err = parseHex(s); return err }
}

// parseFloat takes a decimal comma too, which some servers write in some
// locales.
func parseFloat(s string) (float64, error) {
	return strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
}

func parseHex(s string) (int64, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return 0, fmt.Errorf("%q is no number in hex", s)
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return int64(n), err
}

// parseFields reads lines of a key, a separator and a value.
func parseFields(text, separator string) (f Fields, err error) {
	for line := range lines(text) {
		key, value, ok := strings.Cut(line, separator)
		if !ok {
			return nil, fmt.Errorf("line %q has no %q", line, separator)
		}
		f = append(f, Field{key, value})
	}
	return f, nil
}

// lines are those of a text, without their ends and without empty ones.
func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
			if line != "" && !yield(line) {
				return
			}
		}
	}
}

// whole fails for a text whose last line has no end: an answer that was cut.
func whole(text string) error {
	if !strings.HasSuffix(text, "\n") {
		return fmt.Errorf("it ends within a line: %q", text[max(0, len(text)-40):])
	}
	return nil
}

// wrong is the error of a parser.
func wrong(word string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("admin: answer to %s: %w", word, err)
}
