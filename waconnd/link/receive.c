/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of inbound messages. Only the first in the queue reads keys and is decrypted; it then
 * waits for its commit while the next has its turn. The answer leaves when the new ratchet, the
 * used-up pre-key and the message are on disk.
 */
#include "waconnd/link/receive.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fault_point.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/link/lid.h"
#include "waconnd/link/peer.h"
#include "waconnd/link/phone_ask.h"
#include "waconnd/link/receipt_merge.h"
#include "waconnd/link/receive_private.h"
#include "waconnd/link/resend_limit.h"

#define RETRIES_MAX 4	     /* how often we ask for a message again */
#define RETRY_KEYS_FROM 2    /* from the second time on with fresh keys */
#define RETRY_COUNTS_MAX 128 /* messages whose count is remembered */

TAILQ_HEAD(inbounds, inbound);

struct retry_count {
	TAILQ_ENTRY(retry_count) entry;
	struct jid sender;
	char id[STANZA_ID_MAX];
	unsigned count;
};

struct receiver {
	struct messaging *m;
	struct inbounds queue;	 /* the first is being worked on */
	struct inbounds commits; /* decrypted, not yet on disk */
	size_t n, bytes, dropped;
	bool busy; /* the first waits for keys, or work is under way further up the stack */
	TAILQ_HEAD(, retry_count) counts;
	size_t n_counts;
	struct resend_limit *asks;  /* in groups */
	struct receipt_merge *held; /* receipts of the backlog, until nothing waits */
};

static void work(struct receiver *r);

static void
write_receipt(void *arg, struct node *take_receipt)
{
	struct messaging *m = arg;

	link_write(m->link, take_receipt);
}

struct receiver *
receiver_new(struct messaging *m)
{
	struct receiver *r = xcalloc(1, sizeof(*r));

	r->m = m;
	TAILQ_INIT(&r->queue);
	TAILQ_INIT(&r->commits);
	TAILQ_INIT(&r->counts);
	r->asks = resend_limit_new();
	r->held = receipt_merge_new(write_receipt, m);
	return r;
}

static void
inbound_free(struct inbounds *list, struct inbound *in)
{
	struct receiver *r = in->receiver;

	TAILQ_REMOVE(list, in, entry);
	r->n--;
	r->bytes -= in->bytes;
	key_cache_forget(r->m->keys, in);
	key_hold_free(&in->map_hold);
	key_hold_free(&in->hold);
	learning_free(&in->learning);
	for (size_t i = 0; i < in->n_answers; i++)
		node_free(&in->answers[i]);
	node_free(&in->stanza);
	free(in);
}

static void
count_free(struct receiver *r, struct retry_count *c)
{
	TAILQ_REMOVE(&r->counts, c, entry);
	r->n_counts--;
	free(c);
}

void
receiver_free(struct receiver **rp)
{
	struct receiver *r = *rp;
	struct inbound *in;
	struct retry_count *c;

	if (r == NULL)
		return;
	while ((in = TAILQ_FIRST(&r->queue)) != NULL)
		inbound_free(&r->queue, in);
	while ((in = TAILQ_FIRST(&r->commits)) != NULL)
		inbound_free(&r->commits, in);
	while ((c = TAILQ_FIRST(&r->counts)) != NULL)
		count_free(r, c);
	resend_limit_free(&r->asks);
	receipt_merge_free(&r->held);
	free(r);
	*rp = NULL;
}

/* -- asking again -- */

static struct retry_count *
count_at(struct receiver *r, const struct inbound *in)
{
	struct retry_count *c;

	TAILQ_FOREACH(c, &r->counts, entry)
	if (jid_equal(&c->sender, &in->info.sender) && strcmp(c->id, in->info.id) == 0)
		return c;
	if (r->n_counts >= RETRY_COUNTS_MAX)
		count_free(r, TAILQ_FIRST(&r->counts));
	c = xcalloc(1, sizeof(*c));
	c->sender = in->info.sender;
	(void)snprintf(c->id, sizeof(c->id), "%s", in->info.id);
	TAILQ_INSERT_TAIL(&r->counts, c, entry);
	r->n_counts++;
	return c;
}

