/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why links end: every end has its row, every code of the protocol its end. */
#include "tests/unit/cmocka_all.h"

#include <ctype.h>
#include <string.h>

#include "common/wa/node.h"
#include "waconnd/link/link_error.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NOW 1700000000000

static bool
is_stable_code(const char *code)
{
	for (const char *p = code; *p != '\0'; p++)
		if (!islower((unsigned char)*p) && *p != '_')
			return false;
	return code[0] != '\0';
}

static bool
is_sentence(const char *text)
{
	return text != NULL && strlen(text) > 10 && isupper((unsigned char)text[0]) &&
	       text[strlen(text) - 1] == '.';
}

static void
test_every_end_has_its_row(void **state)
{
	(void)state;
	for (int i = 0; i < LINK_END_COUNT; i++) {
		const struct link_reason *r = link_reason((enum link_end)i);

		assert_int_equal(r->end, i);
		assert_true(is_stable_code(r->code));
		assert_true(is_sentence(r->message));
		assert_true(is_sentence(r->message_id));
		assert_true(is_sentence(r->action));
		assert_true(is_sentence(r->action_id));
		assert_string_not_equal(r->message, r->message_id);
		/* What turns into something else turns into something final. */
		assert_true(r->tries == 0 || link_reason(r->last)->follow == LINK_FOLLOW_STOP);
		/* Keys are given up only where nothing comes back by itself. */
		assert_true(!r->erase || r->follow == LINK_FOLLOW_STOP);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(link_reason((enum link_end)k)->code, r->code);
	}
}

