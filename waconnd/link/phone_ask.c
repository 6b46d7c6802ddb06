/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of a request: a while for the sender to repeat it, the keys of the phone, a session where
 * there is none, the commit, the stanza. Best effort, and the phone may be off: nothing waits for
 * the answer.
 */
#include "waconnd/link/phone_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/wa/message.h"
#include "common/wa/plain.h"
#include "common/xalloc.h"
#include "waconnd/link/bundle.h"

#define REQUEST_MAX 1024
#define REPEATS_MAX 2 /* of a request that the phone could not read */

enum ask_state { ASK_LATER, ASK_UNDER_WAY, ASK_SENT, ASK_OVER };

struct ask {
	TAILQ_ENTRY(ask) entry;
	struct phone_asks *asks;
	enum ask_state state;
	struct inbound_info info; /* its strings are ours */
	char id[STANZA_ID_MAX];
	char *push_name;
	int64_t since, due; /* monotonic ms */
	char request_id[MESSAGE_ID_LEN + 1];
	unsigned repeats;
	struct node *receipt; /* of the phone that asks again */
	struct key_hold *hold;
	struct node *stanza;
};

struct phone_asks {
	struct messaging *m;
	TAILQ_HEAD(, ask) all; /* oldest first */
	size_t n;
	struct event *timer;
};

static void
ask_free(struct ask *a)
{
	struct phone_asks *asks = a->asks;

	TAILQ_REMOVE(&asks->all, a, entry);
	asks->n--;
	key_cache_forget(asks->m->keys, a);
	key_hold_free(&a->hold);
	node_free(&a->stanza);
	node_free(&a->receipt);
	free(a->push_name);
	free(a);
}

void
phone_asks_free(struct phone_asks **ap)
{
	struct ask *a;

	if (*ap == NULL)
		return;
	while ((a = TAILQ_FIRST(&(*ap)->all)) != NULL)
		ask_free(a);
	event_free((*ap)->timer);
	free(*ap);
	*ap = NULL;
}

/* -- the request -- */

/* The phone, as Signal knows it. */
static struct jid
phone_of(const struct messaging *m)
{
	return jid_without_device(messaging_own(m));
}

static void
give_up(struct ask *a, const char *why)
{
	log_info("phone_ask.dropped", LOG_STR("outlet", link_outlet(a->asks->m->link)),
	    LOG_STR("id", a->id), LOG_STR("why", why));
	a->state = ASK_OVER;
	key_hold_free(&a->hold);
}

static void
on_committed(void *arg)
{
	struct ask *a = arg;
	struct node *stanza = a->stanza;

	a->stanza = NULL;
	a->state = ASK_SENT;
	link_write(a->asks->m->link, stanza);
}

static struct node *
stanza_for(const struct ask *a)
{
	const struct jid own = jid_without_device(&link_credentials(a->asks->m->link)->own);
	struct node *n = node_new("message", "id", a->request_id, "type", "text", "category",
	    "peer", "push_priority", "high_force", NULL);
	struct jid from;

	/* Who asks again is answered under the address that he asked from. */
	if (a->receipt != NULL && node_get_jid(a->receipt, "from", &from) == 0)
		node_set_jid(n, "to", &from);
	else
		node_set_jid(n, "to", &own);
	(void)node_child(n, "meta", "appdata", "default", NULL);
	return n;
}

static void
encrypt(struct ask *a)
{
	struct messaging *m = a->asks->m;
	const struct jid phone = phone_of(m);
	struct buf padded = BUF_INIT(REQUEST_MAX);
	char chat[JID_TEXT_MAX], count[16] = "";
	struct enc_attrs attrs = {0};
	enum signal_result r;
	bool prekey = false;

	if (a->repeats > 0) {
		(void)snprintf(count, sizeof(count), "%u", a->repeats);
		attrs.count = count;
	}
	a->stanza = stanza_for(a);
	placeholder_write_request(jid_format(&a->info.chat, chat), a->info.from_me, a->id, &padded);
	plain_pad(&padded);
	r = messaging_encrypt(m, &phone, &padded, &attrs, a->stanza, &prekey);
	buf_done_secret(&padded);
	key_hold_free(&a->hold);
	if (r != SIGNAL_OK) {
		node_free(&a->stanza);
		give_up(a, signal_result_name(r));
		return;
	}
	if (prekey)
		messaging_add_identity(m, a->stanza);
	key_cache_commit(m->keys, on_committed, a);
}

