package zk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// names is a Resolver of a test.
type names struct {
	mu    sync.Mutex // guards hosts and mute
	hosts map[string][]string
	srv   map[string][]*net.SRV
	mute  bool
	asked []string
}

func (n *names) LookupHost(ctx context.Context, host string) ([]string, error) {
	n.mu.Lock()
	n.asked = append(n.asked, host)
	mute := n.mute
	n.mu.Unlock()
	if mute {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if addrs, ok := n.hosts[host]; ok {
		return addrs, nil
	}
	return nil, errors.New("no such host")
}

func (n *names) know(host string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = addrs
}

// hush makes it mute.
func (n *names) hush() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute = true
}

func (n *names) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	n.asked = append(n.asked, service+proto+name)
	if records, ok := n.srv[name]; ok {
		return name, records, nil
	}
	return "", nil, errors.New("no such record")
}

func rounds(n int) Option {
	return ConnectRetry(RetryFunc(func(t Try) (time.Duration, bool) { return time.Second, t.N < n }))
}

func TestNamesAreResolvedInEveryRound(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *script) {
		d := s.counting()
		n := &names{hosts: map[string][]string{"two": {"10.0.0.1", "10.0.0.2", "10.0.0.1"}, "Six": {"fe80::1"}}}
		go func() {
			time.Sleep(500 * time.Millisecond)
			n.know("two", "10.0.0.3")
			n.know("none", "10.0.0.4")
		}()
		_, err := Dial(t.Context(), "two,none,Six:7,[::1]:9,10.0.0.2", s.options(Dialer(d.dial), Resolve(n), rounds(2))...)
		require.ErrorIs(t, err, ErrGaveUp)
		require.ErrorContains(t, err, "two:2181 (10.0.0.3:2181): dial mem 10.0.0.3:2181: connection refused")
		require.NotContains(t, err.Error(), "no such host", "the latest counts")
		first := slices.Index(d.at, time.Second)
		round := func(addrs []string) []string { return slices.Sorted(slices.Values(addrs)) }
		require.Equal(t, []string{"10.0.0.1:2181", "10.0.0.2:2181", "[::1]:9", "[fe80::1]:7"}, round(d.addrs[:first]),
			"every address once, and who is not known is passed by")
		require.Equal(t, []string{"10.0.0.2:2181", "10.0.0.3:2181", "10.0.0.4:2181", "[::1]:9", "[fe80::1]:7"}, round(d.addrs[first:]))
		require.Contains(t, n.asked, "Six", "names keep their case")
		require.NotContains(t, n.asked, "::1")
		require.NotContains(t, n.asked, "10.0.0.2")
	})
}

// A name that is not known at first is no error, even if there is no other.
func TestAllNamesAreUnknownForAWhile(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		n := &names{hosts: map[string][]string{}}
		wait := s.dial("zk", Resolve(n))
		time.Sleep(10 * time.Second)
		n.know("zk", "a") // which is all that the network knows
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		c, err := wait()
		require.NoError(t, err)
		require.Equal(t, "zk:2181", c.Server(), "as it is written")
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestNamesThatAreNotKnownAreTold(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *script) {
		n := &names{hosts: map[string][]string{"empty": {}}, srv: map[string][]*net.SRV{"_e._tcp.org": {}}}
		_, err := Dial(t.Context(), "gone,empty,_zk._tcp.org,_e._tcp.org", s.options(Resolve(n), rounds(1))...)
		require.ErrorContains(t, err, "gone:2181: looking up gone: no such host")
		require.ErrorContains(t, err, "empty:2181: looking up empty: no address")
		require.ErrorContains(t, err, "_zk._tcp.org: looking up SRV: no such record")
		require.ErrorContains(t, err, "_e._tcp.org: looking up SRV: no record")
	})
}

