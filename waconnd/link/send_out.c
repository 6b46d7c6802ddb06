/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The second half of a message's way: encryption, commit, write, and what the server says to it.
 * Nothing is written before its ratchets are on disk.
 */
#include <string.h>

#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "waconnd/link/send_private.h"
#include "waconnd/link/token_issue.h"

#define ACK_MS 75000
#define ACK_STALE 479 /* stanza rejected: devices or addressing out of date */
#define ACK_ADDRESSING 421

void
send_step_encrypt(struct send *s)
{
	s->stanza = send_stanza(s);
	FAULT_POINT("send.encrypted");
	key_hold_free(&s->hold);
	key_hold_free(&s->number_hold);
	if (s->stanza == NULL)
		send_finish(s, LINK_SENT_FAILED, s->bundle_code);
	else
		send_enter(s, SEND_COMMIT);
}

static void
on_committed(void *arg)
{
	FAULT_POINT("send.committed");
	send_enter(arg, SEND_WRITE);
}

void
send_step_commit(struct send *s)
{
	key_cache_commit(s->m->keys, on_committed, s);
}

void
send_step_write(struct send *s)
{
	struct node *stanza = s->stanza;

	s->stanza = NULL;
	link_write(s->m->link, stanza);
	FAULT_POINT("send.written");
	send_enter(s, SEND_ACK);
}

/* All wait equally long: the first in the list is the first to be over. */
static void
arm(struct sends *ss)
{
	const struct send *first = TAILQ_FIRST(&ss->acks);
	int64_t ms;

	if (first == NULL || event_pending(ss->timer, EV_TIMEOUT, NULL))
		return;
	ms = first->deadline_ms - clock_monotonic_ms();
	if (ms < 0)
		ms = 0;
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	(void)event_add(ss->timer, &tv);
}

void
send_step_ack(struct send *s)
{
	s->deadline_ms = clock_monotonic_ms() + ACK_MS;
	arm(s->sends);
}

void
sends_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sends *ss = arg;
	const int64_t now = clock_monotonic_ms();
	struct send *s;

	(void)fd;
	(void)what;
	while ((s = TAILQ_FIRST(&ss->acks)) != NULL && s->deadline_ms <= now)
		send_finish(s, LINK_SENT_UNCERTAIN, 0);
	arm(ss);
}

/* -- acks -- */

static void
forget_devices(struct send *s)
{
	struct messaging *m = s->m;

	device_cache_drop(m->devices, &s->chat);
	device_cache_drop(m->devices, messaging_own(m));
}

/* Once, under the same id, with what the server says now of the devices. */
static void
send_again(struct send *s)
{
	s->again = true;
	s->lookups = 0;
	forget_devices(s);
	if (s->mapped) {
		s->chat = (struct jid){0};
		s->mapped = false;
		s->remapped = true;
	}
	send_enter(s, SEND_NUMBER);
}

static void
check_phash(struct send *s, const char *phash)
{
	bool same = phash == NULL;

	for (size_t i = 0; i < s->n_phashes; i++)
		same |= phash != NULL && strcmp(phash, s->phashes[i]) == 0;
	if (same)
		return;
	log_info(
	    "send.phash_differs", LOG_STR("outlet", link_outlet(s->m->link)), LOG_STR("id", s->id));
	forget_devices(s);
}

void
sends_ack(struct sends *ss, const struct node *ack)
{
	const char *id = node_get(ack, "id"), *error = node_get(ack, "error");
	struct send *s;
	int64_t code = 0;

	FAULT_POINT("send.acked");
	TAILQ_FOREACH(s, &ss->acks, entry)
	if (id != NULL && strcmp(s->id, id) == 0)
		break;
	if (s == NULL)
		return;
	if (error == NULL) {
		check_phash(s, node_get(ack, "phash"));
		if (s->chat.server == JID_SERVER_LID)
			token_issue(ss->m, &s->chat);
		send_finish(s, LINK_SENT_OK, 0);
		return;
	}
	if (node_get_int(ack, "error", &code) != 0 || code < 0 || code > 9999)
		code = 0;
	log_info("send.rejected", LOG_STR("outlet", link_outlet(ss->m->link)), LOG_STR("id", s->id),
	    LOG_STR("error", error));
	link_account_refused(ss->m->link, (unsigned)code);
	if ((code == ACK_STALE || code == ACK_ADDRESSING) && !s->again)
		send_again(s);
	else
		send_finish(s, LINK_SENT_REJECTED, (unsigned)code);
}
