/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fake_daemon: a process that answers waconnctl as the daemon would, by a table of operations. Its
 * answers tell what it was asked, so that the tests see both ways.
 */
#ifndef TESTS_UNIT_CTL_FAKE_DAEMON_H
#define TESTS_UNIT_CTL_FAKE_DAEMON_H

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ipc.h"
#include "common/jsonw.h"
#include "common/log.h"

struct fake_daemon {
	struct event_base *base;
	struct ipc_server *server;
	struct event *next; /* the next thing that happens to the outlet that is being connected */
	unsigned step;
	bool by_code;
	unsigned codes; /* asked for */
	char outlet[32];
	uint64_t subscriber, subscription;
};

static void
fake_answer(struct ipc_peer *peer, const Ipc__Request *q, unsigned status, const char *body)
{
	Ipc__Response r = IPC__RESPONSE__INIT;

	r.has_id = 1;
	r.id = q->id;
	r.has_status = 1;
	r.status = status;
	r.has_body = 1;
	r.body.data = (uint8_t *)(uintptr_t)body;
	r.body.len = strlen(body);
	ipc_reply(peer, &r);
}

static void
fake_refuse(struct ipc_peer *peer, const Ipc__Request *q, unsigned status, const char *code)
{
	char body[256];

	(void)snprintf(body, sizeof(body),
	    "{\"success\":false,\"code\":\"%s\",\"detail\":\"No: %s.\",\"errors\":[{\"field\":"
	    "\"name\",\"detail\":\"too \\u001b long\"}]}",
	    code, code);
	fake_answer(peer, q, status, body);
}

/* An element of the status page. */
static void
fake_status(struct buf *out, const char *id, const char *live, bool healthy)
{
	const char *qr = strcmp(live, "SCANNING") == 0 ? "\"Present\"" : "null";

	buf_addf(out,
	    "{\"outletId\":\"%s\",\"outlet\":{\"name\":\"Toko \\u001b%s\",\"whatsappNumber\":"
	    "\"62812\"},\"session\":{\"status\":\"%s\",\"sessionName\":\"iPhone\",\"connectedAt\":"
	    "\"2025-10-25T10:30:00Z\",\"lastSeen\":null,\"autoReconnect\":true,\"retryCount\":3,"
	    "\"lastError\":%s},\"liveStatus\":{\"status\":\"%s\",\"qrCode\":%s},\"healthy\":%s,"
	    "\"unhealthyReasons\":[%s]}",
	    id, id, live,
	    strcmp(live, "FAILED") == 0
		? "{\"message\":\"It was removed.\",\"action\":\"Scan again.\",\"until\":null}"
		: "null",
	    qr[0] == 'n' ? live : "CONNECTING", qr, healthy ? "true" : "false",
	    healthy ? "" : "\"db_status\",\"socket_closed\"");
}

/* ---- connecting: what happens by and by ---- */

static void
fake_event(struct fake_daemon *d, const char *kind, const char *data)
{
	struct ipc_peer *peer = ipc_server_peer(d->server, d->subscriber);
	Ipc__Event e = IPC__EVENT__INIT;

	e.has_id = 1;
	e.id = d->subscription;
	e.kind = (char *)(uintptr_t)kind;
	e.has_data = 1;
	e.data.data = (uint8_t *)(uintptr_t)data;
	e.data.len = strlen(data);
	if (peer != NULL)
		ipc_event(peer, &e);
}

static void
fake_status_event(struct fake_daemon *d, const char *id, const char *live)
{
	struct buf b = BUF_INIT(4096);

	fake_status(&b, id, live, strcmp(live, "CONNECTED") == 0);
	fake_event(d, "status", buf_str(&b));
	buf_done(&b);
}

/* The outlet "bad" is given up after its second code; every other one is scanned. */
static void
fake_next(evutil_socket_t fd, short what, void *arg)
{
	struct fake_daemon *d = arg;

	(void)fd;
	(void)what;
	d->step++;
	if (d->by_code && d->codes < 4) {
		char data[64];

		(void)snprintf(
		    data, sizeof(data), "{\"outletId\":\"%s\",\"method\":\"code\"}", d->outlet);
		fake_event(d, "qr", data);
	} else if (!d->by_code && d->step == 1) {
		fake_status_event(d, "another", "FAILED");
		fake_status_event(d, d->outlet, "SCANNING");
	} else if (!d->by_code && d->step == 2) {
		char data[64];

		(void)snprintf(data, sizeof(data), "{\"outletId\":\"%s\"}", d->outlet);
		fake_event(d, "qr", data);
	} else {
		fake_status_event(
		    d, d->outlet, strcmp(d->outlet, "bad") == 0 ? "FAILED" : "CONNECTED");
	}
}

static void
fake_subscribe(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	d->subscriber = ipc_peer_serial(peer);
	d->subscription = q->id;
	fake_answer(peer, q, 200, "{\"success\":true}");
}

