// Package kdc runs a Kerberos KDC of MIT for a test.
package kdc

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/testenv"
)

// Realm is that of each KDC.
const Realm = "ZOOKIT.TEST"

// A KDC is a process of its own on an address of 127/8 of its own, with an empty
// database.
type KDC struct {
	t    testenv.TB
	dir  string
	addr string
	end  func() // of the process
}

// Start starts a KDC that is gone when t is over, however that ends.
// Without the programs it skips t.
func Start(t testenv.TB) *KDC {
	t.Helper()
	for _, program := range []string{"krb5kdc", "kadmin.local", "kdb5_util", "kinit"} {
		if find(program) == "" {
			testenv.Missing(t, program, "apt-get install krb5-kdc krb5-admin-server krb5-user")
		}
	}
	dir, err := os.MkdirTemp("", "zookit-kdc-")
	if err != nil {
		t.Fatal(err)
	}
	n := rand.Uint32()
	k := &KDC{t: t, dir: dir, addr: fmt.Sprintf("127.%d.%d.%d:8888", 2+n%250, n>>8&0xff, 1+n>>16%250)}
	t.Cleanup(func() {
		k.Stop()
		os.RemoveAll(dir)
	})
	k.write("krb5.conf", `[libdefaults]
	default_realm = `+Realm+`
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	udp_preference_limit = 1
[realms]
	`+Realm+` = {
		kdc = `+k.addr+`
	}
`)
	k.write("kdc.conf", `[kdcdefaults]
	kdc_listen = `+k.addr+`
	kdc_tcp_listen = `+k.addr+`
[realms]
	`+Realm+` = {
		database_name = `+k.file("principals")+`
		key_stash_file = `+k.file("stash")+`
		acl_file = `+k.file("acl")+`
		supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
		default_principal_flags = +preauth
		max_life = 1d
	}
[logging]
	kdc = FILE:`+k.file("kdc.log")+`
`)
	k.run("", "kdb5_util", "create", "-s", "-P", "master")
	k.Start()
	return k
}

func (k *KDC) file(name string) string { return filepath.Join(k.dir, name) }

func (k *KDC) write(name, text string) {
	k.t.Helper()
	if err := os.WriteFile(k.file(name), []byte(text), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

// find looks where Debian has programs for administrators, too.
func find(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path := filepath.Join(dir, program); isFile(path) {
			return path
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func (k *KDC) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(find(program), args...)
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+k.Conf(), "KRB5_KDC_PROFILE="+k.file("kdc.conf"), "KRB5CCNAME=FILE:"+k.file("none"))
	return cmd
}

func (k *KDC) run(input, program string, args ...string) string {
	k.t.Helper()
	cmd := k.command(program, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		k.t.Fatalf("kdc: %s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// Start starts it again after Stop, at the same address, with its database.
func (k *KDC) Start() {
	k.t.Helper()
	// The shell ends it when we write a line, and when our end of the pipe is
	// gone, as we are then; it cleans up, too.
	const script = `dir=$1; shift; "$@" </dev/null >/dev/null 2>&1 & pid=$!
read -r _; orphan=$?
kill $pid; wait $pid; [ $orphan = 0 ] || rm -rf "$dir"`
	cmd := k.command("sh", "-c", script, "sh", k.dir, find("krb5kdc"), "-n", "-r", Realm)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.end = func() {
		io.WriteString(stdin, "\n")
		stdin.Close()
		cmd.Wait() // its status is of no interest
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", k.addr)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			log, _ := os.ReadFile(k.file("kdc.log"))
			k.t.Fatalf("kdc: no answer at %s: %v\n%s", k.addr, err, log)
		}
	}
}

// Stop ends it. It can be called more than once.
func (k *KDC) Stop() {
	if k.end != nil {
		k.end()
		k.end = nil
	}
}

// Conf is the krb5.conf of clients.
func (k *KDC) Conf() string { return k.file("krb5.conf") }

// Addr is the host and port, of TCP and UDP.
func (k *KDC) Addr() string { return k.addr }

// Admin gives commands to kadmin, one a line.
func (k *KDC) Admin(commands ...string) {
	k.t.Helper()
	out := k.run(strings.Join(commands, "\n")+"\n", "kadmin.local", "-r", Realm)
	for line := range strings.Lines(out) {
		if strings.Contains(line, "while ") { // it ends with success all the same
			k.t.Fatalf("kdc: kadmin %q: %s", commands, out)
		}
	}
}

// AddUser adds a principal with a password; options are those of addprinc.
func (k *KDC) AddUser(name, password string, options ...string) {
	k.t.Helper()
	k.Admin(fmt.Sprintf("addprinc -pw %q %s %s", password, strings.Join(options, " "), name))
}

// AddKey adds a principal with a random key, and returns a file with the key.
func (k *KDC) AddKey(name string, options ...string) (keytab string) {
	k.t.Helper()
	keytab = k.file(strings.ReplaceAll(name, "/", "-") + ".keytab")
	k.Admin(fmt.Sprintf("addprinc -randkey %s %s", strings.Join(options, " "), name), fmt.Sprintf("ktadd -k %s %s", keytab, name))
	return keytab
}

// Kinit writes a file with a ticket, which lives for so long, as its owner's
// kinit does.
func (k *KDC) Kinit(name, password string, life time.Duration) (cache string) {
	k.t.Helper()
	cache = k.file(name + ".cache")
	k.run(password+"\n", "kinit", "-c", "FILE:"+cache, "-l", fmt.Sprintf("%ds", int(life.Seconds())), name)
	return cache
}

// JAAS is the section of a server's JAAS file for a principal and its key. It
// needs no KDC.
func JAAS(principal, keytab string) string {
	return fmt.Sprintf(`Server {
	com.sun.security.auth.module.Krb5LoginModule required
	useKeyTab=true storeKey=true useTicketCache=false isInitiator=false
	keyTab="%s" principal="%s@%s";
};
`, keytab, principal, Realm)
}