// A mute name server costs no more than a mute server.
func TestMuteResolver(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *script) {
		began := time.Now()
		_, err := Dial(t.Context(), "a", s.options(Resolve(&names{mute: true}), rounds(1))...)
		require.ErrorContains(t, err, "a:2181: looking up a: context deadline exceeded")
		require.Equal(t, 3*time.Second, time.Since(began))

		began = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = Dial(ctx, "a", s.options(Resolve(&names{mute: true}))...)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
	})
}

// Dialers know names that resolvers do not, such as those of a proxy.
func TestDialerIsGivenNames(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *script) {
		d := s.counting()
		_, err := Dial(t.Context(), "Zk.Example.com", s.options(Dialer(d.dial), rounds(1))...)
		require.ErrorIs(t, err, ErrGaveUp)
		require.Equal(t, []string{"Zk.Example.com:2181"}, d.addrs)
	})
}

func TestSRV(t *testing.T) {
	records := []*net.SRV{
		{Target: "far.", Port: 1, Priority: 20, Weight: 60000},
		{Target: "heavy.", Port: 2, Priority: 10, Weight: 3},
		{Target: "light.", Port: 3, Priority: 10, Weight: 1},
	}
	first := make(map[string]int)
	for seed := range uint64(400) {
		cfg := config{seed: seed, byName: true, timeout: time.Second, resolver: &names{srv: map[string][]*net.SRV{"_zk._tcp.org": records}}}
		c := newClient(cfg, []string{"_zk._tcp.org"})
		var order []string
		for e, ok := c.next(); ok; e, ok = c.next() {
			require.Equal(t, "_zk._tcp.org", e.entry)
			order = append(order, e.addr)
		}
		require.Len(t, order, 3)
		require.Equal(t, "far:1", order[2], "priority goes before weight")
		first[order[0]]++
	}
	t.Log(first)
	require.InDelta(t, 300, first["heavy:2"], 80)

	for _, r := range records {
		r.Weight, r.Priority = 0, 0
	}
	orders := make(map[string]bool)
	for seed := range uint64(100) {
		orders[fmt.Sprint(orderSRV(records, rand.New(rand.NewPCG(seed, 0))))] = true
	}
	require.Len(t, orders, 6, "without weights every order comes")
	require.Equal(t, "far.", records[0].Target, "the resolver's slice is its own")
}

// The name that TLS and Kerberos need is that of the record's target.
func TestSRVThenAddresses(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *script) {
		d := s.counting()
		n := &names{
			hosts: map[string][]string{"one.org": {"10.0.0.1"}, "two.org": {"10.0.0.2", "10.0.0.1"}},
			srv: map[string][]*net.SRV{"_zk._tcp.org": {
				{Target: "one.org.", Port: 2181, Priority: 1}, {Target: "two.org.", Port: 2181, Priority: 2}, {Target: "gone.org.", Port: 2181, Priority: 2},
			}},
		}
		var log strings.Builder
		_, err := Dial(t.Context(), "_zk._tcp.org/app", s.options(Dialer(d.dial), Resolve(n), rounds(1), Logger(textLog(&log)))...)
		require.ErrorIs(t, err, ErrGaveUp)
		require.Equal(t, []string{"10.0.0.1:2181", "10.0.0.2:2181"}, d.addrs)
		require.Contains(t, log.String(), `server="one.org:2181 (10.0.0.1:2181)"`)
	})
}

// Of several addresses of one name that was just lost is the last to be tried.
func TestLostAddressComesLast(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		d := s.counting()
		n := &names{hosts: map[string][]string{"zk": {"a", "b"}}}
		wait := s.dial("zk", Resolve(n), Dialer(d.dial))
		synctest.Wait()
		p := s.serve(d.addrs[0])
		c, err := wait()
		require.NoError(t, err)
		for range 10 {
			lost := d.addrs[len(d.addrs)-1]
			time.Sleep(longLife)
			p.conn.Close()
			synctest.Wait()
			now := d.addrs[len(d.addrs)-1]
			require.NotEqual(t, lost, now)
			p = s.serve(now)
		}
		require.NoError(t, c.Close())
	})
}
