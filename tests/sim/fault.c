/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Faults: what a test arms, when it strikes, and what it does. The table of actions says which
 * moments each has; docs/simulator.md describes them for those who write tests.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "tests/sim/server.h"

#define FAULTS_MAX 1000
#define TEXT_MAX 32
#define MS_MAX (24 * 3600 * 1000)
#define CLOCK_MS_MAX (400 * INT64_C(24) * 3600 * 1000)

enum when { WHEN_NOW, WHEN_LOGIN, WHEN_CONNECT, WHEN_MESSAGE, WHEN_CODE, WHEN_QUERY, WHEN_COUNT };
#define AT(when) (1u << (when))

static const char *const when_names[WHEN_COUNT] = {
    "now", "login", "connect", "message", "code", "query"};

struct fault {
	STAILQ_ENTRY(fault) entry;
	unsigned id;
	const struct fault_action *action;
	enum when when;
	int times;		    /* -1: for ever */
	char phone[DIGITS_MAX + 1]; /* "": every connection */
	int device;		    /* -1: every one */
	int64_t ms;
	unsigned error;
	char code[TEXT_MAX], conflict[TEXT_MAX], reason[TEXT_MAX], expire[TEXT_MAX];
	char child[TEXT_MAX];
	char xmlns[TEXT_MAX]; /* "": every query */
};

struct fault_action {
	const char *name;
	unsigned moments; /* AT(…) | … */
	/* What it does to a connection; true: a login is answered with it. */
	bool (*strike)(struct conn *c, const struct fault *f);
	enum fault_accept accept;
	enum fault_message message;
	bool pairing_only;
	bool speaks; /* a stanza: after the handshake only */
};

/* -- what they do --------------------------------------------------------------------- */

static bool
stream_error(struct conn *c, const struct fault *f)
{
	struct node *n;

	if (f->child[0] == '\0') {
		conn_stream_error(c, f->code, f->conflict);
		return true;
	}
	n = node_new("stream:error", "code", f->code, NULL);
	(void)node_child(n, f->child, "class", "message", "id", "3EB0C0FFEE", NULL);
	conn_send(c, n);
	conn_end(c, false);
	return true;
}

static bool
stream_end(struct conn *c, const struct fault *f)
{
	(void)f;
	conn_send(c, node_new("xmlstreamend", NULL));
	conn_end(c, false);
	return true;
}

static bool
ping(struct conn *c, const struct fault *f)
{
	(void)f;
	conn_ping(c);
	return false;
}

static bool
set_clock(struct conn *c, const struct fault *f)
{
	c->clock_ms = f->ms;
	return false;
}

static bool
forget_prekeys(struct conn *c, const struct fault *f)
{
	(void)f;
	if (c->device != NULL)
		c->device->prekey_first = c->device->prekey_count = 0;
	return false;
}

static bool
wrong_digest(struct conn *c, const struct fault *f)
{
	(void)f;
	c->wrong_digest = true;
	return false;
}

static bool
failure(struct conn *c, const struct fault *f)
{
	conn_send(c, node_new("failure", "reason", f->reason, "location", "sim", "code", f->code,
			 "expire", f->expire, NULL));
	conn_end(c, false);
	return true;
}

static bool
close_it(struct conn *c, const struct fault *f)
{
	(void)f;
	conn_end(c, false);
	return true;
}

static bool
reset_it(struct conn *c, const struct fault *f)
{
	(void)f;
	conn_end(c, true);
	return true;
}

static bool
silence(struct conn *c, const struct fault *f)
{
	conn_silence(c, f->ms);
	return false;
}

static bool
refresh_code(struct conn *c, const struct fault *f)
{
	(void)f;
	return pair_code_refresh(c);
}

static bool
garbage(struct conn *c, const struct fault *f)
{
	(void)f;
	conn_garbage(c);
	return true;
}

static bool
delay(struct conn *c, const struct fault *f)
{
	conn_delay(c, f->ms);
	return false;
}

static bool
split(struct conn *c, const struct fault *f)
{
	(void)f;
	conn_split(c);
	return false;
}

