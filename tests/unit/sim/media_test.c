/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The media hosts: uploads that are as they should be and ones that are not, downloads, what phones
 * know of files, and everything that can be made to go wrong. */
#include "tests/unit/sim/fake_server.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/http_client.h"
#include "common/wa/media.h"

struct fixture {
	struct sim *s;
	struct media *m;
	struct http_client *http;
	char ca[64];
	unsigned answers, status;
	char failed[200], body[1024];
	size_t len;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	void *fake = NULL;
	FILE *file;
	int fd;

	assert_int_equal(fake_setup(&fake), 0);
	f->s = fake;
	f->m = sim_media(f->s);
	(void)snprintf(f->ca, sizeof(f->ca), "/tmp/waconn-media-XXXXXX");
	fd = mkstemp(f->ca);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	assert_true(fputs(media_certificate(f->m), file) >= 0);
	assert_int_equal(fclose(file), 0);
	f->http = http_client_new(sim_base(f->s), f->ca);
	assert_non_null(f->http);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	void *fake = f->s;

	http_client_free(&f->http);
	(void)unlink(f->ca);
	(void)fake_teardown(&fake);
	free(f);
	return 0;
}

static void
on_answer(void *arg, const struct http_answer *a)
{
	struct fixture *f = arg;

	f->answers++;
	f->status = a->status;
	f->len = a->len;
	(void)snprintf(f->failed, sizeof(f->failed), "%s", a->failed != NULL ? a->failed : "");
	(void)snprintf(f->body, sizeof(f->body), "%s", a->body != NULL ? a->body : "");
	event_base_loopbreak(sim_base(f->s));
}

static void
ask(struct fixture *f, const char *path, const char *origin, const struct http_file *post)
{
	const char *headers[] = {"Expect:", origin, NULL};
	const unsigned before = f->answers;
	char url[1024];
	const struct http_request request = {
	    .url = url, .headers = headers, .post = post, .max_bytes = 4096, .timeout_ms = 20000};

	(void)snprintf(url, sizeof(url), "https://%s%s", media_host(f->m, 0), path);
	(void)http_client_request(f->http, &request, on_answer, f);
	while (f->answers == before)
		event_base_dispatch(sim_base(f->s));
	assert_string_equal(f->failed, "");
}

#define ORIGIN "Origin: https://web.whatsapp.com"

static void
upload(struct fixture *f, const char *path, const char *origin, size_t len)
{
	const int fd = memfd_create("body", MFD_CLOEXEC);
	const struct http_file post = {fd, len};

	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	ask(f, path, origin, &post);
	(void)close(fd);
}

static size_t
violations(const struct fixture *f)
{
	json_t *all = record_violations(f->s->record, NULL);
	const size_t n = json_array_size(json_object_get(all, "violations"));

	json_decref(all);
	return n;
}

static void
token_of_zeros(size_t len, char ret[WA_MEDIA_TOKEN_LEN + 1])
{
	uint8_t hash[32], *zeros = xcalloc(1, len + 1);

	sha256(zeros, len, hash);
	wa_media_token(hash, ret);
	free(zeros);
}

static void
test_upload(void **state)
{
	struct fixture *f = *state;
	char token[WA_MEDIA_TOKEN_LEN + 1], path[512];

	token_of_zeros(26, token);
	(void)snprintf(path, sizeof(path), "/mms/image/%s?auth=sim%%2Fauth%%2B1%%3D&token=%s%%3D",
	    token, token);
	upload(f, path, ORIGIN, 26);
	assert_int_equal(f->status, 200);
	assert_non_null(strstr(f->body, "\"direct_path\":\"/v/t62/1?ccb=0\""));
	ask(f, "/v/t62/1?ccb=0&hash=x", NULL, NULL);
	assert_int_equal(f->status, 200);
	assert_int_equal(f->len, 26);
	ask(f, "/v/t62/1?ccb=1", NULL, NULL);
	assert_int_equal(f->status, 404);
	ask(f, "/v/t62/2?ccb=0", NULL, NULL);
	assert_int_equal(f->status, 404);
	assert_int_equal(violations(f), 0);
}

