package javazk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/backend"
)

const (
	bootTime  = time.Minute // the most that a start may take
	bootTries = 5
)

var (
	errClosed = errors.New("the cluster is closed")
	errOther  = errors.New("another member failed")
)

// cluster is an ensemble of local JVMs.
type cluster struct {
	spec                     backend.Spec
	java, classpath, version string

	dir     string
	reaper  *reaper
	net     network
	members []*member
	archive *archive

	life  context.Context // ends with Close
	close func() error    // does its work once

	mu    sync.Mutex
	group []int // of each member; in one group they hear each other
}

// StartCluster starts local JVMs, each with a folder in memory where there is
// one. They, and all that belongs to them, are gone when Close returns or
// this process ends, however it does. It is a [backend.Starter].
//
// As root on Linux the members of an ensemble live in network namespaces, at
// the client addresses of spec.Fronts. Else they live on loopback, each at an
// address that it tells of itself.
func StartCluster(ctx context.Context, spec backend.Spec) (backend.Cluster, error) {
	c, err := startCluster(ctx, spec, chooseNetwork)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// A chooser makes the network for an ensemble.
type chooser func(backend.Spec) (network, error)

func startCluster(ctx context.Context, spec backend.Spec, choose chooser) (*cluster, error) {
	spec, err := checked(spec)
	if err != nil {
		return nil, fmt.Errorf("javazk: %w", err)
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, &backend.MissingError{What: "java (" + err.Error() + ")", Install: "apt-get install default-jre-headless"}
	}
	classpath, version, err := Find(spec.Version)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(spec, version); err != nil {
		return nil, fmt.Errorf("javazk: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bootTime, fmt.Errorf("%v have passed", bootTime))
	defer cancel()
	for try := 1; ; try++ {
		c, err := boot(ctx, &cluster{spec: spec, java: java, classpath: classpath, version: version}, choose)
		if err == nil {
			return c, nil
		}
		// A Java server cannot be handed a listening socket, and a stranger
		// may listen on all addresses at any time.
		if !errors.Is(err, errPortTaken) || try == bootTries {
			return nil, fmt.Errorf("javazk: boot ZooKeeper %s, try %d: %w", version, try, err)
		}
	}
}

func boot(ctx context.Context, c *cluster, choose chooser) (_ *cluster, err error) {
	life, end := context.WithCancelCause(context.Background())
	c.life = life
	c.close = sync.OnceValue(func() error {
		end(errClosed)
		return c.release()
	})
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if err := c.prepare(choose); err != nil {
		return nil, err
	}
	c.say("%d servers and %d observers, ZooKeeper %s, partitions by %s", c.spec.Servers, c.spec.Observers, c.version, c.Partitioner())
	for _, m := range c.members {
		if _, err := m.launch(); err != nil {
			return nil, fmt.Errorf("member %d: %w", m.ID(), err)
		}
	}
	if err := c.awaitLeader(ctx); err != nil {
		return nil, err
	}
	c.archive.make(c)
	return c, nil
}

// prepare does all that comes before the first process.
func (c *cluster) prepare(choose chooser) (err error) {
	if c.dir, err = tempDir(); err != nil {
		return fmt.Errorf("no folder for the servers: %w", err)
	}
	if c.reaper, err = newReaper(c.dir); err != nil {
		return err
	}
	if c.net, err = choose(c.spec); err != nil {
		return err
	}
	c.archive = newArchive(c)
	n := c.spec.Servers + c.spec.Observers
	c.group = make([]int, n)
	for i := range n {
		c.members = append(c.members, &member{c: c, i: i, site: c.net.site(i), dir: filepath.Join(c.dir, strconv.Itoa(i+1))})
	}
	for _, m := range c.members {
		if err := m.writeFiles(); err != nil {
			return err
		}
	}
	return nil
}

// chooseNetwork prefers namespaces. A server that is alone has no use for
// them.
func chooseNetwork(s backend.Spec) (network, error) {
	n := s.Servers + s.Observers
	if n == 1 {
		return newLoopback(n, true, "")
	}
	ports, err := frontPorts(s)
	if err != nil {
		return nil, err
	}
	namespaces, err := newNamespaces(ports)
	if err == nil {
		return namespaces, nil
	}
	return newLoopback(n, s.Reconfig, "no network namespaces: "+err.Error())
}

// frontPorts are the client ports of members with a network of their own.
func frontPorts(s backend.Spec) (ports []int, err error) {
	const usual = 2181
	for _, front := range s.Fronts {
		host, port, err := net.SplitHostPort(front)
		number, notNumber := strconv.ParseUint(port, 10, 16)
		if err != nil || notNumber != nil || number == 0 || host != "127.0.0.1" {
			return nil, fmt.Errorf("front address %q is not 127.0.0.1:port", front)
		}
		ports = append(ports, int(number))
	}
	if ports == nil {
		ports = slices.Repeat([]int{usual}, s.Servers+s.Observers)
	}
	return ports, nil
}

// awaitLeader waits until every member serves and one of them leads.
func (c *cluster) awaitLeader(ctx context.Context) error {
	modes := make([]string, len(c.members))
	errs := make([]error, len(c.members))
	certain := func(*member) bool { return true } // all have been started
	for {
		ctx, cancel := context.WithCancelCause(ctx)
		var all sync.WaitGroup
		for i, m := range c.members {
			all.Go(func() {
				if modes[i], errs[i] = m.awaitServing(ctx, m.process, certain); errs[i] != nil {
					errs[i] = fmt.Errorf("member %d: %w", m.ID(), errs[i])
					cancel(errOther)
				}
			})
		}
		all.Wait()
		cancel(nil)
		errs = slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, errOther) })
		if err := errors.Join(errs...); err != nil {
			return err
		}
		leaders := len(slices.DeleteFunc(slices.Clone(modes), func(mode string) bool { return mode != "leader" }))
		if leaders == 1 || !quorumMode(c.spec) {
			return nil
		}
	}
}

