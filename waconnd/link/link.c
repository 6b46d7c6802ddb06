/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The life of a link: made, credentials loaded, its phases, its one end. This file alone assigns
 * the phase and reports the end; what is said on the wire stands in the other link_*.c.
 */
#include "waconnd/link/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/utf8.h"
#include "common/xalloc.h"
#include "waconnd/link/link_private.h"

struct link_refused { /* what came too late */
	STAILQ_ENTRY(link_refused) entry;
	enum link_refusal what;
	void *arg;
};

static void destroy(struct link *l);

void
link_enter(struct link *l)
{
	l->busy++;
}

void
link_exit(struct link *l)
{
	l->busy--;
	/* Not here: libwebsockets may be the caller, and still be at work on the socket. */
	if (l->busy == 0 && l->freed)
		event_active(l->turn, EV_TIMEOUT, 0);
}

bool
link_alive_phase(const struct link *l)
{
	return l->phase >= LINK_PAIRING && l->phase <= LINK_LEAVING && !l->freed;
}

/* -- phases -- */

void
link_set_deadline(struct link *l, int ms)
{
	const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	if (ms == 0)
		(void)event_del(l->deadline);
	else if (event_add(l->deadline, &tv) < 0)
		abort();
}

bool
link_step(struct link *l, enum link_event event)
{
	const struct link_edge *edge = link_phase_edge(l->phase, event);

	if (edge == NULL || l->freed)
		return false;
	log_debug("link.phase", LOG_STR("outlet", l->outlet),
	    LOG_STR("from", link_phase_name(edge->from)), LOG_STR("to", link_phase_name(edge->to)),
	    LOG_STR("event", link_event_name(event)), LOG_STR("why", edge->why));
	l->phase = edge->to;
	link_set_deadline(l, link_phase_limit(l->phase)->ms);
	return true;
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	const struct link_limit *limit = link_phase_limit(l->phase);

	(void)fd;
	(void)what;
	link_enter(l);
	if (l->phase == LINK_ENDING) {
		link_ws_done(l);
		link_socket_gone(l, l->end, NULL);
	} else if (l->phase == LINK_LEAVING && !l->leave_wiped) {
		link_leave_wipe(l);
	} else {
		link_fail(l, limit->end, limit->detail);
	}
	link_exit(l);
}

/* -- the end -- */

/* It may hold what the server wrote, and goes into the database: valid UTF-8, cut between
 * characters. */
static void
set_detail(struct link *l, const char *detail)
{
	size_t n = 0, len = strnlen(detail, LINK_DETAIL_MAX - 1);

	for (size_t i = 0, step; i < len; i += step) {
		step = utf8_sequence((const unsigned char *)detail + i, len - i);
		if (step > 0 && (step > 1 || (unsigned char)detail[i] >= ' ')) {
			memcpy(l->detail + n, detail + i, step);
			n += step;
		}
		if (step == 0)
			step = 1;
	}
	l->detail[n] = '\0';
}

void
link_fail_until(struct link *l, enum link_end end, const char *detail, int64_t until_ms)
{
	if (l->phase == LINK_LEAVING && !l->leave_wiped) {
		/* However the link is lost now: the keys go first. */
		link_leave_wipe(l);
		return;
	}
	end = link_passkey_end(l, link_phase_end(l->phase, end));
	if (l->phase < LINK_OPEN && l->routing_used && end != LINK_END_ASKED) {
		/* It may have led us to a server that does not want us. */
		l->credentials.routing_len = 0;
		link_save_credentials(l);
	}
	if (!link_step(l, LINK_EV_FAIL))
		return;
	l->end = end;
	l->until_ms = until_ms;
	set_detail(l, detail != NULL ? detail : "");
	event_active(l->turn, EV_TIMEOUT, 0);
}

void
link_fail(struct link *l, enum link_end end, const char *detail)
{
	link_fail_until(l, end, detail, 0);
}

void
link_socket_gone(struct link *l, enum link_end end, const char *detail)
{
	if (link_step(l, LINK_EV_GONE))
		event_active(l->turn, EV_TIMEOUT, 0);
	else
		link_fail(l, end, detail);
}

/* Everything but the socket. Queries and sends come back first. */
static void
tear_down(struct link *l)
{
	l->torn_down = true;
	(void)event_del(l->alive_timer);
	(void)event_del(l->rotate_timer);
	(void)event_del(l->flow_timer);
	link_account_end(l);
	link_dial_cancel(l->net, &l->dial);
	link_iq_fail_all(l);
	if (l->messaging != NULL)
		messaging_free(&l->messaging);
	link_passkey_free(&l->passkey);
	link_code_free(&l->code);
	link_pair_free(&l->pair);
	link_login_done(l);
}