static void
test_bad_uploads(void **state)
{
	struct fixture *f = *state;
	char token[WA_MEDIA_TOKEN_LEN + 1];
	static const struct {
		const char *format, *origin;
		size_t len;
	} rows[] = {
	    {"/mms/image/%s?auth=other&token=%s", ORIGIN, 26},
	    {"/mms/image/%s?token=%s", ORIGIN, 26},
	    {"/mms/picture/%s?auth=sim%%2Fauth%%2B1%%3D&token=%s", ORIGIN, 26},
	    {"/mms/image/x%s?auth=sim%%2Fauth%%2B1%%3D&token=%s", ORIGIN, 26},
	    {"/mms/image/%s?auth=sim%%2Fauth%%2B1%%3D&token=x%s", ORIGIN, 26},
	    {"/other/%s?auth=sim%%2Fauth%%2B1%%3D&token=%s", ORIGIN, 26},
	    {"/mms/image/%s?auth=sim%%2Fauth%%2B1%%3D&token=%s", "X: y", 26},
	    {"/mms/image/%s?auth=sim%%2Fauth%%2B1%%3D&token=%s", ORIGIN, 27},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[512];

		token_of_zeros(rows[i].len, token);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(path, sizeof(path), rows[i].format, token, token);
#pragma GCC diagnostic pop
		upload(f, path, rows[i].origin, rows[i].len);
		assert_int_equal(f->status, 400);
		assert_int_equal(violations(f), i + 1);
	}
}

/* -- phones and their files ---------------------------------------------------------------- */

static struct wa_content
put(struct fixture *f)
{
	struct wa_content c = {.kind = WA_CONTENT_IMAGE};

	media_put(f->m, WA_MEDIA_IMAGE, "halo", 4, &c.media);
	return c;
}

static void
test_open(void **state)
{
	struct fixture *f = *state;
	struct wa_content c = put(f);
	const char *why = NULL;
	char hex[65];
	size_t len;
	uint8_t *plain = media_open(f->m, &c, &len, &why);

	assert_non_null(plain);
	assert_int_equal(len, 4);
	assert_memory_equal(plain, "halo", 4);
	free(plain);
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", c.media.file_sha256[i]);
	plain = media_find(f->m, hex, &len);
	assert_non_null(plain);
	assert_memory_equal(plain, "halo", 4);
	free(plain);
	hex[0] = 'x';
	assert_null(media_find(f->m, hex, &len));
	c.media.media_key[0] ^= 1;
	assert_null(media_open(f->m, &c, &len, &why));
	assert_non_null(why);
	c.media.direct_path = "/v/t62/9?ccb=0";
	assert_null(media_open(f->m, &c, &len, &why));
	c.media.direct_path = NULL;
	assert_null(media_open(f->m, &c, &len, &why));
}

static struct node *
question(const struct wa_content *c, const char *id)
{
	const uint8_t iv[WA_MEDIA_RETRY_IV_LEN] = {1};
	struct node *receipt = node_new("receipt", NULL);
	struct node *encrypt = node_child(receipt, "encrypt", NULL);
	struct buf enc = BUF_INIT(1024);

	wa_media_retry_request(c->media.media_key, id, iv, &enc);
	node_bytes(node_child(encrypt, "enc_p", NULL), enc.data, enc.len);
	node_bytes(node_child(encrypt, "enc_iv", NULL), iv, sizeof(iv));
	buf_done(&enc);
	return receipt;
}

/* What the phone answers; WA_MEDIA_RETRY_ERROR when it does not. */
static enum wa_media_retry
asked(struct fixture *f, const struct wa_content *c, const char *id, const char *about,
    char **ret_path)
{
	struct node *receipt = question(c, about), *n = node_new("notification", NULL);
	enum wa_media_retry result = WA_MEDIA_RETRY_ERROR;
	const struct node *encrypt;
	size_t iv_len = 0, len = 0;
	const uint8_t *iv, *enc;

	if (media_ask(f->m, id, receipt, n) == NULL) {
		encrypt = node_find(n, "encrypt");
		iv = node_data(node_find(encrypt, "enc_iv"), &iv_len);
		enc = node_data(node_find(encrypt, "enc_p"), &len);
		assert_int_equal(wa_media_retry_read(c->media.media_key, id, iv, iv_len, enc, len,
				     &result, ret_path),
		    0);
	}
	node_free(&receipt);
	node_free(&n);
	return result;
}

