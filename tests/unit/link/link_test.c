/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A link's life over a real socket against a played server: login, ends, logout, and what it must
 * not do. */
#include "tests/unit/link/link_world.h"
#include "tests/unit/wa/vectors.h"

#include <unistd.h>

#include "common/clock.h"
#include "waconnd/link/link_private.h"

static void
test_login_first_time(void **state)
{
	struct world *w = *state;
	const struct node *upload;
	unsigned keys = 0;

	w->give_login = true;
	world_begin_login(w);
	world_run(w, world_is_ready);
	assert_int_equal(w->opened, 1);
	assert_int_equal(w->readied, 1);
	assert_int_equal(w->server.payload.username, 6281234567890ull);
	assert_int_equal(w->server.payload.device, 3);
	assert_true(w->server.payload.passive);
	assert_non_null(strcasestr(w->server.request, "Origin: https://web.whatsapp.com\r\n"));
	assert_non_null(strcasestr(w->server.request, "GET /ws/chat HTTP/1.1\r\n"));
	assert_null(strcasestr(w->server.request, "Sec-WebSocket-Protocol"));
	assert_null(strcasestr(w->server.request, "permessage-deflate"));
	upload = world_got(w, "iq", "list");
	assert_non_null(upload);
	for (const struct node *k = node_first(node_find(upload, "list")); k != NULL;
	     k = node_next(k))
		keys++;
	assert_int_equal(keys, 812);
	assert_non_null(node_find(upload, "registration"));
	assert_non_null(node_find(upload, "skey"));
	assert_non_null(world_got(w, "iq", "active"));
	assert_non_null(world_got(w, "iq", "digest"));
	assert_non_null(world_got(w, "ib", "unified_session"));
	assert_true(link_last_heard_ms(w->link) > 0);
	assert_true(link_latency_ms(w->link) >= 0);
	assert_true(link_credentials(w->link)->prekeys_uploaded);
	assert_true(w->keys.commits >= 1);
}

static void
test_login_again_uploads_nothing(void **state)
{
	struct world *w = *state;

	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_ready);
	assert_null(world_got(w, "iq", "list"));
	assert_int_equal(notes.prekeys, 0);
}

static bool
was_present(struct world *w)
{
	return world_got(w, "presence", NULL) != NULL;
}

/* Unavailable, as soon as there is a name to say it with; "@" is no part of one. */
static void
test_presence(void **state)
{
	struct world *w = *state;
	struct credentials *c;

	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_ready);
	assert_false(was_present(w));
	c = link_credentials(w->link);
	(void)snprintf(c->push_name, sizeof(c->push_name), "@@");
	link_named(w->link);
	(void)snprintf(c->push_name, sizeof(c->push_name), "Toko@Budi");
	link_named(w->link);
	world_run(w, was_present);
	assert_true(node_get_is(world_got(w, "presence", NULL), "type", "unavailable"));
	assert_true(node_get_is(world_got(w, "presence", NULL), "name", "TokoBudi"));
}

static bool
asked_for_batch(struct world *w)
{
	return world_got(w, "ib", "offline_batch") != NULL;
}

static void
test_backlog(void **state)
{
	struct world *w = *state;
	struct node *n;

	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_open);
	n = node_new("ib", NULL);
	node_child(n, "offline_preview", "count", "1", NULL);
	fake_send(&w->server, n);
	world_run(w, asked_for_batch);
	assert_int_equal(w->readied, 0);
	n = node_new("message", "id", "3EB0AA", "from", "1@s.whatsapp.net", "offline", "1", NULL);
	fake_send(&w->server, n);
	n = node_new("ib", NULL);
	node_child(n, "offline", "count", "1", NULL);
	fake_send(&w->server, n);
	world_run(w, world_is_ready);
	assert_int_equal(notes.messages, 1);
}

static bool
got_pong(struct world *w)
{
	const struct node *n = world_got(w, "iq", NULL);

	return node_get_is(n, "id", "srv-1") && node_get_is(n, "type", "result");
}

static bool
got_acks(struct world *w)
{
	unsigned acks = 0;

	for (unsigned i = 0; i < w->n_got; i++)
		acks += node_is(w->got[i], "ack");
	return acks == 4;
}

