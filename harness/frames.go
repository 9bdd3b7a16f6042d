package harness

import "encoding/binary"

const (
	headLen  = 16 // bytes of a frame by which to judge whether the rest matters
	mostSeen = 64 << 20
)

// A splitter cuts a stream into frames as it passes. It keeps the beginning of
// each, and the rest only of those that matter.
type splitter struct {
	matters func(head []byte) bool // head has headLen bytes, or the whole frame
	frame   func(b []byte)         // takes what was kept; the bytes are valid during the call

	length  int    // of the frame that passes, its prefix included; 0 while not known
	passed  int    // bytes of it
	kept    []byte // of it
	whole   bool   // it matters
	blinded bool   // this is no stream of frames, such as a four-letter word
}

// feed takes what passes next.
func (s *splitter) feed(b []byte) {
	for len(b) > 0 && !s.blinded {
		if s.passed < s.goal() {
			n := min(len(b), s.goal()-s.passed)
			s.kept = append(s.kept, b[:n]...)
			s.passed += n
			b = b[n:]
		} else {
			n := min(len(b), s.length-s.passed)
			s.passed += n
			b = b[n:]
		}
		s.judge()
	}
}

// goal is up to where bytes are kept for now.
func (s *splitter) goal() int {
	switch {
	case s.length == 0:
		return 4
	case s.whole:
		return s.length
	}
	return min(s.length, 4+headLen)
}

// judge looks at what has come of a frame.
func (s *splitter) judge() {
	if s.length == 0 && s.passed == 4 {
		n := int32(binary.BigEndian.Uint32(s.kept))
		if s.blinded = n < 0 || n > mostSeen; s.blinded {
			s.kept = nil
			return
		}
		s.length = 4 + int(n)
	}
	if s.length == 0 {
		return
	}
	if !s.whole && s.passed == s.goal() && s.passed > 4 {
		s.whole = s.matters(s.kept[4:])
	}
	if s.passed == s.length {
		s.frame(s.kept[4:])
		s.length, s.passed, s.whole, s.kept = 0, 0, false, s.kept[:0]
		if cap(s.kept) > 64<<10 {
			s.kept = nil
		}
	}
}
