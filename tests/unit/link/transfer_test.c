/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files up and down against media hosts on the loopback: there and back byte for byte, hosts that
 * refuse, fail, redirect, lie or have forgotten, and ends in the middle. */
#include "tests/unit/cmocka_all.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/wa/media.h"
#include "common/xalloc.h"
#include "waconnd/link/media_conn.h"
#include "waconnd/link/media_net.h"
#include "waconnd/link/transfer.h"

#define HOSTS 2
#define BIG 3000000

struct host {
	struct evhttp *http;
	uint16_t port;
	unsigned posts, gets;
	unsigned status[8]; /* of its first answers; 0: as it should */
	const char *location;
	bool cut, lie, silent;
};

struct link {
	struct event_base *base;
	struct credentials credentials;
	struct messaging m;
	struct media_net *net;
	struct host hosts[HOSTS];
	char auth[32];
	unsigned conns;
	bool no_conn;
	struct { /* the file that was uploaded last, as it came */
		struct evbuffer *body;
		char path[256];
	} kept;
	bool forgotten; /* until the phone puts it elsewhere */
	struct node *asked_phone;
	unsigned results;
	enum link_media_result result;
	struct wa_media_ref ref;
	char url[MEDIA_URL_MAX], direct_path[MEDIA_URL_MAX], moved[256], detail[256];
};

/* -- the connection side ----------------------------------------------------------------- */

static struct node *
conn_answer(struct link *l)
{
	struct node *iq = node_new("iq", "type", "result", NULL);
	struct node *conn = node_child(iq, "media_conn", "auth", l->auth, "ttl", "300", NULL);

	for (size_t i = 0; i < HOSTS; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "127.0.0.1:%u", l->hosts[i].port);
		(void)node_child(conn, "host", "hostname", name, NULL);
	}
	return iq;
}

void
link_iq(struct link *l, struct node *take_iq, link_iq_cb cb, void *arg)
{
	struct node *answer = l->no_conn ? NULL : conn_answer(l);

	assert_true(node_get_is(take_iq, "xmlns", "w:m"));
	l->conns++;
	cb(arg, answer);
	node_free(&answer);
	node_free(&take_iq);
}

unsigned
link_iq_error(const struct node *answer)
{
	(void)answer;
	return 0;
}

void
link_write(struct link *l, struct node *take_node)
{
	node_free(&l->asked_phone);
	l->asked_phone = take_node;
	event_base_loopbreak(l->base);
}

struct event_base *
link_base(struct link *l)
{
	return l->base;
}

struct credentials *
link_credentials(struct link *l)
{
	return &l->credentials;
}

const char *
link_outlet(const struct link *l)
{
	(void)l;
	return "outlet_test";
}

int64_t
link_server_now(const struct link *l)
{
	(void)l;
	return 1795485600;
}

struct media_net *
link_media_net(struct link *l)
{
	return l->net;
}

void
link_enter(struct link *l)
{
	(void)l;
}

void
link_exit(struct link *l)
{
	(void)l;
}

/* -- the hosts ---------------------------------------------------------------------------- */

static struct link *world;

static void
take_post(struct host *h, struct evhttp_request *r, struct evbuffer *out)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r);
	struct evkeyvalq query;
	char path[256];

	evhttp_parse_query_str(evhttp_uri_get_query(uri), &query);
	assert_string_equal(evhttp_find_header(&query, "auth"), world->auth);
	assert_non_null(strstr(evhttp_uri_get_path(uri), evhttp_find_header(&query, "token")));
	assert_string_equal(evhttp_find_header(evhttp_request_get_input_headers(r), "Origin"),
	    "https://web.whatsapp.com");
	evbuffer_drain(world->kept.body, SIZE_MAX);
	evbuffer_add_buffer(world->kept.body, evhttp_request_get_input_buffer(r));
	(void)snprintf(path, sizeof(path), "/v/t62/%u?ccb=1", h->posts);
	(void)snprintf(world->kept.path, sizeof(world->kept.path), "%s", path);
	evbuffer_add_printf(
	    out, "{\"url\":\"https://mmg.whatsapp.net%s\",\"direct_path\":\"%s\"}", path, path);
	evhttp_clear_headers(&query);
}

