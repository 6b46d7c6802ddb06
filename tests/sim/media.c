/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of the media hosts, what phones know of them, and faults. A file that expired lies
 * under a new path as soon as a phone was asked for it.
 */
#include "tests/sim/media.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/wa/kdf.h"
#include "common/xalloc.h"
#include "tests/sim/media_private.h"

struct media *
media_new(struct sim *s)
{
	struct media *m = xcalloc(1, sizeof(*m));

	m->sim = s;
	TAILQ_INIT(&m->files);
	TAILQ_INIT(&m->notes);
	if (media_hosts_begin(m) != 0) {
		(void)fprintf(stderr, "wasim: no media hosts\n");
		abort();
	}
	return m;
}

static void
file_drop(struct media *m, struct media_file *f)
{
	TAILQ_REMOVE(&m->files, f, entry);
	m->bytes -= f->len;
	free(f->body);
	free(f);
}

static void
note_drop(struct media *m, struct media_note *n)
{
	TAILQ_REMOVE(&m->notes, n, entry);
	m->n_notes--;
	free(n);
}

void
media_free(struct media **mp)
{
	struct media *m = *mp;

	if (m == NULL)
		return;
	media_hosts_end(m);
	while (!TAILQ_EMPTY(&m->files))
		file_drop(m, TAILQ_FIRST(&m->files));
	while (!TAILQ_EMPTY(&m->notes))
		note_drop(m, TAILQ_FIRST(&m->notes));
	free(m->pem);
	free(m);
	*mp = NULL;
}

const char *
media_certificate(const struct media *m)
{
	return m->pem;
}

const char *
media_host(const struct media *m, unsigned i)
{
	return m->hosts[i].name;
}

/* -- files ----------------------------------------------------------------------------- */

void
media_hex(const uint8_t *bytes, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

static void
set_path(struct media_file *f, const char *host)
{
	(void)snprintf(f->path, sizeof(f->path), "/v/t62/%u?ccb=%u", f->number, f->revived);
	if (host != NULL)
		(void)snprintf(f->url, sizeof(f->url), "https://%s%s", host, f->path);
}

struct media_file *
media_add(struct media *m, const struct media_server *at, uint8_t *take_body, size_t len)
{
	struct media_file *f = xcalloc(1, sizeof(*f));

	while (m->bytes + len > MEDIA_BYTES_MAX && !TAILQ_EMPTY(&m->files))
		file_drop(m, TAILQ_FIRST(&m->files));
	f->number = ++m->last_number;
	f->expired = m->expire_next;
	m->expire_next = false;
	f->body = take_body;
	f->len = len;
	sha256(take_body, len, f->enc_sha256);
	set_path(f, at->name);
	TAILQ_INSERT_TAIL(&m->files, f, entry);
	m->bytes += len;
	return f;
}

struct media_file *
media_by_number(struct media *m, unsigned number)
{
	struct media_file *f;

	TAILQ_FOREACH(f, &m->files, entry)
	if (f->number == number)
		return f;
	return NULL;
}

static struct media_file *
by_hash(struct media *m, const uint8_t enc_sha256[WA_MEDIA_HASH_LEN])
{
	struct media_file *f;

	TAILQ_FOREACH(f, &m->files, entry)
	if (memcmp(f->enc_sha256, enc_sha256, WA_MEDIA_HASH_LEN) == 0)
		return f;
	return NULL;
}

static int
file_of(const void *data, size_t len)
{
	const int fd = memfd_create("media", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)len) < 0 || pwrite(fd, data, len, 0) != (ssize_t)len)
		abort();
	return fd;
}

static uint8_t *
bytes_of(int fd, size_t *ret_len)
{
	const off_t len = lseek(fd, 0, SEEK_END);
	uint8_t *data;

	if (len < 0)
		abort();
	data = xmalloc((size_t)len + 1);
	if (pread(fd, data, (size_t)len, 0) != len)
		abort();
	*ret_len = (size_t)len;
	return data;
}

static void
set_opened(struct media_file *f, enum wa_media_type type, const struct wa_media_ref *ref)
{
	f->opened = true;
	f->type = type;
	memcpy(f->key, ref->media_key, sizeof(f->key));
	media_hex(ref->file_sha256, WA_MEDIA_HASH_LEN, f->sha256);
}

