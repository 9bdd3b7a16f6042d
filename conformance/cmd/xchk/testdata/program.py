# A little of everything that kazoo does, on the server at the address in argv.
import logging
import sys
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NoAuthError, NodeExistsError, NoNodeError
from kazoo.security import make_digest_acl

logging.basicConfig(level=logging.ERROR)
a = KazooClient(hosts=sys.argv[1], timeout=10)
b = KazooClient(hosts=sys.argv[1], timeout=15)
a.start()
b.start()

a.ensure_path("/app/config")
changed = threading.Event()
seen = []


@b.DataWatch("/app/config")
def on_data(data, stat):
    seen.append(data)
    if data == b"two":
        changed.set()


a.set("/app/config", b"one")
a.set("/app/config", b"two")
assert changed.wait(10), seen

for _ in range(3):
    a.create("/app/job-", b"work", sequence=True)
a.create("/app/member", b"", ephemeral=True)
assert b.exists("/app/member").owner_session_id == a.client_id[0]

try:
    b.create("/app/member")
    raise AssertionError("there was one")
except NodeExistsError:
    pass
try:
    b.set("/app/config", b"three", version=77)
    raise AssertionError("version 77")
except BadVersionError:
    pass

t = a.transaction()
t.create("/app/t1", b"1")
t.check("/app/config", version=77)
t.delete("/app/none")
results = t.commit()
assert not a.exists("/app/t1"), results
t = a.transaction()
t.create("/app/t1", b"1")
t.set_data("/app/t1", b"2")
t.delete("/app/job-0000000001")
assert len(t.commit()) == 3

with a.Lock("/app/lock", "a"):
    waits = b.Lock("/app/lock", "b")
    assert not waits.acquire(blocking=False)
assert waits.acquire(timeout=10)
waits.release()

a.add_auth("digest", "kim:secret")
a.create("/app/private", b"mine", acl=[make_digest_acl("kim", "secret", all=True)])
try:
    b.get("/app/private")
except NoAuthError:
    pass
a.get_acls("/app/private")

gone = threading.Event()
b.exists("/app/member", watch=lambda event: gone.set())
a.stop()
assert gone.wait(10)
a.close()
try:
    b.get("/app/member")
    raise AssertionError("an ephemeral outlives its session")
except NoNodeError:
    pass
b.stop()
b.close()
print("done")
