package admin

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// A Snapshot is all data of a server as it comes. Whoever has it closes it.
type Snapshot struct {
	io.ReadCloser
	Zxid int64 // of the latest transaction in it, 0 where the server does not tell
	Size int64 // bytes, -1 where the server does not tell
}

// Snapshot has the server write a snapshot and returns it as it comes: it is
// not kept in memory. It takes a server of 3.9 with admin.snapshot.enabled, and
// Client.Auth of somebody with all permissions on the root. Servers make one
// in a quarter of an hour, unless they are configured otherwise. ctx bounds
// reading it, too.
func (c *Client) Snapshot(ctx context.Context) (*Snapshot, error) {
	resp, err := c.send(ctx, http.MethodGet, "snapshot", url.Values{"streaming": {"true"}}, nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") == "application/json" {
		return nil, c.refusal(resp, "snapshot")
	}
	s := &Snapshot{ReadCloser: resp.Body, Size: resp.ContentLength}
	s.Zxid = headerNumber(resp, "last_zxid", 0)
	s.Size = headerNumber(resp, "snapshot_size", s.Size)
	return s, nil
}

// headerNumber reads a number that a server writes in hex with 0x, or in
// decimal.
func headerNumber(resp *http.Response, name string, otherwise int64) int64 {
	n, err := strconv.ParseUint(resp.Header.Get(name), 0, 64)
	if err != nil {
		return otherwise
	}
	return int64(n)
}

// refusal is why the server has not done it.
func (c *Client) refusal(resp *http.Response, name string) error {
	defer resp.Body.Close()
	body, err := c.read(resp.Body)
	if err != nil {
		return err
	}
	if all, err := ParseAnswer(body); err == nil {
		if _, err := all.split(name, resp.StatusCode); err != nil {
			return err
		}
	}
	text := http.StatusText(resp.StatusCode)
	if resp.StatusCode == http.StatusOK {
		text = "the answer is another than expected"
	}
	return &CommandError{Command: name, Status: resp.StatusCode, Text: text}
}

// Restore replaces all data of the server by that of a snapshot, which is read
// as it is sent, and returns the zxid that the server has then. It takes what
// Snapshot does, and admin.restore.enabled. A snapshot is restored on every
// member of an ensemble.
func (c *Client) Restore(ctx context.Context, snapshot io.Reader) (zxid int64, err error) {
	resp, err := c.send(ctx, http.MethodPost, "restore", nil, snapshot)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := c.read(resp.Body)
	if err != nil {
		return 0, err
	}
	all, err := ParseAnswer(body)
	if err != nil {
		return 0, &CommandError{Command: "restore", Status: resp.StatusCode, Text: http.StatusText(resp.StatusCode)}
	}
	if all, err = all.split("restore", resp.StatusCode); err != nil {
		return 0, err
	}
	text := ""
	if all.Decode("last_zxid", &text) == nil {
		n, err := strconv.ParseUint(text, 0, 64)
		return int64(n), err
	}
	err = all.Decode("last_zxid", &zxid)
	return zxid, err
}
