package fakezk

import (
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// rfc2253Names are the types of attributes that have names in RFC 2253. Others
// are written as numbers, and their values in hexadecimal.
var rfc2253Names = map[string]string{
	"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU",
	"2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}

// An attribute is one type and value of a name; those that belong together
// make a set, and sets make a name.
type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

type attributeSET []attribute

// subjectOf is a certificate's subject as Java writes it: by RFC 2253, with
// the last set first; "" for one that cannot be read.
func subjectOf(der []byte) string {
	var name []attributeSET
	if _, err := asn1.Unmarshal(der, &name); err != nil {
		return ""
	}
	slices.Reverse(name)
	sets := make([]string, len(name))
	for i, set := range name {
		parts := make([]string, len(set))
		for j, a := range set {
			parts[j] = a.String()
		}
		sets[i] = strings.Join(parts, "+")
	}
	return strings.Join(sets, ",")
}

func (a attribute) String() string {
	name, known := rfc2253Names[a.Type.String()]
	text, ok := textOf(a.Value)
	switch {
	case !known:
		return a.Type.String() + "=#" + hex.EncodeToString(a.Value.FullBytes)
	case !ok:
		return name + "=#" + hex.EncodeToString(a.Value.FullBytes)
	}
	return name + "=" + escapeRFC2253(text)
}

// textOf is the value of an attribute that is a string. Java takes each kind
// for UTF-8.
func textOf(v asn1.RawValue) (string, bool) {
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagGeneralString, asn1.TagT61String, asn1.TagBMPString:
		return string([]rune(string(v.Bytes))), true
	}
	return "", false
}

// escapeRFC2253 puts backslashes before what has a meaning, and before spaces
// at either end.
func escapeRFC2253(s string) string {
	first := len(s) - len(strings.TrimLeft(s, " "))
	last := len(strings.TrimRight(s, " "))
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune(`,=+<>#;"\`, r), r == ' ' && (i < first || i >= last):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == 0:
			b.WriteString(`\00`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// attributeNames are those that Java takes, in any case, beside numbers.
var attributeNames = []string{
	"CN", "C", "L", "S", "ST", "O", "OU", "T", "IP", "STREET", "DC", "DNQUALIFIER", "DNQ", "SURNAME", "GIVENNAME",
	"INITIALS", "GENERATION", "EMAIL", "EMAILADDRESS", "UID", "SERIALNUMBER",
}

// validDN tells whether Java takes a text for a name such as "CN=a,O=b"; an
// empty one is.
func validDN(name string) bool {
	for more := name != ""; more; {
		var ok bool
		if name, more, ok = cutAttribute(name); !ok {
			return false
		}
	}
	return true
}

// cutAttribute takes an attribute off, and tells whether another has to follow.
func cutAttribute(s string) (rest string, more, ok bool) {
	key, value, ok := strings.Cut(s, "=")
	if !ok || !validAttributeName(strings.TrimSpace(key)) {
		return "", false, false
	}
	value = strings.TrimLeft(value, " \n")
	switch {
	case strings.HasPrefix(value, `"`):
		value, ok = cutQuotedValue(value[1:])
	case strings.HasPrefix(value, "#"):
		value, ok = cutHexValue(value[1:])
	default:
		value, ok = cutPlainValue(value)
	}
	value = strings.TrimLeft(value, " \n")
	if value == "" {
		return "", false, ok
	}
	return value[1:], true, ok && isSeparator(value[0])
}

func isSeparator(b byte) bool { return b == ',' || b == ';' || b == '+' }

func validAttributeName(name string) bool {
	name = strings.ToUpper(name)
	if slices.Contains(attributeNames, name) {
		return true
	}
	numbers := strings.Split(strings.TrimPrefix(name, "OID."), ".")
	for i, text := range numbers {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil || i == 0 && n > 2 || i == 1 && n > 39 && numbers[0] != "2" {
			return false
		}
	}
	return len(numbers) > 1
}

func cutQuotedValue(s string) (rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return s[i+1:], true
		case '\\':
			size := escapeSize(s[i:])
			if size == 0 {
				return "", false
			}
			i += size - 1
		}
	}
	return "", false
}

func cutHexValue(s string) (rest string, ok bool) {
	end := strings.IndexAny(s, " ,;+")
	if end < 0 {
		end = len(s)
	}
	der, err := hex.DecodeString(s[:end])
	if err != nil {
		return "", false
	}
	_, err = asn1.Unmarshal(der, &asn1.RawValue{})
	return s[end:], err == nil
}

func cutPlainValue(s string) (rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isSeparator(c):
			return s[i:], i > 0 || c != '+'
		case c == '\\':
			size := escapeSize(s[i:])
			if size == 0 {
				return "", false
			}
			i += size - 1
		case strings.IndexByte(`<>"`, c) >= 0:
			return "", false
		}
	}
	return "", true
}

// escapeSize is how many bytes a backslash and what it escapes have; 0 where
// there is nothing that it may stand before.
func escapeSize(s string) int {
	switch {
	case len(s) < 2:
		return 0
	case strings.IndexByte(" ,=+<>#;\"\\\n", s[1]) >= 0:
		return 2
	case len(s) > 2 && isHex(s[1]) && isHex(s[2]):
		return 3
	}
	return 0
}

func isHex(b byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", b) >= 0 }