static void
test_contract_codes(void **state)
{
	static const struct {
		enum link_end end;
		const char *code;
		enum link_follow follow;
		bool erase;
	} rows[] = {
	    {LINK_END_LOGGED_OUT, "logged_out", LINK_FOLLOW_STOP, true},
	    {LINK_END_BANNED, "banned", LINK_FOLLOW_STOP, true},
	    {LINK_END_LOCKED, "account_locked", LINK_FOLLOW_STOP, false},
	    {LINK_END_TEMP_BANNED, "temporarily_banned", LINK_FOLLOW_LATER, false},
	    {LINK_END_OUTDATED, "client_outdated", LINK_FOLLOW_STOP, false},
	    {LINK_END_REPLACED, "replaced", LINK_FOLLOW_STOP, false},
	    {LINK_END_WRONG_NUMBER, "wrong_number", LINK_FOLLOW_STOP, false},
	    {LINK_END_PASSKEY, "passkey_required", LINK_FOLLOW_STOP, false},
	    {LINK_END_PASSKEY_REFUSED, "passkey_refused", LINK_FOLLOW_STOP, false},
	    {LINK_END_RESTART, "restart", LINK_FOLLOW_NOW, false},
	    {LINK_END_ASKED, "closed", LINK_FOLLOW_NONE, false},
	    {LINK_END_SILENT, "timeout", LINK_FOLLOW_BACKOFF, false},
	    {LINK_END_CLOSED, "connection_lost", LINK_FOLLOW_BACKOFF, false},
	    {LINK_END_UNAVAILABLE, "server_unavailable", LINK_FOLLOW_BACKOFF, false},
	    {LINK_END_RATE_LIMITED, "rate_limited", LINK_FOLLOW_LATER, false},
	    {LINK_END_POSTPONED, "login_postponed", LINK_FOLLOW_LATER, false},
	    {LINK_END_LOST, "account_lost", LINK_FOLLOW_STOP, true},
	    {LINK_END_UNAUTHORIZED, "unauthorized", LINK_FOLLOW_NOW, false},
	    {LINK_END_MALFORMED, "malformed_stanza", LINK_FOLLOW_BACKOFF, false},
	    {LINK_END_MISSED_ACK, "missed_ack", LINK_FOLLOW_BACKOFF, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct link_reason *r = link_reason(rows[i].end);

		assert_string_equal(r->code, rows[i].code);
		assert_int_equal(r->follow, rows[i].follow);
		assert_int_equal(r->erase, rows[i].erase);
	}
}

static void
test_failures(void **state)
{
	static const struct {
		const char *reason;
		enum link_end end;
	} rows[] = {
	    {"400", LINK_END_REJECTED},
	    {"401", LINK_END_LOGGED_OUT},
	    {"402", LINK_END_TEMP_BANNED},
	    {"403", LINK_END_LOCKED},
	    {"405", LINK_END_OUTDATED},
	    {"406", LINK_END_BANNED},
	    {"409", LINK_END_REJECTED},
	    {"411", LINK_END_REJECTED},
	    {"412", LINK_END_REJECTED},
	    {"413", LINK_END_REJECTED},
	    {"414", LINK_END_REJECTED},
	    {"415", LINK_END_REJECTED},
	    {"418", LINK_END_REJECTED},
	    {"419", LINK_END_REJECTED},
	    {"429", LINK_END_RATE_LIMITED},
	    {"500", LINK_END_UNAVAILABLE},
	    {"501", LINK_END_POSTPONED},
	    {"503", LINK_END_UNAVAILABLE},
	    {"999", LINK_END_REJECTED}, /* nobody has seen it yet: final */
	    {"x", LINK_END_REJECTED},
	    {NULL, LINK_END_REJECTED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct node *n = node_new("failure", "reason", rows[i].reason, NULL);
		struct link_error e;

		link_error_of_failure(n, NOW, &e);
		assert_int_equal(e.end, rows[i].end);
		assert_true(strlen(e.detail) > 0);
		assert_int_equal(e.until_ms, 0);
		if (rows[i].reason != NULL && rows[i].reason[0] != 'x')
			assert_non_null(strstr(e.detail, rows[i].reason));
		node_free(&n);
	}
}

static void
test_bans(void **state)
{
	static const struct {
		const char *code, *expire, *text;
		int64_t until_ms;
	} rows[] = {
	    {"101", "60", "contacts", NOW + 60000}, {"102", "3600", "blocked", NOW + 3600000},
	    {"103", NULL, "groups", 0}, {"104", "0", "same message", 0},
	    {"106", "-5", "broadcast", 0}, {"777", "60", "temporarily banned", NOW + 60000},
	    {NULL, "99999999999999", "temporarily banned", 0}, /* absurd */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct node *n = node_new("failure", "reason", "402", "code", rows[i].code,
		    "expire", rows[i].expire, NULL);
		struct link_error e;

		link_error_of_failure(n, NOW, &e);
		assert_int_equal(e.end, LINK_END_TEMP_BANNED);
		assert_non_null(strstr(e.detail, rows[i].text));
		assert_int_equal(e.until_ms, rows[i].until_ms);
		node_free(&n);
	}
}

static void
test_lock_says_what_whatsapp_says(void **state)
{
	struct node *n = node_new("failure", "reason", "403", "logout_message_header",
	    "Account locked", "logout_message_subtext", "Open WhatsApp", NULL);
	struct link_error e;

	(void)state;
	link_error_of_failure(n, NOW, &e);
	assert_int_equal(e.end, LINK_END_LOCKED);
	assert_string_equal(e.detail, "Account locked: Open WhatsApp");
	node_free(&n);
}

static void
test_stream_errors(void **state)
{
	static const struct {
		const char *code, *conflict, *child;
		enum link_end end;
	} rows[] = {
	    {"515", NULL, NULL, LINK_END_RESTART},
	    {"401", "device_removed", NULL, LINK_END_LOGGED_OUT},
	    {NULL, "device_removed", NULL, LINK_END_LOGGED_OUT},
	    {"401", NULL, NULL, LINK_END_UNAUTHORIZED}, /* to be confirmed by a login */
	    {"516", NULL, NULL, LINK_END_UNAUTHORIZED},
	    {NULL, "replaced", NULL, LINK_END_REPLACED},
	    {"440", "replaced", NULL, LINK_END_REPLACED},
	    {"409", NULL, NULL, LINK_END_REPLACED},
	    {"429", NULL, NULL, LINK_END_RATE_LIMITED},
	    {"503", NULL, NULL, LINK_END_UNAVAILABLE},
	    {"500", NULL, NULL, LINK_END_UNAVAILABLE},
	    {"413", NULL, NULL, LINK_END_UNAVAILABLE},
	    {"999", NULL, NULL, LINK_END_UNAVAILABLE},
	    {NULL, NULL, "xml-not-well-formed", LINK_END_MALFORMED},
	    {NULL, NULL, "ack", LINK_END_MISSED_ACK},
	    {"500", NULL, "ack", LINK_END_MISSED_ACK},
	    {NULL, NULL, "mystery", LINK_END_UNAVAILABLE},
	    {NULL, "mystery", NULL, LINK_END_UNAVAILABLE},
	    {NULL, NULL, NULL, LINK_END_UNAVAILABLE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct node *n = node_new("stream:error", "code", rows[i].code, NULL);
		struct link_error e;

		if (rows[i].conflict != NULL)
			(void)node_child(n, "conflict", "type", rows[i].conflict, NULL);
		if (rows[i].child != NULL)
			(void)node_child(
			    n, rows[i].child, "class", "receipt", "id", "3EB0A1", NULL);
		link_error_of_stream(n, &e);
		assert_int_equal(e.end, rows[i].end);
		assert_true(strlen(e.detail) > 0);
		if (rows[i].child != NULL)
			assert_non_null(strstr(e.detail, "receipt 3EB0A1"));
		node_free(&n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_end_has_its_row),
	    cmocka_unit_test(test_contract_codes),
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_bans),
	    cmocka_unit_test(test_lock_says_what_whatsapp_says),
	    cmocka_unit_test(test_stream_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
