package conformance

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Diff runs random programs of n requests in all on servers of both targets,
// and fails where candidate does not do as oracle: each reply, event and end of
// a connection, and in the end the tree, the ephemerals and the watches. A
// program that shows a difference is made shorter as long as it does, and told
// with what both did.
//
// Programs have several sessions and are weighted to bad input. What no two
// servers share is made alike first, as in Run. What would end the oracle is
// left out, by the oracle's version; should it end nevertheless, Diff says so.
func Diff(t *testing.T, oracle, candidate Target, n int, opts ...DiffOption) {
	t.Helper()
	d, err := newDiff(oracle, candidate, opts)
	if err != nil {
		t.Fatal(err)
	}
	d.run(t, n)
}

func newDiff(oracle, candidate Target, opts []DiffOption) (*diff, error) {
	d := &diff{
		oracle: oracle, candidate: candidate, seed: rand.Uint64() >> 1, pairs: 2, length: 60, most: 5, progress: io.Discard,
		fail: (*testing.T).Errorf,
	}
	for _, opt := range opts {
		opt(d)
	}
	column, err := columnOf(oracle.Version)
	if err != nil {
		return nil, err
	}
	d.minor, err = minorOf(column)
	return d, err
}

// A DiffOption changes how Diff goes about it.
type DiffOption func(*diff)

// DiffSeed draws the same programs each time, given the same pairs. The default
// is another seed each time, which is told.
func DiffSeed(seed uint64) DiffOption { return func(d *diff) { d.seed = seed } }

// DiffPairs is how many pairs of servers work side by side, 2 unless set.
func DiffPairs(n int) DiffOption { return func(d *diff) { d.pairs = max(n, 1) } }

// DiffLength is about how many steps a program has at most, 60 unless set. A
// step has up to 11 requests.
func DiffLength(steps int) DiffOption { return func(d *diff) { d.length = max(steps, 1) } }

// DiffProgress writes a line on how far it is, every other second.
func DiffProgress(w io.Writer) DiffOption { return func(d *diff) { d.progress = w } }

// DiffKeep writes each difference into a folder, as a case with the oracle's
// answers.
func DiffKeep(dir string) DiffOption { return func(d *diff) { d.keep = dir } }

// DiffServer has all servers with these properties, instead of several
// configurations in turn.
func DiffServer(properties ...string) DiffOption {
	return func(d *diff) { d.configs = []diffConfig{{name: "given", share: 1, properties: properties}} }
}

// A diffConfig is one that programs run on.
type diffConfig struct {
	name       string
	share      int // of the requests, of the sum of all
	limit      int // jute.maxbuffer; 0 is the default
	properties []string
}

// frame is the longest payload of a request that the server takes.
func (c diffConfig) frame() int {
	if c.limit != 0 {
		return c.limit
	}
	return 0xfffff
}

var diffConfigs = []diffConfig{
	{name: "all enabled", share: 16, properties: []string{"extendedTypesEnabled=true", "enforceQuota=true"}},
	{name: "small frames", share: 2, limit: 700, properties: []string{"extendedTypesEnabled=true", "jute.maxbuffer=700"}},
	{name: "no ACLs", share: 1, properties: []string{"extendedTypesEnabled=true", "skipACL=yes"}},
	{name: "defaults", share: 1},
}

// Nothing happens by itself, all can be asked, and the super user sees all.
var diffProperties = []string{
	"znode.container.checkIntervalMs=3600000", "4lw.commands.whitelist=*",
	"DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=",
}

// A diff is one under way.
type diff struct {
	oracle, candidate Target
	minor             int // of the oracle's release
	seed              uint64
	pairs, length     int
	most              int // differences, then it ends
	fail              func(t *testing.T, format string, args ...any)
	configs           []diffConfig
	keep              string
	progress          io.Writer
	tally             tally
}

func (d *diff) run(t *testing.T, n int) {
	d.tally.begin(n)
	stop := d.tally.report(d.progress)
	defer stop()
	if d.configs == nil {
		d.configs = diffConfigs
	}
	shares := 0
	for _, c := range d.configs {
		shares += c.share
	}
	t.Logf("seed %d, %d pairs of servers", d.seed, d.pairs)
	for i, c := range d.configs {
		until := d.tally.ops.Load() + int64(n*c.share/shares)
		if i == len(d.configs)-1 {
			until = int64(n)
		}
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) { d.config(t, i, c, until) })
	}
	t.Log(d.tally.line())
}

// config runs programs on servers of one configuration until the tally has so
// many requests.
func (d *diff) config(t *testing.T, at int, c diffConfig, until int64) {
	if d.tally.ops.Load() >= until {
		return
	}
	var pairs []*pair
	for i := range d.pairs {
		p := &pair{
			d: d, t: t, conf: c, root: fmt.Sprintf("/%c", 'd'+i),
			rand: rand.New(rand.NewPCG(d.seed, uint64(at)<<32|uint64(i))),
		}
		p.start()
		pairs = append(pairs, p)
	}
	var done sync.WaitGroup
	for _, p := range pairs {
		done.Go(func() {
			for d.tally.ops.Load() < until && d.tally.differences.Load() < int64(d.most) && p.program() {
			}
		})
	}
	done.Wait()
}

func minorOf(column string) (int, error) {
	parts := strings.Split(column, ".")
	if len(parts) < 2 {
		return 0, fmt.Errorf("conformance: %q is not a version", column)
	}
	return strconv.Atoi(parts[1])
}
