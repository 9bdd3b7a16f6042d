package conformance

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// http sends a request to the AdminServer and tells of the answer:
//
//	http GET /commands/srvr only="error"
//	http POST /commands/restore "a body" auth="digest root:secret"
func (r *run) http(member string, k call) error {
	time.Sleep(aside)
	nc, err := r.dialPort(member, AdminPort, "")
	if err != nil {
		return err
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(6 * r.patience)) // a real one loads its classes for the first answer
	req, err := http.NewRequestWithContext(r.ctx, k.at(0).text, "http://localhost"+r.expand(k.at(1).text), strings.NewReader(k.at(2).text))
	if err != nil {
		return err
	}
	req.Close = true
	if k.has("auth") {
		req.Header.Set("Authorization", k.named["auth"].text)
	}
	if err := req.Write(nc); err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL, err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(nc), req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL, err)
	}
	r.sayHeader(resp)
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && !strings.HasPrefix(string(body), "<a href") {
		if len(body) > 0 {
			r.say("(a body of another kind)") // such as Jetty's page about an error
		}
		return nil
	}
	text := r.plainJSON(string(body))
	if k.has("sort") {
		text = strings.ReplaceAll(text, ",\n", "\n") // which of the lines has none is up to the order
	}
	return r.sayText(text, k)
}

// sayHeader tells of what a client may depend on.
func (r *run) sayHeader(resp *http.Response) {
	text := strconv.Itoa(resp.StatusCode)
	for _, name := range []string{"Content-Type", "WWW-Authenticate", "Allow", "Location"} {
		switch value := resp.Header.Get(name); {
		case value != "" && name == "Content-Type":
			text += " " + value
		case value != "":
			text += fmt.Sprintf(" %s: %s", name, value)
		}
	}
	r.say("%s", text)
}

var inJSON = []rewriting{
	rewrite(`("(?:established|uptime|last_response_time|(?:last|min|avg|max)_latency|\w*dir_size|client_port|timestamp)") : [0-9.]+`, `$1 : N`),
	rewrite(`("(?:(?:last|min|max)_buffer_size)") : [-0-9.]+`, `$1 : N`),
	rewrite(`("interest_ops") : \d`, `$1 : N`),
	rewrite(`("initial_configuration") : ".*"`, `$1 : "TEXT"`),
	rewrite(`("data(?:_log)?_dir") : ".*"`, `$1 : "DIR"`),
	rewrite(`"expiry_time_to_session_ids" : \{\n    "\d+"`, "\"expiry_time_to_session_ids\" : {\n    \"TIME\""),
}

var (
	jsonAddress = regexp.MustCompile(`"((?:\d+\.){3}\d+:\d+)"`)
	jsonZxid    = regexp.MustCompile(`("last_(?:processed_)?zxid") : (-?\d+)`)
	longNumber  = regexp.MustCompile(`-?\d{12,}`)
)

// plainJSON is an answer with names for ids and relative zxids.
func (r *run) plainJSON(text string) string {
	text = r.plainVersion(text)
	for _, rw := range inJSON {
		text = rw.what.ReplaceAllString(text, rw.by)
	}
	names := r.names()
	text = jsonZxid.ReplaceAllStringFunc(text, func(s string) string {
		part := jsonZxid.FindStringSubmatch(s)
		zxid, _ := strconv.ParseInt(part[2], 10, 64)
		return part[1] + " : " + r.shownZxid(zxid)
	})
	text = longNumber.ReplaceAllStringFunc(text, func(s string) string {
		if name, ok := names[s]; ok {
			return name
		}
		return s
	})
	text = jsonAddress.ReplaceAllStringFunc(text, func(s string) string {
		if name, ok := names[strings.Trim(s, `"`)]; ok {
			return strconv.Quote(name)
		}
		return `"another"`
	})
	return strings.ReplaceAll(text, r.root, "~")
}
