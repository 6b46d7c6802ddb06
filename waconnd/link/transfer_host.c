/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is said to the media hosts, and what their answers lead to: the next host, new hosts,
 * another attempt, the phone, or the end. Redirects are followed to hosts that the server named, or
 * to WhatsApp's own, and nowhere else.
 */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/link/transfer_private.h"

#define REDIRECTS_MAX 5
#define ATTEMPTS_MAX 5
#define ANSWER_MAX (64u << 10)
#define BASE_MS 60000
#define BYTES_PER_MS 16 /* the slowest that is waited for */
#define STALL_MS 60000
#define RETRY_AFTER_MAX_S 60
#define OWN_DOMAIN ".whatsapp.net"

/* -- the hosts ---------------------------------------------------------------------- */

static void
go_on(struct transfers *all, bool told)
{
	struct transfer *t, *next;

	for (t = TAILQ_FIRST(&all->open); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->state != TRANSFER_CONN)
			continue;
		t->host = 0;
		if (!told)
			transfer_finish(t, LINK_MEDIA_UNAVAILABLE, "no media hosts were told");
		else
			transfer_enter(t, t->up ? TRANSFER_POST : TRANSFER_GET);
	}
}

static void
on_conn(void *arg, const struct node *answer)
{
	struct transfers *all = arg;
	const bool told = answer != NULL && link_iq_error(answer) == 0 &&
			  media_conn_read(answer, &all->conn) == 0;

	all->asking = false;
	all->conn_until_ms = told ? clock_monotonic_ms() + all->conn.ttl_s * 1000 : 0;
	all->generation++;
	go_on(all, told);
}

void
transfer_step_conn(struct transfer *t)
{
	struct transfers *all = t->all;
	const struct jid server = jid_server_self();
	struct node *iq;

	if (all->asking)
		return;
	if (clock_monotonic_ms() < all->conn_until_ms) {
		t->host = 0;
		transfer_enter(t, t->up ? TRANSFER_POST : TRANSFER_GET);
		return;
	}
	all->asking = true;
	iq = node_new("iq", "type", "set", "xmlns", "w:m", NULL);
	node_set_jid(iq, "to", &server);
	(void)node_child(iq, "media_conn", NULL);
	link_iq(all->m->link, iq, on_conn, all);
}

/* These hosts, or what lets us in, are not good any more; unless they are newer ones already. */
static void
ask_anew(struct transfer *t)
{
	if (t->generation == t->all->generation)
		t->all->conn_until_ms = 0;
	transfer_enter(t, TRANSFER_CONN);
}

/* -- requests ------------------------------------------------------------------------- */

static uint64_t
time_for(uint64_t bytes)
{
	return BASE_MS + bytes / BYTES_PER_MS;
}

static bool
may_go_without_tls(const struct transfer *t, const char *url)
{
	return t->all->net->insecure_loopback && !t->without_tls && http_is_loopback(url);
}

/* Does the URL begin with this host? */
static bool
is_at(const char *url, const char *host)
{
	const size_t len = strlen(host);

	return strncmp(url, host, len) == 0 && (url[len] == '/' || url[len] == '?');
}

static bool
may_lead_to(const struct transfer *t, const char *url)
{
	const struct media_conn *c = &t->all->conn;
	const char *host;
	size_t len;

	if (url == NULL || strlen(url) >= MEDIA_URL_MAX || strncmp(url, "https://", 8) != 0)
		return false;
	host = url + 8;
	for (size_t i = 0; i < c->n; i++)
		if (is_at(host, c->hosts[i].name))
			return true;
	len = strcspn(host, "/?#:@\\");
	return host[len] == '/' && len > strlen(OWN_DOMAIN) &&
	       strncmp(host + len - strlen(OWN_DOMAIN), OWN_DOMAIN, strlen(OWN_DOMAIN)) == 0;
}

/* True: it goes on from there. */
static bool
follow(struct transfer *t, const struct http_answer *a)
{
	if (a->failed != NULL || a->status < 300 || a->status > 399 ||
	    ++t->redirects > REDIRECTS_MAX || !may_lead_to(t, a->location))
		return false;
	free(t->redirect);
	t->redirect = xstrdup(a->location);
	transfer_enter(t, t->state);
	return true;
}

/* The same again, without what the server does not speak. */
static bool
try_without_tls(struct transfer *t, const struct http_answer *a)
{
	if (!a->no_tls || t->redirect != NULL || t->all->conn.n == 0 || t->host >= t->all->conn.n)
		return false;
	char url[MEDIA_HOST_MAX + 16];

	(void)snprintf(url, sizeof(url), "https://%s/", t->all->conn.hosts[t->host].name);
	if (!may_go_without_tls(t, url))
		return false;
	t->without_tls = true;
	transfer_enter(t, t->state);
	return true;
}

