/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * connect: asks the daemon to connect an outlet and follows its events until it is connected or
 * will not be. Where a phone must link it, each QR code is drawn, or each pairing code printed, as
 * it comes. Events only leave marks here; what they mean is asked for and shown from the loop in
 * command_connect.
 */
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/table.h"
#include "waconnd/waconnctl/terminal_qr.h"

#define QR_MAX 65536
#define GOING_ON (-1)

struct connecting {
	struct ctl *ctl;
	const char *id;
	bool by_code; /* where it must be linked: not by QR */
	bool refused; /* to subscribe */
	bool lost;    /* the conversation broke */
	enum ipc_failure failure;
	bool news;	/* the status has changed since it was looked at */
	bool qr_news;	/* … the QR or pairing code */
	char shown[16]; /* the pairing code that was printed last */
	bool told;	/* that a passkey is asked for */
	json_t *status; /* the last that an event or answer told */
};

static void
set_status(struct connecting *c, json_t *take_status)
{
	json_decref(c->status);
	c->status = take_status;
	c->news = true;
	c->qr_news = c->qr_news || ctl_string(take_status, "liveStatus.qrCode") != NULL;
}

/* ---- events ---- */

static void
on_event(void *arg, enum ipc_failure failure, const Ipc__Event *event)
{
	struct connecting *c = arg;
	json_error_t error;
	json_t *data;
	const char *id;

	event_base_loopbreak(c->ctl->base);
	if (failure != IPC_OK) {
		c->lost = true;
		c->failure = failure;
		return;
	}
	data = json_loadb((const char *)event->data.data, event->data.len, 0, &error);
	id = ctl_string(data, "outletId");
	if (id != NULL && strcmp(id, c->id) == 0 && strcmp(event->kind, "status") == 0)
		set_status(c, json_incref(data));
	else if (id != NULL && strcmp(id, c->id) == 0 && strcmp(event->kind, "qr") == 0)
		c->qr_news = true;
	json_decref(data);
}

static void
on_subscribed(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct connecting *c = arg;

	c->lost = failure != IPC_OK;
	c->failure = failure;
	c->refused = failure == IPC_OK && response->status >= 400;
}

static int
subscribe(struct connecting *c)
{
	static char status[] = "status", qr[] = "qr";
	char *kinds[] = {status, qr};
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__Subscribe sub = IPC__SUBSCRIBE__INIT;
	enum ipc_failure failure = IPC_OK;

	sub.n_kinds = 2;
	sub.kinds = kinds;
	request.op_case = IPC__REQUEST__OP_SUBSCRIBE;
	request.subscribe = &sub;
	if (ipc_client_subscribe(
		c->ctl->ipc, &request, CTL_DEADLINE_MS, on_subscribed, on_event, c, &failure) == 0)
		return ctl_failed(c->ctl, failure);
	return 0;
}

/* ---- the code ---- */

static void
draw(struct ctl *ctl, const char *text, const char *expires)
{
	struct buf picture = BUF_INIT(QR_MAX);
	const bool terminal = isatty(fileno(ctl->out)) == 1;
	char until[32];

	ctl_time(expires, until, sizeof(until));
	if (terminal)
		(void)fputs("\033[H\033[2J", ctl->out);
	if (terminal_qr_draw(text, terminal, &picture) == 0)
		(void)fprintf(ctl->out,
		    "%sScan it with the outlet's phone: WhatsApp, Linked devices, Link a device.\n"
		    "It is renewed by itself; this one holds until %s.\n",
		    buf_str(&picture), until);
	(void)fflush(ctl->out);
	buf_done_secret(&picture);
}

/* Each code once, on a line that is easy to copy. */
static void
print(struct connecting *c, const char *code, const char *expires)
{
	char until[32];

	if (code == NULL || strcmp(code, c->shown) == 0)
		return;
	ctl_time(expires, until, sizeof(until));
	(void)fprintf(c->ctl->out,
	    "%s%s\nType it into the outlet's phone: WhatsApp, Linked devices, Link a device, Link "
	    "with phone number instead.\nIt is renewed by itself; this one holds until %s.\n",
	    c->shown[0] != '\0' ? "\n" : "", code, until);
	(void)fflush(c->ctl->out);
	(void)snprintf(c->shown, sizeof(c->shown), "%s", code);
}

