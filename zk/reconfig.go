package zk

import (
	"context"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// configPath is where an ensemble keeps its own configuration, whatever the
// chroot.
const configPath = "/zookeeper/config"

// AnyConfig as the version of a config matches every version.
const AnyConfig int64 = -1

// A Reconfiguration is a change of the ensemble: servers that join or change,
// and servers that leave, or a whole new list of members.
type Reconfiguration struct {
	Joining []string // such as "server.4=zk4:2888:3888:participant;2181"; Member.String makes it
	Leaving []string // ids of servers, such as "3"
	Members []string // instead of the two above
	From    int64    // the version of the config to be changed, see Config.Version; AnyConfig is not compared
}

// Reconfig changes the ensemble and returns its new config, which
// [ParseConfig] reads. It takes servers of 3.5 with reconfigEnabled, and
// permission to write /zookeeper/config. It fails with [ErrReconfigDisabled],
// [ErrNoAuth], [ErrBadVersion] (the config is not that of From),
// [ErrBadArguments] (a member that is none, or too few), [ErrNewConfigNoQuorum]
// (too few of the new members are up and in sync) and [ErrReconfigInProgress].
func (c *Conn) Reconfig(ctx context.Context, change Reconfiguration) ([]byte, Stat, error) {
	r := c.request(proto.OpReconfig)
	r.texts = [3]string{strings.Join(change.Joining, ","), strings.Join(change.Leaving, ","), strings.Join(change.Members, ",")}
	r.number = change.From
	if err := c.do(ctx, r, "reconfig", ""); err != nil {
		return nil, Stat{}, err
	}
	config, stat := r.body, r.stat
	c.recycle(r)
	return config, stat, nil
}

// Config is the configuration of the ensemble, empty for a server alone: a
// line for each member and "version=" with a number in hex. [ParseConfig]
// reads it.
func (c *Conn) Config(ctx context.Context) ([]byte, Stat, error) {
	return c.root().Get(ctx, configPath)
}

// ConfigW is Config with a watch that fires at the next Reconfig. See
// [FollowConfig] for a Conn that moves with the ensemble.
func (c *Conn) ConfigW(ctx context.Context) ([]byte, Stat, *Watch, error) {
	return c.root().GetW(ctx, configPath)
}

// root is a view without chroot.
func (c *Conn) root() *Conn {
	view := *c
	view.chroot, view.invalid = "", nil
	return &view
}
