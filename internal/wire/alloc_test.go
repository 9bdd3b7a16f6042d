//go:build !race

package wire

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNextAllocatesNothing(t *testing.T) {
	src := bytes.NewReader(nil)
	stream := bytes.Repeat(frame(make([]byte, 100)), 10)
	f := NewFrameReader(src, noLimit)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		src.Reset(stream)
		for range 10 {
			if _, err := f.Next(); err != nil {
				t.Fatal(err)
			}
		}
	}), "frames are read in place")
}

func TestFlushAllocatesNothing(t *testing.T) {
	ours, peer := tcpPair(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ net.Conn }{peer}, make([]byte, 64<<10))
	}()
	o := NewOutbox(ours, nil)
	one := frame(make([]byte, 100))
	require.Less(t, testing.AllocsPerRun(1000, func() {
		o.Unlock(append(o.Lock(), one...))
		o.Flush()
	}), 1.0, "what the connection takes at once costs no allocation and no goroutine")
	o.CloseAfterFlush()
	<-done
}