/* After a restart the count goes on from what the repeated message says. */
static unsigned
next_retry(struct receiver *r, const struct inbound *in)
{
	struct retry_count *c = count_at(r, in);

	if (c->count < in->retries)
		c->count = in->retries;
	return c->count < RETRIES_MAX ? ++c->count : 0;
}

/* -- answers -- */

static void
add_answer(struct inbound *in, struct node *answer)
{
	in->answers[in->n_answers++] = answer;
}

static const char *
receipt_type(const struct inbound_info *info)
{
	/* We are never "available": nobody looks at this device. */
	return info->is_peer ? "peer_msg" : info->from_me ? "sender" : "inactive";
}

/* Statuses are not asked for; in a group many write at once, so not without measure. */
static bool
may_ask(const struct inbound *in)
{
	const struct jid *chat = &in->info.chat;

	if (in->outcome != RECEIVED_BROKEN)
		return false;
	if (!in->info.is_group)
		return true;
	return chat->server == JID_SERVER_GROUP &&
	       resend_limit_take(in->receiver->asks, chat, in->info.id, clock_monotonic_ms());
}

/* Its number, should the answer come when the keys are not in memory. */
static void
name_chat(struct messaging *m, struct inbound_info *info)
{
	struct peer peer;

	if (info->chat.server != JID_SERVER_LID || !jid_is_none(&info->chat_pair.pn))
		return;
	peer_get(m, &info->chat, &peer);
	if (peer.phone[0] != '\0')
		info->chat_pair.pn = jid_make(JID_SERVER_PN, peer.phone, 0);
	info->chat_pair.lid = info->chat;
	OPENSSL_cleanse(&peer, sizeof(peer));
}

static void
choose_answers(struct messaging *m, struct inbound *in)
{
	const unsigned retry = may_ask(in) ? next_retry(in->receiver, in) : 0;

	if (in->outcome == RECEIVED)
		add_answer(in, answer_receipt(in->stanza, receipt_type(&in->info)));
	if (in->outcome == RECEIVED_REFUSED)
		add_answer(in, answer_refuse(in->stanza, in->refusal));
	if (retry > 0)
		add_answer(in, answer_retry(m, in->stanza, retry,
				   retry >= RETRY_KEYS_FROM || in->no_sender_key));
	if (in->history)
		add_answer(in, answer_history(m, in->info.id));
	if (in->outcome == RECEIVED_BROKEN && !in->info.is_group && !in->info.is_peer)
		in->ask = retry > 0 ? ASK_IN_A_WHILE : ASK_NOW;
	if (in->ask != ASK_NOT)
		name_chat(m, &in->info);
}

/* The plain receipt of what came while we were away. */
static bool
is_held(const struct inbound *in, const struct node *answer)
{
	return in->outcome == RECEIVED && !in->info.from_me && !in->info.is_peer &&
	       node_get(in->stanza, "offline") != NULL && node_first(answer) == NULL &&
	       node_get_is(answer, "type", "inactive");
}

/* All that came of it is on disk. */
static void
answer(struct inbound *in)
{
	struct receiver *r = in->receiver;
	struct messaging *m = r->m;
	const bool acks = in->outcome == RECEIVED_NOTHING || in->outcome == RECEIVED_BROKEN;

	FAULT_POINT("receive.committed");
	for (size_t i = 0; i < in->n_answers; i++) {
		struct node *answer = in->answers[i];

		in->answers[i] = NULL;
		if (is_held(in, answer))
			receipt_merge_add(r->held, answer);
		else
			link_write(m->link, answer);
	}
	if (acks)
		link_ack(m->link, in->stanza);
	if (in->ask != ASK_NOT)
		phone_asks_want(m->asks, &in->info, in->ask == ASK_IN_A_WHILE);
	FAULT_POINT("receive.answered");
	inbound_free(&r->commits, in);
	if (r->n == 0)
		receipt_merge_flush(r->held);
}

