// Command xchk runs any ZooKeeper client over two servers at once: requests go
// to both, the client gets the oracle's answers, and where the candidate's
// differ it is told. It ends with SIGINT or SIGTERM; its exit code is 1 if
// there were differences, and 2 if it could not run.
//
//	xchk -listen 127.0.0.1:2181 -oracle 127.0.0.1:2191 -candidate 127.0.0.1:2192
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/zookit/zookit/conformance"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stderr))
}

// run is main, with the exit code.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("xchk", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:2181", "`address` for clients")
	oracle := flags.String("oracle", "", "`address` of the server whose answers clients get")
	candidate := flags.String("candidate", "", "`address` of the server that is compared")
	serial := flags.Bool("serial", true, "have one request under way at a time, over all sessions, so that zxids compare")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *oracle == "" || *candidate == "" || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "xchk: needs -oracle and -candidate, and takes flags only")
		flags.Usage()
		return 2
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		fmt.Fprintln(stderr, "xchk:", err)
		return 2
	}
	p := &conformance.Proxy{
		Oracle: dialer(*oracle), Candidate: dialer(*candidate), Concurrent: !*serial,
		Differ: func(text string) { fmt.Fprintln(stderr, "xchk: difference:", text) },
	}
	fmt.Fprintln(stderr, "xchk: listening on", l.Addr())
	if err := p.Serve(ctx, l); err != nil {
		fmt.Fprintln(stderr, "xchk:", err)
		return 2
	}
	fmt.Fprintf(stderr, "xchk: %d requests, %d differences\n", p.Requests(), p.Differences())
	if p.Differences() > 0 {
		return 1
	}
	return 0
}

func dialer(addr string) func(context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }
}