void
media_put(struct media *m, enum wa_media_type type, const void *plain, size_t len,
    struct wa_media_ref *ret)
{
	const int in = file_of(plain, len), out = file_of("", 0);
	struct wa_media_ref ref = {.key_time = time(NULL)};
	struct media_file *f;
	size_t body_len;
	uint8_t *body;

	if (RAND_bytes(ref.media_key, WA_MEDIA_KEY_LEN) != 1 ||
	    wa_media_encrypt(in, out, type, len, &ref, NULL) != WA_MEDIA_OK)
		abort();
	body = bytes_of(out, &body_len);
	f = media_add(m, &m->hosts[0], body, body_len);
	set_opened(f, type, &ref);
	ref.url = f->url;
	ref.direct_path = f->path;
	(void)close(in);
	(void)close(out);
	*ret = ref;
}

static uint8_t *
decrypt(const struct media_file *f, enum wa_media_type type, const struct wa_media_ref *ref,
    size_t *ret_len)
{
	const int in = file_of(f->body, f->len), out = file_of("", 0);
	uint8_t *plain = NULL;

	if (wa_media_decrypt(in, out, type, f->len, ref, NULL) == WA_MEDIA_OK)
		plain = bytes_of(out, ret_len);
	(void)close(in);
	(void)close(out);
	return plain;
}

uint8_t *
media_open(struct media *m, const struct wa_content *c, size_t *ret_len, const char **ret_why)
{
	const enum wa_media_type type = wa_content_media_type(c->kind);
	struct media_file *f;
	uint8_t *plain;

	if (!wa_content_has_media(c)) {
		*ret_why = "the message has no whole reference to its file";
		return NULL;
	}
	f = by_hash(m, c->media.file_enc_sha256);
	if (f == NULL || strcmp(f->path, c->media.direct_path) != 0) {
		*ret_why = "no such file was uploaded";
		return NULL;
	}
	plain = decrypt(f, type, &c->media, ret_len);
	if (plain == NULL)
		*ret_why = "the file is not what the message promises";
	else
		set_opened(f, type, &c->media);
	return plain;
}

uint8_t *
media_find(struct media *m, const char *sha256, size_t *ret_len)
{
	struct media_file *f;

	TAILQ_FOREACH(f, &m->files, entry)
	if (f->opened && strcmp(f->sha256, sha256) == 0) {
		struct wa_media_ref ref = {0};

		memcpy(ref.media_key, f->key, sizeof(f->key));
		memcpy(ref.file_enc_sha256, f->enc_sha256, WA_MEDIA_HASH_LEN);
		for (size_t i = 0; i < WA_MEDIA_HASH_LEN; i++)
			(void)sscanf(sha256 + 2 * i, "%2hhx", &ref.file_sha256[i]);
		return decrypt(f, f->type, &ref, ret_len);
	}
	return NULL;
}

/* -- what phones know -------------------------------------------------------------------- */

void
media_note(struct media *m, const char *id, const struct wa_content *c)
{
	struct media_note *n;

	if (!wa_content_has_media(c))
		return;
	if (m->n_notes == MEDIA_NOTES_MAX)
		note_drop(m, TAILQ_FIRST(&m->notes));
	n = xcalloc(1, sizeof(*n) + strlen(id) + 1);
	memcpy(n->id, id, strlen(id) + 1);
	memcpy(n->key, c->media.media_key, sizeof(n->key));
	memcpy(n->enc_sha256, c->media.file_enc_sha256, sizeof(n->enc_sha256));
	TAILQ_INSERT_TAIL(&m->notes, n, entry);
	m->n_notes++;
}

/* Whether who asks has the file's key, and means this message. */
static bool
is_genuine(const struct media_note *n, const struct node *receipt)
{
	const struct node *encrypt = node_find(receipt, "encrypt");
	size_t iv_len = 0, len = 0;
	const uint8_t *iv = node_data(node_find(encrypt, "enc_iv"), &iv_len),
		      *enc = node_data(node_find(encrypt, "enc_p"), &len);
	enum wa_media_retry result;
	char *path = NULL;
	bool ok;

	/* Both sides' words name the message in the same field. */
	ok = iv != NULL && enc != NULL &&
	     wa_media_retry_read(n->key, n->id, iv, iv_len, enc, len, &result, &path) == 0;
	free(path);
	return ok;
}