static void
test_small_stanzas(void **state)
{
	struct world *w = *state;
	struct node *n;
	const struct node *ack;

	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_ready);
	fake_send(&w->server, node_new("iq", "type", "get", "xmlns", "urn:xmpp:ping", "id", "srv-1",
				  "from", "s.whatsapp.net", NULL));
	world_run(w, got_pong);
	fake_send(&w->server, node_new("notification", "type", "mystery", "id", "n1", "from",
				  "s.whatsapp.net", NULL));
	fake_send(&w->server, node_new("call", "id", "c1", "from", "62811@s.whatsapp.net", NULL));
	fake_send(&w->server, node_new("novelty", "id", "x1", "from", "s.whatsapp.net", NULL));
	n = node_new(
	    "notification", "type", "devices", "id", "n2", "from", "62811@s.whatsapp.net", NULL);
	fake_send(&w->server, n);
	fake_send(&w->server, node_new("ack", "class", "message", "id", "m1", NULL));
	fake_send(&w->server, node_new("chatstate", "from", "62811@s.whatsapp.net", NULL));
	world_run(w, got_acks);
	assert_int_equal(notes.devices, 1);
	ack = world_got(w, "ack", NULL);
	assert_true(node_get_is(ack, "class", "notification"));
	assert_true(node_get_is(ack, "type", "devices"));
	assert_true(node_get_is(ack, "to", "62811@s.whatsapp.net"));
}

static bool
got_clean(struct world *w)
{
	return world_got(w, "iq", "clean") != NULL;
}

static bool
has_routing(struct world *w)
{
	return w->server.routing.len > 0 && world_has_login(w);
}

static bool
got_message(struct world *w)
{
	(void)w;
	return notes.messages > 0;
}

static bool
got_all_messages(struct world *w)
{
	(void)w;
	return notes.messages == 51;
}

static bool
held_for_a_while(struct world *w)
{
	return w->link->ws.held && clock_monotonic_ms() - w->link->held_ms > 150;
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;

	(void)fd;
	(void)what;
	if (w->until != NULL && w->until(w))
		(void)event_base_loopexit(w->base, NULL);
}

/* While the message side is behind, nothing is read; then all that waited. It may end meanwhile. */
static struct node *
stanza_of(const char *vector_name)
{
	struct buf bytes = vector_bytes(vector(vector_name), "outputs.encoded");
	struct node *n = NULL;

	assert_int_equal(node_decode(bytes.data, bytes.len, &n), 0);
	buf_done(&bytes);
	return n;
}

static bool
has_ack(struct world *w)
{
	return world_got(w, "ack", NULL) != NULL;
}

/* As the other client acknowledges, but for type and from of a message's, which both servers take
 * either way (PROTOCOL section 13). */
static void
test_acks_vector(void **state)
{
	static const struct {
		const char *stanza, *ack;
		bool short_form;
	} rows[] = {
	    {"node:message-in", "message", true},
	    {"node:notification-devices", "notification", false},
	    {"node:receipt-retry", "receipt", false},
	};
	const json_t *acks = vector_at(vector("ack-stanzas-baileys"), "outputs");
	struct world *w = *state;

	w->give_login = true;
	world_begin_login(w);
	world_run(w, world_is_ready);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const json_t *attrs = vector_at(acks, rows[i].ack);
		const char *key;
		const struct node *ack;
		json_t *value;

		attrs = vector_at(attrs, "attrs");
		fake_send(&w->server, stanza_of(rows[i].stanza));
		world_run(w, has_ack);
		ack = world_got(w, "ack", NULL);
		json_object_foreach((json_t *)(uintptr_t)attrs, key, value)
		{
			const bool left_out = rows[i].short_form && (strcmp(key, "type") == 0 ||
									strcmp(key, "from") == 0);

			if (left_out)
				assert_null(node_get(ack, key));
			else
				assert_string_equal(node_get(ack, key), json_string_value(value));
		}
		for (unsigned j = 0; j < w->n_got; j++)
			if (node_is(w->got[j], "ack")) {
				node_free(&w->got[j]);
				w->got[j] = node_new("seen", NULL);
			}
	}
}

static void
test_reading_stops(void **state)
{
	const struct timeval often = {0, 10000};
	struct world *w = *state;
	struct event *look;

	w->give_login = true;
	world_begin_login(w);
	look = event_new(w->base, -1, EV_PERSIST, on_look, w);
	assert_int_equal(event_add(look, &often), 0);
	world_run(w, world_is_ready);
	notes.behind = true;
	fake_send(&w->server, node_new("message", "id", "M1", "from", "1@lid", NULL));
	world_run(w, got_message);
	for (int i = 0; i < 50; i++)
		fake_send(&w->server, node_new("message", "id", "M2", "from", "1@lid", NULL));
	world_run(w, held_for_a_while);
	assert_int_equal(notes.messages, 1);
	notes.behind = false;
	world_run(w, got_all_messages);
	assert_false(w->link->ws.held);
	notes.behind = true;
	fake_send(&w->server, node_new("message", "id", "M3", "from", "1@lid", NULL));
	world_run(w, held_for_a_while);
	link_close(w->link);
	world_run(w, world_is_ended);
	event_free(look);
}

