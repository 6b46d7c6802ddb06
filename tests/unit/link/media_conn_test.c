/* SPDX-License-Identifier: GPL-3.0-or-later */
/* media_conn: answers of the server, whole and broken, and the addresses that come of them. */
#include "tests/unit/cmocka_all.h"

#include "waconnd/link/media_conn.h"

#include <stdlib.h>
#include <string.h>

static struct node *hosts; /* the parent of those added */

static struct node *
conn(const char *auth, const char *ttl)
{
	struct node *iq = node_new("iq", "type", "result", NULL);

	hosts = node_child(iq, "media_conn", "auth", auth, "ttl", ttl, NULL);
	return iq;
}

static void
add_host(const char *name, const char *max)
{
	(void)node_child(hosts, "host", "hostname", name, "maxContentLengthBytes", max, NULL);
}

static void
test_read(void **state)
{
	struct node *iq = conn("a b/c+d=&x", "120");
	const uint8_t hash[WA_MEDIA_HASH_LEN] = {0xff, 0xef};
	struct media_conn c;
	char url[MEDIA_URL_MAX];

	(void)state;
	add_host("media.fcgk1-1.fna.whatsapp.net", "1000");
	add_host("bad host", NULL);
	add_host("user@evil", NULL);
	add_host("evil/path", NULL);
	add_host("evil:", NULL);
	add_host("evil:8x", NULL);
	add_host(":80", NULL);
	add_host("mmg.whatsapp.net:443", NULL);
	assert_int_equal(media_conn_read(iq, &c), 0);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.ttl_s, 120);
	assert_int_equal(c.hosts[0].max_bytes, 1000);
	assert_int_equal(c.hosts[1].max_bytes, 0);
	assert_int_equal(media_upload_url(&c, 1, false, WA_MEDIA_DOCUMENT, hash, url), 0);
	assert_string_equal(url,
	    "https://mmg.whatsapp.net:443/mms/document/_-8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	    "?auth=a%20b%2Fc%2Bd%3D%26x&token=_-8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	node_free(&iq);
}

static void
test_none(void **state)
{
	struct node *iq = conn("x", NULL);
	struct media_conn c;

	(void)state;
	assert_int_equal(media_conn_read(iq, &c), -1); /* no host */
	for (int i = 0; i < 20; i++)
		add_host("h", NULL);
	assert_int_equal(media_conn_read(iq, &c), 0);
	assert_int_equal(c.n, MEDIA_HOSTS_MAX);
	assert_true(c.ttl_s > 0);
	node_free(&iq);
	iq = conn(NULL, "1");
	add_host("h", NULL);
	assert_int_equal(media_conn_read(iq, &c), -1); /* nothing lets us in */
	node_free(&iq);
	iq = node_new("iq", NULL);
	assert_int_equal(media_conn_read(iq, &c), -1);
	node_free(&iq);
}

static void
test_download(void **state)
{
	static const char *const refused[] = {
	    "https://elsewhere/", "v/x", "", "/a b", "/a\nb", "/a#b", "/a\\b", "/\xc3\xa9"};
	struct wa_media_ref ref = {.direct_path = "/v/t62/1?ccb=1"};
	char url[MEDIA_URL_MAX], *longest = malloc(6000);

	(void)state;
	assert_int_equal(media_download_url("h", false, WA_MEDIA_HISTORY, &ref, url), 0);
	assert_string_equal(url,
	    "https://h/v/t62/1?ccb=1&hash=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	    "&mms-type=md-msg-hist&__wa-mms=");
	ref.direct_path = "/v";
	assert_int_equal(media_download_url("h", true, WA_MEDIA_VIDEO, &ref, url), 0);
	assert_string_equal(url, "http://h/v?hash=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
				 "&mms-type=video&__wa-mms=");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		ref.direct_path = refused[i];
		assert_int_equal(media_download_url("h", false, WA_MEDIA_IMAGE, &ref, url), -1);
	}
	assert_non_null(longest);
	memset(longest, 'x', 5999);
	longest[0] = '/';
	longest[5999] = '\0';
	ref.direct_path = longest;
	assert_int_equal(media_download_url("h", false, WA_MEDIA_IMAGE, &ref, url), -1);
	free(longest);
}

static void
test_uploaded(void **state)
{
	static const char *const refused[] = {"", "{", "[]", "{}", "{\"direct_path\":1}",
	    "{\"url\":\"https://h/v\"}", "{\"direct_path\":\"https://h/\"}",
	    "{\"direct_path\":\"/a b\"}"};
	char *url = NULL, *path = NULL;
	const char *whole =
	    "{\"url\":\"https://mmg.whatsapp.net/v/x?a\",\"direct_path\":\"/v/x?a\"}";
	const char *half = "{\"direct_path\":\"/v\"}";

	(void)state;
	assert_int_equal(media_uploaded_read(whole, strlen(whole), "h", &url, &path), 0);
	assert_string_equal(url, "https://mmg.whatsapp.net/v/x?a");
	assert_string_equal(path, "/v/x?a");
	free(url);
	free(path);
	assert_int_equal(media_uploaded_read(half, strlen(half), "h", &url, &path), 0);
	assert_string_equal(url, "https://h/v");
	free(url);
	free(path);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(
		    media_uploaded_read(refused[i], strlen(refused[i]), "h", &url, &path), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_none),
	    cmocka_unit_test(test_download),
	    cmocka_unit_test(test_uploaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