static void
give_get(struct host *h, struct evhttp_request *r, struct evbuffer *out)
{
	size_t len = evbuffer_get_length(world->kept.body);
	const uint8_t *data = evbuffer_pullup(world->kept.body, -1);

	assert_non_null(strstr(evhttp_request_get_uri(r), "&hash="));
	assert_non_null(strstr(evhttp_request_get_uri(r), "&mms-type=image"));
	if (h->cut)
		len /= 2;
	evbuffer_add(out, data, len);
	if (h->lie)
		evbuffer_add(out, "x", 1);
}

static void
on_request(struct evhttp_request *r, void *arg)
{
	struct host *h = arg;
	const bool post = evhttp_request_get_command(r) == EVHTTP_REQ_POST;
	const unsigned n = post ? h->posts++ : h->gets++;
	struct evbuffer *out = evbuffer_new();
	unsigned status = n < 8 ? h->status[n] : 0;

	if (h->silent) {
		event_base_loopbreak(world->base);
		evbuffer_free(out);
		return;
	}
	if (!post && world->forgotten && strncmp(evhttp_request_get_uri(r), "/moved?", 7) != 0)
		status = 404;
	if (status == 302)
		evhttp_add_header(evhttp_request_get_output_headers(r), "Location", h->location);
	if (status == 0 && post)
		take_post(h, r, out);
	else if (status == 0)
		give_get(h, r, out);
	evhttp_send_reply(r, status != 0 ? (int)status : 200, NULL, out);
	evbuffer_free(out);
}

static void
begin_host(struct link *l, struct host *h)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	struct evhttp_bound_socket *bound;

	h->http = evhttp_new(l->base);
	evhttp_set_gencb(h->http, on_request, h);
	bound = evhttp_bind_socket_with_handle(h->http, "127.0.0.1", 0);
	assert_non_null(bound);
	assert_int_equal(
	    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&a, &len), 0);
	h->port = ntohs(a.sin_port);
}

static int
setup(void **state)
{
	struct link *l = xcalloc(1, sizeof(*l));

	world = l;
	l->base = event_base_new();
	l->kept.body = evbuffer_new();
	l->net = media_net_new(
	    l->base, &(struct media_net_config){.insecure_loopback = true, .retry_ms = 1});
	assert_non_null(l->net);
	(void)snprintf(l->auth, sizeof(l->auth), "a/b+c=");
	l->credentials.own = jid_make(JID_SERVER_PN, "62811", 3);
	for (size_t i = 0; i < HOSTS; i++)
		begin_host(l, &l->hosts[i]);
	l->m.link = l;
	l->m.transfers = transfers_new(&l->m);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	struct link *l = *state;

	transfers_free(&l->m.transfers);
	media_net_free(&l->net);
	for (size_t i = 0; i < HOSTS; i++)
		evhttp_free(l->hosts[i].http);
	node_free(&l->asked_phone);
	evbuffer_free(l->kept.body);
	event_base_free(l->base);
	free(l);
	return 0;
}

/* -- what is done ---------------------------------------------------------------------------- */

static void
on_result(void *arg, const struct transfer_result *r)
{
	struct link *l = arg;

	l->results++;
	l->result = r->result;
	(void)snprintf(l->detail, sizeof(l->detail), "%s", r->detail);
	(void)snprintf(
	    l->moved, sizeof(l->moved), "%s", r->direct_path != NULL ? r->direct_path : "");
	if (r->ref != NULL) {
		l->ref = *r->ref;
		(void)snprintf(l->url, sizeof(l->url), "%s", r->ref->url);
		(void)snprintf(l->direct_path, sizeof(l->direct_path), "%s", r->ref->direct_path);
		l->ref.url = l->url;
		l->ref.direct_path = l->direct_path;
	}
	event_base_loopbreak(l->base);
}

