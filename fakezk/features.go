package fakezk

// A feature is a setting that not all releases have. To those that do not have
// it, a key in a configuration is nothing but a name.
type feature struct {
	name   string
	firsts []release // as in has
	isOn   func(c *config) bool
	off    func(c *config)
}

var features = []feature{
	{"enforceQuota", []release{{7, 0}},
		func(c *config) bool { return c.enforceQuota },
		func(c *config) { c.enforceQuota = false }},
	{"enforce.auth", []release{{7, 0}},
		func(c *config) bool { return c.enforceConfigured || len(c.enforceAuth) > 0 && !c.requireSASL },
		func(c *config) { c.enforceConfigured, c.enforceAuth = false, nil }},
	{"sessionRequireClientSASLAuth", []release{{5, 9}},
		func(c *config) bool { return c.requireSASL },
		func(c *config) { c.requireSASL = false }},
	{"maxCnxns", []release{{6, 0}},
		func(c *config) bool { return c.maxConns > 0 },
		func(c *config) { c.maxConns = 0 }},
	{"znode.container.maxNeverUsedIntervalMs", []release{{6, 0}},
		func(c *config) bool { return c.neverUsed > 0 },
		func(c *config) { c.neverUsed = 0 }},
	{"secureClientPort", []release{{5, 1}},
		func(c *config) bool { return c.tls.addr != "" },
		func(c *config) { c.tls = tlsConfig{} }},
	{"extendedTypesEnabled", []release{{5, 4}},
		func(c *config) bool { return c.extendedTypes },
		func(c *config) { c.extendedTypes = false }},
	{"reconfigEnabled", []release{{5, 3}},
		func(c *config) bool { return c.reconfig },
		func(c *config) { c.reconfig = false }},
}

// forget turns off what the release does not know, and on what it always has.
func (c *config) forget() {
	for _, f := range features {
		if f.isOn(c) && !c.release.has(f.firsts...) {
			f.off(c)
			c.warnings = append(c.warnings, f.name+" is not known to ZooKeeper "+c.release.String()+", and has no effect")
		}
	}
	// Both could be turned off only later than they came.
	c.extendedTypes = c.extendedTypes || c.release == release{5, 3}
	c.reconfig = c.reconfig || c.release.line == 5 && c.release.patch < 3
}
