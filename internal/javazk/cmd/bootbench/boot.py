"""Boots kazoo's ZookeeperCluster of 3, and prints milliseconds until it
serves and until its start() has returned as well."""

import socket
import sys
import threading
import time

from kazoo.testing.common import ZookeeperCluster


def mode(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 0.15) as s:
            s.settimeout(0.15)
            s.sendall(b"srvr")
            answer = b""
            while chunk := s.recv(4096):
                answer += chunk
        _, _, rest = answer.partition(b"Mode: ")
        return rest.split(b"\n")[0]
    except OSError:
        return b""


def main(classpath, port):
    start = time.monotonic()
    cluster = ZookeeperCluster(classpath=classpath, size=3, port_offset=port)
    serving = []

    def watch():
        while True:
            modes = [mode(s.client_port) for s in cluster]
            if all(modes) and modes.count(b"leader") == 1:
                serving.append(time.monotonic() - start)
                return
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        cluster.start()
        watcher.join(60)
        ready = time.monotonic() - start
        print("ready", int(ready * 1000))
        print("serving", int(serving[0] * 1000))
    finally:
        for server in cluster:
            server.process.kill()
        cluster.terminate()


main(sys.argv[1], int(sys.argv[2]))
