/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Builds the queries and reads the JSON. Knows no link; every number may come as a number or as its
 * digits. */
#include "waconnd/link/mex.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 253402300799 /* the year 9999 */
#define COUNT_MAX 1000000000
#define DIGITS_MAX 18

/* -- questions -- */

static const struct {
	const char *id, *variables;
} queries[MEX_QUERIES] = {
    [MEX_TIMELOCK] = {"23983697327930364", "{\"variables\":{}}"},
    [MEX_CHAT_CAP] = {"24503548349331633",
	"{\"variables\":{\"input\":{\"type\":\"INDIVIDUAL_NEW_CHAT_MSG\"}}}"},
};

struct node *
mex_query(enum mex_query query)
{
	const struct jid server = jid_server_self();
	struct node *iq = node_new("iq", "type", "get", "xmlns", "w:mex", NULL);
	struct node *q = node_child(iq, "query", "query_id", queries[query].id, NULL);

	node_set_jid(iq, "to", &server);
	node_bytes(q, queries[query].variables, strlen(queries[query].variables));
	return iq;
}

/* -- answers -- */

static int
number_of_text(const char *text, int64_t *ret)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	const size_t len = strlen(digits);

	if (len == 0 || len > DIGITS_MAX || strspn(digits, "0123456789") != len)
		return -1;
	*ret = strtoll(text, NULL, 10);
	return 0;
}

static int
get_number(const json_t *o, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	const json_t *v = json_object_get(o, key);
	int64_t n = 0;

	if (json_is_integer(v))
		n = json_integer_value(v);
	else if (!json_is_string(v) || number_of_text(json_string_value(v), &n) < 0)
		return -1;
	if (n < min || n > max)
		return -1;
	*ret = n;
	return 0;
}

/* A word in capitals, as all names of theirs are; anything else is left out. */
static void
get_word(const json_t *o, const char *key, char ret[LINK_WORD_MAX])
{
	const char *text = json_string_value(json_object_get(o, key));
	size_t len = 0;

	ret[0] = '\0';
	while (text != NULL && (isalnum((unsigned char)text[len]) || text[len] == '_'))
		len++;
	if (len == 0 || text[len] != '\0' || len >= LINK_WORD_MAX)
		return;
	memcpy(ret, text, len + 1);
}

struct moment {
	int64_t now_s, wall_ms;
};

/* By our clock. */
static int64_t
at_wall(const struct moment *m, int64_t s)
{
	return m->wall_ms + (s - m->now_s) * 1000;
}

static int
read_timelock(const json_t *o, const struct moment *m, struct link_account *a)
{
	const json_t *active = json_object_get(o, "is_active");
	int64_t ends = 0;

	if (!json_is_boolean(active))
		return -1;
	a->has_timelock = true;
	a->timelock.active = json_is_true(active);
	a->timelock.until_ms = 0;
	get_word(o, "enforcement_type", a->timelock.type);
	if (!a->timelock.active)
		return 0;
	if (get_number(o, "time_enforcement_ends", 0, SECONDS_MAX, &ends) < 0 || ends <= m->now_s)
		ends = m->now_s + MEX_LOCK_S;
	a->timelock.until_ms = at_wall(m, ends);
	return 0;
}

/* A quota of 0 is none that could be used up. */
static int
read_cap(const json_t *o, const struct moment *m, struct link_account *a)
{
	struct link_chat_cap cap = {.quota = -1};
	int64_t ends = 0;
	const bool counted = get_number(o, "total_quota", -1, COUNT_MAX, &cap.quota) == 0;

	get_word(o, "capping_status", cap.status);
	if (!counted && cap.status[0] == '\0')
		return -1;
	if (get_number(o, "used_quota", 0, COUNT_MAX, &cap.used) < 0)
		cap.used = 0;
	cap.capped = strcmp(cap.status, "CAPPED") == 0 || (cap.quota > 0 && cap.used >= cap.quota);
	if (get_number(o, "cycle_end_timestamp", 0, SECONDS_MAX, &ends) == 0 && ends > m->now_s)
		cap.until_ms = at_wall(m, ends);
	a->has_cap = true;
	a->cap = cap;
	return 0;
}

/* What stands in `data`, whoever asked. */
static const struct {
	const char *path;
	int (*read)(const json_t *o, const struct moment *m, struct link_account *a);
} paths[] = {
    {"xwa2_fetch_account_reachout_timelock", read_timelock},
    {"xwa2_notify_account_reachout_timelock", read_timelock},
    {"xwa2_message_capping_info", read_cap},
    {"xwa2_notify_new_chat_messages_capping_info_update", read_cap},
};

int
mex_read(const uint8_t *json, size_t len, int64_t now_s, int64_t wall_ms, struct link_account *ret)
{
	const struct moment moment = {now_s, wall_ms};
	struct link_account a = {0};
	const json_t *data;
	json_t *root;

	if (json == NULL || len > MEX_JSON_MAX)
		return -1;
	root = json_loadb((const char *)json, len, 0, NULL);
	data = json_object_get(root, "data");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const json_t *o = json_object_get(data, paths[i].path);

		if (json_is_object(o))
			(void)paths[i].read(o, &moment, &a);
	}
	json_decref(root);
	if (!a.has_timelock && !a.has_cap)
		return -1;
	*ret = a;
	return 0;
}
