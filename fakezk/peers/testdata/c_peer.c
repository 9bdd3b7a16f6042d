/*
 * Goes through the steps of peers_test.go with Apache's C client, by its
 * synchronous calls. The protocol on stdin and stdout is that of
 * kazoo_peer.py, but a failure ends the process.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zookeeper/zookeeper.h>

enum { PATIENCE = 20, MAX_STATES = 64 }; /* seconds; of a client */

static const char *step, *address;

static void fail(int line, const char *what, const char *detail)
{
	fprintf(stderr, "c_peer.c:%d: %s %s\n", line, what, detail);
	printf("failed %s\n", step);
	fflush(stdout);
	_Exit(1);
}

#define CHECK(cond) ((cond) ? (void)0 : fail(__LINE__, #cond, "is false"))
#define RC(want, call) check_rc(__LINE__, want, call, #call)
#define OK(call) RC(ZOK, call)

static void check_rc(int line, int want, int got, const char *call)
{
	if (got != want)
		fail(line, call, zerror(got));
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards what watchers write */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static int wait_changed(void) /* with the mutex held */
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	return pthread_cond_timedwait(&changed, &mutex, &until);
}

/* A watch keeps the latest of its events. */
struct watch {
	int events, type;
	char path[128];
};

static void on_event(zhandle_t *zh, int type, int state, const char *path, void *ctx)
{
	struct watch *w = ctx;
	(void)zh, (void)state;
	if (type == ZOO_SESSION_EVENT)
		return; /* every watch is told, and stays armed */
	pthread_mutex_lock(&mutex);
	w->events++;
	w->type = type;
	snprintf(w->path, sizeof w->path, "%s", path);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

#define AWAIT_EVENT(w, type, path) await_event(__LINE__, w, type, path)

/* The watch has told of one event: this. */
static void await_event(int line, struct watch *w, int type, const char *path)
{
	pthread_mutex_lock(&mutex);
	while (w->events == 0)
		if (wait_changed() != 0)
			fail(line, path, "has had no event");
	if (w->events != 1 || w->type != type || strcmp(w->path, path) != 0)
		fail(line, w->path, "has had another event");
	pthread_mutex_unlock(&mutex);
}

static int events(struct watch *w)
{
	pthread_mutex_lock(&mutex);
	int n = w->events;
	pthread_mutex_unlock(&mutex);
	return n;
}

/* A client keeps the states of its session. */
struct client {
	zhandle_t *zh;
	int states[MAX_STATES];
	int told, seen;
};

static void on_state(zhandle_t *zh, int type, int state, const char *path, void *ctx)
{
	struct client *c = ctx;
	(void)zh, (void)path;
	if (type != ZOO_SESSION_EVENT)
		return;
	pthread_mutex_lock(&mutex);
	if (c->told < MAX_STATES)
		c->states[c->told++] = state;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

#define AWAIT_STATE(c, state) await_state(__LINE__, c, state)

/* Takes the client's states up to the one that is wanted. */
static void await_state(int line, struct client *c, int want)
{
	pthread_mutex_lock(&mutex);
	for (;;) {
		while (c->seen == c->told)
			if (wait_changed() != 0)
				fail(line, "await_state", "in vain");
		int got = c->states[c->seen++];
		if (got == want)
			break;
		if (got == ZOO_EXPIRED_SESSION_STATE || got == ZOO_AUTH_FAILED_STATE)
			fail(line, "await_state", "the session is lost");
	}
	pthread_mutex_unlock(&mutex);
}

static void dial(struct client *c)
{
	memset(c, 0, sizeof *c);
	c->zh = zookeeper_init(address, on_state, 10000, NULL, c, 0);
	CHECK(c->zh != NULL);
	AWAIT_STATE(c, ZOO_CONNECTED_STATE);
}

static void hang_up(struct client *c) { OK(zookeeper_close(c->zh)); }

static int64_t session(struct client *c) { return zoo_client_id(c->zh)->client_id; }

/* Asks for a deed of the server, and returns when it is done. */
static void ask(const char *deed, int64_t id)
{
	char answer[64];
	if (id)
		printf("READY %s 0x%" PRIx64 "\n", deed, (uint64_t)id);
	else
		printf("READY %s\n", deed);
	fflush(stdout);
	CHECK(fgets(answer, sizeof answer, stdin) && strcmp(answer, "done\n") == 0);
}

/* Shorthands. */

static int create_mode(struct client *c, const char *path, int mode, char *created, int len)
{
	return zoo_create(c->zh, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, mode, created, len);
}

static int create(struct client *c, const char *path) { return create_mode(c, path, ZOO_PERSISTENT, NULL, 0); }

static int set(struct client *c, const char *path, const char *data, int version)
{
	return zoo_set(c->zh, path, data, (int)strlen(data), version);
}

#define DATA(c, path, want) check_data(__LINE__, c, path, want)

static struct Stat check_data(int line, struct client *c, const char *path, const char *want)
{
	char buf[128];
	int len = sizeof buf;
	struct Stat stat;
	check_rc(line, ZOK, zoo_get(c->zh, path, 0, buf, &len, &stat), path);
	if (len != (int)strlen(want) || memcmp(buf, want, len) != 0)
		fail(line, path, "has other data");
	return stat;
}

static int get(struct client *c, const char *path)
{
	char buf[128];
	int len = sizeof buf;
	return zoo_get(c->zh, path, 0, buf, &len, NULL);
}

static int get_watched(struct client *c, const char *path, struct watch *w)
{
	char buf[128];
	int len = sizeof buf;
	return zoo_wget(c->zh, path, on_event, w, buf, &len, NULL);
}

static int64_t owner(struct client *c, const char *path)
{
	struct Stat stat;
	OK(zoo_exists(c->zh, path, 0, &stat));
	return stat.ephemeralOwner;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

#define CHILDREN(c, path, w, want) check_children(__LINE__, c, path, w, want)

/* The names of the children are want: sorted, each with a space behind it. */
static struct Stat check_children(int line, struct client *c, const char *path, struct watch *w, const char *want)
{
	struct String_vector names;
	struct Stat stat;
	char text[256] = "";
	check_rc(line, ZOK, zoo_wget_children2(c->zh, path, w ? on_event : NULL, w, &names, &stat), path);
	qsort(names.data, names.count, sizeof *names.data, by_name);
	for (int i = 0; i < names.count; i++) {
		strncat(text, names.data[i], sizeof text - strlen(text) - 1);
		strncat(text, " ", sizeof text - strlen(text) - 1);
	}
	deallocate_String_vector(&names);
	if (strcmp(text, want) != 0)
		fail(line, "children:", text);
	return stat;
}

static int children_of(struct client *c, const char *path)
{
	struct String_vector names;
	int rc = zoo_get_children(c->zh, path, 0, &names);
	if (rc == ZOK)
		deallocate_String_vector(&names);
	return rc;
}

/* The steps. */

static void do_create(void)
{
	struct client c;
	struct Stat stat;
	char path[64];
	dial(&c);
	OK(zoo_create(c.zh, "/create", "v0", 2, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, path, sizeof path));
	CHECK(strcmp(path, "/create") == 0);
	OK(zoo_create2(c.zh, "/create/child", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, path, sizeof path, &stat));
	CHECK(strcmp(path, "/create/child") == 0);
	CHECK(stat.version == 0 && stat.dataLength == 0 && stat.ephemeralOwner == 0);
	RC(ZNODEEXISTS, create(&c, "/create"));
	RC(ZNONODE, create(&c, "/create/none/child"));
	stat = DATA(&c, "/create", "v0");
	CHECK(stat.version == 0 && stat.numChildren == 1);
	OK(zoo_set2(c.zh, "/create", "v1", 2, 0, &stat));
	CHECK(stat.version == 1);
	RC(ZBADVERSION, set(&c, "/create", "v2", 0));
	RC(ZNOTEMPTY, zoo_delete(c.zh, "/create", -1));
	RC(ZNONODE, zoo_exists(c.zh, "/create/none", 0, &stat));
	RC(ZNONODE, get(&c, "/create/none"));
	OK(create(&c, "/create/gone"));
	RC(ZBADVERSION, zoo_delete(c.zh, "/create/gone", 7));
	OK(zoo_delete(c.zh, "/create/gone", 0));
	RC(ZNONODE, zoo_exists(c.zh, "/create/gone", 0, &stat));
	hang_up(&c);
}

static void do_watch(void)
{
	struct client a, b;
	struct Stat stat;
	struct watch modified = {0}, created = {0}, deleted = {0}, last = {0}, removed = {0};
	dial(&a);
	dial(&b);
	OK(zoo_create(a.zh, "/watch", "old", 3, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0));
	OK(get_watched(&a, "/watch", &modified));
	RC(ZNONODE, zoo_wexists(a.zh, "/watch/later", on_event, &created, &stat));
	OK(set(&b, "/watch", "new", -1));
	AWAIT_EVENT(&modified, ZOO_CHANGED_EVENT, "/watch");
	DATA(&a, "/watch", "new");

	OK(create(&b, "/watch/later"));
	AWAIT_EVENT(&created, ZOO_CREATED_EVENT, "/watch/later");
	OK(get_watched(&a, "/watch/later", &deleted));
	OK(zoo_delete(b.zh, "/watch/later", -1));
	AWAIT_EVENT(&deleted, ZOO_DELETED_EVENT, "/watch/later");

	/* A watch that is removed is silent. */
	OK(get_watched(&a, "/watch", &removed));
	OK(zoo_remove_watches(a.zh, "/watch", ZWATCHTYPE_DATA, on_event, &removed, 0));
	RC(ZNOWATCHER, zoo_remove_watches(a.zh, "/watch", ZWATCHTYPE_DATA, on_event, &removed, 0));

	/* Each of them was for one event: what comes now is the last watch's. */
	OK(get_watched(&a, "/watch", &last));
	OK(create(&b, "/watch/later"));
	OK(zoo_delete(b.zh, "/watch/later", -1));
	OK(set(&b, "/watch", "newer", -1));
	AWAIT_EVENT(&last, ZOO_CHANGED_EVENT, "/watch");
	CHECK(events(&modified) == 1 && events(&created) == 1 && events(&deleted) == 1);
	CHECK(events(&removed) == 0);
	hang_up(&a);
	hang_up(&b);
}

static void do_children(void)
{
	struct client a, b;
	struct Stat stat;
	struct watch born = {0}, gone = {0}, last = {0};
	dial(&a);
	dial(&b);
	OK(create(&a, "/children"));
	CHILDREN(&a, "/children", &born, "");
	OK(create(&b, "/children/b"));
	AWAIT_EVENT(&born, ZOO_CHILD_EVENT, "/children");
	OK(create(&b, "/children/a"));
	OK(create(&b, "/children/c"));
	stat = CHILDREN(&a, "/children", &gone, "a b c ");
	CHECK(stat.numChildren == 3 && stat.cversion == 3);
	OK(set(&b, "/children/b", "data is no business of a child watch", 0));
	OK(zoo_exists(a.zh, "/children", 0, &stat));
	CHECK(events(&gone) == 0);
	OK(zoo_delete(b.zh, "/children/c", -1));
	AWAIT_EVENT(&gone, ZOO_CHILD_EVENT, "/children");
	CHILDREN(&a, "/children/a", &last, "");
	OK(zoo_delete(b.zh, "/children/a", -1));
	AWAIT_EVENT(&last, ZOO_DELETED_EVENT, "/children/a");
	CHECK(events(&born) == 1);
	RC(ZNONODE, children_of(&a, "/children/a"));
	hang_up(&a);
	hang_up(&b);
}

static void do_kinds(void)
{
	struct client a, b;
	struct Stat stat;
	struct watch gone = {0}, both_gone = {0};
	char path[64], both[64];
	dial(&a);
	dial(&b);
	OK(create(&a, "/kinds"));
	OK(create(&a, "/kinds/seq"));
	OK(create_mode(&a, "/kinds/e", ZOO_EPHEMERAL, NULL, 0));
	CHECK(owner(&b, "/kinds/e") == session(&a));
	RC(ZNOCHILDRENFOREPHEMERALS, create(&a, "/kinds/e/child"));
	OK(create_mode(&a, "/kinds/seq/s-", ZOO_PERSISTENT_SEQUENTIAL, path, sizeof path));
	CHECK(strcmp(path, "/kinds/seq/s-0000000000") == 0);
	OK(create_mode(&a, "/kinds/seq/s-", ZOO_PERSISTENT_SEQUENTIAL, path, sizeof path));
	CHECK(strcmp(path, "/kinds/seq/s-0000000001") == 0);
	OK(create_mode(&a, "/kinds/seq/s-", ZOO_EPHEMERAL_SEQUENTIAL, both, sizeof both));
	CHECK(strcmp(both, "/kinds/seq/s-0000000002") == 0);
	OK(zoo_wexists(b.zh, "/kinds/e", on_event, &gone, &stat));
	OK(zoo_wexists(b.zh, both, on_event, &both_gone, &stat));
	CHECK(stat.ephemeralOwner == session(&a));
	hang_up(&a);
	AWAIT_EVENT(&gone, ZOO_DELETED_EVENT, "/kinds/e");
	AWAIT_EVENT(&both_gone, ZOO_DELETED_EVENT, both);
	OK(create_mode(&b, "/kinds/seq/s-", ZOO_PERSISTENT_SEQUENTIAL, path, sizeof path));
	CHECK(strcmp(path, "/kinds/seq/s-0000000003") == 0);
	hang_up(&b);
}

static void do_multi(void)
{
	struct client c;
	struct Stat stat;
	struct watch born = {0};
	char path[64];
	zoo_op_t ops[4];
	zoo_op_result_t results[4];
	dial(&c);
	OK(create(&c, "/multi"));
	OK(create(&c, "/multi/doomed"));
	zoo_create_op_init(&ops[0], "/multi/a", "1", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, path, sizeof path);
	zoo_set_op_init(&ops[1], "/multi", "v", 1, 0, &stat);
	zoo_check_op_init(&ops[2], "/multi", 1);
	zoo_delete_op_init(&ops[3], "/multi/doomed", -1);
	OK(zoo_multi(c.zh, 4, ops, results));
	for (int i = 0; i < 4; i++)
		CHECK(results[i].err == ZOK);
	CHECK(strcmp(path, "/multi/a") == 0 && stat.version == 1);

	CHILDREN(&c, "/multi", &born, "a ");
	zoo_create_op_init(&ops[0], "/multi/b", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, path, sizeof path);
	zoo_check_op_init(&ops[1], "/multi", 99);
	zoo_delete_op_init(&ops[2], "/multi/a", -1);
	RC(ZBADVERSION, zoo_multi(c.zh, 3, ops, results));
	CHECK(results[0].err == ZOK);
	CHECK(results[1].err == ZBADVERSION);
	CHECK(results[2].err == ZRUNTIMEINCONSISTENCY);
	CHILDREN(&c, "/multi", NULL, "a ");
	CHECK(events(&born) == 0);
	OK(create(&c, "/multi/c"));
	AWAIT_EVENT(&born, ZOO_CHILD_EVENT, "/multi");
	hang_up(&c);
}

#define ALICE "alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E="

static void on_auth(int rc, const void *data)
{
	struct watch *w = (struct watch *)data;
	pthread_mutex_lock(&mutex);
	w->events++;
	w->type = rc;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void add_auth(struct client *c, const char *credential)
{
	struct watch done = {0};
	OK(zoo_add_auth(c->zh, "digest", credential, (int)strlen(credential), on_auth, &done));
	AWAIT_EVENT(&done, ZOK, "");
}

static int get_acl(struct client *c, const char *path)
{
	struct ACL_vector acl;
	struct Stat stat;
	int rc = zoo_get_acl(c->zh, path, &acl, &stat);
	if (rc == ZOK)
		deallocate_ACL_vector(&acl);
	return rc;
}

static void check_closed(struct client *c, const struct ACL_vector *acl)
{
	RC(ZNOAUTH, get(c, "/acl/hash"));
	RC(ZNOAUTH, set(c, "/acl/hash", "", -1));
	RC(ZNOAUTH, children_of(c, "/acl"));
	RC(ZNOAUTH, create(c, "/acl/hash/child"));
	RC(ZNOAUTH, zoo_delete(c->zh, "/acl/hash", -1));
	RC(ZNOAUTH, get_acl(c, "/acl/hash"));
	RC(ZNOAUTH, zoo_set_acl(c->zh, "/acl/hash", -1, acl));
}

static void do_acl(void)
{
	struct client a, b;
	struct Stat stat;
	struct ACL entries[2] = {{ZOO_PERM_ALL, {"digest", ALICE}}, {ZOO_PERM_READ, {"world", "anyone"}}};
	struct ACL nonsense = {ZOO_PERM_ALL, {"digest", "alice"}};
	struct ACL_vector digest = {1, entries}, readable = {2, entries}, bad = {1, &nonsense}, acl;
	dial(&a);
	dial(&b);
	add_auth(&a, "alice:secret");
	OK(zoo_create(a.zh, "/acl", "", 0, &ZOO_CREATOR_ALL_ACL, ZOO_PERSISTENT, NULL, 0));
	OK(zoo_create(a.zh, "/acl/hash", "mine", 4, &digest, ZOO_PERSISTENT, NULL, 0));
	OK(zoo_get_acl(a.zh, "/acl", &acl, &stat));
	CHECK(acl.count == 1 && acl.data[0].perms == ZOO_PERM_ALL && stat.aversion == 0);
	CHECK(strcmp(acl.data[0].id.scheme, "digest") == 0 && strcmp(acl.data[0].id.id, ALICE) == 0);
	deallocate_ACL_vector(&acl);

	check_closed(&b, &digest);
	add_auth(&b, "alice:guess");
	check_closed(&b, &digest);
	RC(ZINVALIDACL, zoo_create(a.zh, "/acl/bad", "", 0, &bad, ZOO_PERSISTENT, NULL, 0));

	OK(zoo_set_acl(a.zh, "/acl/hash", 0, &readable));
	RC(ZBADVERSION, zoo_set_acl(a.zh, "/acl/hash", 0, &digest));
	stat = DATA(&b, "/acl/hash", "mine");
	CHECK(stat.aversion == 1);
	OK(zoo_get_acl(b.zh, "/acl/hash", &acl, &stat));
	CHECK(acl.count == 2 && strcmp(acl.data[0].id.id, "alice:x") == 0 && strcmp(acl.data[1].id.id, "anyone") == 0);
	deallocate_ACL_vector(&acl);
	RC(ZNOAUTH, set(&b, "/acl/hash", "", -1));

	add_auth(&b, "alice:secret");
	CHILDREN(&b, "/acl", NULL, "hash ");

	/* A new connection has the identity, too. */
	ask("disconnect", session(&a));
	AWAIT_STATE(&a, ZOO_CONNECTING_STATE);
	AWAIT_STATE(&a, ZOO_CONNECTED_STATE);
	CHILDREN(&a, "/acl", NULL, "hash ");
	hang_up(&a);
	hang_up(&b);
}

static void do_expiry(void)
{
	struct client a, b;
	struct Stat stat;
	struct watch gone = {0};
	dial(&a);
	dial(&b);
	OK(create(&a, "/expiry"));
	OK(create_mode(&a, "/expiry/e", ZOO_EPHEMERAL, NULL, 0));
	int64_t old = session(&a);
	OK(zoo_wexists(b.zh, "/expiry/e", on_event, &gone, &stat));
	CHECK(stat.ephemeralOwner == old);
	ask("expire", old);
	AWAIT_EVENT(&gone, ZOO_DELETED_EVENT, "/expiry/e");
	AWAIT_STATE(&a, ZOO_EXPIRED_SESSION_STATE);
	CHECK(is_unrecoverable(a.zh) == ZINVALIDSTATE);
	RC(ZINVALIDSTATE, zoo_exists(a.zh, "/expiry", 0, &stat));
	hang_up(&a);

	dial(&a);
	CHECK(session(&a) != 0 && session(&a) != old);
	OK(create_mode(&a, "/expiry/e", ZOO_EPHEMERAL, NULL, 0));
	CHECK(owner(&b, "/expiry/e") == session(&a));
	hang_up(&a);
	hang_up(&b);
}

static void do_reconnect(void)
{
	struct client a, b;
	struct Stat stat;
	struct watch missed = {0}, later = {0}, gone = {0};
	dial(&a);
	dial(&b);
	OK(create(&a, "/reconnect"));
	OK(create(&a, "/reconnect/w"));
	OK(create_mode(&a, "/reconnect/e", ZOO_EPHEMERAL, NULL, 0));
	OK(get_watched(&a, "/reconnect/w", &missed));
	int64_t id = session(&a);
	OK(zoo_wexists(b.zh, "/reconnect/e", on_event, &gone, &stat));
	CHECK(stat.ephemeralOwner == id);

	ask("disconnect", id);
	OK(set(&b, "/reconnect/w", "new", 0));
	AWAIT_STATE(&a, ZOO_CONNECTING_STATE);
	AWAIT_STATE(&a, ZOO_CONNECTED_STATE);
	AWAIT_EVENT(&missed, ZOO_CHANGED_EVENT, "/reconnect/w");
	CHECK(session(&a) == id && owner(&a, "/reconnect/e") == id);
	OK(create(&a, "/reconnect/after"));
	CHECK(owner(&b, "/reconnect/after") == 0);
	CHECK(events(&gone) == 0);

	OK(get_watched(&a, "/reconnect/w", &later));
	ask("restart", 0);
	AWAIT_STATE(&a, ZOO_CONNECTING_STATE);
	AWAIT_STATE(&b, ZOO_CONNECTING_STATE);
	AWAIT_STATE(&a, ZOO_CONNECTED_STATE);
	AWAIT_STATE(&b, ZOO_CONNECTED_STATE);
	CHECK(session(&a) == id && owner(&b, "/reconnect/e") == id);
	OK(set(&b, "/reconnect/w", "newer", 1));
	AWAIT_EVENT(&later, ZOO_CHANGED_EVENT, "/reconnect/w");
	CHECK(events(&gone) == 0);
	hang_up(&a);
	hang_up(&b);
}

static void do_vanish(void)
{
	struct client c;
	struct Stat stat;
	struct watch empty = {0}, late = {0};
	dial(&c);
	OK(create(&c, "/vanish"));
	OK(create_mode(&c, "/vanish/container", ZOO_CONTAINER, NULL, 0));
	OK(create(&c, "/vanish/container/child"));
	OK(zoo_wexists(c.zh, "/vanish/container", on_event, &empty, &stat));
	OK(zoo_delete(c.zh, "/vanish/container/child", -1));
	AWAIT_EVENT(&empty, ZOO_DELETED_EVENT, "/vanish/container");

	OK(zoo_create_ttl(c.zh, "/vanish/ttl", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 100, NULL, 0));
	if (zoo_wexists(c.zh, "/vanish/ttl", on_event, &late, &stat) == ZOK)
		AWAIT_EVENT(&late, ZOO_DELETED_EVENT, "/vanish/ttl");
	RC(ZNONODE, get(&c, "/vanish/ttl"));
	hang_up(&c);
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = {
	{"create", do_create}, {"watch", do_watch},   {"children", do_children},   {"kinds", do_kinds},   {"multi", do_multi},
	{"acl", do_acl},       {"expiry", do_expiry}, {"reconnect", do_reconnect}, {"vanish", do_vanish},
};

int main(void)
{
	char line[256], name[64], addr[128];
	signal(SIGPIPE, SIG_IGN);
	zoo_set_debug_level(ZOO_LOG_LEVEL_WARN); /* on stderr */
	while (fgets(line, sizeof line, stdin)) {
		if (sscanf(line, "step %63s %127s", name, addr) != 2)
			return 2;
		step = name;
		address = addr;
		size_t i = 0;
		while (i < sizeof steps / sizeof *steps && strcmp(steps[i].name, name) != 0)
			i++;
		CHECK(i < sizeof steps / sizeof *steps);
		steps[i].run();
		printf("ok %s\n", name);
		fflush(stdout);
	}
	return 0;
}
