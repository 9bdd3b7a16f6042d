// Bootbench measures how long an ensemble of three real servers takes until
// every member answers srvr with a mode and one of them leads: here, by
// kazoo's own harness and by Curator's TestingCluster, in turns, in one run.
// Then the other times that tests wait for.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/javazk"
)

const (
	version = "3.9.5"
	curator = "org.apache.curator:curator-test:5.9.0"
)

var (
	//go:embed Boot.java
	curatorMain []byte
	//go:embed boot.py
	kazooMain []byte
)

func main() {
	count := flag.Int("count", 7, "how often to boot each")
	flag.Parse()
	b := bench{figures: map[string][]time.Duration{}}
	if err := b.run(*count); err != nil {
		fmt.Fprintln(os.Stderr, "bootbench:", err)
		os.Exit(1)
	}
}

type bench struct {
	names   []string // in the order of the first figures
	figures map[string][]time.Duration

	dir, plain, curator string // a folder for programs, and classpaths
}

func (b *bench) run(count int) (err error) {
	if b.dir, err = os.MkdirTemp("", "bootbench-*"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.prepare(); err != nil {
		return err
	}
	for round := range count {
		for _, measure := range []func() error{b.ensemble, b.kazoo, b.testingCluster, b.standalone} {
			if err := measure(); err != nil {
				return err
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, count)
	}
	b.print(count)
	return nil
}

// prepare fetches and compiles, and has the archive of classes made.
func (b *bench) prepare() (err error) {
	if b.plain, _, err = javazk.Find(version); err != nil {
		return err
	}
	if b.curator, err = javazk.Fetch(version, curator); err != nil {
		return err
	}
	source := filepath.Join(b.dir, "Boot.java")
	if err := os.WriteFile(source, curatorMain, 0o600); err != nil {
		return err
	}
	if out, err := exec.Command("javac", "-cp", b.curator, "-d", b.dir, source).CombinedOutput(); err != nil {
		return fmt.Errorf("javac: %w: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(b.dir, "boot.py"), kazooMain, 0o600); err != nil {
		return err
	}
	for _, servers := range []int{1, 3} {
		c, err := javazk.StartCluster(context.Background(), backend.Spec{Servers: servers, Version: version})
		if err != nil {
			return err
		}
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) ensemble() error {
	return b.cluster("javazk, 3 members", backend.Spec{Servers: 3, Version: version})
}

func (b *bench) standalone() error {
	return b.cluster("javazk, standalone", backend.Spec{Servers: 1, Version: version})
}

func (b *bench) cluster(name string, spec backend.Spec) error {
	ctx := context.Background()
	start := time.Now()
	c, err := javazk.StartCluster(ctx, spec)
	if err != nil {
		return err
	}
	b.add(name, time.Since(start))
	m := c.Members()[0]
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{{"stop of a member", m.Stop}, {"start of a member", m.Start}, {"kill of a member", m.Kill}} {
		start := time.Now()
		if err := step.do(ctx); err != nil {
			return err
		}
		b.add(name+", "+step.name, time.Since(start))
	}
	start = time.Now()
	err = c.Close()
	b.add(name+", close", time.Since(start))
	return err
}

// kazoo runs the interpreter that has Debian's python3-kazoo.
func (b *bench) kazoo() error {
	port := 11000 + 50*rand.IntN(400) // kazoo picks none by itself
	return b.program("kazoo, ", exec.Command("/usr/bin/python3", filepath.Join(b.dir, "boot.py"), b.plain, strconv.Itoa(port)))
}

func (b *bench) testingCluster() error {
	classpath := b.curator + string(os.PathListSeparator) + b.dir
	return b.program("Curator, in a JVM the ", exec.Command("java", "-cp", classpath, "Boot"))
}

// program runs what prints lines of a name and milliseconds among others.
func (b *bench) program(prefix string, cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %.2000s", cmd, err, out)
	}
	for line := range strings.Lines(string(out)) {
		word := strings.Fields(line)
		if len(word) != 2 || !slices.Contains([]string{"ready", "serving", "first", "second"}, word[0]) {
			continue
		}
		ms, err := strconv.Atoi(word[1])
		if err != nil {
			return err
		}
		b.add(prefix+word[0], time.Duration(ms)*time.Millisecond)
	}
	return nil
}

func (b *bench) add(name string, d time.Duration) {
	if b.figures[name] == nil {
		b.names = append(b.names, name)
	}
	b.figures[name] = append(b.figures[name], d)
}

func (b *bench) print(count int) {
	fmt.Printf("ZooKeeper %s; milliseconds, of %d:\n\n| what | median | least |\n|---|---|---|\n", version, count)
	for _, name := range b.names {
		d := b.figures[name]
		slices.Sort(d)
		fmt.Printf("| %s | %d | %d |\n", name, d[len(d)/2].Milliseconds(), d[0].Milliseconds())
	}
	ours := b.median("javazk, 3 members")
	fmt.Println()
	for _, peer := range []string{"kazoo, ready", "Curator, in a JVM the first"} {
		fmt.Printf("javazk, 3 members: %.0f %% of %s\n", 100*ours/b.median(peer), peer)
	}
}

func (b *bench) median(name string) float64 {
	d := slices.Sorted(slices.Values(b.figures[name]))
	return float64(d[len(d)/2])
}
