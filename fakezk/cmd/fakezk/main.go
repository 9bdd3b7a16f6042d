// Fakezk is a ZooKeeper server for tests and development that starts in
// milliseconds and keeps all in memory. It takes the place of
// "zkServer.sh start-foreground" for clients in any language:
//
//	fakezk                          # 127.0.0.1:2181
//	fakezk -listen 127.0.0.1:0      # a port that is free
//	fakezk -config conf/zoo.cfg     # as a real server reads it
//	fakezk -admin 127.0.0.1:8080    # with an admin server, of HTTP
//	fakezk -as 3.5.10               # as that release of ZooKeeper answers
//
// System properties come from the environment variables SERVER_JVMFLAGS and
// JVMFLAGS, as with zkServer.sh. When the server serves, one line on standard
// output tells where: "fakezk listening on 127.0.0.1:2181". Where a port for TLS
// and the admin server are is in the log, on standard error.
//
// SIGTERM and SIGINT end it, with exit code 0: a real server ends with 143,
// because Java dies of the signal, but to end when told to is no failure. A
// second signal ends it at once. The exit code is 2 for a configuration that
// is wrong, and 1 where the server cannot start.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/fakezk/admin"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

// defaultAddr is where to listen when neither -listen nor a file says.
const defaultAddr = "127.0.0.1:2181"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("fakezk", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "", "`address` to listen on, whatever the configuration says; the default is "+defaultAddr)
	config := flags.String("config", "", "`file` to configure the server, such as zoo.cfg")
	adminAddr := flags.String("admin", "", "`address` of the admin server, whatever the configuration says; by default there is none unless the configuration has admin.serverPort or admin.enableServer=true")
	release := flags.String("as", "", "`release` of ZooKeeper to answer as, such as 3.8.6 or 3.8; the default is the newest it knows")
	verbose := flags.Bool("v", false, "log every connection")
	version := flags.Bool("version", false, "print the version and exit")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "fakezk: unexpected argument %q; see fakezk -help\n", flags.Arg(0))
		return exitUsage
	case *version:
		fmt.Fprintln(stdout, "fakezk", moduleVersion())
		return 0
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	return serve(options(*listen, *config, *release, logger), *adminAddr, logger, stdout, stderr)
}

// options are in the order in which they override each other: flags of Java,
// the file, the command line.
func options(listen, config, release string, logger *slog.Logger) []fakezk.Option {
	opts := []fakezk.Option{
		fakezk.Addr(defaultAddr),
		fakezk.Logger(logger),
		fakezk.JVMFlags(os.Getenv("SERVER_JVMFLAGS"), os.Getenv("JVMFLAGS")),
	}
	if config != "" {
		opts = append(opts, fakezk.ConfigFile(config))
	}
	if listen != "" {
		opts = append(opts, fakezk.Addr(listen))
	}
	if release != "" {
		opts = append(opts, fakezk.Version(release))
	}
	return opts
}

// serve serves until a signal comes.
func serve(opts []fakezk.Option, adminAddr string, logger *slog.Logger, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := fakezk.Listen(opts...)
	if err != nil {
		fmt.Fprintln(stderr, err)
		if _, network := errors.AsType[*net.OpError](err); network {
			return exitFailed
		}
		return exitUsage
	}
	web, err := listenAdmin(server.Servers()[0], adminAddr, logger)
	if err != nil {
		server.Close()
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	if addr := server.Servers()[0].SecureAddr(); addr != "" {
		logger.Info("listening for TLS", "addr", addr)
	}
	fmt.Fprintln(stdout, "fakezk listening on", server.Servers()[0].Addr())
	<-ctx.Done()
	stop() // a second signal ends the process as if there were no handler
	if web != nil {
		err = web.Close()
	}
	if err := errors.Join(err, server.Close()); err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	return 0
}

// listenAdmin starts an admin server where there is to be one. That the port is
// taken that everybody has by default is no reason not to serve.
func listenAdmin(server *fakezk.Server, addr string, logger *slog.Logger) (*admin.Server, error) {
	settings := server.AdminSettings()
	if addr == "" && !settings.Enabled {
		return nil, nil
	}
	web, err := admin.Listen(server, cmp.Or(addr, settings.Addr))
	switch {
	case err == nil:
		logger.Info("admin server", "url", web.URL())
	case addr == "" && settings.DefaultPort:
		logger.Warn("no admin server; admin.serverPort is not set", "cause", err)
		return nil, nil
	}
	return web, err
}

func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
