package tlsfiles_test

import (
	"context"
	"log"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/tlsfiles"
)

func Example() {
	settings, err := tlsfiles.New(
		tlsfiles.CA("/etc/zk/ca.pem"),
		tlsfiles.Certificate("/etc/zk/client.pem", "/etc/zk/client.key"),
		tlsfiles.PasswordFile("/etc/zk/client.password"),
	)
	if err != nil {
		log.Fatal(err) // such as: tlsfiles: key: open /etc/zk/client.key: no such file or directory
	}
	c, err := zk.Dial(context.Background(), "zk1:2281,zk2:2281,zk3:2281/app", zk.TLS(settings))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
}
