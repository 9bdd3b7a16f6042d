package javazk

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An archive has the classes of a server in the form that a JVM maps into
// memory as it is, which halves the CPU time of a boot. There is one for each
// JVM, version of ZooKeeper and kind of server, in the user's cache. The
// first ensemble of a kind lists the classes that it loads, and the archive
// is made from that list while the ensemble serves; closing waits for it.
type archive struct {
	file   string // "" when there can be none
	record bool   // the members list their classes
	made   chan struct{}
	cancel context.CancelFunc
}

const archiveTime = 30 * time.Second

func newArchive(c *cluster) *archive {
	a := &archive{}
	file, err := archiveFile(c)
	if err != nil {
		c.say("no archive of classes: %v", err)
		return a
	}
	a.file = file
	// Flags of the caller may change which classes there are, or how they are
	// laid out; an archive is for those who have none such.
	plain := !slices.ContainsFunc(c.spec.JVMFlags, func(f string) bool { return !strings.HasPrefix(f, "-D") })
	a.record = plain && !exists(a.file) && !exists(a.failed())
	return a
}

// failed is a file that says why the archive cannot be made.
func (a *archive) failed() string { return a.file + ".failed" }

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// archiveFile has all in its name that the content depends on.
func archiveFile(c *cluster) (string, error) {
	release, err := javaRelease(c.java)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, release, c.java, c.classpath, fastFlags, quorumMode(c.spec))
	for _, entry := range filepath.SplitList(c.classpath) {
		jars := []string{entry}
		if filepath.Base(entry) == "*" {
			jars, _ = filepath.Glob(entry + ".jar")
		}
		for _, jar := range jars {
			info, err := os.Stat(jar)
			if err != nil {
				return "", err
			}
			if info.IsDir() {
				return "", fmt.Errorf("the folder %s in the classpath forbids it", jar)
			}
			fmt.Fprintln(hash, jar, info.Size(), info.ModTime().UnixNano())
		}
	}
	name := fmt.Sprintf("classes-%s-%.8x.jsa", c.version, hash.Sum(nil))
	return filepath.Join(cache, "zookit", name), nil
}

// javaRelease is what a JDK says of itself. Those older than 17 do not have
// all the flags.
func javaRelease(java string) (string, error) {
	const oldest = 17
	real, err := filepath.EvalSymlinks(java)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(real), "..", "release"))
	if err != nil {
		return "", err
	}
	_, version, _ := strings.Cut(string(text), `JAVA_VERSION="`)
	major, _, _ := strings.Cut(strings.TrimRight(version, "\n"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldest {
		return "", fmt.Errorf("the JVM is of version %s; %d is the oldest that can", major, oldest)
	}
	return string(text), nil
}

const classList = "classes.list"

// flags are for a server in dir.
func (a *archive) flags(dir string) []string {
	switch {
	case a.file == "":
		return nil
	case a.record:
		return []string{"-XX:DumpLoadedClassList=" + filepath.Join(dir, classList)}
	case exists(a.file):
		// At the address it was made for it needs no changes.
		return []string{"-XX:SharedArchiveFile=" + a.file, "-XX:+UnlockDiagnosticVMOptions", "-XX:ArchiveRelocationMode=0"}
	}
	return nil
}

// make begins to make the archive, if that is still to be done.
func (a *archive) make(c *cluster) {
	if !a.record {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), archiveTime)
	a.made, a.cancel = make(chan struct{}), cancel
	go func() {
		defer close(a.made)
		start := time.Now()
		err := a.dump(ctx, c)
		c.say("archive of classes %s made in %v: %v", a.file, time.Since(start).Round(time.Millisecond), err)
		if err != nil && ctx.Err() == nil {
			os.WriteFile(a.failed(), []byte(err.Error()+"\n"), 0o644)
		}
	}()
}

// wait returns when nothing is made any more. The work is bounded by itself.
func (a *archive) wait() {
	if a != nil && a.made != nil {
		<-a.made
		a.cancel()
	}
}

// dump makes the archive and moves it to its place, so that a server never
// sees half of one, however many test binaries make it at the same time.
func (a *archive) dump(ctx context.Context, c *cluster) error {
	list, raw := filepath.Join(c.dir, classList), filepath.Join(c.dir, "classes.jsa")
	if err := mergeLists(c.members, list); err != nil {
		return err
	}
	args := slices.Concat(fastFlags, []string{
		"-Xshare:dump", "-XX:SharedClassListFile=" + list, "-XX:SharedArchiveFile=" + raw, "-cp", c.classpath,
	})
	cmd := exec.Command(c.java, args...)
	output, err := os.Create(filepath.Join(c.dir, "archive.log"))
	if err != nil {
		return err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	detach(cmd)
	p, err := startProcess(cmd, here)
	if err != nil {
		return err
	}
	c.reaper.tell("run", p.pid())
	defer c.reaper.tell("end", p.pid())
	select {
	case <-p.ended:
	case <-ctx.Done():
		p.kill()
	}
	if p.err != nil {
		log, _ := os.ReadFile(output.Name())
		return fmt.Errorf("java -Xshare:dump: %w: %.2000s", p.err, log)
	}
	return move(raw, a.file)
}

// mergeLists writes each line of the members' lists once. The last line of a
// list is dropped: it may not be complete.
func mergeLists(members []*member, file string) error {
	seen := map[string]bool{}
	var b strings.Builder
	for _, m := range members {
		text, err := os.ReadFile(m.file(classList))
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text[:strings.LastIndexByte(string(text), '\n')+1])) {
			if !seen[line] {
				seen[line] = true
				b.WriteString(line)
			}
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// move puts a file in a place on another file system at once.
func move(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(to), "classes-*.new")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Close())
	if err == nil {
		err = os.Rename(out.Name(), to)
	}
	if err != nil {
		os.Remove(out.Name())
	}
	return err
}
