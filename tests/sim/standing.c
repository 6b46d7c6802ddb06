/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An account's standing: whom it may write to, and what it is told of it. While a reach-out time
 * lock is on, or the quota of new chats is used up, companions may write only to accounts that
 * there is a chat with. Queries and notifications in GraphQL (w:mex). Source: PROTOCOL section 15.
 */
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "tests/sim/server.h"

#define QUOTA_S 86400
#define JSON_MAX 512

enum { REFUSED_LOCKED = 463, REFUSED_CAPPED = 475 };

static const char *const capping_names[] = {"NONE", "FIRST_WARNING", "SECOND_WARNING", "CAPPED"};

void
standing_init(struct account *a)
{
	a->standing.quota = -1;
}

static void
keep(void *node)
{
	(void)node;
}

void
standing_done(struct account *a)
{
	tdestroy(a->standing.chats, keep);
}

/* -- chats ---------------------------------------------------------------------------- */

static int
by_address(const void *a, const void *b)
{
	const uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;

	return x < y ? -1 : x > y;
}

static bool
has_chat(const struct account *a, const struct account *with)
{
	void *const *root = &a->standing.chats;

	return tfind(with, root, by_address) != NULL;
}

static void
add_chat(struct account *a, struct account *with)
{
	if (tsearch(with, &a->standing.chats, by_address) == NULL)
		abort(); /* as xalloc.h */
}

static bool
is_locked(const struct account *a)
{
	return a->standing.lock_until > sim_now();
}

/* An index of capping_names. */
static unsigned
capping(const struct account *a)
{
	const struct standing *s = &a->standing;

	if (s->quota < 0)
		return 0;
	if (s->used >= s->quota)
		return 3;
	if (s->used * 10 >= s->quota * 9)
		return 2;
	return s->used * 4 >= s->quota * 3 ? 1 : 0;
}

unsigned
standing_refuses(const struct account *a, const struct account *to)
{
	if (a == to || has_chat(a, to))
		return 0;
	if (is_locked(a))
		return REFUSED_LOCKED;
	return capping(a) == 3 ? REFUSED_CAPPED : 0;
}

/* -- what is said --------------------------------------------------------------------- */

static void
timelock_json(const struct account *a, const char *path, char out[JSON_MAX])
{
	const struct standing *s = &a->standing;

	(void)snprintf(out, JSON_MAX,
	    "{\"data\":{\"%s\":{\"is_active\":%s,\"time_enforcement_ends\":\"%" PRId64
	    "\",\"enforcement_type\":\"%s\"}}}",
	    path, is_locked(a) ? "true" : "false", is_locked(a) ? s->lock_until : 0, s->lock_type);
}

static void
quota_json(const struct account *a, const char *path, char out[JSON_MAX])
{
	const struct standing *s = &a->standing;

	(void)snprintf(out, JSON_MAX,
	    "{\"data\":{\"%s\":{\"total_quota\":%" PRId64 ",\"used_quota\":%" PRId64
	    ",\"cycle_start_timestamp\":\"%" PRId64 "\",\"cycle_end_timestamp\":\"%" PRId64
	    "\",\"server_sent_timestamp\":\"%" PRId64 "\",\"ote_status\":\"NOT_ELIGIBLE\","
	    "\"mv_status\":\"NOT_ELIGIBLE\",\"capping_status\":\"%s\"}}}",
	    path, s->quota, s->used, s->quota < 0 ? 0 : s->quota_ends - QUOTA_S,
	    s->quota < 0 ? 0 : s->quota_ends, sim_now(), capping_names[capping(a)]);
}

static void
notify(struct account *a, const char *op, const char *json)
{
	const struct jid server = jid_server_self();

	for (unsigned i = 0; !a->standing.quiet && i < a->device_count; i++) {
		struct node *n = outbox_notification(a->sim, &server, "mex");

		node_bytes(node_child(n, "update", "op_name", op, NULL), json, strlen(json));
		outbox_put(a->devices[i], n);
	}
}

static void
tell_timelock(struct account *a)
{
	char json[JSON_MAX];

	timelock_json(a, "xwa2_notify_account_reachout_timelock", json);
	notify(a, "NotificationUserReachoutTimelockUpdate", json);
}

