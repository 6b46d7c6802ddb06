/* SPDX-License-Identifier: GPL-3.0-or-later */
/* media: every media vector, files of every awkward length there and back, and what is not genuine.
 */
#include "common/wa/media.h"

#include <openssl/rand.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/wa/vectors.h"

static const struct {
	const char *vector;
	enum wa_media_type type;
} types[] = {
    {"image", WA_MEDIA_IMAGE},
    {"video", WA_MEDIA_VIDEO},
    {"audio", WA_MEDIA_AUDIO},
    {"ptt", WA_MEDIA_AUDIO},
    {"document", WA_MEDIA_DOCUMENT},
    {"sticker", WA_MEDIA_IMAGE},
    {"thumbnail-link", WA_MEDIA_LINK_THUMBNAIL},
    {"md-msg-hist", WA_MEDIA_HISTORY},
    {"md-app-state", WA_MEDIA_APP_STATE},
};

static void
read_key(const json_t *v, uint8_t ret[WA_MEDIA_KEY_LEN])
{
	struct buf b = vector_bytes(v, "inputs.media_key");

	assert_int_equal(b.len, WA_MEDIA_KEY_LEN);
	memcpy(ret, b.data, b.len);
	buf_done(&b);
}

static int
file_of(const void *data, size_t len)
{
	const int fd = memfd_create("media", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	return fd;
}

static struct buf
bytes_of(int fd)
{
	const off_t len = lseek(fd, 0, SEEK_END);
	struct buf b = BUF_INIT(4u << 20);
	uint8_t *data = malloc((size_t)len + 1);

	assert_non_null(data);
	assert_int_equal(pread(fd, data, (size_t)len, 0), len);
	buf_add(&b, data, (size_t)len);
	free(data);
	return b;
}

static void
test_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		uint8_t key[WA_MEDIA_KEY_LEN];
		struct wa_media_keys keys;
		char name[64];
		const json_t *v;

		(void)snprintf(name, sizeof(name), "media-keys-%s", types[i].vector);
		v = vector(name);
		read_key(v, key);
		wa_media_keys(key, types[i].type, &keys);
		assert_bytes(keys.iv, sizeof(keys.iv), vector_str(v, "outputs.iv"));
		assert_bytes(keys.cipher, sizeof(keys.cipher), vector_str(v, "outputs.cipher_key"));
		assert_bytes(keys.mac, sizeof(keys.mac), vector_str(v, "outputs.mac_key"));
	}
}

static void
check_encrypt(const char *name)
{
	const json_t *v = vector(name);
	struct buf plain = vector_bytes(v, "inputs.plaintext"), body, back;
	struct wa_media_ref ref = {0};
	const int in = file_of(buf_str(&plain), plain.len), out = memfd_create("o", MFD_CLOEXEC),
		  again = memfd_create("p", MFD_CLOEXEC);
	char token[WA_MEDIA_TOKEN_LEN + 1];

	read_key(v, ref.media_key);
	assert_int_equal(wa_media_encrypt(in, out, WA_MEDIA_IMAGE, 1000, &ref, NULL), 0);
	body = bytes_of(out);
	assert_bytes(body.data, body.len, vector_str(v, "outputs.upload_body"));
	assert_bytes(ref.file_sha256, 32, vector_str(v, "outputs.file_sha256"));
	assert_bytes(ref.file_enc_sha256, 32, vector_str(v, "outputs.file_enc_sha256"));
	assert_int_equal(ref.length, vector_int(v, "outputs.file_length"));
	assert_int_equal(body.len, wa_media_enc_length(plain.len));
	wa_media_token(ref.file_enc_sha256, token);
	assert_string_equal(token, vector_str(v, "outputs.token_baileys_unpadded_base64url"));
	assert_int_equal(wa_media_decrypt(out, again, WA_MEDIA_IMAGE, 1000, &ref, NULL), 0);
	back = bytes_of(again);
	assert_int_equal(back.len, plain.len);
	assert_memory_equal(buf_str(&back), buf_str(&plain), plain.len);
	buf_done(&plain);
	buf_done(&body);
	buf_done(&back);
	close(in);
	close(out);
	close(again);
}