static void
on_committed(void *arg)
{
	struct inbound *in = arg;

	in->committed = true;
	if (in->learning == NULL)
		answer(in);
}

static void
on_learned(void *arg)
{
	struct inbound *in = arg;

	learning_free(&in->learning);
	if (in->committed)
		answer(in);
}

/* -- work -- */

#define NAMES_MAX (2 * RECEIVE_ENCS_MAX + 9)

/* The same device under its number: where its session is from before its LID was known. */
static bool
number_of(const struct inbound_info *info, struct jid *ret)
{
	if (info->sender.server != JID_SERVER_LID || jid_is_none(&info->sender_pair.pn))
		return false;
	*ret = info->sender_pair.pn;
	ret->device = info->sender.device;
	return true;
}

static void
finish_first(struct receiver *r, struct inbound *in)
{
	char group[JID_TEXT_MAX];
	struct jid pn;

	if (number_of(&in->info, &pn)) {
		signal_move_device(r->m->signal, &pn, &in->info.sender);
		if (in->info.is_group)
			signal_move_sender(
			    r->m->signal, jid_format(&in->info.chat, group), &pn, &in->info.sender);
	}
	receive_contents(r->m, in);
	FAULT_POINT("receive.decrypted");
	choose_answers(r->m, in);
	key_hold_free(&in->map_hold);
	key_hold_free(&in->hold);
	TAILQ_REMOVE(&r->queue, in, entry);
	TAILQ_INSERT_TAIL(&r->commits, in, entry);
	key_cache_commit(r->m->keys, on_committed, in);
	if (in->learning != NULL)
		learning_apply(in->learning, on_learned, in);
}

static void
on_keys(void *arg)
{
	struct inbound *in = arg;
	struct receiver *r = in->receiver;

	finish_first(r, in);
	r->busy = false;
	work(r);
}

/* Everything that decrypting it may touch. True when it is in memory already. */
static bool
hold_keys(struct receiver *r, struct inbound *in)
{
	const struct inbound_info *info = &in->info;
	struct prekey_name prekeys[2 * RECEIVE_ENCS_MAX];
	struct device_names device, by_number;
	struct key_name names[NAMES_MAX];
	struct jid pn;
	char group[JID_TEXT_MAX];
	char sender_key[SIGNAL_GROUP_NAME_MAX], old_sender_key[SIGNAL_GROUP_NAME_MAX];
	size_t n = receive_prekeys(r->m, in, prekeys, names);
	bool ready;

	n += messaging_device_names(r->m, &info->sender, &device, &names[n]);
	if (number_of(info, &pn))
		n += messaging_old_names(&pn, &by_number, &names[n]);
	if (info->is_group) {
		signal_group_name(
		    r->m->signal, jid_format(&info->chat, group), &info->sender, sender_key);
		names[n++] = (struct key_name){KEY_SENDER_KEY, sender_key};
	}
	if (info->is_group && number_of(info, &pn)) {
		signal_old_group_name(group, &pn, old_sender_key);
		names[n++] = (struct key_name){KEY_SENDER_KEY, old_sender_key};
	}
	if (!jid_is_none(&info->sender_pair.pn))
		names[n++] = (struct key_name){KEY_LID, info->sender_pair.pn.user};
	if (!jid_is_none(&info->chat_pair.pn))
		names[n++] = (struct key_name){KEY_LID, info->chat_pair.pn.user};
	if (info->chat.server == JID_SERVER_LID)
		names[n++] = (struct key_name){KEY_PEER, info->chat.user};
	in->hold = key_cache_hold(r->m->keys, names, n, on_keys, in, &ready);
	return ready;
}

static void
use_map(struct messaging *m, struct inbound_pair *pair, struct jid *jid)
{
	struct jid lid;

	if (jid->server != JID_SERVER_PN || !lid_find(m, jid, &lid))
		return;
	*jid = lid;
	pair->lid = jid_without_device(&lid);
}

