package fakezk

import (
	"strconv"
	"time"
)

// TmpProp is temporary.
func TmpProp(key, value string) Option {
	return func(c *config) {
		n, _ := strconv.Atoi(value)
		ms := time.Duration(n) * time.Millisecond
		switch key {
		case "reconfigEnabled":
			c.reconfig = true
		case "znode.container.maxNeverUsedIntervalMs":
			c.neverUsed = ms
		case "jute.maxbuffer":
			c.maxBuffer = n
		case "enforce.auth.enabled":
		case "enforce.auth.schemes":
			c.enforceAuth = []string{value}
		case "maxCnxns":
			c.maxConns = n
		case "nio.sessionlessCnxnTimeout":
			c.idleTimeout = ms
		case "minSessionTimeout":
			c.minTimeout = ms
		case "maxSessionTimeout":
			c.maxTimeout = ms
		}
	}
}