static void
fake_connect(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	struct buf b = BUF_INIT(4096);

	if (strcmp(q->outlet_connect->id, "up") == 0) {
		fake_refuse(peer, q, 409, "already_connected");
		return;
	}
	(void)snprintf(d->outlet, sizeof(d->outlet), "%s", q->outlet_connect->id);
	d->step = d->codes = 0;
	d->by_code = strcmp(q->outlet_connect->method, "code") == 0;
	buf_add_str(&b, "{\"success\":true,\"status\":");
	fake_status(&b, d->outlet, "CONNECTING", false);
	buf_add_u8(&b, '}');
	fake_answer(peer, q, 202, buf_str(&b));
	buf_done(&b);
	event_active(d->next, EV_TIMEOUT, 0);
}

/* Each code that is asked for brings what comes after it. */
static void
fake_qr(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	if (d->step == 1)
		fake_answer(peer, q, 200,
		    "{\"success\":true,\"qr\":\"2@one\",\"expiresAt\":\"2025-10-25T10:30:00Z\"}");
	else
		fake_refuse(peer, q, 404, "no_qr");
	event_active(d->next, EV_TIMEOUT, 0);
}

/* None yet, one that is asked for twice, then another. */
static void
fake_code(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	static const char *const codes[] = {"ABCD-EFGH", "ABCD-EFGH", "JKLM-NPQR"};
	const unsigned n = d->codes++;
	char body[128];

	if (n == 0 || n > 3) {
		fake_refuse(peer, q, 404, "no_code");
	} else {
		(void)snprintf(body, sizeof(body),
		    "{\"success\":true,\"code\":\"%s\",\"expiresAt\":\"2025-10-25T10:30:00Z\"}",
		    codes[n - 1]);
		fake_answer(peer, q, 200, body);
	}
	event_active(d->next, EV_TIMEOUT, 0);
}

/* ---- everything else ---- */

static void
fake_user_add(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	char body[512];

	(void)d;
	if (strcmp(q->user_add->role, "KING") == 0) {
		fake_refuse(peer, q, 422, "validation_failed");
		return;
	}
	(void)snprintf(body, sizeof(body), "{\"user\":{\"id\":\"%s/%s/%s/%s\"}}", q->user_add->name,
	    q->user_add->role, q->user_add->outlet_id != NULL ? q->user_add->outlet_id : "",
	    q->user_add->password);
	fake_answer(peer, q, 201, body);
}

static void
fake_token_add(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	char body[256];

	(void)d;
	(void)snprintf(body, sizeof(body), "{\"token\":\"wac_%s_%s_%lld\"}", q->token_add->name,
	    q->token_add->user, (long long)q->token_add->expires_in_s);
	fake_answer(peer, q, 201, body);
}

static void
fake_unauthenticated(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	(void)d;
	fake_refuse(peer, q, 401, "unauthenticated");
}

/* Two pages. */
static void
fake_outlet_list(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	(void)d;
	if (q->outlet_list->cursor == NULL)
		fake_answer(peer, q, 200,
		    "{\"outlets\":[{\"id\":\"o1\",\"name\":\"A\",\"whatsappNumber\":\"62811\","
		    "\"isActive\":true,\"autoReconnect\":false,\"createdAt\":"
		    "\"2025-10-25T10:30:00Z\"}],\"nextCursor\":\"o1\"}");
	else
		fake_answer(peer, q, 200,
		    "{\"outlets\":[{\"id\":\"o2\",\"name\":\"B\"}],\"nextCursor\":null}");
}

static void
fake_outlet_add(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	char body[256];

	(void)d;
	(void)snprintf(body, sizeof(body), "{\"outlet\":{\"id\":\"outlet_%s_%s\"}}",
	    q->outlet_add->name, q->outlet_add->whatsapp_number);
	fake_answer(peer, q, 201, body);
}

static void
fake_status_list(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	struct buf b = BUF_INIT(8192);

	(void)d;
	buf_add_str(&b, "{\"count\":2,\"healthy\":1,\"databaseStale\":true,\"statuses\":[");
	fake_status(&b, "o1", "CONNECTED", true);
	buf_add_u8(&b, ',');
	fake_status(&b, "o2", "FAILED", false);
	buf_add_str(&b, "]}");
	fake_answer(peer, q, 200, buf_str(&b));
	buf_done(&b);
}

static void
fake_status_get(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	struct buf b = BUF_INIT(8192);

	(void)d;
	buf_add_str(&b, "{\"status\":");
	fake_status(&b, q->status_get->id, "CONNECTED", strcmp(q->status_get->id, "o1") == 0);
	buf_add_u8(&b, '}');
	fake_answer(peer, q, 200, buf_str(&b));
	buf_done(&b);
}

static void
fake_pause(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	(void)d;
	fake_answer(peer, q, 202, "{\"status\":{\"liveStatus\":{\"status\":\"PAUSED\"}}}");
}

static void
fake_blast(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	const Ipc__Blast *m = q->blast_create;
	char body[1024];

	(void)d;
	(void)snprintf(body, sizeof(body),
	    "{\"blast\":{\"id\":\"%s,%d,%zu,%s,%zu,%s,%s,%u\"},\"rejectedOutlets\":[{\"outletId\":"
	    "\"o9\",\"reasons\":[\"db_status\",\"no_user_id\"]}]}",
	    m->name != NULL ? m->name : "-", m->all_outlets, m->n_outlets,
	    m->n_outlets > 0 ? m->outlets[m->n_outlets - 1] : "-", m->n_recipients,
	    m->recipients[m->n_recipients - 1]->phone, m->text,
	    m->pace != NULL ? m->pace->per_minute : 9999);
	fake_answer(peer, q, 202, body);
}