static void
note(struct transfer *t, const struct http_answer *a)
{
	if (a->failed != NULL)
		(void)snprintf(t->detail, sizeof(t->detail), "%s", a->failed);
	else
		(void)snprintf(
		    t->detail, sizeof(t->detail), "the media host answered %u", a->status);
	log_info("media.refused", LOG_STR("outlet", link_outlet(t->all->m->link)),
	    LOG_STR("direction", t->up ? "up" : "down"), LOG_STR("why", t->detail));
}

static void
finish_noted(struct transfer *t, enum link_media_result result)
{
	transfer_finish(t, result, t->detail);
}

static void
leave_host(struct transfer *t)
{
	free(t->redirect);
	t->redirect = NULL;
	t->redirects = 0;
	t->without_tls = false;
}

/* -- upload ----------------------------------------------------------------------------- */

static void
next_host(struct transfer *t)
{
	leave_host(t);
	t->host++;
	transfer_enter(t, TRANSFER_POST);
}

static void
take_uploaded(struct transfer *t, const struct http_answer *a)
{
	if (media_uploaded_read(
		a->body, a->len, t->all->conn.hosts[t->host].name, &t->url, &t->direct_path) != 0) {
		(void)snprintf(
		    t->detail, sizeof(t->detail), "the media host did not say where the file is");
		next_host(t);
		return;
	}
	t->ref.url = t->url;
	t->ref.direct_path = t->direct_path;
	transfer_finish(t, LINK_MEDIA_OK, NULL);
}

static void
on_posted(void *arg, const struct http_answer *a)
{
	struct transfer *t = arg;
	struct link *l = t->all->m->link;

	link_enter(l);
	t->call = NULL;
	if (follow(t, a) || try_without_tls(t, a)) {
		link_exit(l);
		return;
	}
	if (a->failed == NULL && a->status == 200) {
		take_uploaded(t, a);
		link_exit(l);
		return;
	}
	note(t, a);
	if (a->failed == NULL && (a->status == 401 || a->status == 403) && !t->refreshed) {
		t->refreshed = true;
		leave_host(t);
		ask_anew(t);
	} else if (a->failed == NULL && a->status == 413) {
		finish_noted(t, LINK_MEDIA_TOO_LARGE);
	} else if (a->failed != NULL || a->status >= 500 || a->status == 408 || a->status == 429 ||
		   (a->status >= 300 && a->status < 400)) {
		next_host(t);
	} else {
		finish_noted(t, LINK_MEDIA_REFUSED);
	}
	link_exit(l);
}

static const char *const upload_headers[] = {"Origin: https://web.whatsapp.com",
    "Referer: https://web.whatsapp.com/", "Content-Type: application/octet-stream",
    "Expect:" /* nobody answers 100 */, NULL};

void
transfer_step_post(struct transfer *t)
{
	const struct media_conn *c = &t->all->conn;
	const uint64_t len = wa_media_enc_length(t->ref.length);
	const struct http_file file = {t->body, len};
	char url[MEDIA_URL_MAX];

	for (; t->host < c->n; t->host++)
		if (c->hosts[t->host].max_bytes == 0 || len <= c->hosts[t->host].max_bytes)
			break;
	if (t->host >= c->n) {
		finish_noted(t, t->was_small ? LINK_MEDIA_UNAVAILABLE : LINK_MEDIA_TOO_LARGE);
		return;
	}
	t->was_small = true;
	t->generation = t->all->generation;
	if (media_upload_url(c, t->host, t->without_tls, t->type, t->ref.file_enc_sha256, url) !=
	    0) {
		transfer_finish(t, LINK_MEDIA_REFUSED, "the media host's address is too long");
		return;
	}
	const struct http_request request = {.url = t->redirect != NULL ? t->redirect : url,
	    .headers = upload_headers,
	    .post = &file,
	    .max_bytes = ANSWER_MAX,
	    .timeout_ms = time_for(len),
	    .stall_ms = STALL_MS,
	    .trust_loopback = t->all->net->insecure_loopback};

	t->call = http_client_request(t->all->net->http, &request, on_posted, t);
	OPENSSL_cleanse(url, sizeof(url));
}

/* -- download ---------------------------------------------------------------------------- */

static void
try_again(struct transfer *t, unsigned retry_after_s)
{
	const unsigned most = RETRY_AFTER_MAX_S;

	leave_host(t);
	if (t->attempts >= ATTEMPTS_MAX) {
		finish_noted(t, LINK_MEDIA_UNAVAILABLE);
		return;
	}
	t->wait_ms = 1000 * (retry_after_s < most ? retry_after_s : most);
	transfer_enter(t, TRANSFER_WAIT);
}

static void
gone(struct transfer *t)
{
	if (t->id != NULL && !t->asked)
		transfer_enter(t, TRANSFER_PHONE);
	else
		transfer_finish(t, LINK_MEDIA_GONE, "the servers do not have the file any more");
}