static void
await(struct link *l, unsigned results)
{
	while (l->results < results)
		assert_int_equal(event_base_dispatch(l->base), 0);
}

static uint8_t *
some_bytes(size_t len)
{
	uint8_t *data = xmalloc(len + 1);

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	return data;
}

static void
upload(struct link *l, size_t len)
{
	const int fd = memfd_create("plain", MFD_CLOEXEC);
	uint8_t *data = some_bytes(len);
	const unsigned before = l->results;

	assert_int_equal(write(fd, data, len), (ssize_t)len);
	free(data);
	transfers_upload(l->m.transfers, WA_MEDIA_IMAGE, fd, on_result, l);
	assert_int_equal(l->results, before); /* never from inside */
	await(l, before + 1);
}

/* The file, still open: the caller closes it. */
static int
begin_download(struct link *l, uint64_t max, const char *id)
{
	const struct link_media media = {.type = WA_MEDIA_IMAGE,
	    .ref = l->ref,
	    .id = id,
	    .chat = {.server = JID_SERVER_LID, .user = "99"}};
	const int fd = memfd_create("plain", MFD_CLOEXEC), ours = dup(fd);

	transfers_download(l->m.transfers, &media, fd, max, on_result, l);
	return ours;
}

static void
expect_bytes(int fd, size_t len)
{
	uint8_t *want = some_bytes(len), *got = xmalloc(len + 1);

	assert_int_equal(lseek(fd, 0, SEEK_END), len);
	assert_int_equal(pread(fd, got, len, 0), (ssize_t)len);
	assert_memory_equal(got, want, len);
	free(want);
	free(got);
}

static void
download(struct link *l, uint64_t max, enum link_media_result result, size_t len)
{
	const unsigned before = l->results;
	const int fd = begin_download(l, max, NULL);

	await(l, before + 1);
	assert_int_equal(l->result, result);
	if (result == LINK_MEDIA_OK)
		expect_bytes(fd, len);
	(void)close(fd);
}

/* -- tests --------------------------------------------------------------------------------------
 */

static void
test_there_and_back(void **state)
{
	static const size_t lengths[] = {0, 1, 16, 65536, BIG};
	struct link *l = *state;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		upload(l, lengths[i]);
		assert_int_equal(l->result, LINK_MEDIA_OK);
		assert_string_equal(l->direct_path, l->kept.path);
		assert_int_equal(l->ref.length, lengths[i]);
		assert_int_equal(l->ref.key_time, 1795485600);
		assert_int_equal(
		    evbuffer_get_length(l->kept.body), wa_media_enc_length(lengths[i]));
		download(l, BIG, LINK_MEDIA_OK, lengths[i]);
	}
	assert_int_equal(l->conns, 1); /* hosts are remembered */
	assert_int_equal(l->hosts[1].posts, 0);
}

static void
test_next_host(void **state)
{
	struct link *l = *state;

	l->hosts[0].status[0] = 507;
	upload(l, 100);
	assert_int_equal(l->result, LINK_MEDIA_OK);
	assert_int_equal(l->hosts[1].posts, 1);
	l->hosts[0].status[1] = l->hosts[1].status[1] = 503;
	upload(l, 100);
	assert_int_equal(l->result, LINK_MEDIA_UNAVAILABLE);
	assert_string_equal(l->detail, "the media host answered 503");
	upload(l, 100);
	assert_int_equal(l->result, LINK_MEDIA_OK);
}

