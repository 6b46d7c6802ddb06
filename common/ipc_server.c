/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon's end of the socket: accepts peers, hands their requests up, sends answers and events
 * down. A peer that breaks the protocol or does not read is dropped; peers are freed at the end of
 * the turn, never under a caller.
 */
#include <errno.h>
#include <event2/listener.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/ipc_frame.h"
#include "common/log.h"
#include "common/xalloc.h"

#define IPC_PEERS_MAX 512
#define ACCEPT_PAUSE_MS 100

struct ipc_peer {
	LIST_ENTRY(ipc_peer) entry;
	struct ipc_server *server;
	struct bufferevent *bev;
	struct ipc_peer_id identity;
	uint64_t serial;
	Ipc__Frame *current; /* being handled */
	bool dropped;
};

struct ipc_server {
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *reap; /* frees dropped peers when the turn ends */
	struct event *accept_again;
	bool stopped; /* accepts nobody any more */
	struct ipc_server_ops ops;
	void *arg;
	char *path;
	LIST_HEAD(, ipc_peer) peers;
	unsigned n_peers;
	uint64_t last_serial;
};

static void
peer_drop(struct ipc_peer *peer, const char *why)
{
	if (peer->dropped)
		return;
	peer->dropped = true;
	log_debug("ipc.peer_dropped", LOG_INT("peer", (int64_t)peer->serial), LOG_STR("why", why));
	bufferevent_disable(peer->bev, EV_READ | EV_WRITE);
	peer->server->ops.closed(peer->server->arg, peer);
	event_active(peer->server->reap, EV_TIMEOUT, 0);
}

static void
peer_free(struct ipc_peer *peer)
{
	LIST_REMOVE(peer, entry);
	peer->server->n_peers--;
	bufferevent_free(peer->bev);
	free(peer);
}

static void
on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct ipc_server *s = arg;
	struct ipc_peer *peer, *next;

	(void)fd;
	(void)what;
	for (peer = LIST_FIRST(&s->peers); peer != NULL; peer = next) {
		next = LIST_NEXT(peer, entry);
		if (peer->dropped)
			peer_free(peer);
	}
}

static void
hand_up(struct ipc_peer *peer, Ipc__Frame *frame)
{
	peer->current = frame;
	peer->server->ops.request(peer->server->arg, peer, frame->request);
	peer->current = NULL;
}

Ipc__Request *
ipc_take_request(struct ipc_peer *peer)
{
	Ipc__Request *request = peer->current->request;

	peer->current->kind_case = IPC__FRAME__KIND__NOT_SET;
	peer->current->request = NULL;
	return request;
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct ipc_peer *peer = arg;
	Ipc__Frame *frame;
	int r = 0;

	while (!peer->dropped && (r = ipc_frame_read(bev, &frame)) > 0) {
		if (frame->kind_case != IPC__FRAME__KIND_REQUEST || frame->request->id == 0)
			peer_drop(peer, "no request");
		else
			hand_up(peer, frame);
		ipc__frame__free_unpacked(frame, NULL);
	}
	if (r < 0)
		peer_drop(peer, "malformed frame");
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	peer_drop(arg, (what & BEV_EVENT_EOF) != 0 ? "closed" : "connection error");
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct ipc_server *s = arg;
	struct ucred cred;
	socklen_t cred_len = sizeof(cred);
	struct ipc_peer *peer;

	(void)l;
	(void)sa;
	(void)len;
	if (s->n_peers >= IPC_PEERS_MAX ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) < 0) {
		log_warn("ipc.refused", LOG_INT("peers", s->n_peers));
		close(fd);
		return;
	}
	peer = xcalloc(1, sizeof(*peer));
	peer->server = s;
	peer->serial = ++s->last_serial;
	peer->identity = (struct ipc_peer_id){cred.uid, cred.gid, cred.pid};
	peer->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(peer->bev, on_read, NULL, on_event, peer);
	ipc_frame_begin(peer->bev);
	LIST_INSERT_HEAD(&s->peers, peer, entry);
	s->n_peers++;
}

static void
on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct ipc_server *s = arg;

	(void)fd;
	(void)what;
	if (!s->stopped)
		evconnlistener_enable(s->listener);
}

/* Out of descriptors: accept() would fail in a busy loop. */
static void
on_accept_error(struct evconnlistener *l, void *arg)
{
	struct ipc_server *s = arg;

	log_warn("ipc.accept_failed", LOG_STR("why", strerror(errno)));
	evconnlistener_disable(l);
	evtimer_add(s->accept_again, &(struct timeval){.tv_usec = ACCEPT_PAUSE_MS * 1000});
}