/* Asks for the code that there is now. There may be none any more: that is no failure. */
static int
show_code(struct connecting *c)
{
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__Id id = IPC__ID__INIT;
	json_t *answer = NULL;
	bool none = false;
	int status;

	c->qr_news = false;
	id.id = (char *)(uintptr_t)c->id;
	request.op_case =
	    c->by_code ? IPC__REQUEST__OP_OUTLET_PAIRING_CODE : IPC__REQUEST__OP_OUTLET_QR;
	request.outlet_qr = &id; /* the members share their place */
	status = ctl_ask_unless(
	    c->ctl, &request, CTL_DEADLINE_MS, c->by_code ? "no_code" : "no_qr", &answer, &none);
	if (status == 0 && !none && !c->ctl->json) {
		const char *expires = ctl_string(answer, "expiresAt");

		if (c->by_code)
			print(c, ctl_string(answer, "code"), expires);
		else
			draw(c->ctl, ctl_string(answer, "qr"), expires);
	}
	json_decref(answer);
	return status == 0 ? GOING_ON : status;
}

/* ---- the end ---- */

static int
succeed(struct connecting *c)
{
	const char *name = ctl_string(c->status, "session.sessionName");
	struct buf text = BUF_INIT(4096);

	table_clean(name != NULL ? name : c->id, &text);
	if (c->ctl->json)
		(void)json_dumpf(c->status, c->ctl->out, JSON_COMPACT);
	(void)fprintf(c->ctl->out, c->ctl->json ? "\n" : "connected: %s\n", buf_str(&text));
	buf_done(&text);
	return CTL_OK;
}

static int
give_up(struct connecting *c, const char *live)
{
	const char *message = ctl_string(c->status, "session.lastError.message");
	const char *action = ctl_string(c->status, "session.lastError.action");

	if (message == NULL)
		return ctl_say(
		    c->ctl, CTL_REFUSED, "the outlet is %s now and not being connected", live);
	return ctl_say(c->ctl, CTL_REFUSED, "%s %s", message, action != NULL ? action : "");
}

static void
tell_passkey(struct connecting *c)
{
	const char *code = ctl_string(c->status, "session.lastError.code");
	const bool asked = code != NULL && strcmp(code, "passkey_required") == 0;

	if (asked && !c->told && !c->ctl->json) {
		(void)fprintf(c->ctl->out,
		    "WhatsApp asks for a passkey before it links this outlet. In another terminal: "
		    "waconnctl passkey %s --show\n",
		    c->id);
		(void)fflush(c->ctl->out);
	}
	c->told = asked;
}

/* CONNECTING and TIMEOUT go on: the daemon tries again by itself. */
static int
judge(struct connecting *c)
{
	static const char *const ends[] = {"FAILED", "DISCONNECTED", "PAUSED"};
	const char *live = ctl_string(c->status, "liveStatus.status");

	c->news = false;
	if (live == NULL)
		return GOING_ON;
	if (strcmp(live, "CONNECTED") == 0)
		return succeed(c);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(live, ends[i]) == 0)
			return give_up(c, live);
	}
	tell_passkey(c);
	return GOING_ON;
}

static int
follow(struct connecting *c)
{
	int status = GOING_ON;

	while (status == GOING_ON) {
		if (c->lost)
			status = ctl_failed(c->ctl, c->failure);
		else if (c->refused)
			status =
			    ctl_say(c->ctl, CTL_REFUSED, "waconnd takes no more followers now");
		else if (c->news)
			status = judge(c);
		else if (c->qr_news)
			status = show_code(c);
		else
			(void)event_base_dispatch(c->ctl->base);
	}
	return status;
}

static int
begin(struct connecting *c)
{
	static char qr[] = "qr", code[] = "code";
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__Connect connect = IPC__CONNECT__INIT;
	json_t *answer = NULL, *status_now;
	int status;

	connect.id = (char *)(uintptr_t)c->id;
	connect.method = c->by_code ? code : qr;
	request.op_case = IPC__REQUEST__OP_OUTLET_CONNECT;
	request.outlet_connect = &connect;
	status = ctl_ask(c->ctl, &request, CTL_DEADLINE_MS, &answer);
	status_now = json_object_get(answer, "status");
	if (status == 0 && !c->news && status_now != NULL)
		set_status(c, json_incref(status_now));
	/* One may have been shown before we listened; a status does not tell. */
	c->qr_news = c->qr_news || c->by_code;
	json_decref(answer);
	return status;
}

int
command_connect(struct ctl *ctl, const struct args *args)
{
	struct connecting c = {
	    .ctl = ctl, .id = args->words[0], .by_code = args_has(args, ARG_CODE)};
	int status = subscribe(&c);

	if (status == 0)
		status = begin(&c);
	if (status == 0)
		status = follow(&c);
	json_decref(c.status);
	OPENSSL_cleanse(c.shown, sizeof(c.shown));
	return status;
}
