package admin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// A Client asks an AdminServer, which servers from 3.5 on have, by its
// commands. It is a value to be filled in and used; it is safe for concurrent
// use as long as it is not changed.
type Client struct {
	// URL is where the commands are, such as "http://zk1:8080/commands". Without
	// a path it is /commands.
	URL string
	// HTTP makes the requests. The default is http.DefaultClient. One of one's
	// own is the way to certificates.
	HTTP *http.Client
	// Auth is the credential for what a server lets only some do, as scheme and
	// credential: "digest super:password". It is sent with every request, so
	// mind who can read them.
	Auth string
	// Timeout bounds a question with its answer, beside the context, but not a
	// snapshot and its restoration. 0 is 10 s, and a negative value is none.
	Timeout time.Duration
	// MaxAnswer is how many bytes an answer may have, but for a snapshot. 0 is
	// 64 MiB.
	MaxAnswer int64
}

// A CommandError is what an AdminServer says instead of an answer. It matches
// [ErrNotServing], [ErrUnknownCommand] and [ErrNotAuthorized].
type CommandError struct {
	Command string
	Status  int    // of HTTP; servers say most errors with 200
	Text    string // as the server has it, or that of the status
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("admin: command %s: %s (status %d)", e.Command, e.Text, e.Status)
}

var (
	// ErrUnknownCommand says that a server does not have a command, which may be
	// that of a newer one.
	ErrUnknownCommand = errors.New("unknown command")
	// ErrNotAuthorized says that Client.Auth is missing or does not do.
	ErrNotAuthorized = errors.New("not authorized")
)

// Is matches the errors of this package.
func (e *CommandError) Is(target error) bool {
	switch target {
	case ErrNotServing:
		return strings.HasPrefix(e.Text, "This ZooKeeper instance is not currently serving requests")
	case ErrUnknownCommand:
		return strings.HasPrefix(e.Text, "Unknown command")
	case ErrNotAuthorized:
		return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	}
	return false
}

// An Answer is what a command tells, in the order of the server, without
// "command" and "error".
type Answer []JSONField

// A JSONField is a key and its value.
type JSONField struct {
	Key   string
	Value json.RawMessage
}

// Get is the value of a key, nil without one.
func (a Answer) Get(key string) json.RawMessage {
	for _, f := range a {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// Decode puts the value of a key into v, as [json.Unmarshal] does. Without the
// key it does nothing.
func (a Answer) Decode(key string, v any) error {
	value := a.Get(key)
	if value == nil {
		return nil
	}
	if err := json.Unmarshal(value, v); err != nil {
		return fmt.Errorf("admin: %s: %w", key, err)
	}
	return nil
}

// ParseAnswer reads the JSON of a command, with "command" and "error".
func ParseAnswer(text []byte) (Answer, error) {
	in := json.NewDecoder(bytes.NewReader(text))
	if t, err := in.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("admin: answer is no JSON object (%v)", err)
	}
	var all Answer
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return nil, fmt.Errorf("admin: answer: %w", err)
		}
		f := JSONField{}
		f.Key, _ = key.(string)
		if err := in.Decode(&f.Value); err != nil {
			return nil, fmt.Errorf("admin: answer: %s: %w", f.Key, err)
		}
		all = append(all, f)
	}
	if _, err := in.Token(); err != nil {
		return nil, fmt.Errorf("admin: answer: %w", err)
	}
	return all, nil
}

// Command asks a command by its name or short name, such as "monitor", with
// parameters, which may be nil.
func (c *Client) Command(ctx context.Context, name string, params url.Values) (Answer, error) {
	body, status, err := c.get(ctx, name, params)
	if err != nil {
		return nil, err
	}
	all, err := ParseAnswer(body)
	if err != nil && status != http.StatusOK {
		return nil, &CommandError{Command: name, Status: status, Text: http.StatusText(status)}
	}
	if err != nil {
		return nil, err
	}
	return all.split(name, status)
}

// split takes "command" and "error" out of an answer.
func (a Answer) split(name string, status int) (Answer, error) {
	e := &CommandError{Command: name, Status: status}
	var rest Answer
	for _, f := range a {
		switch f.Key {
		case "command":
		case "error":
			if json.Unmarshal(f.Value, &e.Text) != nil {
				e.Text = string(f.Value)
			}
		default:
			rest = append(rest, f)
		}
	}
	if e.Text == "" && status == http.StatusOK {
		return rest, nil
	}
	e.Text = cmp.Or(e.Text, http.StatusText(status))
	return nil, e
}

// get is all of the answer to a GET.
func (c *Client) get(ctx context.Context, name string, params url.Values) ([]byte, int, error) {
	if timeout := cmp.Or(c.Timeout, 10*time.Second); timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	resp, err := c.send(ctx, http.MethodGet, name, params, nil)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := c.read(resp.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("admin: command %s: %w", name, err)
	}
	return body, resp.StatusCode, nil
}

func (c *Client) read(in io.Reader) ([]byte, error) {
	most := cmp.Or(c.MaxAnswer, 64<<20)
	body, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(body)) > most {
		err = ErrTooLong
	}
	return body, err
}

func (c *Client) send(ctx context.Context, method, name string, params url.Values, body io.Reader) (*http.Response, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/commands"
	}
	u = u.JoinPath(name)
	u.RawQuery = params.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("admin: command %s: %w", name, err)
	}
	if c.Auth != "" {
		req.Header.Set("Authorization", c.Auth)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("admin: command %s: %w", name, err)
	}
	return resp, nil
}

var link = regexp.MustCompile(`<a href="[^"]*">([^<]+)</a>`)

// Commands are the names of all commands that the server has.
func (c *Client) Commands(ctx context.Context) ([]string, error) {
	page, status, err := c.get(ctx, "", nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range link.FindAllSubmatch(page, -1) {
		names = append(names, string(m[1]))
	}
	if status != http.StatusOK || len(names) == 0 {
		return nil, &CommandError{Command: "", Status: status, Text: "no list of commands"}
	}
	return names, nil
}