static void
on_bundle(void *arg, bool heard, unsigned code)
{
	struct ask *a = arg;

	if (heard && code == 0)
		encrypt(a);
	else
		give_up(a, "no bundle");
}

/* The phone that asks again sent keys along. */
static bool
use_keys_sent(struct ask *a, const struct jid *phone)
{
	struct signal_bundle bundle;

	return a->receipt != NULL && node_find(a->receipt, "keys") != NULL &&
	       bundle_read(a->receipt, &bundle) == 0 && bundle_begin(a->asks->m, phone, &bundle);
}

static void
on_keys(void *arg)
{
	struct ask *a = arg;
	struct messaging *m = a->asks->m;
	const struct jid phone = phone_of(m);

	if (use_keys_sent(a, &phone) ||
	    (a->receipt == NULL && signal_has_session(m->signal, &phone)))
		encrypt(a);
	else
		bundles_ask(m->bundles, &phone, 1, a->receipt != NULL, on_bundle, a);
}

static void
begin(struct ask *a)
{
	struct messaging *m = a->asks->m;
	const struct jid phone = phone_of(m);
	struct device_names text;
	struct key_name names[2];
	const size_t n = messaging_device_names(m, &phone, &text, names);
	bool ready;

	a->state = ASK_UNDER_WAY;
	a->hold = key_cache_hold(m->keys, names, n, on_keys, a, &ready);
	if (ready)
		on_keys(a);
}

/* -- when -- */

static void
set_timer(struct phone_asks *asks)
{
	const int64_t now = clock_monotonic_ms();
	int64_t ms = INT64_MAX;
	struct timeval tv;
	struct ask *a;

	TAILQ_FOREACH(a, &asks->all, entry)
	if (a->state == ASK_LATER && a->due < ms)
		ms = a->due;
	if (ms == INT64_MAX) {
		(void)event_del(asks->timer);
		return;
	}
	ms = ms > now ? ms - now : 0;
	tv = (struct timeval){ms / 1000, ms % 1000 * 1000};
	(void)event_add(asks->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct phone_asks *asks = arg;
	struct link *l = asks->m->link;
	const int64_t now = clock_monotonic_ms();
	struct ask *a;

	(void)fd;
	(void)what;
	link_enter(l);
	TAILQ_FOREACH(a, &asks->all, entry)
	if (a->state == ASK_LATER && a->due <= now)
		begin(a);
	set_timer(asks);
	link_exit(l);
}

struct phone_asks *
phone_asks_new(struct messaging *m)
{
	struct phone_asks *asks = xcalloc(1, sizeof(*asks));

	asks->m = m;
	TAILQ_INIT(&asks->all);
	asks->timer = evtimer_new(link_base(m->link), on_timer, asks);
	if (asks->timer == NULL)
		abort();
	return asks;
}

/* -- what is asked for -- */

static struct ask *
find(struct phone_asks *asks, const struct inbound_info *info)
{
	struct ask *a;

	TAILQ_FOREACH(a, &asks->all, entry)
	if (strcmp(a->id, info->id) == 0 && jid_same_user(&a->info.sender, &info->sender))
		return a;
	return NULL;
}

static bool
is_too_old(const struct messaging *m, const struct inbound_info *info)
{
	return info->t != 0 && info->t < link_server_now(m->link) - PHONE_ASK_AGE_MAX_S;
}

static bool
has_room(struct phone_asks *asks, int64_t now)
{
	struct ask *oldest = TAILQ_FIRST(&asks->all);

	if (asks->n < PHONE_ASKS_MAX)
		return true;
	if (oldest == NULL || oldest->state == ASK_UNDER_WAY ||
	    oldest->since > now - PHONE_ASK_MEMORY_S * 1000)
		return false;
	ask_free(oldest);
	return true;
}

static struct ask *
ask_new(struct phone_asks *asks, const struct inbound_info *info, int64_t now)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	a->asks = asks;
	a->info = *info;
	(void)snprintf(a->id, sizeof(a->id), "%s", info->id);
	a->push_name = info->push_name != NULL ? xstrdup(info->push_name) : NULL;
	a->info.id = a->id;
	a->info.push_name = a->push_name;
	a->since = now;
	plain_message_id(link_server_now(asks->m->link), link_credentials(asks->m->link)->own.user,
	    NULL, a->request_id);
	TAILQ_INSERT_TAIL(&asks->all, a, entry);
	asks->n++;
	return a;
}

