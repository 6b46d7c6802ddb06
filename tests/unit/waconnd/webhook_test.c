/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Webhooks without a network: signatures against the specification's own example, URLs that may be
 * given, what answers mean and when it is tried again. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "waconnd/webhook_outcome.h"
#include "waconnd/webhook_place.h"
#include "waconnd/webhook_sign.h"

/* -- signatures -- */

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

/* The example of the specification's libraries, in all their languages. */
static void
test_signature(void **state)
{
	static const char body[] = "{\"test\": 2432232314}";
	struct buf out = BUF_INIT(256);

	(void)state;
	assert_int_equal(webhook_sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body,
			     strlen(body), &out),
	    0);
	assert_string_equal(buf_str(&out), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	/* A second one stands after it. */
	assert_int_equal(
	    webhook_sign("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "id", 0, "", 0, &out), 0);
	assert_int_equal(out.len, 2 * (3 + 44) + 1);
	assert_memory_equal((const char *)out.data + 47, " v1,", 4);
	buf_done(&out);
}

static void
test_secrets(void **state)
{
	static const char *const bad[] = {"", "whsec_", "whsec_x",
	    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_****",
	    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
	char one[WEBHOOK_SECRET_MAX], two[WEBHOOK_SECRET_MAX];
	struct buf out = BUF_INIT(256);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(webhook_sign(bad[i], "id", 0, "", 0, &out), -1);
	assert_int_equal(out.len, 0);
	webhook_secret_make(one);
	webhook_secret_make(two);
	assert_string_not_equal(one, two);
	assert_int_equal(strlen(one), strlen("whsec_") + 44);
	assert_int_equal(webhook_sign(one, "id", 0, "", 0, &out), 0);
	buf_done(&out);
}

/* -- places -- */

static void
test_urls(void **state)
{
	static const struct {
		const char *url, *wrong, *wrong_open; /* with http and 10/8 allowed */
	} rows[] = {
	    {"https://example.com/hook?token=x", NULL, NULL},
	    {"https://example.com:8443", NULL, NULL},
	    {"https://8.8.8.8/", NULL, NULL},
	    {"https://[2606:4700::1111]/", NULL, NULL},
	    {"https://10.0.0.1/", "address", NULL},
	    {"http://10.0.0.1/", "scheme", NULL},
	    {"http://example.com/", "scheme", NULL},
	    {"https://127.0.0.1/", "address", "address"},
	    {"https://127.1/", "address", "address"},
	    {"https://0177.0.0.1/", "address", "address"},
	    {"https://[::1]/", "address", "address"},
	    {"https://[fe80::1%25eth0]/", "address", "address"},
	    {"https://[::ffff:8.8.8.8]/", "address", "address"},
	    {"https://user@example.com/", "credentials", "credentials"},
	    {"https://:pw@example.com/", "credentials", "credentials"},
	    {"https://example.com/#x", "fragment", "fragment"},
	    {"https://example.com:25/", "port", "port"},
	    {"https://example.com:0/", "port", "port"},
	    {"https://example.com:99999/", "not_a_url", "not_a_url"},
	    {"ftp://example.com/", "scheme", "scheme"},
	    {"file:///etc/passwd", "not_a_url", "not_a_url"},
	    {"gopher://example.com/", "scheme", "scheme"},
	    {"example.com", "not_a_url", "not_a_url"},
	    {"", "not_a_url", "not_a_url"},
	    {"https://", "not_a_url", "not_a_url"},
	    {"https://exa mple.com/", "not_a_url", "not_a_url"},
	};
	const struct webhook_places closed = {0};
	struct webhook_places open = {.plain = true, .n_networks = 1};

	(void)state;
	assert_int_equal(address_range_parse("10.0.0.0/8", &open.networks[0]), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *detail = NULL, *wrong;

		for (int k = 0; k < 2; k++) {
			const char *expected = k == 0 ? rows[i].wrong : rows[i].wrong_open;

			wrong = webhook_url_wrong(k == 0 ? &closed : &open, rows[i].url, &detail);
			if (expected == NULL ? wrong != NULL
					     : wrong == NULL || strcmp(wrong, expected) != 0)
				fail_msg("%s: %s", rows[i].url, wrong != NULL ? wrong : "taken");
			assert_true(wrong == NULL || detail != NULL);
		}
	}
}

static void
test_long_url(void **state)
{
	const struct webhook_places closed = {0};
	char url[WEBHOOK_URL_MAX + 2];
	const char *detail;

	(void)state;
	memset(url, 'x', sizeof(url));
	memcpy(url, "https://a/", 10);
	url[WEBHOOK_URL_MAX] = '\0';
	assert_null(webhook_url_wrong(&closed, url, &detail));
	url[WEBHOOK_URL_MAX] = 'x';
	url[WEBHOOK_URL_MAX + 1] = '\0';
	assert_string_equal(webhook_url_wrong(&closed, url, &detail), "not_a_url");
}

/* -- outcomes -- */

static void
test_backoff(void **state)
{
	int64_t all = 0;
	unsigned n = 0;

	(void)state;
	assert_int_equal(webhook_backoff_ms(1, 5000, 0), 5000);
	assert_int_equal(webhook_backoff_ms(2, 5000, 0), 10000);
	assert_int_equal(webhook_backoff_ms(3, 5000, 0), 20000);
	assert_int_equal(webhook_backoff_ms(1, 5000, UINT32_MAX), 2500);
	assert_int_equal(webhook_backoff_ms(11, 5000, 0), WEBHOOK_BACKOFF_MAX_MS);
	assert_int_equal(webhook_backoff_ms(UINT32_MAX, 5000, 0), WEBHOOK_BACKOFF_MAX_MS);
	assert_int_equal(
	    webhook_backoff_ms(UINT32_MAX, 5000, UINT32_MAX), WEBHOOK_BACKOFF_MAX_MS / 2);
	/* A day of it is a few dozen attempts. */
	while (all < 24 * 3600 * 1000)
		all += webhook_backoff_ms(++n, 5000, UINT32_MAX / 2);
	assert_in_range(n, 30, 50);
}

static void
test_outcomes(void **state)
{
	static const struct {
		struct http_answer answer;
		const char *word, *why;
		int64_t delay, hold;
	} rows[] = {
	    {{.status = 200}, "ok", "", 0, 0},
	    {{.status = 204}, "ok", "", 0, 0},
	    {{.status = 299}, "ok", "", 0, 0},
	    {{.status = 199}, "again", "status 199", 1000, 0},
	    {{.status = 404}, "again", "status 404", 1000, 0},
	    {{.status = 410}, "gone", "status 410", 1000, 0},
	    {{.status = 500, .retry_after_s = 60}, "again", "status 500", 1000, 0},
	    {{.status = 503, .retry_after_s = 60}, "again", "status 503", 60000, 60000},
	    {{.status = 429, .retry_after_s = 60}, "again", "status 429", 60000, 60000},
	    {{.status = 429}, "again", "status 429", 1000, 0},
	    {{.status = 302, .location = "https://x/"}, "again",
		"status 302: redirects are not followed, give the URL that it leads to", 1000, 0},
	    {{.failed = "nobody is there", .status = 410}, "again", "nobody is there", 1000, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct webhook_outcome o;

		webhook_judge(&rows[i].answer, 1, 1000, 0, &o);
		assert_string_equal(o.word, rows[i].word);
		assert_string_equal(o.why, rows[i].why);
		assert_int_equal(o.delay_ms, rows[i].delay);
		assert_int_equal(o.hold_ms, rows[i].hold);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_signature),
	    cmocka_unit_test(test_secrets),
	    cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_long_url),
	    cmocka_unit_test(test_backoff),
	    cmocka_unit_test(test_outcomes),
	};

	return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
