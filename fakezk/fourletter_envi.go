package fakezk

import (
	"fmt"
	"os"
	"os/user"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
)

// unknown is how a real server tells of a property that it does not have.
const unknown = "<NA>"

// reportEnvironment is envi.
func reportEnvironment(cfg *config) string {
	var b strings.Builder
	b.WriteString("Environment:\n")
	for _, line := range environment(cfg) {
		fmt.Fprintf(&b, "%s=%s\n", line[0], line[1])
	}
	return b.String()
}

// environment are pairs of a key and its value. There is no Java, and the rest
// is true.
func environment(cfg *config) [][2]string {
	total, free := memory()
	pairs := [][2]string{
		{"zookeeper.version", cfg.release.fullVersion()},
		{"host.name", known(os.Hostname())},
		{"java.version", unknown},
		{"java.vendor", unknown},
		{"java.home", unknown},
		{"java.class.path", unknown},
		{"java.library.path", unknown},
		{"java.io.tmpdir", os.TempDir()},
		{"java.compiler", unknown},
		{"os.name", osName()},
		{"os.arch", osArch()},
		{"os.version", osVersion()},
		{"user.name", userName()},
		{"user.home", known(os.UserHomeDir())},
		{"user.dir", known(os.Getwd())},
	}
	if cfg.quirks.oldWords {
		return pairs
	}
	return append(pairs, [][2]string{
		{"os.memory.free", megabytes(free)},
		{"os.memory.max", megabytes(uint64(debug.SetMemoryLimit(-1)))},
		{"os.memory.total", megabytes(total)},
	}...)
}

func known(value string, err error) string {
	if err != nil {
		return unknown
	}
	return value
}

// osName is the system as Java calls it, where that is not Go's name.
func osName() string {
	switch runtime.GOOS {
	case "linux":
		return "Linux"
	case "darwin":
		return "Mac OS X"
	case "windows":
		return "Windows"
	}
	return runtime.GOOS
}

// osArch is the processor as Java calls it, where that is not Go's name.
func osArch() string {
	if runtime.GOARCH == "arm64" {
		return "aarch64"
	}
	return runtime.GOARCH
}

func osVersion() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	return known(strings.TrimSpace(string(release)), err)
}

func userName() string {
	u, err := user.Current()
	if err != nil {
		return unknown
	}
	return u.Username
}

func megabytes(n uint64) string { return fmt.Sprintf("%dMB", n>>20) }

// memory is what the process has from the system, and what of it is unused.
func memory() (total, free uint64) {
	const all, unused = "/memory/classes/total:bytes", "/memory/classes/heap/free:bytes"
	samples := []metrics.Sample{{Name: all}, {Name: unused}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}