const char *
media_ask(struct media *m, const char *id, const struct node *receipt, struct node *notification)
{
	struct node *encrypt = node_child(notification, "encrypt", NULL);
	uint8_t iv[WA_MEDIA_RETRY_IV_LEN];
	struct buf enc = BUF_INIT(4096);
	struct media_note *n;
	struct media_file *f;
	bool found;

	TAILQ_FOREACH(n, &m->notes, entry)
	if (strcmp(n->id, id) == 0)
		break;
	if (n == NULL)
		return "the phone knows no such message with a file";
	if (!is_genuine(n, receipt))
		return "it is not under the file's key, or for another message";
	f = by_hash(m, n->enc_sha256);
	found = f != NULL && !m->lost;
	if (found && f->expired) {
		f->expired = false;
		f->revived++;
		set_path(f, NULL);
	}
	if (RAND_bytes(iv, sizeof(iv)) != 1)
		abort();
	wa_media_retry_write(n->key, id, iv,
	    found ? WA_MEDIA_RETRY_FOUND : WA_MEDIA_RETRY_NOT_FOUND, found ? f->path : NULL, &enc);
	node_bytes(node_child(encrypt, "enc_p", NULL), enc.data, enc.len);
	node_bytes(node_child(encrypt, "enc_iv", NULL), iv, sizeof(iv));
	buf_done(&enc);
	return NULL;
}

/* -- faults ------------------------------------------------------------------------------- */

static void
expire_all(struct media *m)
{
	struct media_file *f;

	TAILQ_FOREACH(f, &m->files, entry)
	f->expired = true;
}

const char *
media_fault(struct media *m, const json_t *fault)
{
	static const char *const names[MEDIA_ACTIONS] = {"status", "truncate", "spoil", "silence"};
	const char *action = json_string_value(json_object_get(fault, "action"));
	const char *method = json_string_value(json_object_get(fault, "method"));
	const json_t *host = json_object_get(fault, "host"),
		     *times = json_object_get(fault, "times");
	struct media_fault f = {.action = MEDIA_ACTIONS, .host = -1, .times = 1};

	if (action == NULL)
		return "no action";
	if (strcmp(action, "expire_next") == 0) {
		m->expire_next = true;
		return NULL;
	}
	if (strcmp(action, "expire") == 0 || strcmp(action, "lose") == 0) {
		m->lost = action[0] == 'l';
		expire_all(m);
		return NULL;
	}
	for (unsigned i = 0; i < MEDIA_ACTIONS; i++)
		if (strcmp(action, names[i]) == 0)
			f.action = i;
	if (f.action == MEDIA_ACTIONS)
		return "action is none of status, truncate, spoil, silence, expire, expire_next, "
		       "lose";
	if (method != NULL && strcmp(method, "get") != 0 && strcmp(method, "post") != 0)
		return "method is neither get nor post";
	if (method != NULL)
		f.method = method[0] == 'g' ? EVHTTP_REQ_GET : EVHTTP_REQ_POST;
	if (host != NULL)
		f.host = (int)json_integer_value(host);
	if (times != NULL)
		f.times = (unsigned)json_integer_value(times);
	f.status = (unsigned)json_integer_value(json_object_get(fault, "status"));
	if (f.action == MEDIA_STATUS && (f.status < 300 || f.status > 599))
		return "status is none from 300 to 599";
	m->fault = f;
	return NULL;
}

json_t *
media_json(const struct media *m)
{
	json_t *hosts = json_array();
	const struct media_file *f;
	json_int_t n = 0;

	TAILQ_FOREACH(f, &m->files, entry)
	n++;
	for (unsigned i = 0; i < MEDIA_HOSTS; i++) {
		const struct media_server *h = &m->hosts[i];

		json_array_append_new(hosts,
		    json_pack("{s:s, s:i, s:i, s:i}", "host", h->name, "uploads", (int)h->uploads,
			"downloads", (int)h->downloads, "refused", (int)h->refused));
	}
	return json_pack("{s:s, s:o, s:I, s:I, s:i}", "certificate", m->pem, "hosts", hosts,
	    "files", n, "bytes", (json_int_t)m->bytes, "faults", (int)m->fault.times);
}