/* clang-format off */
static const struct fault_action actions[] = {
	{"stream_error", AT(WHEN_NOW) | AT(WHEN_LOGIN), stream_error, FAULT_ACCEPT, FAULT_NONE, false, true},
	{"stream_end",   AT(WHEN_NOW) | AT(WHEN_LOGIN), stream_end, FAULT_ACCEPT, FAULT_NONE, false, true},
	{"ping",         AT(WHEN_NOW), ping, FAULT_ACCEPT, FAULT_NONE, false, true},
	{"clock",        AT(WHEN_CONNECT), set_clock, FAULT_ACCEPT, FAULT_NONE, false},
	{"forget_prekeys", AT(WHEN_NOW), forget_prekeys, FAULT_ACCEPT, FAULT_NONE, false},
	{"wrong_digest", AT(WHEN_LOGIN), wrong_digest, FAULT_ACCEPT, FAULT_NONE, false},
	{"failure",      AT(WHEN_LOGIN), failure, FAULT_ACCEPT, FAULT_NONE, false},
	{"close",        AT(WHEN_NOW) | AT(WHEN_LOGIN) | AT(WHEN_CONNECT), close_it, FAULT_CLOSE, FAULT_NONE, false},
	{"reset",        AT(WHEN_NOW) | AT(WHEN_LOGIN) | AT(WHEN_CONNECT), reset_it, FAULT_RESET, FAULT_NONE, false},
	{"silence",      AT(WHEN_NOW) | AT(WHEN_LOGIN) | AT(WHEN_CONNECT), silence, FAULT_HOLD, FAULT_NONE, false},
	{"garbage",      AT(WHEN_NOW) | AT(WHEN_LOGIN), garbage, FAULT_ACCEPT, FAULT_NONE, false},
	{"delay",        AT(WHEN_NOW) | AT(WHEN_CONNECT), delay, FAULT_ACCEPT, FAULT_NONE, false},
	{"split",        AT(WHEN_NOW) | AT(WHEN_CONNECT), split, FAULT_ACCEPT, FAULT_NONE, false},
	{"qr_expire",    AT(WHEN_NOW), close_it, FAULT_ACCEPT, FAULT_NONE, true},
	{"code_refresh", AT(WHEN_NOW), refresh_code, FAULT_ACCEPT, FAULT_NONE, true},
	{"code_error",   AT(WHEN_CODE), NULL, FAULT_ACCEPT, FAULT_NONE, false},
	{"refuse",       AT(WHEN_NOW), NULL, FAULT_RESET, FAULT_NONE, false},
	{"ack_error",    AT(WHEN_MESSAGE), NULL, FAULT_ACCEPT, FAULT_ACK_ERROR, false},
	{"drop_ack",     AT(WHEN_MESSAGE), NULL, FAULT_ACCEPT, FAULT_DROP_ACK, false},
	{"lose_message", AT(WHEN_MESSAGE), NULL, FAULT_ACCEPT, FAULT_LOSE, false},
	{"query_error",  AT(WHEN_QUERY), NULL, FAULT_ACCEPT, FAULT_NONE, false},
};
/* clang-format on */

