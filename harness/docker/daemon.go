package docker

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/zookit/zookit/internal/backend"
)

// A daemon is the one that testcontainers finds by DOCKER_HOST, its properties
// file, the usual sockets.
type daemon struct {
	*testcontainers.DockerClient
	host string // where it publishes ports
}

// connect does not end with ctx: testcontainers looks for the daemon once in a
// process, and would remember that it did not find one.
func connect(ctx context.Context) (daemon, error) {
	const patience = 10 * time.Second
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	c, err := testcontainers.NewDockerClientWithOpts(bound)
	if err != nil {
		return daemon{}, noDaemon(err)
	}
	d := daemon{DockerClient: c}
	if err = d.check(bound); err == nil {
		d.host, err = d.findHost(bound)
	}
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("docker: connect: %w", context.Cause(ctx))
	}
	if err != nil {
		d.Close()
	}
	return d, err
}

func (d daemon) check(ctx context.Context) error {
	if _, err := d.Ping(ctx, client.PingOptions{}); err != nil {
		return noDaemon(err)
	}
	return nil
}

func noDaemon(err error) error {
	return &backend.MissingError{
		What: fmt.Sprintf("a Docker daemon that answers (%v)", err),
		Install: "apt-get install docker.io, and start it (systemctl start docker, or dockerd as root);" +
			" set DOCKER_HOST if it is somewhere else",
	}
}

// findHost is what testcontainers says, but for one case: it takes the default
// gateway for the daemon's machine when it finds itself in a container, also
// when the daemon runs in there with it.
func (d daemon) findHost(ctx context.Context) (string, error) {
	const local = "127.0.0.1"
	if _, told := os.LookupEnv("TESTCONTAINERS_HOST_OVERRIDE"); !told && d.isHere(ctx) {
		return local, nil
	}
	p, err := testcontainers.NewDockerProvider()
	if err != nil {
		return "", err
	}
	defer p.Close()
	return p.DaemonHost(ctx)
}

// isHere tells whether the gateway of the daemon's bridge is one of our own
// addresses.
func (d daemon) isHere(ctx context.Context) bool {
	bridge, err := d.NetworkInspect(ctx, "bridge", client.NetworkInspectOptions{})
	if err != nil {
		return false
	}
	ours, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, config := range bridge.Network.IPAM.Config {
		gateway := config.Gateway
		if !gateway.IsValid() {
			gateway = config.Subnet.Masked().Addr().Next()
		}
		if slices.ContainsFunc(ours, func(a net.Addr) bool {
			prefix, err := netip.ParsePrefix(a.String())
			return err == nil && prefix.Addr() == gateway
		}) {
			return true
		}
	}
	return false
}

// publishOn is the loopback interface if that is where we reach the daemon.
func (d daemon) publishOn() netip.Addr {
	if ip, err := netip.ParseAddr(d.host); d.host == "localhost" || err == nil && ip.IsLoopback() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv4Unspecified()
}

// haveImages looks for all images that an ensemble needs.
func (d daemon) haveImages(ctx context.Context, image string) error {
	missing := d.haveImage(ctx, image, "; or set ZK_DOCKER_IMAGE to one that honours the same contract")
	if missing != nil || testcontainers.ReadConfig().RyukDisabled {
		return missing
	}
	//lint:ignore SA1019 nothing else tells which image it will want
	reaper := testcontainers.ReaperDefaultImage
	return d.haveImage(ctx, reaper,
		"; or set TESTCONTAINERS_RYUK_DISABLED=true, and what a killed test leaves behind is removed by the next")
}

// haveImage looks for an image where testcontainers will, and pulls it if it
// is not there.
func (d daemon) haveImage(ctx context.Context, image, otherwise string) error {
	image = mirrored(image)
	_, err := d.ImageInspect(ctx, image)
	if err == nil || !errdefs.IsNotFound(err) {
		return err
	}
	pull, err := d.ImagePull(ctx, image, client.ImagePullOptions{})
	if err == nil {
		err = pull.Wait(ctx)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	return &backend.MissingError{
		What:    fmt.Sprintf("the Docker image %s (to pull it: %v)", image, err),
		Install: "docker pull " + image + otherwise,
	}
}

// mirrored is the image with TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX, which is for
// all that names no registry.
func mirrored(image string) string {
	prefix := testcontainers.ReadConfig().Config.HubImageNamePrefix
	registry, _, ok := strings.Cut(image, "/")
	if prefix == "" || ok && (strings.ContainsAny(registry, ".:") || registry == "localhost") {
		return image
	}
	return path.Join(prefix, image)
}