/* Once refused, hosts are asked for anew; twice is enough. */
static void
test_refused(void **state)
{
	struct link *l = *state;

	l->hosts[0].status[0] = 401;
	upload(l, 100);
	assert_int_equal(l->result, LINK_MEDIA_OK);
	assert_int_equal(l->conns, 2);
	assert_int_equal(l->hosts[0].posts, 2);
	l->hosts[0].status[2] = l->hosts[0].status[3] = 403;
	upload(l, 100);
	assert_int_equal(l->result, LINK_MEDIA_REFUSED);
	assert_int_equal(l->conns, 3);
	l->hosts[0].status[4] = 413;
	upload(l, 100);
	assert_int_equal(l->result, LINK_MEDIA_TOO_LARGE);
	l->hosts[0].status[5] = 400;
	upload(l, 100);
	assert_int_equal(l->result, LINK_MEDIA_REFUSED);
	assert_int_equal(l->hosts[1].posts, 0);
}

static void
test_no_hosts(void **state)
{
	struct link *l = *state;

	l->no_conn = true;
	upload(l, 100);
	assert_int_equal(l->result, LINK_MEDIA_UNAVAILABLE);
	l->no_conn = false;
	upload(l, 100);
	assert_int_equal(l->result, LINK_MEDIA_OK);
}

/* Not to a place that nobody named. */
static void
test_redirect_elsewhere(void **state)
{
	static const char *const places[] = {"https://example.com/mms", "http://mmg.whatsapp.net/",
	    "https://x.whatsapp.net@evil/", "https://evilwhatsapp.net/", "file:///etc/passwd"};
	struct link *l = *state;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		l->hosts[0].posts = l->hosts[1].posts = 0;
		l->hosts[0].status[0] = 302;
		l->hosts[0].location = places[i];
		upload(l, 100);
		assert_int_equal(l->result, LINK_MEDIA_OK);
		assert_int_equal(l->hosts[1].posts, 1);
	}
}

static void
test_downloads_retry(void **state)
{
	struct link *l = *state;

	upload(l, 1000);
	l->hosts[0].status[0] = 500;
	l->hosts[1].status[0] = 429;
	download(l, BIG, LINK_MEDIA_OK, 1000);
	assert_int_equal(l->hosts[0].gets, 2);
	for (size_t i = 0; i < 8; i++)
		l->hosts[0].status[i] = l->hosts[1].status[i] = 500;
	l->hosts[0].gets = l->hosts[1].gets = 0;
	download(l, BIG, LINK_MEDIA_UNAVAILABLE, 0);
	assert_int_equal(l->hosts[0].gets + l->hosts[1].gets, 5);
}

static void
test_not_genuine(void **state)
{
	struct link *l = *state;

	upload(l, 1000);
	l->hosts[0].cut = true;
	download(l, BIG, LINK_MEDIA_OK, 1000); /* the other host has all of it */
	l->hosts[1].lie = true;
	download(l, BIG, LINK_MEDIA_CORRUPT, 0);
	download(l, 999, LINK_MEDIA_TOO_LARGE, 0);
	l->ref.length = 0; /* not told: what comes is still bounded */
	l->hosts[0].cut = l->hosts[1].lie = false;
	download(l, 900, LINK_MEDIA_TOO_LARGE, 0);
	l->ref.direct_path = "https://elsewhere/";
	download(l, BIG, LINK_MEDIA_REFUSED, 0);
	l->ref.direct_path = "/x y";
	download(l, BIG, LINK_MEDIA_REFUSED, 0);
	l->ref.direct_path = NULL;
	download(l, BIG, LINK_MEDIA_REFUSED, 0);
}

static void
phone_says(struct link *l, const char *id, enum wa_media_retry result, const char *path)
{
	struct node *n = node_new("notification", "type", "mediaretry", "id", id, NULL);
	struct node *encrypt = node_child(n, "encrypt", NULL);
	const uint8_t iv[WA_MEDIA_RETRY_IV_LEN] = {5};
	struct buf enc = BUF_INIT(1024);

	wa_media_retry_write(l->ref.media_key, id, iv, result, path, &enc);
	node_bytes(node_child(encrypt, "enc_p", NULL), enc.data, enc.len);
	node_bytes(node_child(encrypt, "enc_iv", NULL), iv, sizeof(iv));
	transfers_notice(l->m.transfers, n);
	buf_done(&enc);
	node_free(&n);
}