static const struct fault_action *
action_find(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

/* -- reading -------------------------------------------------------------------------- */

static const char *const field_names[] = {"action", "when", "phone", "device", "times", "ms",
    "error", "code", "conflict", "reason", "expire", "child", "xmlns"};

static bool
known_field(const char *name)
{
	for (size_t i = 0; i < sizeof(field_names) / sizeof(field_names[0]); i++)
		if (strcmp(field_names[i], name) == 0)
			return true;
	return false;
}

/* Codes may be written as numbers. */
static int
read_text(const json_t *json, const char *name, char *ret, size_t size)
{
	const json_t *v = json_object_get(json, name);
	int n = 0;

	if (v == NULL)
		return 0;
	if (json_is_integer(v))
		n = snprintf(ret, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_string(v))
		n = snprintf(ret, size, "%s", json_string_value(v));
	else
		return -1;
	return n >= 0 && (size_t)n < size ? 0 : -1;
}

static int
read_int(const json_t *json, const char *name, int64_t min, int64_t max, int64_t *value)
{
	const json_t *v = json_object_get(json, name);

	if (v == NULL)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return -1;
	*value = json_integer_value(v);
	return 0;
}

static int
read_when(const json_t *json, enum when *ret_when)
{
	const json_t *v = json_object_get(json, "when");

	for (unsigned i = 0; v != NULL && i < WHEN_COUNT; i++) {
		if (json_is_string(v) && strcmp(json_string_value(v), when_names[i]) == 0) {
			*ret_when = (enum when)i;
			return 0;
		}
	}
	return v == NULL ? 0 : -1;
}

static const char *
read_fields(const json_t *json, struct fault *f)
{
	int64_t device = -1, times = 1, ms = 0, error = 0;

	if (read_text(json, "phone", f->phone, sizeof(f->phone)) != 0 ||
	    read_text(json, "code", f->code, sizeof(f->code)) != 0 ||
	    read_text(json, "conflict", f->conflict, sizeof(f->conflict)) != 0 ||
	    read_text(json, "reason", f->reason, sizeof(f->reason)) != 0 ||
	    read_text(json, "expire", f->expire, sizeof(f->expire)) != 0 ||
	    read_text(json, "child", f->child, sizeof(f->child)) != 0 ||
	    read_text(json, "xmlns", f->xmlns, sizeof(f->xmlns)) != 0)
		return "phone, code, conflict, child, reason, expire and xmlns are short texts";
	if (read_int(json, "device", 0, UINT8_MAX, &device) != 0 ||
	    read_int(json, "times", -1, INT32_MAX, &times) != 0 ||
	    read_int(json, "ms", 0, f->action->strike == set_clock ? CLOCK_MS_MAX : MS_MAX, &ms) !=
		0 ||
	    read_int(json, "error", 1, UINT16_MAX, &error) != 0)
		return "device, times, ms and error are numbers within their limits";
	f->device = (int)device;
	f->times = (int)times;
	f->ms = ms;
	f->error = (unsigned)error;
	return NULL;
}

static const char *
check_fault(const struct fault *f)
{
	if ((f->action->moments & AT(f->when)) == 0)
		return "this action does not happen at that moment (when)";
	if (f->when == WHEN_CONNECT && f->phone[0] != '\0')
		return "a connection has no phone yet when it is accepted";
	if (f->action->strike == failure && f->reason[0] == '\0')
		return "a failure needs a reason";
	if (f->action->message == FAULT_ACK_ERROR && f->error == 0)
		return "ack_error needs an error";
	if (f->when == WHEN_CODE && f->error == 0)
		return "code_error needs an error";
	if (f->when == WHEN_QUERY && f->error == 0)
		return "query_error needs an error";
	return NULL;
}

static const char *
read_fault(const json_t *json, struct fault *f)
{
	const char *name, *error;
	const json_t *value;

	if (!json_is_object(json))
		return "a fault is an object";
	json_object_foreach((json_t *)(uintptr_t)json, name,
	    value) if (!known_field(name)) return "a fault has no such field";
	f->action = action_find(json_string_value(json_object_get(json, "action")));
	if (f->action == NULL)
		return "no such action";
	f->when = WHEN_NOW;
	while ((f->action->moments & AT(f->when)) == 0) /* the first that it has */
		f->when++;
	if (read_when(json, &f->when) != 0)
		return "when is now, login, connect, message, code or query";
	error = read_fields(json, f);
	return error != NULL ? error : check_fault(f);
}

/* -- arming --------------------------------------------------------------------------- */

static void
fault_free(struct sim *s, struct fault *f)
{
	STAILQ_REMOVE(&s->faults, f, fault, entry);
	free(f);
}

static bool
meant(const struct fault *f, const struct conn *c)
{
	const struct device *d = c->device;

	if (c->state == CONN_ENDING || (f->action->pairing_only && c->state != CONN_PAIRING))
		return false;
	if (f->phone[0] == '\0')
		return true;
	return d != NULL && strcmp(d->account->phone, f->phone) == 0 &&
	       (f->device < 0 || (unsigned)f->device == d->number);
}

static void
strike_now(struct sim *s, const struct fault *f)
{
	struct conn *c;

	TAILQ_FOREACH(c, &s->conns, entry)
	if (meant(f, c) && (c->state > CONN_FINISH || !f->action->speaks))
		(void)f->action->strike(c, f);
}

/* In force until it is ended: with `times` 0, or forgotten. */
static void
refuse(struct sim *s, struct fault *f)
{
	struct fault *other, *next;

	f->when = WHEN_CONNECT;
	for (other = STAILQ_FIRST(&s->faults); other != NULL; other = next) {
		next = STAILQ_NEXT(other, entry);
		if (other->action == f->action)
			fault_free(s, other);
	}
}

static unsigned
count(const struct sim *s)
{
	const struct fault *f;
	unsigned n = 0;

	STAILQ_FOREACH(f, &s->faults, entry)
	n++;
	return n;
}

int
fault_arm(struct sim *s, const json_t *fault, unsigned *ret_id, const char **ret_error)
{
	struct fault *f = xcalloc(1, sizeof(*f));

	*ret_error = read_fault(fault, f);
	if (*ret_error == NULL && count(s) >= FAULTS_MAX)
		*ret_error = "too many faults are armed";
	if (*ret_error != NULL) {
		free(f);
		return -1;
	}
	*ret_id = f->id = ++s->last_fault;
	if (f->action->strike == NULL && f->when == WHEN_NOW) {
		refuse(s, f);
		if (json_object_get(fault, "times") == NULL)
			f->times = -1;
	}
	if (f->when == WHEN_NOW)
		strike_now(s, f);
	if (f->when == WHEN_NOW || f->times == 0)
		free(f);
	else
		STAILQ_INSERT_TAIL(&s->faults, f, entry);
	return 0;
}

static void
put_text(json_t *o, const char *name, const char *text)
{
	if (text[0] != '\0')
		(void)json_object_set_new(o, name, json_string(text));
}

json_t *
fault_list(struct sim *s)
{
	json_t *list = json_array();
	const struct fault *f;

	STAILQ_FOREACH(f, &s->faults, entry)
	{
		json_t *o = json_pack("{s:i, s:s, s:s, s:i}", "id", (int)f->id, "action",
		    f->action->name, "when", when_names[f->when], "times", f->times);

		put_text(o, "phone", f->phone);
		put_text(o, "code", f->code);
		put_text(o, "conflict", f->conflict);
		put_text(o, "child", f->child);
		put_text(o, "reason", f->reason);
		put_text(o, "expire", f->expire);
		put_text(o, "xmlns", f->xmlns);
		if (f->device >= 0)
			(void)json_object_set_new(o, "device", json_integer(f->device));
		if (f->ms != 0)
			(void)json_object_set_new(o, "ms", json_integer(f->ms));
		if (f->error != 0)
			(void)json_object_set_new(o, "error", json_integer(f->error));
		(void)json_array_append_new(list, o);
	}
	return list;
}

bool
fault_forget(struct sim *s, unsigned id)
{
	struct fault *f, *next;
	bool found = false;

	for (f = STAILQ_FIRST(&s->faults); f != NULL; f = next) {
		next = STAILQ_NEXT(f, entry);
		if (id == 0 || f->id == id) {
			fault_free(s, f);
			found = true;
		}
	}
	return found;
}

void
fault_free_all(struct sim *s)
{
	(void)fault_forget(s, 0);
}

/* -- striking ------------------------------------------------------------------------- */

/* One less to come; a copy, since the last one goes. */
static struct fault
use(struct sim *s, struct fault *f)
{
	const struct fault used = *f;

	log_info("fault", LOG_STR("action", f->action->name), LOG_STR("when", when_names[f->when]),
	    LOG_PHONE("phone", f->phone));
	if (f->times > 0 && --f->times == 0)
		fault_free(s, f);
	return used;
}

static bool
names(const struct fault *f, const char *phone, unsigned device)
{
	return (f->phone[0] == '\0' || strcmp(f->phone, phone) == 0) &&
	       (f->device < 0 || (unsigned)f->device == device);
}

enum fault_accept
fault_accepting(struct sim *s, int64_t *ret_ms)
{
	struct fault *f;

	STAILQ_FOREACH(f, &s->faults, entry)
	{
		if (f->when == WHEN_CONNECT && f->action->accept != FAULT_ACCEPT) {
			*ret_ms = f->ms;
			return use(s, f).action->accept;
		}
	}
	return FAULT_ACCEPT;
}

void
fault_connected(struct conn *c)
{
	struct fault *f, *next;

	for (f = STAILQ_FIRST(&c->sim->faults); f != NULL; f = next) {
		next = STAILQ_NEXT(f, entry);
		if (f->when == WHEN_CONNECT && f->action->accept == FAULT_ACCEPT) {
			const struct fault used = use(c->sim, f);

			(void)used.action->strike(c, &used);
		}
	}
}

bool
fault_login(struct conn *c)
{
	struct fault *f, *next;
	char phone[24];

	(void)snprintf(phone, sizeof(phone), "%" PRIu64, c->payload.username);
	for (f = STAILQ_FIRST(&c->sim->faults); f != NULL; f = next) {
		next = STAILQ_NEXT(f, entry);
		if (f->when == WHEN_LOGIN && names(f, phone, c->payload.device)) {
			const struct fault used = use(c->sim, f);

			return used.action->strike(c, &used);
		}
	}
	return false;
}

enum fault_message
fault_message(struct sim *s, const struct peer *from, unsigned *ret_error)
{
	struct fault *f;

	STAILQ_FOREACH(f, &s->faults, entry)
	{
		if (f->when == WHEN_MESSAGE && names(f, from->account->phone, peer_number(from))) {
			*ret_error = f->error;
			return use(s, f).action->message;
		}
	}
	return FAULT_NONE;
}

bool
fault_code(struct sim *s, const char *phone, unsigned *ret_error)
{
	struct fault *f;

	STAILQ_FOREACH(f, &s->faults, entry)
	{
		if (f->when == WHEN_CODE && (f->phone[0] == '\0' || strcmp(f->phone, phone) == 0)) {
			*ret_error = f->error;
			(void)use(s, f);
			return true;
		}
	}
	return false;
}

bool
fault_query(struct conn *c, const char *xmlns, unsigned *ret_error)
{
	struct fault *f;

	STAILQ_FOREACH(f, &c->sim->faults, entry)
	{
		if (f->when != WHEN_QUERY || !meant(f, c) ||
		    (f->xmlns[0] != '\0' && (xmlns == NULL || strcmp(f->xmlns, xmlns) != 0)))
			continue;
		*ret_error = use(c->sim, f).error;
		return true;
	}
	return false;
}
