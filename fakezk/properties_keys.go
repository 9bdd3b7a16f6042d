package fakezk

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// A set applies one setting.
type set func(c *config, s setting) error

// configKeys are the keys that a real server reads from zoo.cfg alone; all
// others there are system properties.
var configKeys = map[string]set{
	"tickTime":                milliseconds(10, 1, func(c *config, d time.Duration) { c.tickTime = d }),
	"minSessionTimeout":       timeout(func(c *config, d time.Duration) { c.minTimeout = d }),
	"maxSessionTimeout":       timeout(func(c *config, d time.Duration) { c.maxTimeout = d }),
	"maxClientCnxns":          whole(10, math.MinInt32, func(c *config, n int64) { c.maxPerHost = int(max(n, 0)) }),
	"reconfigEnabled":         boolean(func(c *config, on bool) { c.reconfig = on }),
	"clientPortListenBacklog": whole(10, math.MinInt32, func(c *config, n int64) { c.backlog = int(n) }),
	"dataDir":                 text(func(c *config, v string) { c.dataDir = v }),
	"dataLogDir":              text(func(c *config, v string) { c.dataLogDir = v }),

	// Of no use to a fake, but judged as a real server does:
	"initLimit":                               anyNumber,
	"syncLimit":                               anyNumber,
	"connectToLearnerMasterLimit":             anyNumber,
	"electionAlg":                             anyNumber,
	"observerMasterPort":                      anyNumber,
	"autopurge.snapRetainCount":               anyNumber,
	"autopurge.purgeInterval":                 anyNumber,
	"quorum.cnxn.threads.size":                anyNumber,
	"jvm.pause.info-threshold.ms":             anyNumber,
	"jvm.pause.warn-threshold.ms":             anyNumber,
	"jvm.pause.sleep.time.ms":                 anyNumber,
	"multiAddress.reachabilityCheckTimeoutMs": anyNumber,
	"localSessionsEnabled":                    anyBoolean,
	"localSessionsUpgradingEnabled":           anyBoolean,
	"quorumListenOnAllIPs":                    anyBoolean,
	"syncEnabled":                             anyBoolean,
	"sslQuorum":                               anyBoolean,
	"portUnification":                         anyBoolean,
	"sslQuorumReloadCertFiles":                anyBoolean,
	"quorum.auth.enableSasl":                  anyBoolean,
	"quorum.auth.serverRequireSasl":           anyBoolean,
	"quorum.auth.learnerRequireSasl":          anyBoolean,
	"jvm.pause.monitor":                       anyBoolean,
	"multiAddress.enabled":                    anyBoolean,
	"multiAddress.reachabilityCheckEnabled":   anyBoolean,
	"peerType":                                anyText,
	"quorum.auth.learner.saslLoginContext":    anyText,
	"quorum.auth.server.saslLoginContext":     anyText,
	"quorum.auth.kerberos.servicePrincipal":   anyText,
	"oraclePath":                              anyText,
}

// systemProperties are those that a fake heeds. The ones with a prefix may
// stand in zoo.cfg, without it.
var systemProperties = map[string]set{
	"jute.maxbuffer":                                     whole(0, 1, func(c *config, n int64) { c.maxBuffer = int(n) }),
	"znode.container.checkIntervalMs":                    milliseconds(0, 1, func(c *config, d time.Duration) { c.reapInterval = d }),
	"znode.container.maxPerMinute":                       whole(0, 1, func(c *config, n int64) { c.reapedPerMinute = int(n) }),
	"znode.container.maxNeverUsedIntervalMs":             milliseconds(0, 0, func(c *config, d time.Duration) { c.neverUsed = d }),
	"readonlymode.enabled":                               boolean(func(c *config, on bool) { c.readOnlyMode = on }),
	"zookeeper.4lw.commands.whitelist":                   whitelist,
	"zookeeper.maxCnxns":                                 whole(0, math.MinInt32, func(c *config, n int64) { c.maxConns = int(max(n, 0)) }),
	"zookeeper.extendedTypesEnabled":                     boolean(func(c *config, on bool) { c.extendedTypes = on }),
	"zookeeper.enforceQuota":                             boolean(func(c *config, on bool) { c.enforceQuota = on }),
	"zookeeper.skipACL":                                  choice("yes", "no", func(c *config, on bool) { c.skipACL = on }),
	"zookeeper.nio.sessionlessCnxnTimeout":               milliseconds(0, 1, func(c *config, d time.Duration) { c.idleTimeout = d }),
	"zookeeper.DigestAuthenticationProvider.superDigest": text(func(c *config, v string) { c.superDigest = v }),
	"zookeeper.DigestAuthenticationProvider.enabled":     only("true"),
	"zookeeper.DigestAuthenticationProvider.digestAlg":   only("SHA1", "SHA-1"),
	"zookeeper.enforce.auth.enabled":                     boolean(func(c *config, on bool) { c.enforceConfigured = on }),
	"zookeeper.enforce.auth.schemes":                     text(func(c *config, v string) { c.enforceSchemes = splitList(v) }),
	"zookeeper.sessionRequireClientSASLAuth":             boolean(func(c *config, on bool) { c.requireSASL = on }),
}

