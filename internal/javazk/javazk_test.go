package javazk

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/zookit/zookit/internal/backend"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServesWhenStarted(t *testing.T) {
	for _, version := range []string{"3.9", "3.8"} {
		t.Run(version, func(t *testing.T) {
			s := Start(t, Version(version))
			answer, err := backend.Ask(t.Context(), s.m, "srvr")
			if err != nil {
				t.Fatalf("srvr: %v", err)
			}
			for _, want := range []string{"Mode: standalone", "Zookeeper version: " + s.Version()} {
				if !strings.Contains(answer, want) {
					t.Errorf("srvr answers %q without %q", answer, want)
				}
			}
		})
	}
}

func TestRestartKeepsPortAndFolder(t *testing.T) {
	s := Start(t)
	addr, dir := s.Addr(), s.Dir()
	written := dir + "/data/version-2"
	if _, err := os.Stat(written); err != nil {
		t.Fatalf("the server keeps its data elsewhere: %v", err)
	}

	s.Kill()
	if answer, err := backend.Ask(t.Context(), s.m, "srvr"); err == nil {
		t.Errorf("a killed server answers %q", answer)
	}
	if _, err := os.Stat(written); err != nil {
		t.Errorf("Kill took the data along: %v", err)
	}

	s.Start()
	if s.Addr() != addr || s.Dir() != dir {
		t.Errorf("restarted at %s in %s, was %s in %s", s.Addr(), s.Dir(), addr, dir)
	}
	if answer, err := backend.Ask(t.Context(), s.m, "srvr"); !strings.Contains(answer, "Mode: ") {
		t.Errorf("after a restart srvr answers %q, %v", answer, err)
	}
}

func TestLeavesNothingBehind(t *testing.T) {
	var s *Server
	var p *process
	t.Run("server", func(t *testing.T) {
		s = Start(t)
		p = s.m.process
	})
	if s == nil || p == nil {
		t.SkipNow() // so was the subtest
	}
	if err := p.cmd.Process.Signal(os.Kill); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("the process is still there: a signal to it returns %v", err)
	}
	if _, err := os.Stat(s.Dir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: stat returns %v", err)
	}
}

func TestOptionsReachTheServer(t *testing.T) {
	s := Start(t, TickTime(100), Config("4lw.commands.whitelist=srvr,conf", "maxSessionTimeout=1234"), JVM("-Dzookit.test=yes"))
	answer, err := backend.Ask(t.Context(), s.m, "conf")
	if err != nil {
		t.Fatalf("conf: %v", err)
	}
	for _, want := range []string{"tickTime=100\n", "maxSessionTimeout=1234\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("conf answers %q without %q", answer, want)
		}
	}
	if line := strings.Join(s.m.process.cmd.Args, " "); !strings.Contains(line, "-Dzookit.test=yes") {
		t.Errorf("the JVM runs without its flag: %s", line)
	}
}

func TestBrokenConfigSaysWhy(t *testing.T) {
	for _, servers := range []int{1, 3} {
		spec := backend.Spec{Servers: servers, Config: []string{"tickTime=soon"}}
		c, err := StartCluster(t.Context(), spec)
		if err == nil {
			c.Close()
		}
		for _, want := range []string{"java ended", "soon"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a broken zoo.cfg gives %v without %q", err, want)
			}
		}
	}
}

func TestFindTakesZookeeperHome(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("ZOOKEEPER_HOME", dir)
	if _, version, err := Find("9.8"); err == nil && version == "9.8.7" {
		t.Fatalf("found %s in an empty folder", version)
	}

	if err := os.Mkdir(dir+"/lib", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/lib/zookeeper-9.8.7.jar", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	classpath, version, err := Find("9.8")
	if err != nil {
		t.Fatalf("ZOOKEEPER_HOME is a distribution: %v", err)
	}
	if want := dir + "/conf:" + dir + "/lib/*"; classpath != want || version != "9.8.7" {
		t.Errorf("found %s in %s, want 9.8.7 in %s", version, classpath, want)
	}
}