static void
on_got(void *arg, const struct http_answer *a)
{
	struct transfer *t = arg;
	struct link *l = t->all->m->link;

	link_enter(l);
	t->call = NULL;
	if (follow(t, a) || try_without_tls(t, a)) {
		link_exit(l);
		return;
	}
	if (a->failed == NULL && a->status == 200) {
		leave_host(t);
		transfer_enter(t, TRANSFER_DECRYPT);
		link_exit(l);
		return;
	}
	note(t, a);
	if (a->too_large)
		finish_noted(t, LINK_MEDIA_TOO_LARGE);
	else if (a->failed != NULL || a->status >= 500 || a->status == 408 || a->status == 429)
		try_again(t, a->retry_after_s);
	else if (a->status == 403 || a->status == 404 || a->status == 410)
		gone(t);
	else
		finish_noted(t, LINK_MEDIA_REFUSED);
	link_exit(l);
}

static const char *const download_headers[] = {
    "Origin: https://web.whatsapp.com", "Referer: https://web.whatsapp.com/", NULL};

void
transfer_step_get(struct transfer *t)
{
	const struct media_conn *c = &t->all->conn;
	const struct http_file into = {.fd = t->body};
	char url[MEDIA_URL_MAX];

	if (t->redirect == NULL && !t->without_tls)
		t->host = t->attempts++ % c->n;
	t->generation = t->all->generation;
	if (ftruncate(t->body, 0) < 0) {
		transfer_finish(t, LINK_MEDIA_FILE, "the temporary file cannot be emptied");
		return;
	}
	if (media_download_url(c->hosts[t->host].name, t->without_tls, t->type, &t->ref, url) !=
	    0) {
		transfer_finish(t, LINK_MEDIA_REFUSED, "the file's path is none");
		return;
	}
	const struct http_request request = {.url = t->redirect != NULL ? t->redirect : url,
	    .headers = download_headers,
	    .into = &into,
	    .max_bytes = wa_media_enc_length(t->max),
	    .timeout_ms = time_for(t->max),
	    .stall_ms = STALL_MS,
	    .trust_loopback = t->all->net->insecure_loopback};

	t->call = http_client_request(t->all->net->http, &request, on_got, t);
}

/* -- the phone ------------------------------------------------------------------------------ */

void
transfer_step_phone(struct transfer *t)
{
	struct messaging *m = t->all->m;
	struct jid own = link_credentials(m->link)->own;
	struct node *receipt, *encrypt, *rmr;
	uint8_t iv[WA_MEDIA_RETRY_IV_LEN];
	struct buf enc = BUF_INIT(1024);

	t->asked = true;
	if (RAND_bytes(iv, sizeof(iv)) != 1)
		abort();
	wa_media_retry_request(t->ref.media_key, t->id, iv, &enc);
	own = jid_without_device(&own);
	receipt = node_new("receipt", "id", t->id, "type", "server-error", NULL);
	node_set_jid(receipt, "to", &own);
	encrypt = node_child(receipt, "encrypt", NULL);
	node_bytes(node_child(encrypt, "enc_p", NULL), enc.data, enc.len);
	node_bytes(node_child(encrypt, "enc_iv", NULL), iv, sizeof(iv));
	rmr = node_child(receipt, "rmr", "from_me", t->from_me ? "true" : "false", NULL);
	node_set_jid(rmr, "jid", &t->chat);
	buf_done(&enc);
	link_write(m->link, receipt);
}

/* The file lies there now; false: it does not. */
static bool
read_notice(struct transfer *t, const struct node *notification)
{
	const struct node *encrypt = node_find(notification, "encrypt");
	size_t iv_len = 0, len = 0;
	const uint8_t *iv = node_data(node_find(encrypt, "enc_iv"), &iv_len),
		      *enc = node_data(node_find(encrypt, "enc_p"), &len);
	enum wa_media_retry result = WA_MEDIA_RETRY_ERROR;
	char *path = NULL;

	if (iv == NULL || enc == NULL ||
	    wa_media_retry_read(t->ref.media_key, t->id, iv, iv_len, enc, len, &result, &path) != 0)
		return false;
	if (result != WA_MEDIA_RETRY_FOUND || path == NULL) {
		free(path);
		return false;
	}
	free(t->direct_path);
	t->ref.direct_path = t->direct_path = path;
	return true;
}

void
transfers_notice(struct transfers *all, const struct node *notification)
{
	const char *id = node_get(notification, "id");
	struct transfer *t;

	TAILQ_FOREACH(t, &all->open, entry)
	if (t->state == TRANSFER_PHONE && id != NULL && strcmp(t->id, id) == 0)
		break;
	if (t == NULL)
		return;
	if (!read_notice(t, notification)) {
		transfer_finish(t, LINK_MEDIA_GONE, "the phone does not have the file any more");
		return;
	}
	t->moved = true;
	t->attempts = 0;
	transfer_enter(t, TRANSFER_CONN);
}
