/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The states of a message on its way out, up to its keys; send_out.c has the others. Each state has
 * one step; whoever answers posts the next state, so a send is in one place at any time. All
 * encryption of a send, and its commit, is in one turn of the loop: sends never interleave in a
 * ratchet.
 */
#include "waconnd/link/send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/wa/message.h"
#include "common/xalloc.h"
#include "waconnd/link/bundle.h"
#include "waconnd/link/lid.h"
#include "waconnd/link/send_private.h"
#include "waconnd/link/usync.h"

#define LOOKUPS_MAX 4 /* rounds of asking before giving up */
#define TOO_MANY 429  /* what a send beyond the limit comes back with */

static const char *const state_names[SEND_STATES] = {
    [SEND_NUMBER] = "number",
    [SEND_LOOKUP] = "lookup",
    [SEND_KEYS] = "keys",
    [SEND_BUNDLES] = "bundles",
    [SEND_ENCRYPT] = "encrypt",
    [SEND_COMMIT] = "commit",
    [SEND_WRITE] = "write",
    [SEND_ACK] = "ack",
    [SEND_ENDED] = "ended",
};

static void (*const steps[SEND_STATES])(struct send *s);

static struct send_list *
list_of(struct sends *ss, enum send_state state)
{
	return state == SEND_ACK ? &ss->acks : state == SEND_ENDED ? &ss->ended : &ss->all;
}

/* The one place where the state changes. */
void
send_enter(struct send *s, enum send_state state)
{
	struct sends *ss = s->sends;

	log_debug("send.state", LOG_STR("outlet", link_outlet(ss->m->link)), LOG_STR("id", s->id),
	    LOG_STR("from", state_names[s->state]), LOG_STR("to", state_names[state]));
	TAILQ_REMOVE(list_of(ss, s->state), s, entry);
	s->state = state;
	TAILQ_INSERT_TAIL(list_of(ss, state), s, entry);
	if (steps[state] != NULL)
		steps[state](s);
}

void
send_finish(struct send *s, enum link_sent result, unsigned code)
{
	s->result = result;
	s->code = code;
	send_enter(s, SEND_ENDED);
}

/* -- number and devices -- */

static void
on_number(void *arg)
{
	send_enter(arg, SEND_LOOKUP);
}

static void
step_number(struct send *s)
{
	const struct key_name name = {KEY_LID, s->pn.user};
	bool ready;

	s->number_hold = key_cache_hold(s->m->keys, &name, 1, on_number, s, &ready);
	if (ready)
		send_enter(s, SEND_LOOKUP);
}

static void
on_asked(struct send *s)
{
	if (--s->asked == 0 && s->state == SEND_LOOKUP)
		send_enter(s, SEND_LOOKUP);
}

/* A result ends the send, but not before all that it asked for has come back. */
static void
fail_lookup(struct send *s, enum usync_outcome outcome, unsigned code)
{
	if (s->failed)
		return;
	s->failed = true;
	s->result = outcome == USYNC_ABSENT    ? LINK_SENT_NO_DEVICE
		    : outcome == USYNC_REFUSED ? LINK_SENT_FAILED
					       : LINK_SENT_UNCERTAIN;
	s->code = code;
}

/* The number may have a new owner. Once. */
static bool
forget_mapping(struct send *s)
{
	if (!s->mapped)
		return false;
	device_cache_drop(s->m->devices, &s->chat);
	s->chat = (struct jid){0};
	s->mapped = false;
	s->remapped = true;
	return true;
}

static void
on_chat(void *arg, enum usync_outcome outcome, const struct jid *address, unsigned code)
{
	struct send *s = arg;

	if (outcome == USYNC_FOUND)
		s->chat = jid_without_device(address);
	else if (outcome != USYNC_ABSENT || !forget_mapping(s))
		fail_lookup(s, outcome, code);
	on_asked(s);
}

/* That the server does not know ourselves leaves us without other devices, no more. */
static void
on_own(void *arg, enum usync_outcome outcome, const struct jid *address, unsigned code)
{
	struct send *s = arg;
	struct messaging *m = s->m;
	const int64_t now = clock_monotonic_ms();

	(void)address;
	if (outcome == USYNC_ABSENT ||
	    (outcome == USYNC_FOUND &&
		device_cache_find(m->devices, messaging_own(m), now) == NULL))
		device_cache_put(m->devices, messaging_own(m), &(struct device_list){0}, now);
	else if (outcome != USYNC_FOUND)
		fail_lookup(s, outcome, code);
	on_asked(s);
}

