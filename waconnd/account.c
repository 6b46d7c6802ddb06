/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rule, and the account as JSON: for outsiders with times as text, for the database with
 * milliseconds. */
#include "waconnd/account.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [RESTRICTION_NONE] = NULL,
    [RESTRICTION_TIMELOCK] = "reachout_timelock",
    [RESTRICTION_CAP] = "new_chat_cap",
};

const char *
restriction_name(enum restriction_kind kind)
{
	return names[kind];
}

bool
restriction_equal(const struct restriction *a, const struct restriction *b)
{
	return a->kind == b->kind && a->until_ms == b->until_ms && a->used == b->used &&
	       a->quota == b->quota;
}

static void
count_json(struct jsonw *j, const char *key, bool known, int64_t n)
{
	if (known)
		jsonw_int(j, key, n);
	else
		jsonw_null(j, key);
}

void
restriction_json(const struct restriction *r, struct jsonw *j, const char *key)
{
	const bool counted = r->kind == RESTRICTION_CAP && r->quota > 0;

	if (r->kind == RESTRICTION_NONE) {
		jsonw_null(j, key);
		return;
	}
	jsonw_object(j, key);
	jsonw_str(j, "kind", names[r->kind]);
	jsonw_time(j, "until", r->until_ms);
	count_json(j, "used", counted, r->used);
	count_json(j, "quota", counted, r->quota);
	jsonw_object_end(j);
}

/* -- the rule -- */

void
account_take(struct account *a, const struct link_account *said, int64_t now_ms)
{
	if (said->has_timelock) {
		a->timelock = said->timelock;
		a->timelock_at_ms = now_ms;
	}
	if (said->has_cap) {
		a->cap = said->cap;
		a->cap_at_ms = now_ms;
		a->chats_since = a->chats_flying;
	}
}

void
account_chat_started(struct account *a)
{
	a->chats_flying++;
	a->chats_since++;
}

void
account_chat_settled(struct account *a, bool written)
{
	if (a->chats_flying > 0)
		a->chats_flying--;
	if (!written && a->chats_since > 0)
		a->chats_since--;
}

static bool
is_past(int64_t until_ms, int64_t now_ms)
{
	return until_ms > 0 && until_ms + ACCOUNT_GRACE_MS <= now_ms;
}

/* What was started since counts, but never beyond the quota: only WhatsApp says that. */
static int64_t
used(const struct account *a)
{
	const int64_t since = a->cap.quota > 0 ? a->chats_since : 0;
	const int64_t n = a->cap.used + since;
	const int64_t most = a->cap.used > a->cap.quota ? a->cap.used : a->cap.quota;

	return a->cap.quota > 0 && n > most ? most : n;
}

static bool
is_capped(const struct account *a)
{
	return a->cap.capped || (a->cap.quota > 0 && used(a) >= a->cap.quota);
}

struct restriction
account_restriction(const struct account *a, int64_t now_ms)
{
	struct restriction r = {.quota = -1};

	if (a->timelock_at_ms > 0 && a->timelock.active && !is_past(a->timelock.until_ms, now_ms)) {
		r.kind = RESTRICTION_TIMELOCK;
		r.until_ms = a->timelock.until_ms;
	} else if (a->cap_at_ms > 0 && is_capped(a) && !is_past(a->cap.until_ms, now_ms)) {
		r.kind = RESTRICTION_CAP;
		r.until_ms = a->cap.until_ms;
		r.used = used(a);
		r.quota = a->cap.quota;
	}
	return r;
}

int64_t
account_chats_left(const struct account *a, int64_t now_ms)
{
	if (a->cap_at_ms == 0 || a->cap.quota <= 0 || is_past(a->cap.until_ms, now_ms))
		return -1;
	return is_capped(a) ? 0 : a->cap.quota - used(a);
}