static const char *
fault(struct fixture *f, const char *json)
{
	json_t *j = json_loads(json, 0, NULL);
	const char *wrong = media_fault(f->m, j);

	json_decref(j);
	return wrong;
}

static void
test_forgotten(void **state)
{
	struct fixture *f = *state;
	struct wa_content c = put(f), other = c;
	char *path = NULL;

	media_note(f->m, "ID1", &c);
	assert_null(fault(f, "{\"action\":\"expire\"}"));
	ask(f, "/v/t62/1?ccb=0", NULL, NULL);
	assert_int_equal(f->status, 404);
	/* Not to who does not have the key, and not for another message. */
	other.media.media_key[0] ^= 1;
	assert_int_equal(asked(f, &other, "ID1", "ID1", &path), WA_MEDIA_RETRY_ERROR);
	assert_int_equal(asked(f, &c, "ID1", "ID2", &path), WA_MEDIA_RETRY_ERROR);
	assert_int_equal(asked(f, &c, "ID2", "ID2", &path), WA_MEDIA_RETRY_ERROR);
	assert_int_equal(asked(f, &c, "ID1", "ID1", &path), WA_MEDIA_RETRY_FOUND);
	assert_string_equal(path, "/v/t62/1?ccb=1");
	ask(f, path, NULL, NULL);
	assert_int_equal(f->status, 200);
	free(path);
	path = NULL;
	assert_null(fault(f, "{\"action\":\"lose\"}"));
	assert_int_equal(asked(f, &c, "ID1", "ID1", &path), WA_MEDIA_RETRY_NOT_FOUND);
	assert_null(path);
	assert_null(fault(f, "{\"action\":\"expire_next\"}"));
	(void)put(f);
	ask(f, "/v/t62/2?ccb=0", NULL, NULL);
	assert_int_equal(f->status, 404);
}

static void
test_faults(void **state)
{
	struct fixture *f = *state;

	(void)put(f);
	assert_null(fault(f, "{\"action\":\"status\",\"status\":503,\"times\":2}"));
	for (unsigned i = 0; i < 3; i++) {
		ask(f, "/v/t62/1?ccb=0", NULL, NULL);
		assert_int_equal(f->status, i < 2 ? 503 : 200);
	}
	assert_null(fault(f, "{\"action\":\"status\",\"status\":503,\"host\":1}"));
	ask(f, "/v/t62/1?ccb=0", NULL, NULL);
	assert_int_equal(f->status, 200);
	assert_null(fault(f, "{\"action\":\"truncate\",\"method\":\"get\"}"));
	ask(f, "/v/t62/1?ccb=0", NULL, NULL);
	assert_int_equal(f->len, 13);
	assert_null(fault(f, "{\"action\":\"spoil\"}"));
	ask(f, "/v/t62/1?ccb=0", NULL, NULL);
	assert_int_equal(f->len, 26);
	assert_int_equal(f->body[25], '?');
	assert_non_null(fault(f, "{}"));
	assert_non_null(fault(f, "{\"action\":\"explode\"}"));
	assert_non_null(fault(f, "{\"action\":\"status\",\"status\":200}"));
	assert_non_null(fault(f, "{\"action\":\"spoil\",\"method\":\"put\"}"));
}

/* Nobody is trusted who does not have the certificate that this test trusts. */
static void
test_trust(void **state)
{
	struct fixture *f = *state;
	struct http_client *stranger = http_client_new(sim_base(f->s), NULL);
	char url[128];
	struct http_request request = {.url = url, .max_bytes = 100, .timeout_ms = 20000};

	(void)snprintf(url, sizeof(url), "https://%s/v/t62/1?ccb=0", media_host(f->m, 1));
	for (unsigned i = 0; i < 2; i++) {
		request.trust_loopback = i == 1;
		(void)http_client_request(stranger, &request, on_answer, f);
		while (f->answers == i)
			event_base_dispatch(sim_base(f->s));
		assert_int_equal(f->failed[0] == '\0', i == 1);
	}
	assert_int_equal(f->status, 404);
	http_client_free(&stranger);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_upload),
	    TEST(test_bad_uploads),
	    TEST(test_open),
	    TEST(test_forgotten),
	    TEST(test_faults),
	    TEST(test_trust),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
