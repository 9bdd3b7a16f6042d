import static org.apache.zookeeper.CreateMode.*;
import static org.apache.zookeeper.KeeperException.Code.*;
import static org.apache.zookeeper.Watcher.WatcherType;

import java.io.*;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.Predicate;
import org.apache.zookeeper.*;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.OpCode;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.*;
import org.apache.zookeeper.proto.*;

// Record drives ZooKeeper's own client through the recording proxy. It checks
// what it gets only so far that a recording cannot silently miss its point.
class Record {
    static final int TIMEOUT = 30_000; // so long that no ping disturbs
    static final List<ACL> OPEN = Ids.OPEN_ACL_UNSAFE;

    static String proxy, server;

    public static void main(String[] args) throws Exception {
        proxy = args[1];
        server = args[2];
        switch (args[0]) {
            case "standalone" -> standalone();
            case "ensemble" -> ensemble();
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    static void standalone() throws Exception {
        Client zk = connect();
        creates(zk);
        reads(zk);
        writes(zk);
        multi(zk);
        multiRead(zk);
        events(zk);
        watchRemoval(zk);
        oddities(zk);
        zk.close();
        acls();
        reconnects();
        sessions();
    }

    static void creates(Client zk) throws Exception {
        note("create: every mode, null and empty data, several ACLs");
        zk.create("/a", bytes("data"), OPEN, PERSISTENT);
        zk.create("/a/null", null, OPEN, PERSISTENT);
        zk.create("/a/empty", new byte[0], Ids.READ_ACL_UNSAFE, PERSISTENT);
        zk.create("/a/\u00e9\u4e2d", bytes("utf-8"), OPEN, PERSISTENT);
        zk.create("/a/e", bytes("e"), OPEN, EPHEMERAL);
        zk.create("/a/s-", bytes("s"), OPEN, PERSISTENT_SEQUENTIAL);
        zk.create("/a/es-", bytes("es"), OPEN, EPHEMERAL_SEQUENTIAL);
        zk.create("/a/acl", null, Arrays.asList(
            new ACL(Perms.READ | Perms.ADMIN, new Id("world", "anyone")),
            new ACL(Perms.ALL, new Id("ip", "127.0.0.0/8"))), PERSISTENT);
        fails(NODEEXISTS, () -> zk.create("/a", null, OPEN, PERSISTENT));
        fails(NONODE, () -> zk.create("/x/y", null, OPEN, PERSISTENT));
        fails(NOCHILDRENFOREPHEMERALS, () -> zk.create("/a/e/k", null, OPEN, PERSISTENT));
        fails(INVALIDACL, () -> zk.create("/a/b", null, Arrays.asList(new ACL(31, new Id("nosuch", "x"))), PERSISTENT));

        note("create2, createContainer, createTTL");
        zk.create("/b", bytes("data"), OPEN, PERSISTENT, new Stat());
        zk.create("/b/e", null, OPEN, EPHEMERAL, new Stat());
        zk.create("/b/s-", new byte[0], OPEN, PERSISTENT_SEQUENTIAL, new Stat());
        zk.create("/b/es-", new byte[0], OPEN, EPHEMERAL_SEQUENTIAL, new Stat());
        zk.create("/c", bytes("c"), OPEN, CONTAINER);
        zk.create("/c/d", null, OPEN, CONTAINER, new Stat());
        zk.create("/t", bytes("t"), OPEN, PERSISTENT_WITH_TTL, new Stat(), 3_600_000);
        zk.create("/t/s-", null, OPEN, PERSISTENT_SEQUENTIAL_WITH_TTL, new Stat(), 3_600_000);
        fails(NODEEXISTS, () -> zk.create("/b", null, OPEN, PERSISTENT, new Stat()));
        fails(NODEEXISTS, () -> zk.create("/c", null, OPEN, CONTAINER));
        fails(NONODE, () -> zk.create("/x/t", null, OPEN, PERSISTENT_WITH_TTL, new Stat(), 1));
    }

    static void reads(Client zk) throws Exception {
        note("reads, hits and misses");
        zk.exists("/a", false);
        zk.exists("/x", false);
        zk.exists("/a/e", false);
        zk.getData("/a", false, new Stat());
        zk.getData("/a/null", false, null);
        zk.getData("/a/empty", false, null);
        fails(NONODE, () -> zk.getData("/x", false, null));
        zk.getACL("/a", new Stat());
        zk.getACL("/a/acl", new Stat());
        fails(NONODE, () -> zk.getACL("/x", null));
        zk.getChildren("/a", false);
        zk.getChildren("/a/null", false);
        fails(NONODE, () -> zk.getChildren("/x", false));
        zk.getChildren("/a", false, new Stat());
        zk.getChildren("/a/null", false, new Stat());
        fails(NONODE, () -> zk.getChildren("/x", false, new Stat()));
        zk.getEphemerals();
        zk.getEphemerals("/b");
        zk.getEphemerals("/none");
        zk.getAllChildrenNumber("/a");
        fails(NONODE, () -> zk.getAllChildrenNumber("/x"));
        zk.sync("/a");
        zk.whoAmI();
        zk.getConfig(false, new Stat());
        fails(RECONFIGDISABLED, () -> reconfigure(zk, "server.2=127.0.0.1:2:3;4", null, null, -1));
    }

    static void writes(Client zk) throws Exception {
        note("setData, setACL, delete");
        zk.setData("/a", bytes("new"), -1);
        zk.setData("/a", null, 1);
        fails(BADVERSION, () -> zk.setData("/a", null, 1));
        fails(NONODE, () -> zk.setData("/x", null, -1));
        zk.setACL("/b", Arrays.asList(new ACL(Perms.ALL, new Id("ip", "127.0.0.1"))), 0);
        fails(BADVERSION, () -> zk.setACL("/b", OPEN, 0));
        fails(NONODE, () -> zk.setACL("/x", OPEN, -1));
        fails(NOTEMPTY, () -> zk.delete("/a", -1));
        fails(NONODE, () -> zk.delete("/x", -1));
        fails(BADVERSION, () -> zk.delete("/a/null", 7));
        fails(BADARGUMENTS, () -> zk.delete("/zookeeper", -1));
        zk.delete("/a/null", 0);
        zk.delete("/a/e", -1);

        note("a quota of one node, enforced");
        zk.create("/q", null, OPEN, PERSISTENT);
        zk.create("/zookeeper/quota/q", null, OPEN, PERSISTENT);
        String limits = "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=1";
        zk.create("/zookeeper/quota/q/zookeeper_limits", bytes(limits), OPEN, PERSISTENT);
        zk.create("/zookeeper/quota/q/zookeeper_stats", bytes("count=1,bytes=0"), OPEN, PERSISTENT);
        fails(QUOTAEXCEEDED, () -> zk.create("/q/k", null, OPEN, PERSISTENT));
    }

    static void multi(Client zk) throws Exception {
        note("multi: every operation, create2 by changing the type of a create");
        zk.multi(Arrays.asList(
            Op.create("/m", bytes("m"), OPEN, PERSISTENT),
            create2(Op.create("/m/2-", bytes("m"), OPEN, PERSISTENT_SEQUENTIAL)),
            Op.create("/m/c", bytes("m"), OPEN, CONTAINER),
            Op.create("/m/t", bytes("m"), OPEN, PERSISTENT_WITH_TTL, 3_600_000),
            Op.create("/m/e", null, OPEN, EPHEMERAL),
            Op.setData("/m", bytes("n"), 0),
            Op.check("/m", 1),
            Op.delete("/m/e", -1)));
        note("multi: failing first, in the middle, last; empty");
        fails(NONODE, () -> zk.multi(Arrays.asList(Op.check("/x", -1), Op.delete("/m", -1))));
        fails(BADVERSION, () -> zk.multi(Arrays.asList(
            Op.create("/m/1", null, OPEN, PERSISTENT), Op.setData("/m", null, 9), Op.delete("/m/1", -1))));
        fails(NOTEMPTY, () -> zk.multi(Arrays.asList(Op.check("/m", 1), Op.delete("/m", -1))));
        zk.multi(List.of());
    }

    static void multiRead(Client zk) throws Exception {
        note("multiRead: two hits, two errors");
        zk.multi(Arrays.asList(Op.getData("/m"), Op.getChildren("/m"), Op.getData("/x"), Op.getChildren("/x")));
        zk.multi(Arrays.asList(Op.getChildren("/m/c")));
    }

    static void events(Client zk) throws Exception {
        note("one-shot watches: created, data changed, children changed, deleted");
        zk.exists("/w", true);
        zk.create("/w", null, OPEN, PERSISTENT);
        zk.events.node("NodeCreated /w");
        zk.getData("/w", true, null);
        zk.setData("/w", bytes("1"), -1);
        zk.events.node("NodeDataChanged /w");
        zk.getChildren("/w", true);
        zk.create("/w/k", null, OPEN, PERSISTENT);
        zk.events.node("NodeChildrenChanged /w");
        zk.getChildren("/w/k", true, new Stat());
        zk.delete("/w/k", -1);
        zk.events.node("NodeDeleted /w/k");
        fails(NONODE, () -> zk.getData("/w/k", true, null));
        zk.getConfig(true, null);

        note("addWatch: persistent, and recursive on another node");
        zk.addWatch("/w", AddWatchMode.PERSISTENT);
        zk.setData("/w", bytes("2"), -1);
        zk.events.node("NodeDataChanged /w");
        zk.create("/w/r", null, OPEN, PERSISTENT);
        zk.events.node("NodeChildrenChanged /w");
        zk.addWatch("/w/r", AddWatchMode.PERSISTENT_RECURSIVE);
        zk.create("/w/r/k", null, OPEN, PERSISTENT);
        zk.events.node("NodeCreated /w/r/k");
        zk.setData("/w/r/k", bytes("3"), -1);
        zk.events.node("NodeDataChanged /w/r/k");
        zk.delete("/w/r/k", -1);
        zk.events.node("NodeDeleted /w/r/k");
    }

    static void watchRemoval(Client zk) throws Exception {
        note("removeWatches; to remove one watcher of several the client sends checkWatches");
        Watcher first = e -> {}, second = e -> {};
        zk.getData("/w/r", first, null);
        zk.getData("/w/r", second, null);
        zk.removeWatches("/w/r", first, WatcherType.Data, false);
        zk.removeAllWatches("/w/r", WatcherType.Data, false);
        zk.getChildren("/w/r", first);
        zk.removeAllWatches("/w/r", WatcherType.Children, false);
        zk.addWatch("/b", AddWatchMode.PERSISTENT);
        zk.removeAllWatches("/b", WatcherType.Persistent, false);
        zk.addWatch("/c", AddWatchMode.PERSISTENT_RECURSIVE);
        zk.removeAllWatches("/c", WatcherType.PersistentRecursive, false);
        zk.removeAllWatches("/w", WatcherType.Any, false);

        note("no such watch");
        int data = WatcherType.Data.getIntValue(); // the client would not ask
        fails(NOWATCHER, () -> zk.send(OpCode.removeWatches, new RemoveWatchesRequest("/b", data), null));
        fails(NOWATCHER, () -> zk.send(OpCode.checkWatches, new CheckWatchesRequest("/b", data), null));
    }

    static void oddities(Client zk) throws Exception {
        note("deleteContainer; a request without a body; events of the own end of session");
        zk.addWatch("/b", AddWatchMode.PERSISTENT);
        zk.create("/gone", null, OPEN, CONTAINER);
        zk.send(OpCode.deleteContainer, new DeleteContainerRequest("/gone"), null);
        fails(MARSHALLINGERROR, () -> zk.send(OpCode.getData, null, new GetDataResponse()));
    }

    static void acls() throws Exception {
        note("addAuth digest, and what it opens");
        Client zk = connect();
        zk.addAuthInfo("digest", bytes("user:pass"));
        zk.create("/mine", bytes("s"), Ids.CREATOR_ALL_ACL, PERSISTENT);
        zk.getACL("/mine", new Stat());
        zk.whoAmI();
        zk.close();

        note("NoAuth without it");
        Client stranger = connect();
        fails(NOAUTH, () -> stranger.getData("/mine", false, null));
        fails(NOAUTH, () -> stranger.setData("/mine", null, -1));
        fails(NOAUTH, () -> stranger.create("/mine/k", null, OPEN, PERSISTENT));
        fails(NOAUTH, () -> stranger.setACL("/mine", OPEN, -1));
        fails(NOAUTH, () -> stranger.getACL("/mine", null));
        fails(NOAUTH, () -> stranger.multi(Arrays.asList(Op.setData("/mine", null, -1))));
        stranger.multi(Arrays.asList(Op.getData("/mine")));

        note("an unknown scheme: auth failed, and the server closes");
        stranger.addAuthInfo("nosuch", bytes("x"));
        stranger.events.state("AuthFailed");
        stranger.close();
    }

    static void reconnects() throws Exception {
        try (Changer other = new Changer()) {
            other.create("/r", "data", "exist", "child", "gone", "calm");

            note("setWatches after a lost connection; /r/calm is the watch that waits");
            Client zk = connect();
            for (String node : List.of("data", "gone", "calm")) {
                zk.getData("/r/" + node, true, null);
            }
            zk.exists("/r/new", true);
            zk.exists("/r/never", true);
            zk.getChildren("/r/child", true);
            tell("cut");
            other.change();
            tell("open");
            zk.events.state("SyncConnected");
            zk.setData("/r/calm", null, -1);
            zk.events.node("NodeDataChanged /r/calm");
            zk.close();

            note("setWatches2 and auth after a lost connection; persistent watches miss events");
            zk = connect();
            zk.addAuthInfo("digest", bytes("user:pass"));
            zk.addWatch("/r/data", AddWatchMode.PERSISTENT);
            zk.addWatch("/r/child", AddWatchMode.PERSISTENT_RECURSIVE);
            zk.getChildren("/r", true);
            zk.exists("/r/never", true);
            zk.getData("/r/calm", true, null);
            tell("cut");
            other.zk.setData("/r/data", null, -1);
            tell("open");
            zk.events.state("SyncConnected");
            zk.setData("/r/data", null, -1);
            zk.events.node("NodeDataChanged /r/data");
            zk.close();
        }
    }

    static void sessions() throws Exception {
        note("a session resumed, then the handshake after it is over");
        Client zk = connect();
        tell("cut");
        tell("open");
        zk.events.state("SyncConnected");
        zk.close();
        Events events = new Events();
        ZooKeeper late = new ZooKeeper(proxy, TIMEOUT, events, zk.getSessionId(), zk.getSessionPasswd());
        events.state("Expired");
        late.close();

        note("a client that may be read-only, and is idle until it pings");
        Client idle = new Client(proxy, 1_000, true);
        tell("await ping");
        idle.close();

        note("an operation outside its place: check, which closes the connection");
        Client odd = connect();
        fails(UNIMPLEMENTED, () -> odd.send(OpCode.check, new CheckVersionRequest("/a", -1), null));
        odd.events.state("SyncConnected");
        odd.close();
    }

    static void ensemble() throws Exception {
        Client zk = connect();
        note("getConfig, reconfig refused, done and undone");
        zk.getConfig(true, new Stat());
        fails(BADVERSION, () -> reconfigure(zk, "server.2=127.0.0.1:2:3:observer;127.0.0.1:4", null, null, 77));
        fails(BADARGUMENTS, () -> reconfigure(zk, null, null, "server.1=nonsense", -1));
        reconfigure(zk, "server.2=127.0.0.1:2:3:observer;127.0.0.1:4", null, null, -1);
        zk.events.node("NodeDataChanged /zookeeper/config");
        reconfigure(zk, null, "2", null, -1);
        note("a local session has no ephemerals; this server has no TTL nodes");
        fails(EPHEMERALONLOCALSESSION, () -> zk.create("/e", null, OPEN, EPHEMERAL));
        fails(UNIMPLEMENTED, () -> zk.create("/t", null, OPEN, PERSISTENT_WITH_TTL, new Stat(), 1_000));
        zk.close();
    }

    // ---- what it takes

    // Client is a ZooKeeper whose events are waited for, and which can send
    // what its public methods do not.
    static class Client extends ZooKeeperAdmin {
        final Events events;

        Client(String address, int timeout, boolean readOnly) throws Exception {
            this(address, timeout, readOnly, new Events());
            events.state("SyncConnected");
        }

        private Client(String address, int timeout, boolean readOnly, Events events) throws Exception {
            super(address, timeout, events, readOnly);
            this.events = events;
        }

        void send(int op, org.apache.jute.Record request, org.apache.jute.Record response) throws Exception {
            RequestHeader header = new RequestHeader();
            header.setType(op);
            ReplyHeader reply = cnxn.submitRequest(header, request, response, null);
            if (reply.getErr() != 0) {
                throw KeeperException.create(Code.get(reply.getErr()));
            }
        }
    }

    static class Events implements Watcher {
        private final BlockingQueue<WatchedEvent> queue = new LinkedBlockingQueue<>();

        public void process(WatchedEvent event) { queue.add(event); }

        // node waits for an event such as "NodeCreated /a".
        void node(String want) throws Exception {
            await(e -> (e.getType() + " " + e.getPath()).equals(want), want);
        }

        void state(String want) throws Exception {
            await(e -> e.getType() == Event.EventType.None && e.getState().name().equals(want), want);
        }

        private void await(Predicate<WatchedEvent> wanted, String name) throws Exception {
            WatchedEvent event;
            do {
                event = queue.poll(20, TimeUnit.SECONDS);
                if (event == null) {
                    throw new IllegalStateException("no event " + name + " within 20 s");
                }
            } while (!wanted.test(event));
        }
    }

    // Changer changes nodes past the proxy, so that nothing of it is recorded.
    static class Changer implements AutoCloseable {
        final Client zk = new Client(server, TIMEOUT, false);

        Changer() throws Exception {}

        void create(String parent, String... children) throws Exception {
            zk.create(parent, null, OPEN, PERSISTENT);
            for (String child : children) {
                zk.create(parent + "/" + child, null, OPEN, PERSISTENT);
            }
        }

        void change() throws Exception {
            zk.setData("/r/data", null, -1);
            zk.create("/r/new", null, OPEN, PERSISTENT);
            zk.create("/r/child/k", null, OPEN, PERSISTENT);
            zk.delete("/r/gone", -1);
        }

        public void close() throws Exception {
            zk.close();
        }
    }

    static Client connect() throws Exception {
        return new Client(proxy, TIMEOUT, false);
    }

    static void reconfigure(Client zk, String joining, String leaving, String members, long from) throws Exception {
        zk.reconfigure(joining, leaving, members, from, new Stat());
    }

    // create2 turns a create into what the API of multi cannot express.
    static Op create2(Op op) throws Exception {
        Field type = Op.class.getDeclaredField("type");
        type.setAccessible(true);
        type.setInt(op, OpCode.create2);
        return op;
    }

    interface Call { void run() throws Exception; }

    static void fails(Code want, Call call) throws Exception {
        try {
            call.run();
        } catch (KeeperException e) {
            if (e.code() == want) {
                return;
            }
            throw e;
        }
        throw new IllegalStateException("succeeded, want " + want);
    }

    static byte[] bytes(String s) { return s.getBytes(StandardCharsets.UTF_8); }

    static void note(String text) throws IOException { tell("note " + text); }

    static final BufferedReader answers = new BufferedReader(new InputStreamReader(System.in));

    // tell gives the proxy a command and waits until it is done.
    static void tell(String command) throws IOException {
        System.out.println(command);
        if (answers.readLine() == null) {
            throw new EOFException("the proxy did not answer to: " + command);
        }
    }
}
