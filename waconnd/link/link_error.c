/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables, and how a stanza is looked up in them. It ends no link and logs nothing. */
#include "waconnd/link/link_error.h"

#include <string.h>

struct code_row {
	int code;
	enum link_end end;
	const char *text;
};

/* clang-format off */
/* By the <conflict type> first: it often comes without a code. */
static const struct {
	const char *type;
	enum link_end end;
	const char *text;
} conflicts[] = {
	{"device_removed", LINK_END_LOGGED_OUT, "the device was removed on the phone"},
	{"replaced",       LINK_END_REPLACED,   "another connection with the same keys"},
};

/* 401 without a conflict and 516 say "removed", too, but not surely: one login settles it. */
static const struct code_row stream_codes[] = {
	{401, LINK_END_UNAUTHORIZED, "unauthorized: a login will tell"},
	{409, LINK_END_REPLACED,     "another connection with the same keys"},
	{429, LINK_END_RATE_LIMITED, "the session is rate limited"},
	{500, LINK_END_UNAVAILABLE,  "server error"},
	{503, LINK_END_UNAVAILABLE,  "the server restarts or is overloaded"},
	{515, LINK_END_RESTART,      "restart required"},
	{516, LINK_END_UNAUTHORIZED, "the device may have been removed: a login will tell"},
};

static const struct {
	const char *tag;
	enum link_end end;
	const char *text;
} stream_children[] = {
	{"xml-not-well-formed", LINK_END_MALFORMED,  "the server calls a stanza of ours malformed"},
	{"ack",                 LINK_END_MISSED_ACK, "the server misses an acknowledgement"},
};

static const struct code_row failures[] = {
	{400, LINK_END_REJECTED,    "bad request: the login payload is malformed"},
	{401, LINK_END_LOGGED_OUT,  "the device was removed, or its keys are not valid"},
	{402, LINK_END_TEMP_BANNED, "temporarily banned"},
	{403, LINK_END_LOCKED,      "account locked, or its phone is gone"},
	{405, LINK_END_OUTDATED,    "client outdated"},
	{406, LINK_END_BANNED,      "banned"},
	{409, LINK_END_REJECTED,    "bad user agent"},
	{411, LINK_END_REJECTED,    "the phone is not set up for linked devices: link again"},
	{412, LINK_END_REJECTED,    "refused"},
	{413, LINK_END_REJECTED,    "token expired"},
	{414, LINK_END_REJECTED,    "token invalid"},
	{415, LINK_END_REJECTED,    "not found"},
	{418, LINK_END_REJECTED,    "client unknown"},
	{419, LINK_END_REJECTED,    "not authorized"},
	{429, LINK_END_RATE_LIMITED, "too many logins"},
	{500, LINK_END_UNAVAILABLE, "server error"},
	{501, LINK_END_POSTPONED,   "experimental"},
	{503, LINK_END_UNAVAILABLE, "server unavailable"},
};

/* Nobody asks again by himself: a person who sees no code does, and soon enough (PROTOCOL section 6). */
static const struct code_row code_refusals[] = {
	{400, LINK_END_CODE_REFUSED,   "bad request, or too many codes for this number"},
	{403, LINK_END_CODE_FORBIDDEN, "forbidden"},
	{429, LINK_END_CODE_THROTTLED, "too many requests"},
	{452, LINK_END_CODE_MISSING,   "not available for this account"},
	{500, LINK_END_CODE_REFUSED,   "server error"},
};

