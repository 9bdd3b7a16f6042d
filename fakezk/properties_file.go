package fakezk

import (
	"strconv"
	"strings"
)

// parseProperties reads Java's format of properties: key=value, key:value or
// key value, comments behind # or !, lines that go on behind a backslash, and
// escapes. The last of several equal keys wins. Settings come in the order of
// the lines that won, each with its line's number behind where.
func parseProperties(where, text string) (settings []setting) {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
	for i := 0; i < len(lines); i++ {
		line := trimLeft(lines[i])
		at := where + strconv.Itoa(i+1)
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for continues(line) && i+1 < len(lines) {
			i++
			line = line[:len(line)-1] + trimLeft(lines[i])
		}
		key, value := splitProperty(line)
		for j, s := range settings {
			if s.key == key {
				settings = append(settings[:j], settings[j+1:]...)
				break
			}
		}
		settings = append(settings, setting{key: key, value: strings.TrimSpace(value), at: at})
	}
	return settings
}

func trimLeft(s string) string { return strings.TrimLeft(s, " \t\f") }

// continues tells whether a line ends in a backslash that is not itself
// escaped.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// splitProperty cuts a line at the first separator that is not escaped.
func splitProperty(line string) (key, value string) {
	end := 0
	for end < len(line) && !strings.ContainsRune(" \t\f=:", rune(line[end])) {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(line))
	rest := trimLeft(line[end:])
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = trimLeft(rest[1:])
	}
	return unescape(line[:end]), unescape(rest)
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if code, err := strconv.ParseUint(s[i+1:min(i+5, len(s))], 16, 16); err == nil {
				b.WriteRune(rune(code))
				i = min(i+4, len(s)-1)
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