static void
test_encrypt(void **state)
{
	(void)state;
	check_encrypt("media-encrypt-empty");
	check_encrypt("media-encrypt-15");
	check_encrypt("media-encrypt-16");
	check_encrypt("media-encrypt-1000");
}

/* -- lengths around the chunk ---------------------------------------------------------- */

static void
check_length(size_t len)
{
	uint8_t *data = malloc(len + 1);
	struct wa_media_ref ref = {.media_key = {9}};
	struct buf back;
	int in, out = memfd_create("o", MFD_CLOEXEC), again = memfd_create("p", MFD_CLOEXEC);

	assert_non_null(data);
	assert_int_equal(RAND_bytes(data, (int)len + 1), 1);
	in = file_of(data, len);
	assert_int_equal(wa_media_encrypt(in, out, WA_MEDIA_VIDEO, len, &ref, NULL), 0);
	assert_int_equal(lseek(out, 0, SEEK_END), wa_media_enc_length(len));
	assert_int_equal(wa_media_decrypt(out, again, WA_MEDIA_VIDEO, len, &ref, NULL), 0);
	back = bytes_of(again);
	assert_int_equal(back.len, len);
	assert_memory_equal(buf_str(&back), data, len);
	if (len > 0)
		assert_int_equal(wa_media_encrypt(in, out, WA_MEDIA_VIDEO, len - 1, &ref, NULL),
		    WA_MEDIA_TOO_LONG);
	buf_done(&back);
	free(data);
	close(in);
	close(out);
	close(again);
}

static void
test_lengths(void **state)
{
	static const size_t lengths[] = {
	    0, 1, 15, 16, 17, 65519, 65520, 65535, 65536, 65537, 131071, 131072, 1000000};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		check_length(lengths[i]);
}

/* -- what is not genuine ----------------------------------------------------------------- */

struct made {
	struct wa_media_ref ref;
	struct buf body;
};

static struct made
make(size_t len)
{
	struct made m = {.ref = {.media_key = {7}}};
	uint8_t data[4096] = {1, 2, 3};
	const int in = file_of(data, len), out = memfd_create("o", MFD_CLOEXEC);

	assert_int_equal(wa_media_encrypt(in, out, WA_MEDIA_IMAGE, len, &m.ref, NULL), 0);
	m.body = bytes_of(out);
	close(in);
	close(out);
	return m;
}

static enum wa_media_error
try(const struct made *m, size_t len, uint64_t max, const atomic_bool *stop)
{
	const int in = file_of(m->body.data, len), out = memfd_create("o", MFD_CLOEXEC);
	const enum wa_media_error r = wa_media_decrypt(in, out, WA_MEDIA_IMAGE, max, &m->ref, stop);

	if (r == WA_MEDIA_CORRUPT && memcmp(m->ref.file_sha256, (uint8_t[32]){0}, 32) != 0)
		assert_int_equal(lseek(out, 0, SEEK_END), 0);
	close(in);
	close(out);
	return r;
}

