package admin

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zookit/zookit/zk"
)

// Conf is the answer to conf. Of what a server does not tell there is the zero
// value.
type Conf struct {
	ServerID          int64
	ClientPort        int64
	SecureClientPort  int64 // -1 without TLS
	DataDir           string
	DataLogDir        string
	TickTime          time.Duration
	MaxConnections    int64 // by one address, 0 for no limit
	MinSessionTimeout time.Duration
	MaxSessionTimeout time.Duration
	InitLimit         int64  // ticks; of a member of an ensemble, as what follows
	SyncLimit         int64  // ticks
	Membership        string // the config of the ensemble; zk.ParseConfig reads it
	Settings          Fields // all lines in order but those of Membership
}

// ParseConf reads the answer to conf.
func ParseConf(text string) (Conf, error) {
	var c Conf
	head, members, _ := strings.Cut(text, "membership:")
	fields, err := parseFields(head, "=")
	if err != nil {
		return Conf{}, wrong("conf", err)
	}
	var tick, shortest, longest int64
	_, err = fields.take(map[string]target{
		"serverId":          toInt(&c.ServerID),
		"clientPort":        toInt(&c.ClientPort),
		"secureClientPort":  toInt(&c.SecureClientPort),
		"dataDir":           toText(&c.DataDir),
		"dataLogDir":        toText(&c.DataLogDir),
		"tickTime":          toInt(&tick),
		"maxClientCnxns":    toInt(&c.MaxConnections),
		"minSessionTimeout": toInt(&shortest),
		"maxSessionTimeout": toInt(&longest),
		"initLimit":         toInt(&c.InitLimit),
		"syncLimit":         toInt(&c.SyncLimit),
	})
	if _, ok := fields.Get("clientPort"); err == nil && !ok {
		err = errors.New("there is no clientPort in it")
	}
	if err != nil {
		return Conf{}, wrong("conf", err)
	}
	c.TickTime = time.Duration(tick) * time.Millisecond
	c.MinSessionTimeout = time.Duration(shortest) * time.Millisecond
	c.MaxSessionTimeout = time.Duration(longest) * time.Millisecond
	c.Membership = strings.TrimSpace(members)
	c.Settings = fields
	return c, nil
}

// Envi is the answer to envi.
type Envi struct {
	Version    zk.Version
	Properties Fields // all, in order, such as java.version
}

// ParseEnvi reads the answer to envi.
func ParseEnvi(text string) (e Envi, err error) {
	rest, ok := strings.CutPrefix(text, "Environment:\n")
	if err = whole(text); err == nil && !ok {
		err = errors.New("there is no line Environment: in it")
	}
	if err == nil {
		e.Properties, err = parseFields(rest, "=")
	}
	if err != nil {
		return Envi{}, wrong("envi", err)
	}
	version, ok := e.Properties.Get("zookeeper.version")
	if !ok {
		return Envi{}, wrong("envi", errors.New("there is no zookeeper.version in it"))
	}
	if e.Version, err = zk.ParseVersion(version); err != nil {
		return Envi{}, wrong("envi", err)
	}
	return e, nil
}

// Dirs is the answer to dirs: the sizes in bytes of the snapshots and of the
// logs of transactions.
type Dirs struct{ Snapshots, Logs int64 }

// ParseDirs reads the answer to dirs.
func ParseDirs(text string) (d Dirs, err error) {
	if err = whole(text); err != nil {
		return Dirs{}, wrong("dirs", err)
	}
	fields, err := parseFields(text, ": ")
	if err == nil {
		_, err = fields.take(map[string]target{"datadir_size": toInt(&d.Snapshots), "logdir_size": toInt(&d.Logs)})
	}
	if _, ok := fields.Get("datadir_size"); err == nil && !ok {
		err = errors.New("there is no datadir_size in it")
	}
	if err != nil {
		return Dirs{}, wrong("dirs", err)
	}
	return d, nil
}

// A Digest is what a server has computed of its tree as of a transaction. Two
// servers with different digests of one zxid have different data.
type Digest struct {
	Zxid   int64
	Digest uint64
}

// ParseHash reads the answer to hash: digests of the latest transactions of
// each 128, newest last, none before there are so many.
func ParseHash(text string) ([]Digest, error) {
	var all []Digest
	for line := range lines(text) {
		var d Digest
		if _, err := fmt.Sscanf(line, "%x: %d", &d.Zxid, &d.Digest); err != nil {
			return nil, wrong("hash", fmt.Errorf("line %q: %w", line, err))
		}
		all = append(all, d)
	}
	return all, nil
}
