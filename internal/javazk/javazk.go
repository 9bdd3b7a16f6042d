// Package javazk boots a real Apache ZooKeeper for tests.
package javazk

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/testenv"
)

const install = "apt-get install maven (which then fetches it), or apt-get install libzookeeper-java, or set ZOOKEEPER_HOME"

// Option changes how Start sets a server up.
type Option func(*Server)

// Config adds lines to zoo.cfg, where the last of two equal keys wins.
func Config(lines ...string) Option {
	return func(s *Server) { s.config = append(s.config, lines...) }
}

// JVM adds flags to the command line of java.
func JVM(flags ...string) Option {
	return func(s *Server) { s.jvm = append(s.jvm, flags...) }
}

// TickTime sets tickTime, in milliseconds. The default is 200: sessions may
// last from 2 to 20 ticks, and expire up to one tick late.
func TickTime(ms int) Option {
	return func(s *Server) { s.tick = ms }
}

// Version wants a version by its beginning, such as "3.8". A machine that does
// not have it skips the test. The default takes what there is.
func Version(version string) Option {
	return func(s *Server) { s.wanted = version }
}

// Server is a standalone ZooKeeper in a process of its own, on a loopback
// port and with a folder in memory. Its methods are for one goroutine.
type Server struct {
	t       testenv.TB
	config  []string
	jvm     []string
	tick    int
	wanted  string
	java    string
	path    string // the classpath
	version string
	dir     string
	port    int
	running *process // nil before Start and after Kill
}

// Start boots a server that serves when Start returns and is gone, with its
// folder, when t is over. Without Java or ZooKeeper it skips t.
func Start(t testenv.TB, opts ...Option) *Server {
	t.Helper()
	s := &Server{t: t, tick: 200}
	for _, opt := range opts {
		opt(s)
	}
	var err error
	if s.java, err = exec.LookPath("java"); err != nil {
		testenv.Missing(t, "java", "apt-get install default-jre-headless")
	}
	if s.path, s.version, err = Find(s.wanted); err != nil {
		testenv.Missing(t, err.Error()+"\nZooKeeper", install)
	}
	if s.dir, err = tempDir(); err != nil {
		t.Fatalf("javazk: no folder for the server: %v", err)
	}
	t.Cleanup(s.end)
	s.Start()
	return s
}

// Addr is the host and port of the server, the same after every restart.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Version is that of the running code, such as 3.9.5.
func (s *Server) Version() string { return s.version }

// Dir holds zoo.cfg, the folder data and server.log.
func (s *Server) Dir() string { return s.dir }

// Kill ends the server as a crash does. What it had acknowledged stays.
func (s *Server) Kill() {
	if s.running != nil {
		s.running.kill()
		s.running = nil
	}
}

// Start boots the server again after Kill, on the same port and folder.
func (s *Server) Start() {
	s.t.Helper()
	if s.running != nil {
		s.t.Fatalf("javazk: the server at %s is running; call Kill before Start", s.Addr())
	}
	if err := s.boot(); err != nil {
		s.t.Fatalf("javazk: %v\n%s", err, s.logTail())
	}
}

func (s *Server) end() {
	s.Kill()
	if s.t.Failed() {
		s.t.Logf("javazk: %s", s.logTail())
	}
	if err := os.RemoveAll(s.dir); err != nil {
		s.t.Errorf("javazk: remove the server's folder: %v", err)
	}
}

// writeConfig renders zoo.cfg; the caller's lines come last, and so win.
func (s *Server) writeConfig() error {
	lines := append([]string{
		"dataDir=" + filepath.Join(s.dir, "data"),
		"clientPortAddress=127.0.0.1",
		"clientPort=" + strconv.Itoa(s.port),
		"tickTime=" + strconv.Itoa(s.tick),
		"maxClientCnxns=0",
		"admin.enableServer=false",
		"4lw.commands.whitelist=*",
	}, s.config...)
	return os.WriteFile(s.configFile(), []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// command is java with the flags that make it boot fast and fsync never.
func (s *Server) command() *exec.Cmd {
	args := []string{
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx256m", "-XX:-UsePerfData",
		"-Dzookeeper.forceSync=no", "-Dzookeeper.preAllocSize=64",
		"-Dfile.encoding=UTF-8", // or the names of digest users depend on the locale
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
	}
	args = append(args, s.jvm...)
	args = append(args, "-cp", s.path, "org.apache.zookeeper.server.quorum.QuorumPeerMain", s.configFile())
	cmd := exec.Command(s.java, args...)
	cmd.Dir = s.dir
	return cmd
}

func (s *Server) configFile() string { return filepath.Join(s.dir, "zoo.cfg") }
func (s *Server) logFile() string    { return filepath.Join(s.dir, "server.log") }

// logTail is the end of the log of the latest boot.
func (s *Server) logTail() string {
	const most = 4 << 10
	log, err := os.ReadFile(s.logFile())
	if err != nil {
		return "no log: " + err.Error()
	}
	if len(log) > most {
		log = log[len(log)-most:]
	}
	return fmt.Sprintf("the end of the log of ZooKeeper %s at %s:\n%s", s.version, s.Addr(), log)
}

// tempDir prefers memory to a disk.
func tempDir() (string, error) {
	const memory, pattern = "/dev/shm", "zookit-javazk-*"
	if dir, err := os.MkdirTemp(memory, pattern); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", pattern)
}
