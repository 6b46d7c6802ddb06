/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipc: frames of ipc.proto over a Unix stream socket, for both ends.
 *
 * Both ends live in a libevent loop and own their memory; a protocol error or an overfull queue
 * drops the connection, never the program.
 */
#ifndef COMMON_IPC_H
#define COMMON_IPC_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buf.h"
#include "ipc.pb-c.h"

#define IPC_FRAME_MAX (20u << 20) /* bytes of one frame: a request of max_body fits */
#define IPC_QUEUE_MAX (64u << 20) /* unsent bytes to one peer before it is dropped */
#define IPC_EVENT_QUEUE_MAX \
	(16u << 20)		     /* unsent bytes above which events make the peer be dropped */
#define IPC_MEDIA_CHUNK (256u << 10) /* bytes of a file in one frame */
#define IPC_PENDING_MAX 4096	     /* requests without an answer on one connection */

/* ---- server side (waconnd) ---- */
struct ipc_server;
struct ipc_peer; /* one connection */

struct ipc_peer_id {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

struct ipc_server_ops {
	/* The request belongs to ipc and is valid during the call. Answer with ipc_reply(peer,
	 * request->id, …), now or later. */
	void (*request)(void *arg, struct ipc_peer *peer, const Ipc__Request *request);
	/* The peer is gone: forget every pointer to it. */
	void (*closed)(void *arg, struct ipc_peer *peer);
};

/* Does somebody listen at this path? */
bool ipc_server_answers(const char *path);
/* Listens at `path` (an old socket is replaced when nobody answers on it), mode 0660, group as
 * given (NULL: unchanged). */
int ipc_server_new(struct event_base *base, const char *path, const char *group,
    const struct ipc_server_ops *ops, void *arg, struct ipc_server **ret_server, const char **err)
    __attribute__((warn_unused_result));
/* Inside ops.request only: the request becomes the caller's (ipc__request__free_unpacked(…, NULL)).
 */
Ipc__Request *ipc_take_request(struct ipc_peer *peer) __attribute__((warn_unused_result));
void ipc_server_stop_accepting(struct ipc_server *s);
void ipc_server_free(
    struct ipc_server **s); /* closes peers (calls closed) and removes the socket */
const struct ipc_peer_id *ipc_peer_identity(const struct ipc_peer *peer);
uint64_t ipc_peer_serial(const struct ipc_peer
	*peer); /* unique for the process's life: safe to keep where a pointer is not */
struct ipc_peer *ipc_server_peer(struct ipc_server *s, uint64_t serial); /* NULL when gone */
void ipc_reply(struct ipc_peer *peer, const Ipc__Response *response);
void ipc_event(struct ipc_peer *peer, const Ipc__Event *event);
size_t ipc_peer_pending(const struct ipc_peer *peer); /* bytes not yet taken by the kernel */

/* ---- client side (apigw, waconnctl) ---- */
struct ipc_client;

enum ipc_failure {
	IPC_OK = 0,
	IPC_E_DOWN = -1 /* no connection */,
	IPC_E_LOST = -2 /* broke while waiting */,
	IPC_E_DEADLINE = -3,
	IPC_E_FULL = -4
};

/* `response` is valid during the call; NULL when failure is not IPC_OK. Called exactly once for
 * each request that was taken. */
typedef void (*ipc_response_cb)(void *arg, enum ipc_failure failure, const Ipc__Response *response);
/* For a subscription; failure != IPC_OK (event NULL) once, when the connection broke: the
 * subscription is over. */
typedef void (*ipc_event_cb)(void *arg, enum ipc_failure failure, const Ipc__Event *event);

/* Connects to the first path that answers and, when the connection breaks, tries again by itself
 * (100 ms … 2 s). */
struct ipc_client *ipc_client_new(
    struct event_base *base, const char *const *paths, size_t n_paths);
void ipc_client_free(struct ipc_client **c);
bool ipc_client_up(const struct ipc_client *c);
/* Called at each change of ipc_client_up. */
void ipc_client_on_state(struct ipc_client *c, void (*cb)(void *arg, bool up), void *arg);
/* Sets request->id. Returns the id, or 0 when not taken (down, or full: *ret_failure says).
 * deadline_ms: of the wait for the answer. */
uint64_t ipc_client_send(struct ipc_client *c, Ipc__Request *request, unsigned deadline_ms,
    ipc_response_cb cb, void *arg, enum ipc_failure *ret_failure);
/* The same for a Subscribe request; events come to `event_cb` after the response. */
uint64_t ipc_client_subscribe(struct ipc_client *c, Ipc__Request *request, unsigned deadline_ms,
    ipc_response_cb cb, ipc_event_cb event_cb, void *arg, enum ipc_failure *ret_failure);
/* The HTTP client went away: no callback will follow. A subscription is ended at the daemon, too.
 */
void ipc_client_forget(struct ipc_client *c, uint64_t id);

#endif
