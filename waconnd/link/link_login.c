/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From <success> to ready, one step after the other: pre-keys counted and filled up, active, digest
 * asked for, presence, backlog. A step that fails does not keep the link from the next: what is
 * wrong shows in the log or ends the link by itself. Source: PROTOCOL section 7.
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/wa/plain.h"
#include "waconnd/link/link_dispatch.h"
#include "waconnd/link/link_error.h"
#include "waconnd/link/link_prekeys.h"
#include "waconnd/link/link_private.h"
#include "waconnd/link/prekey_check.h"

typedef void (*step_fn)(struct link *l);

static void next_step(struct link *l);

static struct node *
query(const char *type, const char *xmlns)
{
	struct node *iq = node_new("iq", "type", type, "xmlns", xmlns, NULL);
	const struct jid server = jid_server_self();

	node_set_jid(iq, "to", &server);
	return iq;
}

/* -- the steps -- */

static void
on_count(void *arg, const struct node *answer)
{
	struct link *l = arg;
	int64_t count = -1;

	if (link_is_open(l) && answer != NULL && link_iq_error(answer) == 0)
		link_latency_answered(l);
	if (link_iq_error(answer) != 0 ||
	    node_get_int(node_find(answer, "count"), "value", &count) < 0)
		log_warn("link.prekey_count", LOG_STR("outlet", l->outlet),
		    LOG_INT("error", link_iq_error(answer)));
	if (count >= 0 && link_prekeys_batch(count, l->credentials.prekeys_uploaded) > 0)
		link_prekeys_upload(
		    l, link_prekeys_batch(count, l->credentials.prekeys_uploaded), next_step);
	else
		next_step(l);
}

static void
step_count(struct link *l)
{
	struct node *iq = query("get", "encrypt");

	(void)node_child(iq, "count", NULL);
	link_latency_asked(l);
	link_iq(l, iq, on_count, l);
}

static void
on_step_answer(void *arg, const struct node *answer)
{
	struct link *l = arg;

	if (link_iq_error(answer) != 0)
		log_warn("link.login_step", LOG_STR("outlet", l->outlet),
		    LOG_INT("step", l->login.step), LOG_INT("error", link_iq_error(answer)));
	next_step(l);
}

static void
step_active(struct link *l)
{
	struct node *iq = query("set", "passive");

	(void)node_child(iq, "active", NULL);
	link_iq(l, iq, on_step_answer, l);
}

static void
repair(struct link *l)
{
	/* The signed pre-key goes with it. */
	log_warn("link.digest_repaired", LOG_STR("outlet", l->outlet));
	link_prekeys_upload(l, LINK_PREKEYS_MORE, NULL);
}

static void
on_checked(void *arg, bool same)
{
	struct link *l = arg;

	link_enter(l);
	prekey_check_free(&l->login.check);
	if (!same && link_alive_phase(l))
		repair(l);
	link_exit(l);
}

/* Kept before it is known how it ends: a server that counts otherwise than we do would else get
 * pre-keys at every login. The commit is that of whatever is next. */
static void
check_prekeys(struct link *l, const struct node *answer)
{
	struct credentials *c = &l->credentials;

	if (l->login.check != NULL || !prekey_check_due(c->prekeys_checked_at, link_server_now(l)))
		return;
	l->login.check = prekey_check_new(l->keys, l->net->signal, c, answer, on_checked, l);
	if (l->login.check == NULL)
		return;
	c->prekeys_checked_at = link_server_now(l);
	link_save_credentials(l);
}

static void
on_digest(void *arg, const struct node *answer)
{
	struct link *l = arg;

	if (!link_alive_phase(l))
		return;
	switch (link_prekeys_digest(&l->credentials, answer)) {
	case LINK_DIGEST_SAME:
		check_prekeys(l, answer);
		break;
	case LINK_DIGEST_UNKNOWN:
		break;
	case LINK_DIGEST_OTHER:
		log_error("link.digest_differs", LOG_STR("outlet", l->outlet));
		break;
	case LINK_DIGEST_SKEY:
	case LINK_DIGEST_MISSING:
		repair(l);
		break;
	}
}

static void
step_digest(struct link *l)
{
	struct node *iq = query("get", "encrypt");

	(void)node_child(iq, "digest", NULL);
	link_iq(l, iq, on_digest, l);
	/* A check-up: a server that does not answer it must not hold the outlet up. */
	next_step(l);
}

/* Not "available": that would silence the phone's own notifications. Nor without a name, nor with
 * an "@" in it, as the clients do. */
