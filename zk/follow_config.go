package zk

import (
	"context"
	"errors"
	"time"
)

// FollowConfig makes the Conn follow the configuration of the ensemble: it
// watches /zookeeper/config, and whenever that changes replaces the servers of
// the connect string by its members, as [Conn.UpdateServers] does. So the
// connect string need only name servers that are there at [Dial], and a
// Conn leaves a server that is taken out of the ensemble.
//
// addr tells where clients reach a member, or "" for one to be left out; nil is
// [Member.ClientAddr], or [Member.SecureAddr] with the option [TLS]. Where
// clients need other addresses than members tell, such as behind a translation
// of addresses, or by TLS on servers up to 3.9, which do not tell the port of
// it, addr has to know. A config with no such address, as that of a server
// alone or of one whose client ports are in zoo.cfg, changes nothing.
//
// It takes servers of 3.5 with permission to read /zookeeper/config, which
// everybody has unless an administrator has changed it; without, the log says
// so and the list of servers stays as it is.
func FollowConfig(addr func(Member) string) Option {
	return func(c *config) { c.follow, c.followBy = true, addr }
}

// followPause is the pause before the config is asked for again after a
// failure.
const followPause = time.Second

// followConfigs is the goroutine of FollowConfig.
func (c *client) followConfigs(ctx context.Context) {
	root := &Conn{client: c}
	f := configFollower{client: c, addr: c.cfg.followBy}
	if f.addr == nil {
		f.addr = Member.ClientAddr
		if c.cfg.tls != nil {
			f.addr = Member.SecureAddr
		}
	}
	for ctx.Err() == nil {
		data, _, w, err := root.ConfigW(ctx)
		var wake <-chan Event
		switch {
		case err == nil:
			f.adopt(data)
			wake = w.C
		case errors.Is(err, ErrNoNode), errors.Is(err, ErrNoAuth):
			c.log.Warn("config not followed", "cause", err)
			return
		default:
			c.log.Debug("config not read", "cause", err)
			again := time.NewTimer(followPause)
			select {
			case <-again.C:
			case <-ctx.Done():
			}
			again.Stop()
			continue
		}
		select {
		case <-wake: // or the session has ended, and the next one needs a watch too
		case <-ctx.Done():
		}
	}
}

// A configFollower remembers what it has done.
type configFollower struct {
	client  *client
	addr    func(Member) string
	version int64
	latest  string // the connect string that was adopted last
}

// adopt replaces the servers, unless the config is one that was followed
// already or an older one, as of a server that lags behind.
func (f *configFollower) adopt(data []byte) {
	c := f.client
	config, err := ParseConfig(data)
	if err != nil {
		c.log.Warn("config not followed", "cause", err)
		return
	}
	connect := config.connectString(f.addr)
	if connect == "" || config.Version < f.version {
		return
	}
	f.version = config.Version
	if connect == f.latest {
		return
	}
	if err := (&Conn{client: c}).UpdateServers(connect); err != nil {
		c.log.Warn("config not followed", "cause", err)
		return
	}
	f.latest = connect
}