static void
test_phone(void **state)
{
	struct link *l = *state;
	const struct node *rmr;
	unsigned before;
	int fd;

	upload(l, 1000);
	l->forgotten = true;
	download(l, BIG, LINK_MEDIA_GONE, 0);
	assert_null(l->asked_phone);

	before = l->results;
	fd = begin_download(l, BIG, "ABC");
	while (l->asked_phone == NULL)
		event_base_dispatch(l->base);
	assert_true(node_get_is(l->asked_phone, "type", "server-error"));
	assert_true(node_get_is(l->asked_phone, "id", "ABC"));
	rmr = node_find(l->asked_phone, "rmr");
	assert_true(node_get_is(rmr, "from_me", "false"));
	phone_says(l, "ABD", WA_MEDIA_RETRY_FOUND, "/moved?x=1");
	assert_int_equal(l->results, before);
	phone_says(l, "ABC", WA_MEDIA_RETRY_FOUND, "/moved?x=1");
	await(l, before + 1);
	assert_int_equal(l->result, LINK_MEDIA_OK);
	assert_string_equal(l->moved, "/moved?x=1");
	expect_bytes(fd, 1000);
	(void)close(fd);

	node_free(&l->asked_phone);
	before = l->results;
	fd = begin_download(l, BIG, "ABC");
	while (l->asked_phone == NULL)
		event_base_dispatch(l->base);
	phone_says(l, "ABC", WA_MEDIA_RETRY_NOT_FOUND, NULL);
	await(l, before + 1);
	assert_int_equal(l->result, LINK_MEDIA_GONE);
	(void)close(fd);
}

/* Whatever is under way comes back when the link ends. */
static void
test_the_end(void **state)
{
	struct link *l = *state;
	int fds[LINK_TRANSFERS_MAX + 1];

	upload(l, 1000);
	l->hosts[0].silent = l->hosts[1].silent = true;
	for (size_t i = 0; i <= LINK_TRANSFERS_MAX; i++)
		fds[i] = begin_download(l, BIG, NULL);
	await(l, 2);
	assert_int_equal(l->result, LINK_MEDIA_BUSY);
	transfers_upload(l->m.transfers, WA_MEDIA_IMAGE, dup(fds[0]), on_result, l);
	await(l, 3);
	assert_int_equal(l->result, LINK_MEDIA_BUSY);
	transfers_free(&l->m.transfers);
	assert_int_equal(l->results, 3 + LINK_TRANSFERS_MAX);
	assert_int_equal(l->result, LINK_MEDIA_UNAVAILABLE);
	l->m.transfers = transfers_new(&l->m);
	transfers_upload(l->m.transfers, WA_MEDIA_IMAGE, dup(fds[0]), on_result, l);
	transfers_free(&l->m.transfers); /* a worker is at it */
	assert_int_equal(l->results, 4 + LINK_TRANSFERS_MAX);
	for (size_t i = 0; i <= LINK_TRANSFERS_MAX; i++)
		(void)close(fds[i]);
}

static void
test_local_file(void **state)
{
	struct link *l = *state;

	transfers_upload(l->m.transfers, WA_MEDIA_IMAGE, -1, on_result, l);
	await(l, 1);
	assert_int_equal(l->result, LINK_MEDIA_FILE);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_there_and_back),
	    TEST(test_next_host),
	    TEST(test_refused),
	    TEST(test_no_hosts),
	    TEST(test_redirect_elsewhere),
	    TEST(test_downloads_retry),
	    TEST(test_not_genuine),
	    TEST(test_phone),
	    TEST(test_the_end),
	    TEST(test_local_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
