package admin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/zookit/zookit/fakezk"
)

// A Server is an admin server that listens.
type Server struct {
	url     string
	http    *http.Server
	serving sync.WaitGroup
	err     error // of serving; to be read when that is over
}

// idleTimeout ends connections that ask nothing, as a real server does.
const idleTimeout = 30 * time.Second

// Listen answers for a server at addr, such as "127.0.0.1:0".
func Listen(s *fakezk.Server, addr string) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	web := &Server{
		url:  "http://" + l.Addr().String() + s.AdminSettings().CommandURL,
		http: &http.Server{Handler: Handler(s), ReadTimeout: idleTimeout, IdleTimeout: idleTimeout},
	}
	web.serving.Go(func() {
		if err := web.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			web.err = err
		}
	})
	return web, nil
}

// URL is that of the list of commands, such as "http://127.0.0.1:8080/commands".
func (s *Server) URL() string { return s.url }

// Close ends all connections, and returns when nothing listens any more.
func (s *Server) Close() error {
	err := s.http.Close()
	s.serving.Wait()
	return errors.Join(err, s.err)
}