/* Is somebody listening at this address already? One whose queue is full (EAGAIN) is, too. */
static bool
is_served(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool served = fd >= 0 && (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ||
				     errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return served;
}

bool
ipc_server_answers(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(addr.sun_path))
		return false;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	return is_served(&addr);
}

static int
bind_socket(const char *path, const char *group, const char **err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const struct group *gr = NULL;
	struct stat st;
	mode_t mask;
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		*err = "the socket's path is too long";
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (group != NULL && (gr = getgrnam(group)) == NULL) {
		*err = "there is no such socket_group";
		return -1;
	}
	if (is_served(&addr)) {
		*err = "another waconnd answers on this socket";
		return -1;
	}
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		*err = "there is something that is no socket: remove it, or set another path";
		return -1;
	}
	(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Nobody gets in before the group and the mode are right. */
	mask = umask(0177);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    (gr != NULL && chown(path, (uid_t)-1, gr->gr_gid) < 0) || chmod(path, 0660) < 0) {
		*err = strerror(errno);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	umask(mask);
	return fd;
}

int
ipc_server_new(struct event_base *base, const char *path, const char *group,
    const struct ipc_server_ops *ops, void *arg, struct ipc_server **ret_server, const char **err)
{
	struct ipc_server *s;
	int fd = bind_socket(path, group, err);

	if (fd < 0)
		return -1;
	s = xcalloc(1, sizeof(*s));
	s->base = base;
	s->ops = *ops;
	s->arg = arg;
	s->path = xstrdup(path);
	LIST_INIT(&s->peers);
	s->reap = event_new(base, -1, 0, on_reap, s);
	s->accept_again = evtimer_new(base, on_accept_again, s);
	s->listener = evconnlistener_new(
	    base, on_accept, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 128, fd);
	if (s->reap == NULL || s->accept_again == NULL || s->listener == NULL)
		abort();
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	*ret_server = s;
	return 0;
}

void
ipc_server_stop_accepting(struct ipc_server *s)
{
	s->stopped = true;
	evconnlistener_disable(s->listener);
}

void
ipc_server_free(struct ipc_server **sp)
{
	struct ipc_server *s = *sp;
	struct ipc_peer *peer;

	if (s == NULL)
		return;
	while ((peer = LIST_FIRST(&s->peers)) != NULL) {
		peer_drop(peer, "shutdown");
		peer_free(peer);
	}
	evconnlistener_free(s->listener);
	event_free(s->reap);
	event_free(s->accept_again);
	(void)unlink(s->path);
	free(s->path);
	free(s);
	*sp = NULL;
}

const struct ipc_peer_id *
ipc_peer_identity(const struct ipc_peer *peer)
{
	return &peer->identity;
}

uint64_t
ipc_peer_serial(const struct ipc_peer *peer)
{
	return peer->serial;
}

struct ipc_peer *
ipc_server_peer(struct ipc_server *s, uint64_t serial)
{
	struct ipc_peer *peer;

	LIST_FOREACH(peer, &s->peers, entry)
	{
		if (peer->serial == serial && !peer->dropped)
			return peer;
	}
	return NULL;
}

static void
peer_send(struct ipc_peer *peer, const Ipc__Frame *frame)
{
	if (peer->dropped)
		return;
	if (ipc_frame_write(peer->bev, frame) < 0)
		peer_drop(peer, "answer too long");
	else if (ipc_frame_unsent(peer->bev) > IPC_QUEUE_MAX)
		peer_drop(peer, "does not read its answers");
}

void
ipc_reply(struct ipc_peer *peer, const Ipc__Response *response)
{
	Ipc__Frame frame = IPC__FRAME__INIT;
	Ipc__Response copy = *response; /* protobuf-c packs through a pointer that is not const */

	frame.kind_case = IPC__FRAME__KIND_RESPONSE;
	frame.response = &copy;
	peer_send(peer, &frame);
}

void
ipc_event(struct ipc_peer *peer, const Ipc__Event *event)
{
	Ipc__Frame frame = IPC__FRAME__INIT;
	Ipc__Event copy = *event;

	if (!peer->dropped && ipc_frame_unsent(peer->bev) > IPC_EVENT_QUEUE_MAX) {
		peer_drop(peer, "does not read its events");
		return;
	}
	frame.kind_case = IPC__FRAME__KIND_EVENT;
	frame.event = &copy;
	peer_send(peer, &frame);
}

size_t
ipc_peer_pending(const struct ipc_peer *peer)
{
	return ipc_frame_unsent(peer->bev);
}