static void
test_dirty_and_routing(void **state)
{
	struct world *w = *state;
	static const uint8_t routing[] = {8, 3, 8, 12};
	struct node *n;

	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_open);
	n = node_new("ib", NULL);
	node_bytes(node_child(node_child(n, "edge_routing", NULL), "routing_info", NULL), routing,
	    sizeof(routing));
	fake_send(&w->server, n);
	n = node_new("ib", NULL);
	node_child(n, "dirty", "type", "account_sync", "timestamp", "1700", NULL);
	fake_send(&w->server, n);
	world_run(w, got_clean);
	assert_true(
	    node_get_is(node_find(world_got(w, "iq", "clean"), "clean"), "timestamp", "1700"));
	/* The next connection begins with it. */
	link_free(&w->link);
	world_begin(w, LINK_LOGIN);
	world_run(w, has_routing);
	assert_int_equal(w->server.routing.len, sizeof(routing));
	assert_memory_equal(w->server.routing.data, routing, sizeof(routing));
}

/* -- ends -- */

static void
test_failures(void **state)
{
	static const struct {
		const char *reason;
		enum link_end end;
	} rows[] = {
	    {"401", LINK_END_LOGGED_OUT},
	    {"403", LINK_END_LOCKED},
	    {"405", LINK_END_OUTDATED},
	    {"406", LINK_END_BANNED},
	    {"503", LINK_END_UNAVAILABLE},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w->ended = 0;
		world_begin_login(w);
		world_run(w, world_has_login);
		fake_send(&w->server, node_new("failure", "reason", rows[i].reason, NULL));
		world_run(w, world_is_ended);
		assert_int_equal(w->end, rows[i].end);
		assert_int_equal(w->opened, 0);
		link_free(&w->link);
		fake_server_drop(&w->server);
	}
}

static void
test_ban_has_an_end(void **state)
{
	struct world *w = *state;

	world_begin_login(w);
	world_run(w, world_has_login);
	fake_send(&w->server,
	    node_new("failure", "reason", "402", "code", "104", "expire", "3600", NULL));
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_TEMP_BANNED);
	assert_true(w->until_ms > clock_wall_ms() + 3500000);
	assert_non_null(strstr(w->detail, "same message"));
}

static void
test_stream_error_restart(void **state)
{
	const struct wa_content hello = {.kind = WA_CONTENT_TEXT, .text = "hello"};
	struct world *w = *state;

	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_ready);
	link_send(w->link, "3EB0", "62811", &hello, w);
	fake_send(&w->server, node_new("stream:error", "code", "515", NULL));
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_RESTART);
	assert_int_equal(w->sent, 1);
	assert_int_equal(w->sent_result, LINK_SENT_UNCERTAIN);
	/* Too late to send, but still answered. */
	w->ended = 0;
	w->in_call = true;
	link_send(w->link, "3EB1", "62811", &hello, w);
	link_upload(w->link, WA_MEDIA_IMAGE, dup(0), w);
	link_download(w->link, &(struct link_media){.type = WA_MEDIA_IMAGE}, dup(0), 1, w);
	w->in_call = false;
	event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(w->sent, 2);
	assert_int_equal(w->transfers, 2);
}

static void
test_closed_by_server(void **state)
{
	struct world *w = *state;

	w->give_login = true;
	world_begin_login(w);
	world_run(w, world_is_open);
	fake_server_drop(&w->server);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_CLOSED);
}

static void
test_garbage(void **state)
{
	struct world *w = *state;

	w->give_login = true;
	world_begin_login(w);
	world_run(w, world_is_open);
	fake_frame_send(&w->server, "this was never sealed by anyone", 31);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PROTOCOL);
}

static bool
was_answered(struct world *w)
{
	for (unsigned i = 0; i < w->n_got; i++)
		if (node_get_is(w->got[i], "id", "after"))
			return true;
	return false;
}

/* A document that is no node, as servers of another year may say: dropped, the link goes on. */
static void
test_unreadable(void **state)
{
	static const uint8_t document[] = {0, 0xf8, 0x02, 0x13, 0xf5};
	struct world *w = *state;
	struct buf sealed = BUF_INIT(100);

	w->give_login = true;
	world_begin_login(w);
	world_run(w, world_is_open);
	assert_int_equal(noise_seal(w->server.noise, document, sizeof(document), &sealed), 0);
	fake_frame_send(&w->server, sealed.data, sealed.len);
	buf_done(&sealed);
	fake_send(&w->server, node_new("iq", "type", "get", "xmlns", "urn:xmpp:ping", "id", "after",
				  "from", "s.whatsapp.net", NULL));
	world_run(w, was_answered);
	assert_int_equal(w->ended, 0);
	for (unsigned i = 0; i <= 100; i++) {
		assert_int_equal(
		    noise_seal(w->server.noise, document, sizeof(document), &sealed), 0);
		fake_frame_send(&w->server, sealed.data, sealed.len);
		buf_done(&sealed);
		sealed = (struct buf)BUF_INIT(100);
	}
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PROTOCOL);
}