// propertiesUnderLoad bear on clients that ask for much at once.
var propertiesUnderLoad = []string{
	"zookeeper.connection_throttle_", "zookeeper.request_throttle_", "zookeeper.throttled_op_wait_time",
	"zookeeper.largeRequest", "zookeeper.globalOutstandingLimit", "zookeeper.request_stale_",
}

// propertiesOfNoUse are about what a fake does not have, and what no client of
// it can tell.
var propertiesOfNoUse = []string{
	"zookeeper.admin.", "zookeeper.audit.", "zookeeper.bitHashCacheSize", "zookeeper.client.certReload",
	"zookeeper.clientTcpKeepAlive", "zookeeper.closeSessionTxn.", "zookeeper.cnxTimeout", "zookeeper.commitLogCount",
	"zookeeper.commitProcessor.", "zookeeper.datadir.", "zookeeper.db.", "zookeeper.digest.enabled",
	"zookeeper.electionPortBindRetry", "zookeeper.enableEagerACLCheck", "zookeeper.fastleader.",
	"zookeeper.flushDelay", "zookeeper.follower.", "zookeeper.forceS", "zookeeper.forward_learner_", "zookeeper.fsync.",
	"zookeeper.intBufferStartingSizeBytes", "zookeeper.jmx.", "zookeeper.kerberos.", "zookeeper.leader",
	"zookeeper.learner.", "zookeeper.log", "zookeeper.maxBatchSize", "zookeeper.maxGetChildrenResponseCacheSize",
	"zookeeper.maxInProcessingDeadWatchers", "zookeeper.maxResponseCacheSize", "zookeeper.maxWriteQueuePollTime",
	"zookeeper.messageTracker.", "zookeeper.metricsProvider.", "zookeeper.multiAddress.", "zookeeper.netty.",
	"zookeeper.nio.", "zookeeper.observer", "zookeeper.pathStats.", "zookeeper.preAllocSize",
	"zookeeper.purge", "zookeeper.quorum", "zookeeper.request.timeout", "zookeeper.request_throttler.",
	"zookeeper.serializeLastProcessedZxid.", "zookeeper.serverCnxnFactory", "zookeeper.snap", "zookeeper.ssl.",
	"zookeeper.tcpKeepAlive", "zookeeper.tracelog", "zookeeper.txnLogSizeLimitInKb",
	"zookeeper.watch", "zookeeper.X509AuthenticationProvider.",
}

// whole sets a number of at least least. With base 0 it may be written as in
// Java's source, such as 0x400000.
func whole(base int, least int64, apply func(*config, int64)) set {
	return func(c *config, s setting) error {
		n, err := strconv.ParseInt(s.value, base, 32)
		if err != nil || n < least {
			return s.bad("want a whole number, at least %d", least)
		}
		apply(c, n)
		return nil
	}
}

func milliseconds(base int, least int64, apply func(*config, time.Duration)) set {
	return func(c *config, s setting) error {
		n, err := strconv.ParseInt(s.value, base, 32)
		if err != nil || n < least {
			return s.bad("want a whole number of milliseconds, at least %d", least)
		}
		apply(c, time.Duration(n)*time.Millisecond)
		return nil
	}
}

// timeout sets a bound of session timeouts, where -1 is the default.
func timeout(apply func(*config, time.Duration)) set {
	return func(c *config, s setting) error {
		if s.value == "-1" {
			apply(c, 0)
			return nil
		}
		return milliseconds(10, 1, apply)(c, s)
	}
}

// choice is strict where a real server takes all but one value for the other.
func choice(yes, no string, apply func(*config, bool)) set {
	return func(c *config, s setting) error {
		if !strings.EqualFold(s.value, yes) && !strings.EqualFold(s.value, no) {
			return s.bad("want %s or %s", yes, no)
		}
		apply(c, strings.EqualFold(s.value, yes))
		return nil
	}
}

func boolean(apply func(*config, bool)) set { return choice("true", "false", apply) }

func text(apply func(*config, string)) set {
	return func(c *config, s setting) error {
		apply(c, s.value)
		return nil
	}
}

// only accepts what fakezk does anyhow.
func only(values ...string) set {
	return func(_ *config, s setting) error {
		for _, v := range values {
			if strings.EqualFold(s.value, v) {
				return nil
			}
		}
		return s.bad("fakezk can do nothing but %s", strings.Join(values, " or "))
	}
}

var (
	anyNumber  = whole(10, math.MinInt32, func(*config, int64) {})
	anyBoolean = boolean(func(*config, bool) {})
	anyText    = text(func(*config, string) {})
)

func whitelist(c *config, s setting) error {
	words := splitList(s.value)
	FourLetterWords(words...)(c)
	return nil
}

// authProvider makes a scheme known to ACLs.
func authProvider(c *config, s setting) error {
	const builtIn = "org.apache.zookeeper.server.auth."
	switch strings.TrimPrefix(s.value, builtIn) {
	case "DigestAuthenticationProvider", "IPAuthenticationProvider":
		return nil
	case "X509AuthenticationProvider":
		c.tls.provider = true
		return nil
	case "SASLAuthenticationProvider":
		c.sasl.acls = true
		return nil
	}
	return s.bad("fakezk knows the providers of digest, ip, sasl and x509; leave this out")
}

func splitList(list string) (parts []string) {
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
