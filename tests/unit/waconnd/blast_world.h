/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The blast engine over links that the test plays and a real PostgreSQL, with one outlet: what the
 * tests of the engine have in common. Included by one .c each.
 */
#ifndef TESTS_WACONND_BLAST_WORLD_H
#define TESTS_WACONND_BLAST_WORLD_H

#include "tests/unit/waconnd/fake_link.h"

#include "waconnd/account.h"
#include "waconnd/blast/queue.h"

struct env {
	struct world *w;
	struct hub *hub;
	struct hub_sub *sub;
	struct outlets *os;
	struct blasts *blasts;
	struct worker *worker;
	bool loaded;
	unsigned blast_events, message_events;
	char last_blast[4096], last_message[512], last_blast_outlet[64];
};

static struct env env;

UNUSED static void
on_event(void *arg, const struct hub_event *e)
{
	(void)arg;
	if (strcmp(e->kind, "blast") == 0) {
		env.blast_events++;
		(void)snprintf(env.last_blast, sizeof(env.last_blast), "%s", e->data);
		(void)snprintf(env.last_blast_outlet, sizeof(env.last_blast_outlet), "%s",
		    e->outlet != NULL ? e->outlet : "-");
	}
	if (strcmp(e->kind, "message") == 0) {
		env.message_events++;
		(void)snprintf(env.last_message, sizeof(env.last_message), "%s", e->data);
	}
}

UNUSED static void
on_loaded(void *arg, int err)
{
	(void)arg;
	assert_int_equal(err, 0);
	env.loaded = true;
}

UNUSED static struct outlet *
outlet(void)
{
	return outlets_find(env.os, "o1");
}

UNUSED static bool
has_link(void *arg)
{
	(void)arg;
	return fake_find("o1") != NULL;
}

UNUSED static bool
is_sendable(void *arg)
{
	(void)arg;
	return outlet_link(outlet()) != NULL;
}

UNUSED static void
bring_up(void)
{
	until(has_link, NULL, "a link");
	fake_up(fake_find("o1"));
	until(is_sendable, NULL, "healthy");
}

UNUSED static void
start(void)
{
	const struct outlets_env oe = {.base = env.w->base,
	    .store = &env.w->store,
	    .hub = env.hub,
	    .instance = "host-a",
	    .default_pace = {.per_minute = 0, .timezone = "Asia/Jakarta"}};

	env.loaded = false;
	env.worker = worker_new(env.w->base, 1, 16);
	env.os = outlets_new(&oe, on_loaded, NULL);
	world_until(env.w, &env.loaded);
	env.blasts = blasts_new(env.w->base, &env.w->store, env.hub, env.os, env.worker);
	bring_up();
}

UNUSED static void
stop_engine(void)
{
	worker_free(&env.worker);
	blasts_free(&env.blasts);
	outlets_free(&env.os);
	assert_int_equal(world_commit(env.w), 0);
}

UNUSED static int
fresh(void **state)
{
	memset(&env, 0, sizeof(env));
	env.w = *state;
	fake_reset(env.w->base);
	(void)world_sql(env.w, "TRUNCATE outlets, blasts, opt_outs, media CASCADE");
	(void)world_sql(
	    env.w, "INSERT INTO outlets (id, name, whatsapp_number) VALUES ('o1', 'A', '62811')");
	(void)world_sql(env.w,
	    "INSERT INTO outlet_sessions (outlet_id, status, own_jid, linked_at) VALUES "
	    "('o1', 'CONNECTED', '62811:7@s.whatsapp.net', now())");
	(void)world_sql(
	    env.w, "INSERT INTO keys (outlet_id, kind, name, value) VALUES ('o1', 1, '', '\\x00')");
	env.hub = hub_new(1);
	env.sub = hub_subscribe(env.hub, NULL, ~0u, NULL, on_event, NULL);
	start();
	return 0;
}

UNUSED static int
stop(void **state)
{
	(void)state;
	stop_engine();
	hub_free(&env.hub);
	fake_reset(NULL);
	return 0;
}

UNUSED static void
add_blast(const char *id, unsigned n, const char *status, const char *pace)
{
	char sql[700];

	(void)snprintf(sql, sizeof(sql),
	    "WITH b AS (INSERT INTO blasts (id, name, status, text, pace, outlets, created_by) "
	    "VALUES ('%s', 'B', '%s', 'Halo {{name|Kakak}} {{n}}', '%s', '{o1}', 'me')) SELECT 1",
	    id, status, pace);
	(void)world_sql(env.w, sql);
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO messages (outlet_id, blast_id, outgoing, phone, vars, status) "
	    "SELECT 'o1', '%s', true, '628' || (1000000 + n), json_build_object('n', n)::jsonb, "
	    "'QUEUED' FROM generate_series(1, %u) n",
	    id, n);
	(void)world_sql(env.w, sql);
	blasts_kick(env.blasts, NULL);
}

/* Every recipient was sent to under one id only, and no id went to two. */
UNUSED static void
assert_one_id_each(void)
{
	for (unsigned i = 0; i < fake.n_sends; i++)
		for (unsigned k = i + 1; k < fake.n_sends; k++)
			assert_int_equal(strcmp(fake.sends[i].phone, fake.sends[k].phone) == 0,
			    strcmp(fake.sends[i].id, fake.sends[k].id) == 0);
}

UNUSED static unsigned answers_left;

UNUSED static bool
answer_some(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	(void)s;
	(void)ret_result;
	(void)ret_code;
	if (answers_left == 0)
		return false;
	answers_left--;
	return true;
}

UNUSED static bool
answers_used_up(void *arg)
{
	(void)arg;
	return answers_left == 0 && fake.in_flight > 0;
}

#endif
