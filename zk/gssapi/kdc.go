package gssapi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
)

// mostReply limits what a KDC may send, in bytes.
const mostReply = 1 << 20

// ask sends a message to a KDC of the realm: to one after the other by TCP, and
// then by UDP, until one answers. An answer that is an error is a
// messages.KRBError.
func (m *Mechanism) ask(ctx context.Context, realm string, message []byte) ([]byte, error) {
	addrs, err := m.kdcs(ctx, realm)
	if err != nil {
		return nil, err
	}
	var errs []error
	left := 2 * len(addrs)
	for _, network := range []string{"tcp", "udp"} {
		for _, addr := range addrs {
			reply, err := askOne(ctx, network, addr, message, left)
			if err == nil {
				return checked(reply)
			}
			errs = append(errs, fmt.Errorf("KDC %s: %w", addr, err))
			left--
		}
	}
	return nil, errors.Join(errs...)
}

func checked(reply []byte) ([]byte, error) {
	var refusal messages.KRBError
	if proof(func() error { return refusal.Unmarshal(reply) }) == nil {
		return nil, refusal
	}
	return reply, nil
}

// kdcs are host and port of each.
func (m *Mechanism) kdcs(ctx context.Context, realm string) (addrs []string, err error) {
	for _, r := range m.conf.Realms {
		if r.Realm == realm {
			addrs = append(addrs, r.KDC...)
		}
	}
	if len(addrs) > 0 {
		return addrs, nil
	}
	_, records, err := net.DefaultResolver.LookupSRV(ctx, "kerberos", "tcp", realm)
	if err != nil {
		return nil, fmt.Errorf("realm %s has no KDC in krb5.conf, nor in DNS: %w", realm, err)
	}
	for _, r := range records {
		addrs = append(addrs, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("realm %s has no KDC", realm)
	}
	return addrs, nil
}

// mostAsk is how long one KDC may take, or its share of ctx.
const mostAsk = 5 * time.Second

func askOne(ctx context.Context, network, addr string, message []byte, left int) ([]byte, error) {
	most := mostAsk
	if deadline, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(deadline)/time.Duration(left))
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if network == "udp" {
		return askUDP(conn, message)
	}
	return askTCP(conn, message)
}

func askUDP(conn net.Conn, message []byte) ([]byte, error) {
	if _, err := conn.Write(message); err != nil {
		return nil, err
	}
	reply := make([]byte, 64<<10)
	n, err := conn.Read(reply)
	return reply[:n], err
}

func askTCP(conn net.Conn, message []byte) ([]byte, error) {
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
	if _, err := conn.Write(frame); err != nil {
		return nil, err
	}
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > mostReply {
		return nil, fmt.Errorf("reply of %d bytes, but %d are allowed", n, mostReply)
	}
	reply := make([]byte, n)
	_, err := io.ReadFull(conn, reply)
	return reply, err
}