static void
say_presence(struct link *l)
{
	char name[sizeof(l->credentials.push_name)];
	size_t n = 0;

	for (const char *p = l->credentials.push_name; *p != '\0'; p++)
		if (*p != '@')
			name[n++] = *p;
	name[n] = '\0';
	if (n > 0)
		link_write(l, node_new("presence", "type", "unavailable", "name", name, NULL));
}

static void
step_presence(struct link *l)
{
	l->login.present = true;
	say_presence(l);
	next_step(l);
}

void
link_named(struct link *l)
{
	if (l->login.present && link_is_open(l))
		say_presence(l);
}

static const struct {
	const char *name;
	step_fn fn;
} steps[] = {
    {"pre-keys", step_count},
    {"active", step_active},
    {"digest", step_digest},
    {"presence", step_presence},
    {"backlog", link_offline_wait},
    {"ready", link_ready},
};

static void
next_step(struct link *l)
{
	const unsigned step = l->login.step;

	if (l->phase != LINK_OPEN || l->freed || step >= sizeof(steps) / sizeof(steps[0]))
		return;
	log_debug(
	    "link.login_step", LOG_STR("outlet", l->outlet), LOG_STR("step", steps[step].name));
	l->login.step++;
	steps[step].fn(l);
}

void
link_login_next(struct link *l)
{
	next_step(l);
}

/* -- the server's verdict -- */

static void
take_lid(struct link *l, const struct node *success)
{
	struct credentials *c = &l->credentials;
	struct jid lid;

	if (node_get_jid(success, "lid", &lid) < 0 || lid.server != JID_SERVER_LID ||
	    jid_equal(&lid, &c->own_lid))
		return;
	if (!jid_is_none(&c->own_lid))
		log_warn("link.lid_changed", LOG_STR("outlet", l->outlet));
	c->own_lid = lid;
	link_save_credentials(l);
}

void
link_login_success(struct link *l, const struct node *success)
{
	int64_t t = 0;

	if (node_get_int(success, "t", &t) == 0 && t > 0)
		l->clock_offset_s = t - clock_wall_ms() / 1000;
	if (!link_step(l, LINK_EV_SUCCESS))
		return;
	/* It led us to the right server. */
	l->routing_used = false;
	take_lid(l, success);
	l->messaging = messaging_new(l);
	messaging_open(l->messaging);
	l->ops->open(l->arg, &l->credentials.own, &l->credentials.own_lid);
	if (l->freed || l->phase != LINK_OPEN)
		return;
	link_unified_session(l);
	next_step(l);
}

/* All of it: what there is to appeal with is said once. */
static void
log_failure(const struct link *l, const struct node *failure)
{
	char said[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < node_attr_count(failure) && len < sizeof(said); i++) {
		const struct node_attr *a = node_attr_at(failure, i);

		len += (size_t)snprintf(said + len, sizeof(said) - len, "%s%s=%s", i > 0 ? " " : "",
		    a->key, a->text != NULL ? a->text : "");
	}
	log_warn("link.failure", LOG_STR("outlet", l->outlet), LOG_STR("said", said));
}

void
link_login_failure(struct link *l, const struct node *failure)
{
	struct link_error e;

	log_failure(l, failure);
	link_error_of_failure(failure, clock_wall_ms(), &e);
	link_fail_until(l, e.end, e.detail, e.until_ms);
}

void
link_stream_error(struct link *l, const struct node *error)
{
	struct link_error e;
	char said[LINK_SAID_MAX];

	link_error_of_stream(error, &e);
	if (e.end == LINK_END_MALFORMED) {
		link_said_text(&l->said, said);
		log_error(
		    "link.malformed", LOG_STR("outlet", l->outlet), LOG_STR("said_last", said));
	}
	link_fail_until(l, e.end, e.detail, e.until_ms);
}

/* Telemetry that every official client sends; there is no answer. */
void
link_unified_session(struct link *l)
{
	struct node *ib = node_new("ib", NULL);
	char id[24];

	plain_unified_session_id(clock_wall_ms() + l->clock_offset_s * 1000, id, sizeof(id));
	(void)node_child(ib, "unified_session", "id", id, NULL);
	link_write(l, ib);
}

void
link_login_done(struct link *l)
{
	struct link_login *g = &l->login;

	if (g->again != NULL)
		event_free(g->again);
	if (g->drain != NULL)
		event_free(g->drain);
	prekey_check_free(&g->check);
	node_free(&g->upload);
	*g = (struct link_login){0};
}
