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

// mavenVersion is the newest 3.9 that Maven resolves.
const mavenVersion = "3.9.5"

// wanted are ZooKeeper and what its server needs but leaves to the
// distribution to provide: a log, metrics and compression of snapshots.
var wanted = []string{
	"org.apache.zookeeper:zookeeper:" + mavenVersion,
	"org.slf4j:slf4j-simple:2.0.13",
	"io.dropwizard.metrics:metrics-core:4.1.12.1",
	"org.xerial.snappy:snappy-java:1.1.10.5",
}

func maven() place {
	return place{
		name:    "Maven, version " + mavenVersion,
		version: mavenVersion,
		classpath: func() (string, error) {
			dir, err := fetched()
			return filepath.Join(dir, "*"), err
		},
	}
}

// fetched is the folder with Maven's jars. Maven is asked at most once per
// process: it takes seconds, even to fail.
var fetched = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "zookit", "zookeeper-"+mavenVersion)
	if _, err := jarVersion(dir); err == nil {
		return dir, nil
	}
	if err := fetch(dir); err != nil {
		return "", fmt.Errorf("fetch jars into %s: %w", dir, err)
	}
	return dir, nil
})

// fetch fills dir by way of a folder of its own and a rename, so that dir is
// always complete, however many test binaries fetch at the same time.
func fetch(dir string) error {
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
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom(), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, mvn, "--batch-mode", "--quiet",
		"org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory=lib")
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

// pom is a project that does nothing but depend on wanted.
func pom() []byte {
	var b strings.Builder
	b.WriteString("<project><modelVersion>4.0.0</modelVersion>" +
		"<groupId>zookit</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>" +
		"<dependencies>\n")
	for _, jar := range wanted {
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
