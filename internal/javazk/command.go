package javazk

import (
	"os/exec"
	"slices"
)

const mainClass = "org.apache.zookeeper.server.quorum.QuorumPeerMain"

// fastFlags make a JVM boot fast: one simple compiler, that compiles only
// what runs often, and one simple collector.
var fastFlags = []string{
	"-XX:TieredStopAtLevel=1", "-XX:CompileThresholdScaling=5",
	"-XX:+UseSerialGC", "-Xmx256m", "-XX:-UsePerfData",
}

// serverFlags make a server fsync never and ask its peers often.
var serverFlags = []string{
	"-Dzookeeper.forceSync=no", "-Dzookeeper.preAllocSize=64",
	"-Dzookeeper.fastleader.minNotificationInterval=20",
	"-Dzookeeper.leaderConnectDelayDuringRetryMs=20",
	"-Djavax.net.ssl.trustStore=NONE", // or every boot reads the certificates of all the world
	"-Dzookeeper.fips-mode=false",     // or there is no DIGEST-MD5
	"-Dfile.encoding=UTF-8",           // or the names of digest users depend on the locale
	"-Dorg.slf4j.simpleLogger.showDateTime=true",
	"-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
}

func (m *member) command() *exec.Cmd {
	s := m.c.spec
	args := slices.Concat(fastFlags, m.c.archive.flags(m.dir), serverFlags)
	if old(m.c.version) {
		args = append(args, "-Dlog4j.configuration=file:"+m.file("log4j.properties"))
	}
	if s.ReadOnly {
		args = append(args, "-Dreadonlymode.enabled=true")
	}
	if len(s.Users) > 0 {
		args = append(args, "-Djava.security.auth.login.config="+m.file("jaas.conf"))
	}
	args = append(args, s.JVMFlags...)
	args = append(args, "-cp", m.c.classpath, mainClass, m.configFile())
	cmd := exec.Command(m.c.java, args...)
	cmd.Dir = m.dir
	return cmd
}
