package admin

import (
	"fmt"
	"html"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/zookit/zookit/fakezk"
)

// Handler answers for a server, below the command URL that it is configured
// with, which is /commands unless it is told otherwise.
func Handler(s *fakezk.Server) http.Handler {
	return &handler{root: s.AdminSettings().CommandURL, server: s}
}

type handler struct {
	root   string
	server *fakezk.Server
}

// ServeHTTP has no multiplexer before it, which would tidy paths: a command
// with a slash is an unknown command.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, h.root)
	switch {
	case !ok || name != "" && name[0] != '/':
		failure(w, r, http.StatusNotFound)
		return
	case !h.takes(w, r):
		return
	}
	if name = strings.TrimPrefix(name, "/"); name == "" {
		h.index(w)
		return
	}
	h.command(w, r, name)
}

// takes tells whether the method is one of a command, and answers others.
func (h *handler) takes(w http.ResponseWriter, r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return true
	case http.MethodOptions:
		w.Header().Set("Allow", "GET, HEAD, POST, TRACE, OPTIONS")
		w.WriteHeader(http.StatusOK)
	case http.MethodTrace:
		w.WriteHeader(http.StatusForbidden)
	case http.MethodPut, http.MethodDelete:
		w.WriteHeader(http.StatusMethodNotAllowed)
	default:
		w.WriteHeader(http.StatusNotImplemented)
	}
	return false
}

// index has a link to each command, and no type.
func (h *handler) index(w http.ResponseWriter) {
	var b strings.Builder
	for _, name := range h.server.AdminCommands() {
		fmt.Fprintf(&b, "<a href=\"%s/%s\">%s</a>\n<br/>\n", h.root, name, name)
	}
	w.Header()["Content-Type"] = nil
	send(w, http.StatusOK, b.String())
}

func (h *handler) command(w http.ResponseWriter, r *http.Request, name string) {
	args := map[string]string{}
	for key, values := range r.URL.Query() {
		args[key] = values[0]
	}
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		client = r.RemoteAddr
	}
	authorization := strings.Join(r.Header.Values("Authorization"), "")
	if r.Header.Values("Authorization") != nil && authorization == "" {
		authorization = " " // one that is empty is not the same as none
	}
	answer := h.server.Admin(fakezk.AdminQuery{
		Command: name, Args: args, Authorization: authorization, Client: client, Post: r.Method == http.MethodPost,
	})
	if answer.Fields == nil {
		failure(w, r, answer.Status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	send(w, answer.Status, string(appendJSON(nil, answer.Fields, "")))
}

// failure is a page for people.
func failure(w http.ResponseWriter, r *http.Request, status int) {
	w.Header().Set("Cache-Control", "must-revalidate,no-cache,no-store")
	w.Header().Set("Content-Type", "text/html;charset=iso-8859-1")
	text := html.EscapeString(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	send(w, status, fmt.Sprintf("<html>\n<head>\n<title>Error %s</title>\n</head>\n<body><h2>HTTP ERROR %s</h2>\n<p>URI: %s</p>\n</body>\n</html>\n",
		text, text, html.EscapeString(r.URL.Path)))
}

func send(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write([]byte(body)) // the client may have gone
}