static void
apply_map(struct messaging *m, struct inbound_info *info)
{
	use_map(m, &info->sender_pair, &info->sender);
	if (!info->is_group)
		use_map(m, &info->chat_pair, &info->chat);
}

static void
on_map(void *arg)
{
	struct inbound *in = arg;
	struct receiver *r = in->receiver;

	apply_map(r->m, &in->info);
	if (hold_keys(r, in))
		on_keys(in);
}

/* A PN whose LID the stanza does not tell: perhaps we know it. True when nothing has to be read for
 * that. */
static bool
hold_map(struct receiver *r, struct inbound *in)
{
	const struct jid *jids[] = {&in->info.sender, &in->info.chat};
	struct key_name names[2];
	size_t n = 0;
	bool ready;

	for (size_t i = 0; i < 2; i++)
		if (jids[i]->server == JID_SERVER_PN)
			names[n++] = (struct key_name){KEY_LID, jids[i]->user};
	if (n == 0)
		return true;
	in->map_hold = key_cache_hold(r->m->keys, names, n, on_map, in, &ready);
	if (ready)
		apply_map(r->m, &in->info);
	return ready;
}

static void
work(struct receiver *r)
{
	struct inbound *in;

	while (!r->busy && (in = TAILQ_FIRST(&r->queue)) != NULL) {
		r->busy = true;
		if (!hold_map(r, in) || !hold_keys(r, in))
			return;
		finish_first(r, in);
		r->busy = false;
	}
}

bool
receiver_behind(const struct receiver *r, bool held)
{
	return held ? r->n > RECEIVE_ENOUGH / 2 || r->bytes > RECEIVE_ENOUGH_BYTES / 2
		    : r->n >= RECEIVE_ENOUGH || r->bytes >= RECEIVE_ENOUGH_BYTES;
}

/* -- taking -- */

static size_t
bytes_of(const struct node *stanza)
{
	size_t len = 0, sum = 0;

	for (const struct node *c = node_first(stanza); c != NULL; c = node_next(c))
		if (node_data(c, &len) != NULL)
			sum += len;
	return sum;
}

/* Whom one cannot answer with a receipt gets a plain refusal, where even that is possible. */
static void
refuse_unread(struct messaging *m, const struct node *stanza)
{
	struct jid from;

	log_info("receive.malformed", LOG_STR("outlet", link_outlet(m->link)));
	if (node_get(stanza, "id") != NULL && node_get_jid(stanza, "from", &from) == 0)
		link_write(m->link, answer_refuse(stanza, REFUSE_PARSING));
}

void
receiver_take(struct receiver *r, const struct node *stanza)
{
	const struct credentials *c = link_credentials(r->m->link);
	const size_t bytes = bytes_of(stanza);
	struct inbound *in;
	struct jid from;

	if (r->n >= RECEIVE_MAX || r->bytes + bytes > RECEIVE_BYTES_MAX) {
		log_warn("receive.overflow", LOG_STR("outlet", link_outlet(r->m->link)),
		    LOG_INT("waiting", r->n), LOG_INT("dropped", ++r->dropped));
		return;
	}
	if (node_get_jid(stanza, "from", &from) == 0 && from.server == JID_SERVER_NEWSLETTER) {
		link_ack(r->m->link, stanza); /* in the clear, and nobody here reads them */
		return;
	}
	in = xcalloc(1, sizeof(*in));
	in->stanza = node_dup(stanza);
	if (inbound_read(in->stanza, &c->own, &c->own_lid, &in->info) != 0) {
		refuse_unread(r->m, stanza);
		node_free(&in->stanza);
		free(in);
		return;
	}
	in->receiver = r;
	in->bytes = bytes;
	TAILQ_INSERT_TAIL(&r->queue, in, entry);
	r->n++;
	r->bytes += bytes;
	work(r);
}