/* A peer that went silent or speaks nonsense is not worth a goodbye. */
static bool
says_goodbye(enum link_end end)
{
	return end != LINK_END_SILENT && end != LINK_END_PROTOCOL && end != LINK_END_UNTRUSTED;
}

static void
begin_close(struct link *l)
{
	if (l->ws.up && says_goodbye(l->end)) {
		link_ws_close(l);
		return;
	}
	link_ws_done(l);
	link_socket_gone(l, l->end, NULL);
}

static void
report_end(struct link *l)
{
	if (l->reported)
		return;
	link_ws_done(l);
	l->reported = true;
	log_info("link.ended", LOG_STR("outlet", l->outlet),
	    LOG_STR("end", link_reason(l->end)->code), LOG_STR("detail", l->detail));
	l->ops->ended(l->arg, l->end, l->detail, l->until_ms);
}

void
link_refuse(struct link *l, enum link_refusal what, void *arg)
{
	struct link_refused *r = xcalloc(1, sizeof(*r));

	r->what = what;
	r->arg = arg;
	STAILQ_INSERT_TAIL(&l->refused, r, entry);
	event_active(l->turn, EV_TIMEOUT, 0);
}

/* What came when nothing could be sent any more. */
static void
answer_refused(struct link *l)
{
	static const char detail[] = "the outlet is not connected";
	const struct link_ops *ops = l->ops;
	struct link_refused *r;

	while ((r = STAILQ_FIRST(&l->refused)) != NULL) {
		STAILQ_REMOVE_HEAD(&l->refused, entry);
		if (r->what == LINK_REFUSED_SEND)
			ops->sent(l->arg, r->arg, LINK_SENT_UNCERTAIN, 0);
		else if (r->what == LINK_REFUSED_UPLOAD && ops->uploaded != NULL)
			ops->uploaded(l->arg, r->arg, LINK_MEDIA_UNAVAILABLE, NULL, detail);
		else if (r->what == LINK_REFUSED_DOWNLOAD && ops->downloaded != NULL)
			ops->downloaded(l->arg, r->arg, LINK_MEDIA_UNAVAILABLE, NULL, detail);
		free(r);
		ops = l->ops; /* silent, if it was freed by that */
	}
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	if (l->freed) {
		destroy(l);
		return;
	}
	link_enter(l);
	answer_refused(l);
	if (l->phase >= LINK_ENDING && !l->torn_down)
		tear_down(l);
	if (!l->freed && l->phase == LINK_ENDING)
		begin_close(l);
	if (!l->freed && l->phase == LINK_ENDED)
		report_end(l);
	link_exit(l);
}

/* -- the connect -- */

static void
on_dial_turn(struct link_dial *d, const char *address, const char *why)
{
	struct link *l = (struct link *)(void *)((char *)d - offsetof(struct link, dial));

	link_enter(l);
	if (address == NULL) {
		char detail[LINK_DETAIL_MAX];

		(void)snprintf(
		    detail, sizeof(detail), "the server's name cannot be resolved: %s", why);
		link_fail(l, LINK_END_REFUSED, detail);
	} else if (link_step(l, LINK_EV_DIALLED)) {
		link_ws_connect(l, address);
	}
	link_exit(l);
}

/* -- made and freed -- */

static struct event *
timer(struct link *l, event_callback_fn fn)
{
	struct event *ev = event_new(l->net->base, -1, 0, fn, l);

	if (ev == NULL)
		abort();
	return ev;
}

struct link *
link_new(
    struct link_net *net, const struct link_params *params, const struct link_ops *ops, void *arg)
{
	struct link *l = xcalloc(1, sizeof(*l));

	l->net = net;
	l->ops = ops;
	l->arg = arg;
	l->mode = params->mode;
	l->outlet = xstrdup(params->outlet);
	l->expect_phone = params->expect_phone != NULL ? xstrdup(params->expect_phone) : NULL;
	l->device_name = xstrdup(params->device_name);
	l->keys = params->keys;
	l->latency_ms = -1;
	l->turn = timer(l, on_turn);
	l->deadline = timer(l, on_deadline);
	l->iq_timer = timer(l, link_iq_timer);
	l->alive_timer = timer(l, link_alive_timer);
	l->rotate_timer = timer(l, link_rotate_timer);
	l->flow_timer = timer(l, link_flow_timer);
	l->standing.timer = timer(l, link_account_timer);
	l->dial.turn = on_dial_turn;
	LIST_INIT(&l->commits);
	STAILQ_INIT(&l->refused);
	link_iqs_init(&l->iqs);
	link_ws_init(&l->ws);
	link_keys_load(l);
	return l;
}

