// Package zk is a ZooKeeper client.
package zk