int64_t
account_ends_ms(const struct account *a, int64_t now_ms)
{
	const struct restriction r = account_restriction(a, now_ms);

	return r.kind != RESTRICTION_NONE && r.until_ms > 0 ? r.until_ms + ACCOUNT_GRACE_MS : 0;
}

/* -- for outsiders -- */

static const char *
word(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void
timelock_json(const struct account *a, struct jsonw *j)
{
	if (a->timelock_at_ms == 0) {
		jsonw_null(j, "timelock");
		return;
	}
	jsonw_object(j, "timelock");
	jsonw_bool(j, "active", a->timelock.active);
	jsonw_time(j, "until", a->timelock.until_ms);
	jsonw_str(j, "type", word(a->timelock.type));
	jsonw_time(j, "checkedAt", a->timelock_at_ms);
	jsonw_object_end(j);
}

static void
cap_json(const struct account *a, struct jsonw *j)
{
	if (a->cap_at_ms == 0) {
		jsonw_null(j, "newChats");
		return;
	}
	jsonw_object(j, "newChats");
	count_json(j, "quota", a->cap.quota > 0, a->cap.quota);
	jsonw_int(j, "used", used(a));
	jsonw_str(j, "status", word(a->cap.status));
	jsonw_time(j, "resetsAt", a->cap.until_ms);
	jsonw_time(j, "checkedAt", a->cap_at_ms);
	jsonw_object_end(j);
}

void
account_json(const struct account *a, struct jsonw *j)
{
	timelock_json(a, j);
	cap_json(a, j);
}

/* -- for the database -- */

void
account_store(const struct account *a, struct buf *out)
{
	struct jsonw j;

	jsonw_init(&j, out);
	jsonw_object(&j, NULL);
	if (a->timelock_at_ms > 0) {
		jsonw_object(&j, "timelock");
		jsonw_bool(&j, "active", a->timelock.active);
		jsonw_int(&j, "until", a->timelock.until_ms);
		jsonw_str(&j, "type", a->timelock.type);
		jsonw_int(&j, "at", a->timelock_at_ms);
		jsonw_object_end(&j);
	}
	if (a->cap_at_ms > 0) {
		jsonw_object(&j, "newChats");
		jsonw_bool(&j, "capped", a->cap.capped);
		jsonw_int(&j, "quota", a->cap.quota);
		jsonw_int(&j, "used", used(a));
		jsonw_str(&j, "status", a->cap.status);
		jsonw_int(&j, "until", a->cap.until_ms);
		jsonw_int(&j, "at", a->cap_at_ms);
		jsonw_object_end(&j);
	}
	jsonw_object_end(&j);
}

static int64_t
get_int(const json_t *o, const char *key, int64_t otherwise)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

static void
get_word(const json_t *o, const char *key, char ret[LINK_WORD_MAX])
{
	const char *text = json_string_value(json_object_get(o, key));

	(void)snprintf(ret, LINK_WORD_MAX, "%s", text != NULL ? text : "");
}

void
account_load(struct account *a, const char *json)
{
	json_t *root = json != NULL ? json_loads(json, 0, NULL) : NULL;
	const json_t *lock = json_object_get(root, "timelock");
	const json_t *cap = json_object_get(root, "newChats");

	*a = (struct account){.cap.quota = -1};
	if (lock != NULL) {
		a->timelock_at_ms = get_int(lock, "at", 0);
		a->timelock.active = json_is_true(json_object_get(lock, "active"));
		a->timelock.until_ms = get_int(lock, "until", 0);
		get_word(lock, "type", a->timelock.type);
	}
	if (cap != NULL) {
		a->cap_at_ms = get_int(cap, "at", 0);
		a->cap.capped = json_is_true(json_object_get(cap, "capped"));
		a->cap.quota = get_int(cap, "quota", -1);
		a->cap.used = get_int(cap, "used", 0);
		a->cap.until_ms = get_int(cap, "until", 0);
		get_word(cap, "status", a->cap.status);
	}
	json_decref(root);
}