static void
destroy(struct link *l)
{
	link_dial_cancel(l->net, &l->dial);
	link_ws_done(l);
	if (l->messaging != NULL)
		messaging_free(&l->messaging);
	link_iqs_done(&l->iqs);
	answer_refused(l);
	link_passkey_free(&l->passkey);
	link_code_free(&l->code);
	link_pair_free(&l->pair);
	link_login_done(l);
	link_keys_forget(l);
	noise_free(&l->noise);
	credentials_done(&l->credentials);
	event_free(l->turn);
	event_free(l->deadline);
	event_free(l->iq_timer);
	event_free(l->alive_timer);
	event_free(l->rotate_timer);
	event_free(l->flow_timer);
	event_free(l->standing.timer);
	free(l->outlet);
	free(l->expect_phone);
	free(l->device_name);
	free(l);
}

/* -- nobody listens any more: link_free from inside a callback -- */

static void
silent_sent(void *arg, void *send_arg, enum link_sent result, unsigned code)
{
	(void)arg;
	(void)send_arg;
	(void)result;
	(void)code;
}

static const struct link_ops silent = {.sent = silent_sent};

void
link_free(struct link **lp)
{
	struct link *l = *lp;

	if (l == NULL)
		return;
	*lp = NULL;
	l->ops = &silent;
	l->freed = true;
	if (l->busy == 0)
		destroy(l);
}

void
link_close(struct link *l)
{
	link_fail(l, LINK_END_ASKED, NULL);
}

void
link_logout(struct link *l)
{
	if (link_step(l, LINK_EV_LEAVE))
		link_leave_begin(l);
	else if (l->phase < LINK_OPEN)
		link_fail(l, LINK_END_ASKED, "not logged in");
}

void
link_ready(struct link *l)
{
	if (!link_step(l, LINK_EV_READY))
		return;
	link_rotate_begin(l);
	l->ops->ready(l->arg);
	link_account_begin(l);
}

/* -- what is asked of it -- */

void
link_send(struct link *l, const char *id, const char *phone, const struct wa_content *content,
    void *send_arg)
{
	if (l->phase == LINK_READY) {
		messaging_send(l->messaging, id, phone, content, send_arg);
		return;
	}
	link_refuse(l, LINK_REFUSED_SEND, send_arg);
}

void
link_retry_content(
    struct link *l, uint64_t token, const char *phone, const struct wa_content *content)
{
	if (l->messaging != NULL)
		messaging_retry_content(l->messaging, token, phone, content);
}

bool
link_check_numbers(struct link *l, const char *const *phones, size_t n, void *check_arg)
{
	return l->phase == LINK_READY &&
	       messaging_check_numbers(l->messaging, phones, n, check_arg);
}

bool
link_is_open(const struct link *l)
{
	return l->phase == LINK_OPEN || l->phase == LINK_READY;
}

bool
link_is_ready(const struct link *l)
{
	return l->phase == LINK_READY;
}

int64_t
link_last_heard_ms(const struct link *l)
{
	return l->heard_ms;
}

int
link_latency_ms(const struct link *l)
{
	return l->latency_ms;
}

struct event_base *
link_base(struct link *l)
{
	return l->net->base;
}

struct keydb *
link_keys(struct link *l)
{
	return l->keys;
}

struct credentials *
link_credentials(struct link *l)
{
	return &l->credentials;
}

const struct link_ops *
link_callbacks(struct link *l, void **ret_arg)
{
	*ret_arg = l->arg;
	return l->ops;
}

const char *
link_outlet(const struct link *l)
{
	return l->outlet;
}

struct media_net *
link_media_net(struct link *l)
{
	return l->net->media;
}

struct signal_context *
link_signal_context(struct link *l)
{
	return l->net->signal;
}

struct messaging *
link_messaging(struct link *l)
{
	return l->messaging;
}

int64_t
link_server_now(const struct link *l)
{
	return clock_wall_ms() / 1000 + l->clock_offset_s;
}
