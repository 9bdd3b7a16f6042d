package fakezk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A jaasModule is one entry of a section of a JAAS file, in which
// authentication is configured for programs in Java:
//
//	Server {
//	    org.apache.zookeeper.server.auth.DigestLoginModule required
//	    user_alice="secret"; // the user's name is alice
//	};
type jaasModule struct {
	class   string
	options map[string]string
	line    int
}

// parseJAAS reads the sections of a file by their names.
func parseJAAS(file, text string) (map[string][]jaasModule, error) {
	p := jaasParser{rest: text, line: 1}
	sections := map[string][]jaasModule{}
	for p.next(); p.err == nil && (p.token != "" || p.quoted); {
		name := p.word("the name of a section")
		if _, again := sections[name]; again {
			p.fail("a second section %s", name)
		}
		sections[name] = p.section()
	}
	if p.err != nil {
		return nil, fmt.Errorf("%s:%w", file, p.err)
	}
	return sections, nil
}

// jaasParser has one token ahead. Its first error sticks, and ends the text.
type jaasParser struct {
	rest   string
	line   int
	token  string // "" at the end; a word, a sign, or a quote and what it holds
	quoted bool
	err    error
}

func (p *jaasParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("%d: %s", p.line, fmt.Sprintf(format, args...))
	}
	p.rest, p.token, p.quoted = "", "", false
}

func (p *jaasParser) section() (modules []jaasModule) {
	modules = []jaasModule{}
	p.sign("{")
	for p.err == nil && !p.is("}") {
		modules = append(modules, p.module())
	}
	p.sign("}")
	p.sign(";")
	return modules
}

func (p *jaasParser) module() jaasModule {
	m := jaasModule{line: p.line, options: map[string]string{}}
	m.class = p.word("a login module")
	flag := strings.ToLower(p.word("required, requisite, sufficient or optional"))
	if !slices.Contains([]string{"required", "requisite", "sufficient", "optional"}, flag) {
		p.fail("%q is not required, requisite, sufficient or optional", flag)
	}
	for p.err == nil && !p.is(";") {
		key := p.word("the name of an option, or a semicolon")
		p.sign("=")
		value := p.word("the value of " + key)
		if strings.Contains(value, "${") {
			p.fail("the value of %s has a property, ${...}; fakezk puts in none", key)
		}
		m.options[key] = value
	}
	p.sign(";")
	return m
}

func (p *jaasParser) is(sign string) bool { return !p.quoted && p.token == sign }

func (p *jaasParser) sign(sign string) {
	if !p.is(sign) {
		p.fail("want %q, not %q", sign, p.token)
		return
	}
	p.next()
}

// word is a word, with or without quotes.
func (p *jaasParser) word(what string) string {
	word := p.token
	if !p.quoted && (word == "" || !jaasLetter(rune(word[0])) && word[0] < 0x80) {
		p.fail("want %s, not %q", what, word)
		return ""
	}
	p.next()
	return word
}

func jaasLetter(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-$*", r) || r >= 0xa0
}

// next goes on to the next token.
func (p *jaasParser) next() {
	p.quoted = false
	p.skip()
	if p.rest == "" {
		p.token = ""
		return
	}
	if p.rest[0] == '"' {
		p.quote()
		return
	}
	end := strings.IndexFunc(p.rest, func(r rune) bool { return !jaasLetter(r) })
	switch end {
	case -1:
		end = len(p.rest)
	case 0:
		end = 1
	}
	p.token, p.rest = p.rest[:end], p.rest[end:]
	if strings.ContainsRune("0123456789.-", rune(p.token[0])) {
		p.fail("%q begins as a number does; put it in quotes", p.token)
	}
}

// skip goes over white space and comments.
func (p *jaasParser) skip() {
	for {
		trimmed := strings.TrimLeftFunc(p.rest, func(r rune) bool { return r <= ' ' })
		switch {
		case strings.HasPrefix(trimmed, "/*"):
			_, after, closed := strings.Cut(trimmed, "*/")
			if !closed {
				p.fail("a comment without end")
				return
			}
			trimmed = after
		case strings.HasPrefix(trimmed, "/"): // for Java one is as good as two
			trimmed = trimmed[len(trimmed)-len(strings.TrimLeftFunc(trimmed, func(r rune) bool { return r != '\n' })):]
		}
		if len(trimmed) == len(p.rest) {
			return
		}
		p.line += strings.Count(p.rest[:len(p.rest)-len(trimmed)], "\n")
		p.rest = trimmed
	}
}

// quote reads a text in quotes, within one line, with escapes as in Java.
func (p *jaasParser) quote() {
	var b strings.Builder
	for i := 1; i < len(p.rest) && p.rest[i] != '\n'; i++ {
		switch p.rest[i] {
		case '"':
			p.token, p.quoted, p.rest = b.String(), true, p.rest[i+1:]
			return
		case '\\':
			char, size := jaasEscape(p.rest[i+1:])
			b.WriteRune(char)
			i += size
		default:
			b.WriteByte(p.rest[i])
		}
	}
	p.fail("a text in quotes without end")
}

// jaasEscape is the character that an escape stands for, and how many bytes it
// has behind its backslash.
func jaasEscape(s string) (char rune, size int) {
	const names, chars = "abfnrtv", "\a\b\f\n\r\t\v"
	if s == "" {
		return '\\', 0
	}
	if i := strings.IndexByte(names, s[0]); i >= 0 {
		return rune(chars[i]), 1
	}
	for size < min(3, len(s)) && '0' <= s[size] && s[size] <= '7' && !(size == 2 && s[0] > '3') {
		size++
	}
	if size > 0 {
		n, _ := strconv.ParseUint(s[:size], 8, 8)
		return rune(n), size
	}
	return utf8.DecodeRuneInString(s)
}
