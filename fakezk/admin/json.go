package admin

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/zookit/zookit/fakezk"
)

// appendJSON prints a value as a real server does: an object's entries on lines
// of their own, and lists on the line where they begin.
func appendJSON(b []byte, value any, indent string) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendFloat(b, v)
	case string:
		return appendText(b, v)
	case []string:
		return appendList(b, v, indent)
	case []int64:
		return appendList(b, v, indent)
	case []fakezk.AdminObject:
		return appendList(b, v, indent)
	case fakezk.AdminObject:
		return appendObject(b, v, indent)
	}
	return appendText(b, fmt.Sprint(value)) // no command gives such a thing
}

func appendObject(b []byte, o fakezk.AdminObject, indent string) []byte {
	if len(o) == 0 {
		return append(b, "{ }"...)
	}
	b = append(b, '{')
	for i, field := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, '\n'), indent+"  "...)
		b = append(appendText(b, field.Key), " : "...)
		b = appendJSON(b, field.Value, indent+"  ")
	}
	return append(append(append(b, '\n'), indent...), '}')
}

func appendList[T any](b []byte, list []T, indent string) []byte {
	b = append(b, "[ "...)
	for i, v := range list {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendJSON(b, v, indent)
	}
	if len(list) > 0 {
		b = append(b, ' ')
	}
	return append(b, ']')
}

// appendFloat prints a number with a point.
func appendFloat(b []byte, f float64) []byte {
	if f == float64(int64(f)) {
		return strconv.AppendFloat(b, f, 'f', 1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

func appendText(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	names := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	b = append(b, '"')
	for _, r := range s {
		switch name := names[r]; {
		case name != "":
			b = append(b, name...)
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
