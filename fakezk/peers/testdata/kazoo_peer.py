"""Goes through the steps of peers_test.go with kazoo.

A line on stdin, "step NAME ADDRESS", runs a step, which ends with the line
"ok NAME" or "failed NAME". In between the lines "READY expire 0xSESSION",
"READY disconnect 0xSESSION" and "READY restart" ask for a deed of the server,
which has been done when the answer "done" comes.
"""

import contextlib
import logging
import queue
import sys
import traceback

from kazoo import exceptions
from kazoo.client import KazooClient
from kazoo.protocol.states import EventType, KazooState
from kazoo.security import CREATOR_ALL_ACL, make_acl, make_digest_acl

PATIENCE = 20  # seconds, for what should be there at once


def say(*words):
    print(*words, flush=True)


def ask(deed, session=None):
    say("READY", deed, *([] if session is None else ["0x%x" % session]))
    answer = sys.stdin.readline().strip()
    assert answer == "done", "asked to %s, the test answers %r" % (deed, answer)


@contextlib.contextmanager
def client(address, **options):
    c = KazooClient(hosts=address, timeout=10, **options)
    c.start(PATIENCE)
    try:
        yield c
    finally:
        c.stop()
        c.close()


def session_of(c):
    return c.client_id[0]


def equal(got, want):
    assert got == want, "got %r, want %r" % (got, want)


def refused(error, call, *args, **kwargs):
    """The call fails with just this error."""
    try:
        result = call(*args, **kwargs)
    except exceptions.ZookeeperError as e:
        equal(type(e), error)
    else:
        raise AssertionError("%r instead of %s" % (result, error.__name__))


class Watch(queue.Queue):
    """A watch function that keeps its events."""

    def __call__(self, event):
        self.put(event)

    def await_event(self, kind, path):
        event = self.get(timeout=PATIENCE)
        equal((event.type, event.path), (kind, path))

    def is_quiet(self):
        equal(self.qsize(), 0)


class States(queue.Queue):
    """The states of a client from now on."""

    def __init__(self, c):
        super().__init__()
        c.add_listener(self.put)

    def await_states(self, *wanted):
        for want in wanted:
            equal(self.get(timeout=PATIENCE), want)


def create(address):
    with client(address) as c:
        equal(c.create("/create", b"v0"), "/create")
        path, stat = c.create("/create/child", b"", include_data=True)
        equal(path, "/create/child")
        equal((stat.version, stat.dataLength, stat.ephemeralOwner), (0, 0, 0))
        refused(exceptions.NodeExistsError, c.create, "/create", b"again")
        refused(exceptions.NoNodeError, c.create, "/create/none/child", b"")
        data, stat = c.get("/create")
        equal((data, stat.version, stat.numChildren), (b"v0", 0, 1))
        equal(c.set("/create", b"v1", version=0).version, 1)
        refused(exceptions.BadVersionError, c.set, "/create", b"v2", version=0)
        refused(exceptions.NotEmptyError, c.delete, "/create")
        equal(c.exists("/create/none"), None)
        refused(exceptions.NoNodeError, c.get, "/create/none")
        c.create("/create/gone", b"")
        refused(exceptions.BadVersionError, c.delete, "/create/gone", version=7)
        c.delete("/create/gone", version=0)
        equal(c.exists("/create/gone"), None)
        equal(c.sync("/create"), "/create")


def watch(address):
    with client(address) as a, client(address) as b:
        a.create("/watch", b"old")
        changed, created, deleted, last = Watch(), Watch(), Watch(), Watch()
        equal(a.get("/watch", watch=changed)[0], b"old")
        equal(a.exists("/watch/later", watch=created), None)
        b.set("/watch", b"new")
        changed.await_event(EventType.CHANGED, "/watch")
        equal(a.get("/watch")[0], b"new")

        b.create("/watch/later", b"")
        created.await_event(EventType.CREATED, "/watch/later")
        a.get("/watch/later", watch=deleted)
        b.delete("/watch/later")
        deleted.await_event(EventType.DELETED, "/watch/later")

        # Each of them was for one event: the next one is the last watch's.
        a.get("/watch", watch=last)
        b.create("/watch/later", b"")
        b.delete("/watch/later")
        b.set("/watch", b"newer")
        last.await_event(EventType.CHANGED, "/watch")
        for w in changed, created, deleted:
            w.is_quiet()