static void
ask(struct send *s)
{
	struct messaging *m = s->m;
	const int64_t now = clock_monotonic_ms();
	const struct jid *whom = jid_is_none(&s->chat) ? &s->pn : &s->chat;
	const bool own = device_cache_find(m->devices, messaging_own(m), now) == NULL;
	const bool chat =
	    jid_is_none(&s->chat) || device_cache_find(m->devices, &s->chat, now) == NULL;

	if (++s->lookups > LOOKUPS_MAX) {
		send_finish(s, LINK_SENT_FAILED, 0);
		return;
	}
	s->asked = (unsigned)own + (unsigned)chat;
	if (chat)
		usync_ask(m->usync, whom, on_chat, s);
	if (own)
		usync_ask(m->usync, messaging_own(m), on_own, s);
}

static void
step_lookup(struct send *s)
{
	struct messaging *m = s->m;
	struct jid lid;

	if (s->failed) {
		send_finish(s, s->result, s->code);
		return;
	}
	if (jid_is_none(&s->chat) && messaging_is_own_user(m, &s->pn))
		s->chat = jid_without_device(messaging_own(m));
	if (jid_is_none(&s->chat) && !s->remapped && lid_find(m, &s->pn, &lid)) {
		s->chat = lid;
		s->mapped = true;
	}
	if (jid_is_none(&s->chat) || !send_choose_devices(s))
		ask(s);
	else if (s->n_devices == 0 && forget_mapping(s))
		ask(s);
	else if (s->n_devices == 0)
		send_finish(s, LINK_SENT_NO_DEVICE, 0);
	else
		send_enter(s, SEND_KEYS);
}

/* -- keys -- */

/* The same device of the peer under the number: where its session is from before its LID was
 * known. */
static bool
number_of(const struct send *s, size_t i, struct jid *ret)
{
	if (i >= s->n_theirs || s->devices[i].server != JID_SERVER_LID ||
	    messaging_is_own_user(s->m, &s->pn))
		return false;
	*ret = s->pn;
	ret->device = s->devices[i].device;
	return true;
}

static void
use_keys(struct send *s)
{
	struct jid pn;

	for (size_t i = 0; i < s->n_devices; i++)
		if (number_of(s, i, &pn))
			signal_move_device(s->m->signal, &pn, &s->devices[i]);
	send_enter(s, SEND_BUNDLES);
}

static void
on_keys(void *arg)
{
	use_keys(arg);
}

static void
step_keys(struct send *s)
{
	struct device_names text[2 * SEND_DEVICES_MAX];
	struct key_name names[4 * SEND_DEVICES_MAX + 2];
	size_t n = 0, n_text = 0;
	struct jid pn;
	bool ready;

	for (size_t i = 0; i < s->n_devices; i++) {
		n += messaging_device_names(s->m, &s->devices[i], &text[n_text++], &names[n]);
		if (number_of(s, i, &pn))
			n += messaging_old_names(&pn, &text[n_text++], &names[n]);
	}
	if (s->chat.server == JID_SERVER_LID)
		names[n++] = (struct key_name){KEY_PEER, s->chat.user};
	names[n++] = (struct key_name){KEY_ACCOUNT, ACCOUNT_SALT};
	s->hold = key_cache_hold(s->m->keys, names, n, on_keys, s, &ready);
	if (ready)
		use_keys(s);
}

static void
on_bundles(void *arg, bool heard, unsigned code)
{
	struct send *s = arg;

	s->bundle_code = code;
	if (heard)
		send_enter(s, SEND_ENCRYPT);
	else
		send_finish(s, LINK_SENT_UNCERTAIN, 0);
}

static void
step_bundles(struct send *s)
{
	struct messaging *m = s->m;
	struct jid missing[SEND_DEVICES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < s->n_devices; i++)
		if (!signal_has_session(m->signal, &s->devices[i]))
			missing[n++] = s->devices[i];
	if (n == 0)
		send_enter(s, SEND_ENCRYPT);
	else
		bundles_ask(m->bundles, missing, n, false, on_bundles, s);
}