// hasQuorum tells whether m hears enough voters for it to serve.
func (c *cluster) hasQuorum(m *member) bool {
	c.mu.Lock()
	group := slices.Clone(c.group)
	c.mu.Unlock()
	voters := 0
	for _, other := range c.members[:c.spec.Servers] {
		if group[other.i] == group[m.i] && other.awake() {
			voters++
		}
	}
	return voters > c.spec.Servers/2
}

// bound ends ctx with the cluster, and when a start takes too long.
func (c *cluster) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeoutCause(ctx, bootTime, fmt.Errorf("%v have passed", bootTime))
	stop := context.AfterFunc(c.life, cancel)
	return ctx, func() { stop(); cancel() }
}

func (c *cluster) Version() string     { return c.version }
func (c *cluster) Partitioner() string { return c.net.name() }

func (c *cluster) Members() (all []backend.Member) {
	for _, m := range c.members {
		all = append(all, m)
	}
	return all
}

func (c *cluster) Partition(groups ...[]int) error {
	group, err := grouped(len(c.members), groups)
	if err != nil {
		return fmt.Errorf("javazk: partition: %w", err)
	}
	return c.part(group)
}

func (c *cluster) Heal() error { return c.part(make([]int, len(c.members))) }

func (c *cluster) part(group []int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return errClosed
	}
	if slices.Equal(group, c.group) {
		return nil
	}
	if err := c.net.partition(group); err != nil {
		return fmt.Errorf("javazk: partition: %w", err)
	}
	c.group = group
	return nil
}

// grouped gives each of n members the number of its group.
func grouped(n int, groups [][]int) ([]int, error) {
	group := slices.Repeat([]int{-1}, n)
	for g, ids := range groups {
		for _, id := range ids {
			if id < 1 || id > n {
				return nil, fmt.Errorf("there is no member %d", id)
			}
			if group[id-1] != -1 {
				return nil, fmt.Errorf("member %d is in two groups", id)
			}
			group[id-1] = g
		}
	}
	next := len(groups)
	for i := range group {
		if group[i] == -1 {
			group[i] = next
			next++
		}
	}
	return dense(group), nil
}

// dense numbers groups from 0 in the order of their first members.
func dense(group []int) []int {
	number := map[int]int{}
	for i, g := range group {
		if _, seen := number[g]; !seen {
			number[g] = len(number)
		}
		group[i] = number[g]
	}
	return group
}

func (c *cluster) Close() error { return c.close() }

// release ends what there is, in the order in which it would be missed.
func (c *cluster) release() error {
	var all sync.WaitGroup
	for _, m := range c.members {
		all.Go(func() { m.Kill(context.Background()) })
	}
	all.Wait()
	c.archive.wait()
	var errs []error
	if c.net != nil {
		c.mu.Lock()
		errs = append(errs, c.net.close())
		c.mu.Unlock()
	}
	if c.dir != "" {
		errs = append(errs, os.RemoveAll(c.dir))
	}
	c.reaper.dismiss()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("javazk: close: %w", err)
	}
	return nil
}

func (c *cluster) say(format string, args ...any) {
	if c.spec.Output != nil {
		fmt.Fprintf(c.spec.Output, "javazk: "+format+"\n", args...)
	}
}

// tempDir prefers memory to a disk.
func tempDir() (string, error) {
	const memory, pattern = "/dev/shm", "zookit-javazk-*"
	if dir, err := os.MkdirTemp(memory, pattern); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", pattern)
}
