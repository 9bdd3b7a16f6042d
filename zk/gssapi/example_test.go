package gssapi_test

import (
	"context"
	"log"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/gssapi"
)

func Example() {
	login, err := gssapi.FromKeytab("app/host1.example.com", "/etc/app.keytab")
	if err != nil {
		log.Fatal(err)
	}
	c, err := zk.Dial(context.Background(), "zk1.example.com,zk2.example.com/app", zk.SASL(login))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
}
