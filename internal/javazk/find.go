package javazk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zookit/zookit/internal/backend"
)

// place is somewhere a ZooKeeper may come from. Its version is known before
// its classpath, so that Maven runs only when its version is wanted.
type place struct {
	name, version string
	classpath     func() (string, error)
	absent        error
}

// Package asks for what the distribution's package has, whichever version.
const Package = "package"

// Find returns the classpath and the version of a ZooKeeper whose version
// starts with wanted, such as "3.9" or "3.8.4" ("" for any). It looks into
// ZOOKEEPER_HOME, then asks Maven (once per machine), then takes Debian's
// package. The error lists what was tried; it is a *backend.MissingError.
func Find(wanted string) (classpath, version string, err error) {
	var tried []string
	for _, p := range places(wanted) {
		err := p.absent
		if err == nil && !matches(p.version, wanted) {
			err = errors.New("has " + p.version)
		}
		if err == nil {
			if classpath, err = p.classpath(); err == nil {
				return classpath, p.version, nil
			}
		}
		tried = append(tried, p.name+": "+err.Error())
	}
	name := "ZooKeeper"
	if wanted != "" {
		name += " " + wanted
	}
	return "", "", &backend.MissingError{
		What:    name + " (tried\n  " + strings.Join(tried, "\n  ") + "\n)",
		Install: "apt-get install maven (which then fetches it), or apt-get install libzookeeper-java, or set ZOOKEEPER_HOME",
	}
}

func places(wanted string) []place {
	if wanted == Package {
		return []place{debian()}
	}
	return []place{home(), maven(wanted), debian()}
}

// matches tells whether a version is the one wanted, or of its line.
func matches(version, wanted string) bool {
	return wanted == "" || wanted == Package || version == wanted || strings.HasPrefix(version, wanted+".")
}

// home is an unpacked distribution, with its logging configuration in conf.
func home() place {
	dir := os.Getenv("ZOOKEEPER_HOME")
	if dir == "" {
		return place{name: "ZOOKEEPER_HOME", absent: errors.New("not set")}
	}
	lib := filepath.Join(dir, "lib")
	p := place{name: "ZOOKEEPER_HOME=" + dir}
	p.version, p.absent = jarVersion(lib)
	p.classpath = func() (string, error) {
		return join(filepath.Join(dir, "conf"), filepath.Join(lib, "*")), nil
	}
	return p
}

func debian() place {
	const jars = "/usr/share/java"
	p := place{name: "Debian's package libzookeeper-java"}
	p.version, p.absent = jarVersion(jars)
	p.classpath = func() (string, error) {
		// The manifest of zookeeper.jar names all it needs but a log, and some
		// that AdminServer and TLS need.
		var list []string
		for _, name := range []string{
			"zookeeper", "slf4j-simple", "servlet-api", "netty-codec", "netty-resolver", "netty-transport-native-unix-common",
		} {
			if jar := filepath.Join(jars, name+".jar"); exists(jar) {
				list = append(list, jar)
			}
		}
		return join(list...), nil
	}
	return p
}

// jarVersion reads 3.9.5 from the name zookeeper-3.9.5.jar in dir.
func jarVersion(dir string) (string, error) {
	jars, err := filepath.Glob(filepath.Join(dir, "zookeeper-[0-9]*.jar"))
	if err != nil || len(jars) == 0 {
		return "", fmt.Errorf("%s has no zookeeper-<version>.jar", dir)
	}
	name := strings.TrimPrefix(filepath.Base(jars[0]), "zookeeper-")
	return strings.TrimSuffix(name, ".jar"), nil
}

func join(classpath ...string) string {
	return strings.Join(classpath, string(os.PathListSeparator))
}