static void
tell_quota(struct account *a)
{
	char json[JSON_MAX];

	a->standing.told = capping(a);
	quota_json(a, "xwa2_notify_new_chat_messages_capping_info_update", json);
	notify(a, "MessageCappingInfoNotification", json);
}

void
standing_chat(struct account *from, struct account *to, bool by_companion)
{
	if (from == to || has_chat(from, to))
		return;
	add_chat(from, to);
	add_chat(to, from);
	if (!by_companion || from->standing.quota < 0)
		return;
	from->standing.used++;
	if (capping(from) != from->standing.told)
		tell_quota(from);
}

/* -- questions ------------------------------------------------------------------------ */

/* Query ids belong to client releases: PROTOCOL section 15. */
static const struct {
	const char *id, *path;
	void (*write)(const struct account *a, const char *path, char out[JSON_MAX]);
} queries[] = {
    {"23983697327930364", "xwa2_fetch_account_reachout_timelock", timelock_json},
    {"24503548349331633", "xwa2_message_capping_info", quota_json},
};

static bool
is_question(const struct node *query)
{
	size_t len;
	const uint8_t *data = node_data(query, &len);
	json_t *root = data != NULL ? json_loadb((const char *)data, len, 0, NULL) : NULL;
	const bool ok = json_is_object(json_object_get(root, "variables"));

	json_decref(root);
	return ok;
}

static void
write_answer(const struct account *a, const struct node *query, char out[JSON_MAX])
{
	(void)snprintf(out, JSON_MAX,
	    "{\"errors\":[{\"message\":\"no\",\"extensions\":{\"error_code\":400}}]}");
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		if (a->standing.mex != SIM_MEX_ERRORS &&
		    node_get_is(query, "query_id", queries[i].id))
			queries[i].write(a, queries[i].path, out);
	if (a->standing.mex == SIM_MEX_BROKEN)
		out[strlen(out) / 2] = '\0';
}

void
iq_mex(struct conn *c, const struct node *iq, const struct node *child)
{
	const struct account *a = c->device->account;
	char json[JSON_MAX];
	struct node *n;

	if (!is_question(child))
		conn_violation(c, "mex", "a query without variables in JSON");
	if (a->standing.mex == SIM_MEX_SILENT)
		return;
	if (a->standing.mex == SIM_MEX_REFUSED) {
		iq_error(c, iq, 500, NULL);
		return;
	}
	write_answer(a, child, json);
	n = iq_result(iq);
	node_bytes(node_child(n, "result", NULL), json, strlen(json));
	conn_send(c, n);
}

/* -- what a test makes of it ---------------------------------------------------------- */

void
account_set_mex(struct account *a, enum sim_mex mex)
{
	a->standing.mex = mex;
}

void
account_set_quiet(struct account *a, bool quiet)
{
	a->standing.quiet = quiet;
}

void
account_set_timelock(struct account *a, uint32_t seconds, const char *type)
{
	a->standing.lock_until = seconds > 0 ? sim_now() + seconds : 0;
	(void)snprintf(a->standing.lock_type, sizeof(a->standing.lock_type), "%s",
	    type != NULL ? type : "DEFAULT");
	tell_timelock(a);
}

void
account_set_quota(struct account *a, int64_t quota, uint32_t used, uint32_t seconds)
{
	a->standing.quota = quota;
	a->standing.used = used;
	a->standing.quota_ends = sim_now() + (seconds > 0 ? seconds : QUOTA_S);
	tell_quota(a);
}

json_t *
account_standing_json(const struct account *a)
{
	const struct standing *s = &a->standing;
	json_t *lock = json_null(), *quota = json_null();

	if (is_locked(a))
		lock = json_pack(
		    "{s:I, s:s}", "until", (json_int_t)s->lock_until, "type", s->lock_type);
	if (s->quota >= 0)
		quota = json_pack("{s:I, s:I, s:I}", "total", (json_int_t)s->quota, "used",
		    (json_int_t)s->used, "ends", (json_int_t)s->quota_ends);
	return json_pack("{s:o, s:o}", "timelock", lock, "quota", quota);
}