def children(address):
    with client(address) as a, client(address) as b:
        a.create("/children", b"")
        born, gone, last = Watch(), Watch(), Watch()
        equal(a.get_children("/children", watch=born), [])
        b.create("/children/b", b"")
        born.await_event(EventType.CHILD, "/children")
        b.create("/children/a", b"")
        b.create("/children/c", b"")
        names, stat = a.get_children("/children", watch=gone, include_data=True)
        equal((sorted(names), stat.numChildren, stat.cversion), (["a", "b", "c"], 3, 3))
        b.set("/children/b", b"data is no business of a child watch")
        a.sync("/children")
        gone.is_quiet()
        b.delete("/children/c")
        gone.await_event(EventType.CHILD, "/children")
        a.get_children("/children/a", watch=last)
        b.delete("/children/a")
        last.await_event(EventType.DELETED, "/children/a")
        born.is_quiet()
        refused(exceptions.NoNodeError, a.get_children, "/children/a")


def kinds(address):
    with client(address) as b:
        with client(address) as a:
            a.create("/kinds/seq", b"", makepath=True)
            a.create("/kinds/e", b"x", ephemeral=True)
            equal(b.get("/kinds/e")[1].ephemeralOwner, session_of(a))
            refused(exceptions.NoChildrenForEphemeralsError, a.create, "/kinds/e/child", b"")
            for i in range(2):
                equal(a.create("/kinds/seq/s-", b"", sequence=True), "/kinds/seq/s-%010d" % i)
            both = a.create("/kinds/seq/s-", b"", sequence=True, ephemeral=True)
            equal(both, "/kinds/seq/s-0000000002")
            gone, both_gone = Watch(), Watch()
            b.exists("/kinds/e", watch=gone)
            equal(b.exists(both, watch=both_gone).ephemeralOwner, session_of(a))
        gone.await_event(EventType.DELETED, "/kinds/e")
        both_gone.await_event(EventType.DELETED, both)
        equal(b.create("/kinds/seq/s-", b"", sequence=True), "/kinds/seq/s-0000000003")


def multi(address):
    with client(address) as a:
        a.create("/multi", b"")
        a.create("/multi/doomed", b"")
        t = a.transaction()
        t.create("/multi/a", b"1")
        t.set_data("/multi", b"v", version=0)
        t.check("/multi", version=1)
        t.delete("/multi/doomed")
        path, stat, checked, deleted = t.commit()
        equal((path, stat.version, checked, deleted), ("/multi/a", 1, True, True))

        born = Watch()
        equal(a.get_children("/multi", watch=born), ["a"])
        t = a.transaction()
        t.create("/multi/b", b"")
        t.check("/multi", version=99)
        t.delete("/multi/a")
        equal(
            [type(r) for r in t.commit()],
            [exceptions.RolledBackError, exceptions.BadVersionError, exceptions.RuntimeInconsistency],
        )
        equal(a.exists("/multi/b"), None)
        equal(a.get_children("/multi"), ["a"])
        born.is_quiet()
        a.create("/multi/c", b"")
        born.await_event(EventType.CHILD, "/multi")