static const struct code_row bans[] = {
	{101, LINK_END_TEMP_BANNED, "too many messages to people who do not have the number in their contacts"},
	{102, LINK_END_TEMP_BANNED, "too many people blocked the number"},
	{103, LINK_END_TEMP_BANNED, "too many groups created"},
	{104, LINK_END_TEMP_BANNED, "the same message to too many people"},
	{106, LINK_END_TEMP_BANNED, "too many messages to broadcast lists"},
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct code_row *
look_up(const struct code_row *rows, size_t n, int64_t code)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

static void
set(struct link_error *ret, enum link_end end, int64_t code, const char *text)
{
	ret->end = end;
	if (code > 0)
		(void)snprintf(
		    ret->detail, sizeof(ret->detail), "%s (%lld)", text, (long long)code);
	else
		(void)snprintf(ret->detail, sizeof(ret->detail), "%s", text);
}

static int64_t
code_of(const struct node *n, const char *key)
{
	int64_t code = 0;

	return node_get_int(n, key, &code) == 0 ? code : 0;
}

/* Which stanza it is about, for those who read the log. */
static void
describe_child(const struct node *child, struct link_error *ret)
{
	const char *class = node_get(child, "class"), *id = node_get(child, "id");
	const size_t len = strlen(ret->detail);

	(void)snprintf(ret->detail + len, sizeof(ret->detail) - len, ": %.40s %.40s %.60s",
	    node_tag(child), class != NULL ? class : "", id != NULL ? id : "");
}

void
link_error_of_stream(const struct node *error, struct link_error *ret)
{
	const char *conflict = node_get(node_find(error, "conflict"), "type");
	const int64_t code = code_of(error, "code");
	const struct code_row *row = look_up(stream_codes, COUNT(stream_codes), code);

	*ret = (struct link_error){0};
	for (size_t i = 0; conflict != NULL && i < COUNT(conflicts); i++) {
		if (strcmp(conflict, conflicts[i].type) == 0) {
			set(ret, conflicts[i].end, code, conflicts[i].text);
			return;
		}
	}
	for (size_t i = 0; i < COUNT(stream_children); i++) {
		if (node_find(error, stream_children[i].tag) != NULL) {
			set(ret, stream_children[i].end, code, stream_children[i].text);
			describe_child(node_find(error, stream_children[i].tag), ret);
			return;
		}
	}
	if (row != NULL) {
		set(ret, row->end, code, row->text);
		return;
	}
	set(ret, LINK_END_UNAVAILABLE, code, "stream error");
	if (node_first(error) != NULL)
		describe_child(node_first(error), ret);
}

static void
describe_ban(const struct node *failure, int64_t now_ms, struct link_error *ret)
{
	const int64_t code = code_of(failure, "code"), expire = code_of(failure, "expire");
	const struct code_row *row = look_up(bans, COUNT(bans), code);

	if (code > 0)
		if (row != NULL)
			set(ret, LINK_END_TEMP_BANNED, code, row->text);
	/* A duration. */
	if (expire > 0 && expire < INT32_MAX)
		ret->until_ms = now_ms + expire * 1000;
}

static void
describe_lock(const struct node *failure, struct link_error *ret)
{
	const char *header = node_get(failure, "logout_message_header");
	const char *subtext = node_get(failure, "logout_message_subtext");

	if (header != NULL)
		(void)snprintf(ret->detail, sizeof(ret->detail), "%s%s%s", header,
		    subtext != NULL ? ": " : "", subtext != NULL ? subtext : "");
}

void
link_error_of_failure(const struct node *failure, int64_t now_ms, struct link_error *ret)
{
	const int64_t reason = code_of(failure, "reason");
	const struct code_row *row = look_up(failures, COUNT(failures), reason);

	*ret = (struct link_error){0};
	/* What nobody has seen yet is final: to try again blindly may make it worse. */
	if (row == NULL)
		set(ret, LINK_END_REJECTED, reason, "refused for an unknown reason");
	else
		set(ret, row->end, reason, row->text);
	if (ret->end == LINK_END_TEMP_BANNED)
		describe_ban(failure, now_ms, ret);
	else if (ret->end == LINK_END_LOCKED || ret->end == LINK_END_BANNED)
		describe_lock(failure, ret);
}

void
link_error_of_code(unsigned code, struct link_error *ret)
{
	const struct code_row *row = look_up(code_refusals, COUNT(code_refusals), code);

	*ret = (struct link_error){0};
	if (row != NULL)
		set(ret, row->end, code, row->text);
	else
		set(ret, LINK_END_CODE_REFUSED, code,
		    code == 0 ? "no answer" : "refused for an unknown reason");
}

static void
print_row(FILE *out, const char *what, int code, enum link_end end, const char *text)
{
	const struct link_reason *r = link_reason(end);
	char last[48] = "";

	if (r->tries > 0)
		(void)snprintf(last, sizeof(last), ", `%s` from the %u. in a row",
		    link_reason(r->last)->code, r->tries + 1);
	(void)fprintf(out, "| %s %d | %s | `%s`%s |\n", what, code, text, r->code, last);
}

void
link_error_print(FILE *out)
{
	(void)fputs(
	    "| the server says | which means | `lastError.code` |\n| --- | --- | --- |\n", out);
	for (size_t i = 0; i < COUNT(conflicts); i++)
		(void)fprintf(out, "| stream:error, conflict `%s` | %s | `%s` |\n",
		    conflicts[i].type, conflicts[i].text, link_reason(conflicts[i].end)->code);
	for (size_t i = 0; i < COUNT(stream_children); i++)
		(void)fprintf(out, "| stream:error, `<%s/>` | %s | `%s` |\n",
		    stream_children[i].tag, stream_children[i].text,
		    link_reason(stream_children[i].end)->code);
	for (size_t i = 0; i < COUNT(stream_codes); i++)
		print_row(out, "stream:error", stream_codes[i].code, stream_codes[i].end,
		    stream_codes[i].text);
	(void)fprintf(out, "| stream:error, anything else | not known | `%s` |\n",
	    link_reason(LINK_END_UNAVAILABLE)->code);
	(void)fprintf(out, "| xmlstreamend, or closed without a word | | `%s` |\n",
	    link_reason(LINK_END_CLOSED)->code);
	for (size_t i = 0; i < COUNT(failures); i++)
		print_row(out, "failure", failures[i].code, failures[i].end, failures[i].text);
	(void)fprintf(out, "| failure, anything else | not known: final | `%s` |\n",
	    link_reason(LINK_END_REJECTED)->code);
	for (size_t i = 0; i < COUNT(code_refusals); i++)
		print_row(out, "pairing code refused,", code_refusals[i].code, code_refusals[i].end,
		    code_refusals[i].text);
}
