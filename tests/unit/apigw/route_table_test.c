/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths to rows; and that every row can be reached. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "apigw/route_table.h"

static void
matches(void **state)
{
	static const struct {
		const char *method, *path;
		int op; /* -1: no path, -2: path, but not the method */
		const char *id;
	} rows[] = {
	    {"GET", "/api/outlets/status", IPC__REQUEST__OP_STATUS_LIST, ""},
	    {"HEAD", "/api/outlets/status", IPC__REQUEST__OP_STATUS_LIST, ""},
	    {"GET", "/api/outlets/outlet_1/status", IPC__REQUEST__OP_STATUS_GET, "outlet_1"},
	    {"GET", "/api/outlets/statusx", IPC__REQUEST__OP_OUTLET_GET, "statusx"},
	    {"POST", "/api/blasts/preview", IPC__REQUEST__OP_BLAST_PREVIEW, ""},
	    {"GET", "/api/blasts/b-1/recipients", IPC__REQUEST__OP_BLAST_RECIPIENTS, "b-1"},
	    {"GET", "/api/outlets/x/pairing-code", IPC__REQUEST__OP_OUTLET_PAIRING_CODE, "x"},
	    {"GET", "/api/outlets/x/passkey", IPC__REQUEST__OP_OUTLET_PASSKEY, "x"},
	    {"POST", "/api/outlets/x/passkey", IPC__REQUEST__OP_OUTLET_PASSKEY_ANSWER, "x"},
	    {"POST", "/api/outlets/x/passkey/confirm", IPC__REQUEST__OP_OUTLET_PASSKEY_CONFIRM,
		"x"},
	    {"POST", "/api/outlets/x/pairing-code", -2, NULL},
	    {"DELETE", "/api/outlets/x", IPC__REQUEST__OP_OUTLET_REMOVE, "x"},
	    {"DELETE", "/api/outlets", -2, NULL},
	    {"DELETE", "/api/outlets/status", -2, NULL},
	    {"TRACE", "/healthz", -2, NULL},
	    {"GET", "/api/outlets/", -1, NULL},
	    {"GET", "/api/outlets/a/", -1, NULL},
	    {"GET", "/api/outlets/a%2fb", -1, NULL},
	    {"GET", "/api/outlets/../users", -1, NULL},
	    {"GET", "/api//outlets", -1, NULL},
	    {"GET", "/API/outlets", -1, NULL},
	    {"GET", "/", -1, NULL},
	    {"GET",
		"/api/outlets/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		-1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char id[ROUTE_ID_MAX + 1], allow[64];
		bool known = false;
		const struct route *r =
		    route_find(rows[i].method, rows[i].path, id, &known, allow, sizeof(allow));

		if (rows[i].op < 0) {
			assert_null(r);
			assert_int_equal(known, rows[i].op == -2);
			continue;
		}
		assert_non_null(r);
		assert_int_equal(r->op, rows[i].op);
		assert_string_equal(id, rows[i].id);
	}
}

static void
allow_names_all(void **state)
{
	char id[ROUTE_ID_MAX + 1], allow[64];
	bool known;

	(void)state;
	assert_null(route_find("PUT", "/api/outlets/o1", id, &known, allow, sizeof(allow)));
	assert_string_equal(allow, "GET, HEAD, PATCH, DELETE");
}

static void
every_row_is_reached(void **state)
{
	(void)state;
	for (const struct route *r = route_table(); r->method != NULL; r++) {
		char path[128], id[ROUTE_ID_MAX + 1], allow[64];
		const char *brace = strchr(r->path, '{');
		bool known;

		(void)snprintf(path, sizeof(path), "%.*s%s%s",
		    brace == NULL ? (int)strlen(r->path) : (int)(brace - r->path), r->path,
		    brace == NULL ? "" : "x1", brace == NULL ? "" : strchr(brace, '}') + 1);
		path[strcspn(path, "?")] = '\0';
		assert_ptr_equal(route_find(r->method, path, id, &known, allow, sizeof(allow)), r);
		assert_true((r->run != NULL) != (r->build != NULL));
		assert_true(r->run != NULL || r->deadline_ms > 0);
	}
}

static void
parameters_are_the_rows_own(void **state)
{
	static const struct {
		const char *method, *path, *name;
		bool taken;
	} rows[] = {
	    {"GET", "/api/blasts", "limit", true},
	    {"GET", "/api/blasts", "q", true},
	    {"GET", "/api/blasts", "lim", false},
	    {"GET", "/api/blasts", "limits", false},
	    {"GET", "/api/blasts", "", false},
	    {"GET", "/api/blasts", "limit&cursor", false},
	    {"POST", "/api/blasts", "limit", false},
	    {"GET", "/api/blasts/b1", "limit", false},
	    {"GET", "/api/events", "lastEventId", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char id[ROUTE_ID_MAX + 1], allow[64];
		const struct route *r;
		bool known;

		r = route_find(rows[i].method, rows[i].path, id, &known, allow, sizeof(allow));
		assert_non_null(r);
		assert_int_equal(route_takes(r, rows[i].name, strlen(rows[i].name)), rows[i].taken);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(matches),
	    cmocka_unit_test(allow_names_all), cmocka_unit_test(every_row_is_reached),
	    cmocka_unit_test(parameters_are_the_rows_own)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