static void
test_not_genuine(void **state)
{
	struct made m = make(100);
	atomic_bool stop = true;

	(void)state;
	assert_int_equal(try(&m, m.body.len, 100, NULL), WA_MEDIA_OK);
	assert_int_equal(try(&m, m.body.len, 80, NULL), WA_MEDIA_TOO_LONG);
	assert_int_equal(try(&m, m.body.len, 99, NULL), WA_MEDIA_TOO_LONG);
	assert_int_equal(try(&m, m.body.len, 100, &stop), WA_MEDIA_STOPPED);
	for (size_t i = 0; i < m.body.len; i++) {
		m.body.data[i] ^= 1;
		assert_int_equal(try(&m, m.body.len, 100, NULL), WA_MEDIA_CORRUPT);
		assert_int_equal(try(&m, i, 100, NULL), WA_MEDIA_CORRUPT);
		m.body.data[i] ^= 1;
	}
	m.ref.length = 99;
	m.ref.file_sha256[0] ^= 1;
	{
		const int in = file_of(m.body.data, m.body.len), out = memfd_create("o", 0);

		assert_int_equal(
		    wa_media_decrypt(in, out, WA_MEDIA_IMAGE, 100, &m.ref, NULL), WA_MEDIA_CORRUPT);
		m.ref.file_sha256[0] ^= 1;
		assert_int_equal(
		    wa_media_decrypt(in, out, WA_MEDIA_IMAGE, 100, &m.ref, NULL), WA_MEDIA_CORRUPT);
		m.ref.length = 0;
		assert_int_equal(
		    wa_media_decrypt(in, out, WA_MEDIA_IMAGE, 100, &m.ref, NULL), WA_MEDIA_OK);
		assert_int_equal(
		    wa_media_decrypt(in, out, WA_MEDIA_VIDEO, 100, &m.ref, NULL), WA_MEDIA_CORRUPT);
		close(in);
		close(out);
	}
	assert_int_equal(wa_media_encrypt(-1, -1, WA_MEDIA_IMAGE, 100, &m.ref, NULL), WA_MEDIA_IO);
	buf_done(&m.body);
}

/* -- retries ----------------------------------------------------------------------------- */

static void
test_retry_request(void **state)
{
	const json_t *v = vector("media-retry-request");
	struct buf iv = vector_bytes(v, "inputs.iv"), enc = BUF_INIT(1024);
	uint8_t key[WA_MEDIA_KEY_LEN];

	(void)state;
	read_key(v, key);
	wa_media_retry_request(key, vector_str(v, "inputs.message_id"), iv.data, &enc);
	assert_bytes(enc.data, enc.len, vector_str(v, "outputs.enc_p"));
	buf_done(&iv);
	buf_done(&enc);
}

static void
test_retry_answer(void **state)
{
	const json_t *v = vector("media-retry-notification");
	const char *id = vector_str(v, "inputs.message_id");
	struct buf iv = vector_bytes(v, "inputs.enc_iv"), enc = vector_bytes(v, "inputs.enc_p"),
		   again = BUF_INIT(1024);
	uint8_t key[WA_MEDIA_KEY_LEN];
	enum wa_media_retry result = WA_MEDIA_RETRY_ERROR;
	char *path = NULL;

	(void)state;
	read_key(v, key);
	assert_int_equal(
	    wa_media_retry_read(key, id, iv.data, iv.len, enc.data, enc.len, &result, &path), 0);
	assert_int_equal(result, WA_MEDIA_RETRY_FOUND);
	assert_string_equal(path, vector_str(v, "outputs.directPath"));
	wa_media_retry_write(key, id, iv.data, result, path, &again);
	assert_bytes(again.data, again.len, vector_str(v, "inputs.enc_p"));
	free(path);
	assert_int_equal(
	    wa_media_retry_read(key, "X", iv.data, iv.len, enc.data, enc.len, &result, &path), -1);
	assert_int_equal(
	    wa_media_retry_read(key, id, iv.data, iv.len - 1, enc.data, enc.len, &result, &path),
	    -1);
	assert_int_equal(
	    wa_media_retry_read(key, id, iv.data, iv.len, enc.data, 15, &result, &path), -1);
	key[0] ^= 1;
	assert_int_equal(
	    wa_media_retry_read(key, id, iv.data, iv.len, enc.data, enc.len, &result, &path), -1);
	key[0] ^= 1;
	/* A path that is none, and a result that nobody knows. */
	buf_reset(&again);
	wa_media_retry_write(key, id, iv.data, 9, "https://elsewhere/", &again);
	assert_int_equal(
	    wa_media_retry_read(key, id, iv.data, iv.len, again.data, again.len, &result, &path),
	    0);
	assert_int_equal(result, WA_MEDIA_RETRY_ERROR);
	assert_null(path);
	buf_done(&iv);
	buf_done(&enc);
	buf_done(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_encrypt),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_not_genuine),
	    cmocka_unit_test(test_retry_request),
	    cmocka_unit_test(test_retry_answer),
	};

	return cmocka_run_group_tests(tests, vectors_load, vectors_unload);
}
