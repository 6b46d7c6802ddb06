/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The signed pre-key rotated: the new one is made and saved, then sent, and becomes the current one
 * when the server has taken it. An attempt whose answer is lost is made again with the same key,
 * since the server may have given it out already. Source: PROTOCOL section 7.
 */
#include "waconnd/link/link_rotate.h"

#include <stdlib.h>

#include "common/fault_point.h"
#include "common/log.h"
#include "common/rng.h"
#include "waconnd/link/link_prekeys.h"
#include "waconnd/link/link_private.h"

#define AGAIN_S 3600 /* after a refusal */
#define UPLOADING_S 2
#define CHECK_S (6 * 3600) /* clocks are set, timers of weeks are not to be trusted */

int64_t
rotate_due(int64_t now_s)
{
	return now_s + ROTATE_PERIOD_S - ROTATE_JITTER_S / 2 + rng_below(ROTATE_JITTER_S);
}

int64_t
rotate_wait(int64_t due_s, int64_t now_s)
{
	if (due_s <= 0 || due_s > now_s + ROTATE_PERIOD_S + ROTATE_JITTER_S)
		return -1;
	return due_s > now_s ? due_s - now_s : 0;
}

static void
arm(struct link *l, int64_t wait_s)
{
	const struct timeval tv = {wait_s < CHECK_S ? (time_t)wait_s : CHECK_S, 0};

	if (event_add(l->rotate_timer, &tv) < 0)
		abort();
}

static void
on_saved(struct link *l, int err)
{
	if (err < 0)
		link_fail(l, LINK_END_STORAGE, "the signed pre-key could not be saved");
}

/* The clock begins to run: a linking without a date, or a clock that was set back. */
static void
set_date(struct link *l)
{
	const int64_t now = link_server_now(l);

	l->credentials.rotate_at = rotate_due(now);
	link_save_credentials(l);
	link_commit(l, on_saved);
	arm(l, l->credentials.rotate_at - now);
}

static void
take(struct link *l)
{
	messaging_retire_signed_prekey(l->messaging);
	credentials_take_next(&l->credentials);
	log_info("link.prekey_rotated", LOG_STR("outlet", l->outlet),
	    LOG_INT("id", l->credentials.signed_prekey_id));
	set_date(l);
	FAULT_POINT("rotate.taken");
}

static void
on_answer(void *arg, const struct node *answer)
{
	struct link *l = arg;

	if (!link_is_open(l))
		return;
	FAULT_POINT("rotate.answered");
	if (answer != NULL && link_iq_error(answer) == 0) {
		take(l);
		return;
	}
	log_warn("link.prekey_rotate", LOG_STR("outlet", l->outlet),
	    LOG_INT("error", link_iq_error(answer)));
	arm(l, AGAIN_S);
}

static void
on_next_saved(struct link *l, int err)
{
	const struct credentials *c = &l->credentials;
	const struct jid server = jid_server_self();
	struct node *iq;

	on_saved(l, err);
	if (err < 0 || !link_is_open(l))
		return;
	FAULT_POINT("rotate.saved");
	iq = node_new("iq", "type", "set", "xmlns", "encrypt", NULL);
	node_set_jid(iq, "to", &server);
	link_prekeys_add_signed(node_child(iq, "rotate", NULL), credentials_next_signed_id(c),
	    c->next_signed_prekey.pub, c->next_signed_prekey_sig);
	link_iq(l, iq, on_answer, l);
	FAULT_POINT("rotate.sent");
}

static void
begin(struct link *l)
{
	if (credentials_make_next(&l->credentials) < 0) {
		log_error("link.prekey_rotate", LOG_STR("outlet", l->outlet),
		    LOG_STR("error", "the new key cannot be signed"));
		arm(l, AGAIN_S);
		return;
	}
	link_save_credentials(l);
	FAULT_POINT("rotate.made");
	link_commit(l, on_next_saved);
}

void
link_rotate_timer(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	int64_t wait;

	(void)fd;
	(void)what;
	link_enter(l);
	if (link_is_ready(l)) {
		wait = rotate_wait(l->credentials.rotate_at, link_server_now(l));
		if (wait < 0)
			set_date(l);
		else if (wait > 0)
			arm(l, wait);
		else if (l->login.uploading) /* of pre-keys, with the signed one that is current */
			arm(l, UPLOADING_S);
		else
			begin(l);
	}
	link_exit(l);
}

void
link_rotate_begin(struct link *l)
{
	arm(l, 0);
}
