package backend

import (
	"context"
	"io"
	"time"
)

// Ask sends a four-letter word on a connection of its own. A booting server may
// accept a connection and then never answer it, so the patience is short:
// 150 ms.
func Ask(ctx context.Context, m Member, word string) (string, error) {
	const patience = 150 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return AskPatiently(ctx, m, word)
}

// AskPatiently is Ask for as long as ctx allows.
func AskPatiently(ctx context.Context, m Member, word string) (string, error) {
	conn, err := m.Dial(ctx, PortClient)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}