def acl(address):
    alice = ("digest", "alice:secret")
    digest = make_digest_acl("alice", "secret", all=True)
    with client(address, auth_data=[alice]) as a, client(address) as b:
        a.create("/acl", b"", acl=CREATOR_ALL_ACL)
        a.create("/acl/hash", b"mine", acl=[digest])
        acls, stat = a.get_acls("/acl")
        equal((acls, stat.aversion), ([digest], 0))

        def closed():
            refused(exceptions.NoAuthError, b.get, "/acl/hash")
            refused(exceptions.NoAuthError, b.set, "/acl/hash", b"")
            refused(exceptions.NoAuthError, b.get_children, "/acl")
            refused(exceptions.NoAuthError, b.create, "/acl/hash/child", b"")
            refused(exceptions.NoAuthError, b.delete, "/acl/hash")
            refused(exceptions.NoAuthError, b.get_acls, "/acl/hash")
            refused(exceptions.NoAuthError, b.set_acls, "/acl/hash", [digest])

        closed()
        b.add_auth("digest", "alice:guess")
        closed()
        refused(exceptions.InvalidACLError, a.create, "/acl/bad", b"", acl=[make_acl("digest", "alice", all=True)])

        everybody = make_acl("world", "anyone", read=True)
        equal(a.set_acls("/acl/hash", [digest, everybody], version=0).aversion, 1)
        refused(exceptions.BadVersionError, a.set_acls, "/acl/hash", [digest], version=0)
        equal(b.get("/acl/hash")[0], b"mine")
        equal([x.id.id for x in b.get_acls("/acl/hash")[0]], ["alice:x", "anyone"])
        refused(exceptions.NoAuthError, b.set, "/acl/hash", b"")

        b.add_auth(*alice)
        equal(b.get_children("/acl"), ["hash"])

        # A new connection has the identity, too.
        states = States(a)
        ask("disconnect", session_of(a))
        states.await_states(KazooState.SUSPENDED, KazooState.CONNECTED)
        equal(a.get_children("/acl"), ["hash"])


def expiry(address):
    with client(address) as a, client(address) as b:
        a.create("/expiry", b"")
        a.create("/expiry/e", b"", ephemeral=True)
        gone, states, old = Watch(), States(a), session_of(a)
        equal(b.exists("/expiry/e", watch=gone).ephemeralOwner, old)
        ask("expire", old)
        gone.await_event(EventType.DELETED, "/expiry/e")
        states.await_states(KazooState.SUSPENDED, KazooState.LOST, KazooState.CONNECTED)
        assert session_of(a) not in (0, old), "the session 0x%x goes on" % old
        a.create("/expiry/e", b"", ephemeral=True)
        equal(b.exists("/expiry/e").ephemeralOwner, session_of(a))


def reconnect(address):
    with client(address) as a, client(address) as b:
        a.create("/reconnect/w", b"old", makepath=True)
        a.create("/reconnect/e", b"", ephemeral=True)
        seen, gone = queue.Queue(), Watch()
        a.DataWatch("/reconnect/w", lambda data, stat: seen.put(data))
        equal(seen.get(timeout=PATIENCE), b"old")
        id = session_of(a)
        equal(b.exists("/reconnect/e", watch=gone).ephemeralOwner, id)

        states = States(a)
        ask("disconnect", id)
        b.set("/reconnect/w", b"new")
        states.await_states(KazooState.SUSPENDED, KazooState.CONNECTED)
        equal(seen.get(timeout=PATIENCE), b"new")
        equal(session_of(a), id)
        equal(a.exists("/reconnect/e").ephemeralOwner, id)
        a.create("/reconnect/after", b"")
        equal(b.exists("/reconnect/after").version, 0)
        gone.is_quiet()

        b_states = States(b)
        ask("restart")
        states.await_states(KazooState.SUSPENDED, KazooState.CONNECTED)
        b_states.await_states(KazooState.SUSPENDED, KazooState.CONNECTED)
        equal(session_of(a), id)
        equal(b.exists("/reconnect/e").ephemeralOwner, id)
        a.set("/reconnect/w", b"newer", version=1)
        equal(seen.get(timeout=PATIENCE), b"newer")


def contend(address):
    """Counts to 20 under a lock that go-zookeeper's clients want, too."""
    with client(address) as c:
        for _ in range(20):
            lock = c.Lock("/contend/lock", extra_lock_patterns=["-lock-"])
            assert lock.acquire(timeout=PATIENCE)
            data, _ = c.get("/contend")
            c.set("/contend", b"%d" % (int(data) + 1))
            lock.release()


STEPS = {f.__name__: f for f in (create, watch, children, kinds, multi, acl, expiry, reconnect, contend)}


def main():
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    for line in iter(sys.stdin.readline, ""):
        _, name, address = line.split()
        try:
            STEPS[name](address)
        except Exception:
            traceback.print_exc()
            say("failed", name)
        else:
            say("ok", name)


if __name__ == "__main__":
    main()
