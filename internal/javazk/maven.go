package javazk

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// releases are the newest of each line, which Maven resolves. Others can be
// asked for by their full version.
var releases = []string{"3.9.5", "3.8.6", "3.7.2", "3.6.4", "3.5.10", "3.4.14"}

// release is the version to ask Maven for when wanted is asked for.
func release(wanted string) (string, error) {
	for _, r := range releases {
		if matches(r, wanted) {
			return r, nil
		}
	}
	if strings.Count(wanted, ".") == 2 {
		return wanted, nil
	}
	return "", fmt.Errorf("no release begins with %s; write it in full, or take one of %s", wanted, strings.Join(releases, ", "))
}

// jars are ZooKeeper and what its server needs but leaves to the distribution
// to provide: a log, metrics, compression of snapshots, the AdminServer.
func jars(version string) []string {
	list := []string{"org.apache.zookeeper:zookeeper:" + version}
	if strings.HasPrefix(version, "3.4.") {
		return list
	}
	slf4j := "2.0.13"
	if matches(version, "3.5") || matches(version, "3.6") || matches(version, "3.7") || version < "3.8.4" && matches(version, "3.8") {
		slf4j = "1.7.36"
	}
	const jetty = "9.4.58.v20250814"
	return append(list,
		"org.slf4j:slf4j-simple:"+slf4j,
		"io.dropwizard.metrics:metrics-core:4.1.12.1",
		"org.xerial.snappy:snappy-java:1.1.10.5",
		"org.eclipse.jetty:jetty-server:"+jetty,
		"org.eclipse.jetty:jetty-servlet:"+jetty,
		"com.fasterxml.jackson.core:jackson-databind:2.15.2",
	)
}

func maven(wanted string) place {
	p := place{name: "Maven"}
	if p.version, p.absent = release(wanted); p.absent != nil {
		return p
	}
	p.name += ", version " + p.version
	p.classpath = func() (string, error) {
		dir, err := fetched(p.version)
		return filepath.Join(dir, "*"), err
	}
	return p
}

// asked is what Maven was asked for: at most once per process and version,
// since it takes seconds, even to fail.
var asked sync.Map // version: func() (string, error)

// fetched is the folder with Maven's jars.
func fetched(version string) (string, error) {
	once, _ := asked.LoadOrStore(version, sync.OnceValues(func() (string, error) {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		// The layout of the folder is in its name: 2 has the AdminServer.
		dir := filepath.Join(cache, "zookit", "zookeeper-"+version+"-2")
		return dir, fetch(dir, jars(version))
	}))
	return once.(func() (string, error))()
}

// Fetch is the classpath of a ZooKeeper by Maven with more jars, each a
// group:artifact:version, which come with what they need.
func Fetch(version string, more ...string) (classpath string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	name := strings.NewReplacer(":", "-").Replace(strings.Join(more, "+"))
	dir := filepath.Join(cache, "zookit", "zookeeper-"+version+"+"+name)
	return filepath.Join(dir, "*"), fetch(dir, append(jars(version), more...))
}

// fetch makes sure that dir has jars and what they need.
func fetch(dir string, jars []string) error {
	if _, err := jarVersion(dir); err == nil {
		return nil
	}
	if err := download(dir, jars); err != nil {
		return fmt.Errorf("fetch jars into %s: %w", dir, err)
	}
	return nil
}

// download fills dir by way of a folder of its own and a rename, so that dir is
// always complete, however many test binaries fetch at the same time.
func download(dir string, jars []string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "fetch-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom(jars), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, mvn, "--batch-mode", "--quiet",
		"org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
		"-DincludeScope=runtime", "-DexcludeArtifactIds=logback-classic,logback-core", "-DoutputDirectory=lib")
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w: %s", err, firstError(out))
	}
	err = os.Rename(filepath.Join(work, "lib"), dir)
	if _, lost := jarVersion(dir); lost == nil {
		return nil // Another process may have been first; its jars are as good.
	}
	return err
}

// pom is a project that does nothing but depend on jars.
func pom(jars []string) []byte {
	var b strings.Builder
	b.WriteString("<project><modelVersion>4.0.0</modelVersion>" +
		"<groupId>zookit</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>" +
		"<dependencies>\n")
	for _, jar := range jars {
		part := strings.Split(jar, ":")
		fmt.Fprintf(&b, "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n",
			part[0], part[1], part[2])
	}
	b.WriteString("</dependencies></project>\n")
	return []byte(b.String())
}

// firstError picks the line that matters from Maven's page.
func firstError(out []byte) string {
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "[ERROR]") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(string(out))
}