static void
test_refused(void **state)
{
	struct world *w = *state;

	evconnlistener_free(w->server.listener);
	w->server.listener = NULL;
	world_begin_login(w);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_REFUSED);
}

/* libwebsockets calls this neither an error nor a close of the WebSocket. */
static void
test_closed_before_the_upgrade(void **state)
{
	struct world *w = *state;

	w->server.slam = true;
	world_begin_login(w);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_REFUSED);
	assert_int_equal(w->server.connections, 1);
}

static void
test_untrusted(void **state)
{
	struct world *w = *state;

	curve_generate(&w->server.root);
	world_begin_login(w);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_UNTRUSTED);
	assert_false(noise_ready(w->server.noise));
}

static void
test_close_is_orderly(void **state)
{
	struct world *w = *state;

	w->give_login = true;
	world_begin_login(w);
	world_run(w, world_is_open);
	w->in_call = true;
	link_close(w->link);
	link_close(w->link);
	w->in_call = false;
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_ASKED);
	assert_true(w->server.closed);
}

static void
test_close_at_once(void **state)
{
	struct world *w = *state;

	world_begin_login(w);
	w->in_call = true;
	link_close(w->link);
	w->in_call = false;
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_ASKED);
	assert_int_equal(w->server.connections, 0);
}

static void
test_no_keys(void **state)
{
	struct world *w = *state;

	world_begin(w, LINK_LOGIN);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_BAD_KEYS);
}

static void
test_spoilt_keys(void **state)
{
	struct world *w = *state;

	fake_put(&w->keys.keydb, KEY_CREDENTIALS, "", "nonsense", 8);
	world_begin(w, LINK_LOGIN);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_BAD_KEYS);
}

static void
test_database_away(void **state)
{
	struct world *w = *state;

	w->keys.fail = -1;
	world_begin_login(w);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_STORAGE);
}

static void
test_logout(void **state)
{
	struct world *w = *state;
	const struct node *remove;

	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_ready);
	w->in_call = true;
	link_logout(w->link);
	w->in_call = false;
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_LOGGED_OUT);
	assert_int_equal(w->keys.wipes, 1);
	assert_true(LIST_EMPTY(&w->keys.keys));
	remove =
	    node_find(world_got(w, "iq", "remove-companion-device"), "remove-companion-device");
	assert_true(node_get_is(remove, "jid", WORLD_PHONE ":3@s.whatsapp.net"));
	assert_true(node_get_is(remove, "reason", "user_initiated"));
}

static bool
asked_to_remove(struct world *w)
{
	return world_got(w, "iq", "remove-companion-device") != NULL;
}

static void
test_logout_cut(void **state)
{
	struct world *w = *state;

	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_ready);
	w->give_login = false;
	link_logout(w->link);
	world_run(w, asked_to_remove);
	fake_server_drop(&w->server);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_LOGGED_OUT);
	assert_int_equal(w->keys.wipes, 1);
}

static bool
is_freed(struct world *w)
{
	return w->link == NULL;
}

static void
test_free_inside_callback(void **state)
{
	struct world *w = *state;

	w->give_login = true;
	w->free_at_open = true;
	world_begin_login(w);
	world_run(w, is_freed);
	assert_int_equal(w->ended, 0);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_login_first_time),
	    T(test_login_again_uploads_nothing),
	    T(test_presence),
	    T(test_backlog),
	    T(test_small_stanzas),
	    T(test_acks_vector),
	    T(test_reading_stops),
	    T(test_dirty_and_routing),
	    T(test_failures),
	    T(test_ban_has_an_end),
	    T(test_stream_error_restart),
	    T(test_closed_by_server),
	    T(test_garbage),
	    T(test_unreadable),
	    T(test_refused),
	    T(test_closed_before_the_upgrade),
	    T(test_untrusted),
	    T(test_close_is_orderly),
	    T(test_close_at_once),
	    T(test_no_keys),
	    T(test_spoilt_keys),
	    T(test_database_away),
	    T(test_logout),
	    T(test_logout_cut),
	    T(test_free_inside_callback),
	};

	return VECTORS_RUN(tests);
}
