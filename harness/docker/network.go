package docker

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tcnetwork "github.com/testcontainers/testcontainers-go/network"
)

// A peerNetwork is where members hear each other. It has no way out: clients
// come by another, so that a member that is disconnected is still reached.
type peerNetwork struct {
	*testcontainers.DockerNetwork
	subnet netip.Prefix
}

// newNetwork makes a network in which members keep their addresses when they
// are disconnected and connected again. Docker grants that only in a subnet
// that it was told to take; so it is asked which one is free first.
func newNetwork(ctx context.Context, d daemon, labels map[string]string) (*peerNetwork, error) {
	const tries = 10
	for try := 1; ; try++ {
		subnet, err := freeSubnet(ctx, d, labels)
		if err != nil {
			return nil, err
		}
		n, err := createNetwork(ctx, labels, tcnetwork.WithIPAM(&network.IPAM{
			Driver: "default",
			Config: []network.IPAMConfig{{Subnet: subnet}},
		}))
		if err == nil {
			return &peerNetwork{n, subnet}, nil
		}
		taken := strings.Contains(err.Error(), "overlaps")
		if !taken || try == tries || ctx.Err() != nil {
			return nil, fmt.Errorf("create a network in %v, try %d: %w", subnet, try, err)
		}
	}
}

// freeSubnet is one that Docker would take.
func freeSubnet(ctx context.Context, d daemon, labels map[string]string) (netip.Prefix, error) {
	n, err := createNetwork(ctx, labels)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("create a network: %w", err)
	}
	inspected, err := d.NetworkInspect(ctx, n.ID, client.NetworkInspectOptions{})
	if removed := n.Remove(context.WithoutCancel(ctx)); err == nil {
		err = removed
	}
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("find a free subnet: %w", err)
	}
	config := inspected.Network.IPAM.Config
	for _, c := range config {
		if c.Subnet.Addr().Is4() {
			return c.Subnet, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("the network that Docker made has no IPv4 subnet: %v", config)
}

func createNetwork(ctx context.Context, labels map[string]string, opts ...tcnetwork.NetworkCustomizer) (*testcontainers.DockerNetwork, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiTime)
	defer cancel()
	return tcnetwork.New(ctx, append(opts, tcnetwork.WithInternal(), tcnetwork.WithLabels(labels))...)
}

// addr is a member's address; the first is Docker's own.
func (n *peerNetwork) addr(id int) netip.Addr {
	a := n.subnet.Masked().Addr().Next()
	for range id {
		a = a.Next()
	}
	return a
}

// hosts are lines for the members' /etc/hosts, so that no name is asked for
// of a server that a partition may have taken away.
func (n *peerNetwork) hosts(members []memberPlan) (hosts []string) {
	for _, m := range members {
		hosts = append(hosts, m.name()+":"+n.addr(m.id).String())
	}
	return hosts
}

func (n *peerNetwork) connect(ctx context.Context, d daemon, m *member) error {
	_, err := d.NetworkConnect(ctx, n.ID, client.NetworkConnectOptions{
		Container: m.container.GetContainerID(),
		EndpointConfig: &network.EndpointSettings{
			IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: n.addr(m.ID())},
		},
	})
	return err
}

func (n *peerNetwork) disconnect(ctx context.Context, d daemon, m *member) error {
	_, err := d.NetworkDisconnect(ctx, n.ID, client.NetworkDisconnectOptions{Container: m.container.GetContainerID()})
	return err
}