/* -- life -- */

static void
send_free(struct send *s)
{
	struct sends *ss = s->sends;

	TAILQ_REMOVE(list_of(ss, s->state), s, entry);
	ss->n--;
	key_cache_forget(ss->m->keys, s);
	key_hold_free(&s->hold);
	key_hold_free(&s->number_hold);
	node_free(&s->stanza);
	wa_content_free(&s->content);
	free(s);
}

static void
report(struct send *s)
{
	struct messaging *m = s->m;
	void *send_arg = s->send_arg, *arg = NULL;
	const enum link_sent result = s->result;
	const unsigned code = s->code;
	const struct link_ops *ops = link_callbacks(m->link, &arg);

	send_free(s);
	if (ops->sent != NULL)
		ops->sent(arg, send_arg, result, code);
}

static void
on_report(evutil_socket_t fd, short what, void *arg)
{
	struct sends *ss = arg;
	struct link *l = ss->m->link;
	struct send *s;

	(void)fd;
	(void)what;
	link_enter(l);
	while ((s = TAILQ_FIRST(&ss->ended)) != NULL)
		report(s);
	link_exit(l);
}

static void
step_ended(struct send *s)
{
	key_hold_free(&s->hold);
	key_hold_free(&s->number_hold);
	event_active(s->sends->report, EV_TIMEOUT, 0);
}

static void (*const steps[SEND_STATES])(struct send *s) = {
    [SEND_NUMBER] = step_number,
    [SEND_LOOKUP] = step_lookup,
    [SEND_KEYS] = step_keys,
    [SEND_BUNDLES] = step_bundles,
    [SEND_ENCRYPT] = send_step_encrypt,
    [SEND_COMMIT] = send_step_commit,
    [SEND_WRITE] = send_step_write,
    [SEND_ACK] = send_step_ack,
    [SEND_ENDED] = step_ended,
};

static bool
can_be_written(const struct wa_content *content)
{
	struct buf bytes = BUF_INIT(MESSAGE_BYTES_MAX);
	const bool ok = wa_content_encode(content, &bytes, NULL) == 0 && buf_ok(&bytes);

	buf_done_secret(&bytes);
	return ok;
}

void
sends_add(struct sends *ss, const char *id, const char *phone, const struct wa_content *content,
    void *send_arg)
{
	struct send *s = xcalloc(1, sizeof(*s));
	const bool fits = strlen(id) < sizeof(s->id) && strlen(phone) <= JID_USER_MAX &&
			  phone[0] != '\0' && ss->n < LINK_SENDS_MAX && can_be_written(content);

	s->sends = ss;
	s->m = ss->m;
	s->content = wa_content_copy(content);
	s->send_arg = send_arg;
	TAILQ_INSERT_TAIL(&ss->all, s, entry);
	ss->n++;
	if (!fits) {
		send_finish(s, LINK_SENT_FAILED, ss->n > LINK_SENDS_MAX ? TOO_MANY : 0);
		return;
	}
	(void)snprintf(s->id, sizeof(s->id), "%s", id);
	s->pn = jid_make(JID_SERVER_PN, phone, 0);
	send_enter(s, SEND_NUMBER);
}

struct sends *
sends_new(struct messaging *m)
{
	struct sends *ss = xcalloc(1, sizeof(*ss));

	ss->m = m;
	TAILQ_INIT(&ss->all);
	TAILQ_INIT(&ss->acks);
	TAILQ_INIT(&ss->ended);
	ss->report = event_new(link_base(m->link), -1, 0, on_report, ss);
	ss->timer = evtimer_new(link_base(m->link), sends_on_timer, ss);
	if (ss->report == NULL || ss->timer == NULL)
		abort();
	return ss;
}

static void
report_all(struct send_list *list)
{
	struct send *s;

	while ((s = TAILQ_FIRST(list)) != NULL) {
		if (s->state != SEND_ENDED)
			s->result = LINK_SENT_UNCERTAIN;
		report(s);
	}
}

void
sends_free(struct sends **sp)
{
	struct sends *ss = *sp;

	if (ss == NULL)
		return;
	report_all(&ss->ended);
	report_all(&ss->acks);
	report_all(&ss->all);
	event_free(ss->report);
	event_free(ss->timer);
	free(ss);
	*sp = NULL;
}
