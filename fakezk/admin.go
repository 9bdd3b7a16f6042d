package fakezk

import (
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// An AdminQuery is a question to a server's admin server: package admin asks
// them over HTTP.
type AdminQuery struct {
	Command       string // its name or one of its short names, such as "stat"
	Args          map[string]string
	Authorization string // a scheme, a space, and a credential of that scheme
	Client        string // address of who asks, without a port
	Post          bool   // not a GET; the body is of no use
}

// Codes of HTTP, whose package a fake without an admin server does not carry.
const (
	statusOK           = 200
	statusUnauthorized = 401
	statusForbidden    = 403
	statusNotAllowed   = 405
	statusFailed       = 500
	statusUnavailable  = 503
)

// An AdminAnswer is an answer in the order of its keys. Status is one of HTTP.
// With 500 there are no fields: it is how a real server falls over a command
// that is not for the method.
type AdminAnswer struct {
	Status int
	Fields AdminObject
}

// An AdminObject is a JSON object with an order. A value is nil, a bool, an
// int, an int64, a float64, a string, an AdminObject, or a slice of them.
type AdminObject []AdminField

// An AdminField is a key and its value.
type AdminField struct {
	Key   string
	Value any
}

// An adminCommand has its names and what it tells; the first name is that by
// which answers call it.
type adminCommand struct {
	names   []string
	tell    func(s *Server, q *AdminQuery) AdminObject // nil: it is disabled
	stopped bool                                       // it has an answer from a server that is stopped, too
	guarded bool                                       // it needs every permission on the root
	post    bool                                       // it is for POST, and the others for GET
	since   release                                    // zero: the first admin server has it
}

// AdminCommands are the names of all commands, sorted, without short ones.
func (s *Server) AdminCommands() (names []string) {
	for _, command := range adminCommands {
		if s.ensemble.cfg.release.has(command.since) {
			names = append(names, command.names[0])
		}
	}
	slices.Sort(names)
	return names
}

// Admin answers as the real admin server does.
func (s *Server) Admin(q AdminQuery) AdminAnswer {
	cfg := s.ensemble.cfg
	if q.Post && cfg.quirks.adminGetOnly {
		return AdminAnswer{Status: statusNotAllowed}
	}
	i := slices.IndexFunc(adminCommands, func(c adminCommand) bool {
		return slices.Contains(c.names, q.Command) && cfg.release.has(c.since)
	})
	if i < 0 {
		return adminError(statusOK, q.Command, "Unknown command: "+q.Command)
	}
	command := adminCommands[i]
	if !command.stopped && !s.isServing() {
		return adminError(statusOK, command.names[0], "This ZooKeeper instance is not currently serving requests")
	}
	if command.guarded {
		if status, err := s.adminPermission(&q); err != "" {
			return adminError(status, q.Command, err)
		}
	}
	if command.post != q.Post {
		return AdminAnswer{Status: statusFailed}
	}
	if command.tell == nil {
		return AdminAnswer{statusUnavailable, ending(command.names[0], nil)}
	}
	fields := command.tell(s, &q)
	if len(fields) > 0 && fields[0].Key == "error" {
		return AdminAnswer{statusOK, append(fields, AdminField{"command", command.names[0]})}
	}
	return AdminAnswer{statusOK, append(fields, ending(command.names[0], nil)...)}
}

func adminError(status int, command, err string) AdminAnswer {
	return AdminAnswer{status, ending(command, err)}
}

// ending is the end of all answers.
func ending(command string, err any) AdminObject {
	return AdminObject{{"command", command}, {"error", err}}
}

func (s *Server) isServing() bool {
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	return s.listener != nil && !s.ensemble.closed
}

// adminPermission tells why somebody may not command what is guarded.
func (s *Server) adminPermission(q *AdminQuery) (status int, err string) {
	if q.Authorization == "" {
		return statusUnauthorized, "Auth info is missing for the command"
	}
	words := strings.Split(q.Authorization, " ")
	if len(words) != 2 || words[1] == "" {
		return statusUnauthorized, "Not authenticated"
	}
	e := s.ensemble
	e.mu.Lock()
	defer e.mu.Unlock()
	ids, ok := e.cfg.authenticate([]identity{{schemeIP, q.Client}}, false, words[0], []byte(words[1]))
	if !ok {
		return statusUnauthorized, "Not authenticated"
	}
	root := e.state.tree.get(treePath("/"))
	for bit := int32(1); bit <= proto.PermAll; bit <<= 1 {
		if !e.state.allowed(ids, root.acl, bit) {
			return statusForbidden, "Not authorized"
		}
	}
	return 0, ""
}
