"""kazoo over TLS and with SASL: prints what it saw, a line each."""

import sys
import threading

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import NoAuthError
from kazoo.security import make_acl

plain, secure, ca, key, cert = sys.argv[1:]


def client(hosts, **options):
    c = KazooClient(hosts, timeout=10, **options)
    c.start(timeout=15)
    return c


def sasl(user, password):
    return {"mechanism": "DIGEST-MD5", "username": user, "password": password}


bob = client(plain, sasl_options=sasl("bob", "bobsecret"))
bob.create("/bobs", b"his", acl=[make_acl("sasl", "bob", all=True)])
print("bob reads", bob.get("/bobs")[0].decode())
bob.stop()

tls = client(secure, use_ssl=True, ca=ca, keyfile=key, certfile=cert, verify_certs=False)
try:
    tls.get("/bobs")
except NoAuthError:
    print("others do not")
tls.create("/certified", b"ours", acl=[make_acl("x509", "CN=client,O=zk", all=True)])
print("x509 reads", tls.get("/certified")[0].decode())
tls.stop()

both = client(secure, use_ssl=True, ca=ca, keyfile=key, certfile=cert, verify_certs=False, sasl_options=sasl("bob", "bobsecret"))
print("both read", both.get("/bobs")[0].decode(), both.get("/certified")[0].decode())
both.stop()

wrong = KazooClient(plain, timeout=10, sasl_options=sasl("bob", "wrong"), connection_retry={"max_tries": 0})
lost = threading.Event()
wrong.add_listener(lambda state: state == KazooState.LOST and lost.set())
try:
    wrong.start(timeout=15)  # kazoo may take the session for a success
except Exception as e:
    print(repr(e), file=sys.stderr)
print("a wrong password is not taken" if lost.wait(15) else "a wrong password is taken")