static void
fake_preview(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	(void)d;
	fake_answer(peer, q, 200,
	    "{\"recipients\":{\"total\":3,\"valid\":1,\"invalid\":[{\"line\":2,\"phone\":\"x\"}],"
	    "\"duplicates\":1,\"optedOut\":0},\"outlets\":[{\"outletId\":\"o1\",\"healthy\":true,"
	    "\"reasons\":[],\"recipients\":1}],\"samples\":[\"Halo Budi\"],\"estimate\":{"
	    "\"startsAt\":\"2025-10-25T10:30:00Z\",\"finishesAt\":\"2025-10-25T10:31:00Z\"}}");
}

static void
fake_blast_get(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	(void)d;
	fake_answer(peer, q, 200,
	    "{\"blast\":{\"id\":\"b1\",\"name\":\"Promo\",\"status\":\"RUNNING\",\"counts\":{"
	    "\"total\":9,\"queued\":4,\"sending\":0,\"sent\":5},\"ratePerMinute\":20,"
	    "\"etaSeconds\":12,\"createdBy\":\"ani\",\"createdAt\":\"2025-10-25T10:30:00Z\"}}");
}

static void
fake_recipients(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	(void)d;
	fake_answer(peer, q, 200,
	    strcmp(q->blast_recipients->id, "b1") == 0
		? "{\"recipients\":[{\"phone\":\"62813\",\"status\":\"FAILED\",\"reason\":"
		  "\"not_on_whatsapp\"}]}"
		: "{}");
}

static const struct {
	Ipc__Request__OpCase op;
	void (*run)(struct fake_daemon *d, struct ipc_peer *peer, const Ipc__Request *q);
} fake_ops[] = {
    {IPC__REQUEST__OP_USER_ADD, fake_user_add},
    {IPC__REQUEST__OP_TOKEN_ADD, fake_token_add},
    {IPC__REQUEST__OP_TOKEN_LIST, fake_unauthenticated},
    {IPC__REQUEST__OP_OUTLET_LIST, fake_outlet_list},
    {IPC__REQUEST__OP_OUTLET_ADD, fake_outlet_add},
    {IPC__REQUEST__OP_STATUS_LIST, fake_status_list},
    {IPC__REQUEST__OP_STATUS_GET, fake_status_get},
    {IPC__REQUEST__OP_OUTLET_PAUSE, fake_pause},
    {IPC__REQUEST__OP_SUBSCRIBE, fake_subscribe},
    {IPC__REQUEST__OP_OUTLET_CONNECT, fake_connect},
    {IPC__REQUEST__OP_OUTLET_QR, fake_qr},
    {IPC__REQUEST__OP_OUTLET_PAIRING_CODE, fake_code},
    {IPC__REQUEST__OP_BLAST_CREATE, fake_blast},
    {IPC__REQUEST__OP_BLAST_PREVIEW, fake_preview},
    {IPC__REQUEST__OP_BLAST_GET, fake_blast_get},
    {IPC__REQUEST__OP_BLAST_RECIPIENTS, fake_recipients},
};

/* An operation without a row ends the conversation, as a crash would. */
static void
fake_request(void *arg, struct ipc_peer *peer, const Ipc__Request *q)
{
	struct fake_daemon *d = arg;

	for (size_t i = 0; i < sizeof(fake_ops) / sizeof(fake_ops[0]); i++) {
		if (fake_ops[i].op == q->op_case) {
			fake_ops[i].run(d, peer, q);
			return;
		}
	}
	event_base_loopexit(d->base, NULL);
}

static void
fake_closed(void *arg, struct ipc_peer *peer)
{
	struct fake_daemon *d = arg;

	if (d->subscriber == ipc_peer_serial(peer))
		d->subscriber = 0;
}

static void
fake_term(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(arg);
}

/* Serves until SIGTERM, or until it is asked something that it does not know. `ready` is written to
 * once it listens. */
static int
fake_daemon_run(const char *path, int ready)
{
	static const struct ipc_server_ops ops = {fake_request, fake_closed};
	struct fake_daemon d = {.base = event_base_new()};
	struct event *term = evsignal_new(d.base, SIGTERM, fake_term, d.base);
	const char *err;

	/* What holds again once the event is freed: a late SIGTERM must not change the exit status.
	 */
	(void)signal(SIGTERM, SIG_IGN);
	event_add(term, NULL);
	d.next = evtimer_new(d.base, fake_next, &d);
	if (ipc_server_new(d.base, path, NULL, &ops, &d, &d.server, &err) < 0)
		return 3;
	if (write(ready, "", 1) != 1)
		return 3;
	event_base_dispatch(d.base);
	ipc_server_free(&d.server);
	event_free(d.next);
	event_free(term);
	event_base_free(d.base);
	return 0;
}

#endif