void
phone_asks_want(struct phone_asks *asks, const struct inbound_info *info, bool later)
{
	const int64_t now = clock_monotonic_ms();
	struct ask *a = find(asks, info);

	if (is_too_old(asks->m, info))
		return;
	if (a != NULL && (a->state != ASK_LATER || later))
		return;
	if (a == NULL && !has_room(asks, now)) {
		log_info("phone_ask.too_many", LOG_STR("outlet", link_outlet(asks->m->link)),
		    LOG_STR("id", info->id));
		return;
	}
	if (a == NULL)
		a = ask_new(asks, info, now);
	a->due = now + PHONE_ASK_DELAY_S * 1000;
	if (later)
		a->state = ASK_LATER;
	else
		begin(a);
	set_timer(asks);
}

void
phone_asks_came(struct phone_asks *asks, const struct inbound_info *info)
{
	struct ask *a = find(asks, info);

	if (a == NULL || a->state != ASK_LATER)
		return;
	a->state = ASK_OVER;
	set_timer(asks);
}

/* -- answers -- */

/* The chat that the phone names is the one that was asked for, as far as one can tell. */
static bool
is_of(const struct ask *a, const struct placeholder_result *result)
{
	const struct inbound_info *info = &a->info;
	struct jid chat;

	if (strcmp(a->id, result->id) != 0)
		return false;
	if (result->chat == NULL || jid_parse(result->chat, &chat) != 0 ||
	    jid_same_user(&chat, &info->chat) || jid_same_user(&chat, &info->chat_pair.pn) ||
	    jid_same_user(&chat, &info->chat_pair.lid))
		return true;
	return chat.server != info->chat.server &&
	       (jid_is_none(&info->chat_pair.pn) || jid_is_none(&info->chat_pair.lid));
}

bool
phone_asks_answered(
    struct phone_asks *asks, const struct placeholder_result *result, struct inbound_info *ret)
{
	struct ask *a;

	TAILQ_FOREACH(a, &asks->all, entry)
	if (a->state == ASK_SENT && is_of(a, result))
		break;
	if (a == NULL)
		return false;
	a->state = ASK_OVER;
	*ret = a->info;
	return true;
}

bool
phone_asks_again(struct phone_asks *asks, const struct node *receipt)
{
	const char *id = node_get(receipt, "id");
	struct jid from;
	struct ask *a;

	if (id == NULL || node_get_jid(receipt, "from", &from) != 0 || from.device != 0 ||
	    !messaging_is_own_user(asks->m, &from))
		return false;
	TAILQ_FOREACH(a, &asks->all, entry)
	if (strcmp(a->request_id, id) == 0)
		break;
	if (a == NULL)
		return false;
	link_ack(asks->m->link, receipt);
	if (a->state != ASK_SENT || ++a->repeats > REPEATS_MAX)
		return true;
	node_free(&a->receipt);
	a->receipt = node_dup(receipt);
	begin(a);
	return true;
}
