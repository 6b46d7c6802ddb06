/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blast engine with files: uploaded once, sent in order, and what fails with them. */
#include "tests/unit/waconnd/blast_world.h"

/* -- files -- */

static void
add_media(const char *id, unsigned chunks)
{
	char sql[700];

	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO media (id, owner, complete, sha256, size, mime_type) VALUES ('%s', 'me', "
	    "true, '\\x00', %u, 'image/jpeg')",
	    id, (chunks - 1) * 262144 + 5);
	(void)world_sql(env.w, sql);
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO media_chunks SELECT '%s', n, CASE WHEN n = %u THEN '12345' ELSE "
	    "convert_to(repeat('x', 262144), 'UTF8') END FROM generate_series(0, %u) n",
	    id, chunks - 1, chunks - 1);
	(void)world_sql(env.w, sql);
}

/* Two messages each: a picture with the text, then a document. */
static void
add_file_blast(unsigned n)
{
	char sql[900];

	add_media("m1", 3);
	add_media("m2", 1);
	(void)world_sql(env.w,
	    "INSERT INTO blasts (id, name, status, text, outlets, created_by, parts) VALUES ('b1', "
	    "'B', 'RUNNING', 'Halo {{n}}', '{o1}', 'me', '[{\"kind\": \"image\", \"text\": true, "
	    "\"content\": {\"media\": {\"id\": \"m1\"}}}, {\"kind\": \"document\", \"content\": "
	    "{\"media\": {\"id\": \"m2\", \"fileName\": \"a.pdf\"}}}]')");
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO messages (outlet_id, blast_id, outgoing, phone, vars, status, part, kind, "
	    "is_recipient) SELECT 'o1', 'b1', true, '628' || (1000000 + n), json_build_object('n', "
	    "n)::jsonb, 'QUEUED', p, CASE p WHEN 0 THEN 'image' ELSE 'document' END, p = 1 FROM "
	    "generate_series(1, %u) n, generate_series(0, 1) p ORDER BY n, p",
	    n);
	(void)world_sql(env.w, sql);
	blasts_kick(env.blasts, NULL);
}

static void
test_files_are_uploaded_once(void **state)
{
	(void)state;
	add_file_blast(40);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.uploads, 2);
	assert_int_equal(fake.n_sends, 80);
	assert_string_equal(
	    world_sql(env.w, "SELECT concat_ws(' ', total, sent, queued) FROM blasts"), "40 40 0");
	assert_string_equal(world_sql(env.w, "SELECT count(*) FROM media_uploads"), "2");
	/* In order to each, with the text once. */
	for (unsigned i = 0; i < fake.n_sends; i++) {
		unsigned before = 0;

		for (unsigned k = 0; k < i; k++)
			before += strcmp(fake.sends[i].phone, fake.sends[k].phone) == 0;
		assert_int_equal(
		    fake.sends[i].kind, before == 0 ? WA_CONTENT_IMAGE : WA_CONTENT_DOCUMENT);
		assert_int_equal(strncmp(fake.sends[i].text, "Halo ", 5) == 0, before == 0);
		assert_true(before < 2);
	}
	/* A second blast finds what is there, even after a restart. */
	stop_engine();
	start();
	(void)world_sql(env.w, "UPDATE messages SET status = 'QUEUED', wa_id = NULL; UPDATE blasts "
			       "SET status = 'RUNNING'");
	blasts_kick(env.blasts, NULL);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.uploads, 2);
}

static bool
refuse_pictures(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	*ret_result = s->kind == WA_CONTENT_IMAGE ? LINK_SENT_REJECTED : LINK_SENT_OK;
	*ret_code = 400;
	return true;
}

/* What follows a message that failed is not sent alone. */
static void
test_a_part_fails(void **state)
{
	(void)state;
	fake.policy = refuse_pictures;
	add_file_blast(5);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 5);
	assert_string_equal(
	    world_sql(env.w, "SELECT concat_ws(' ', total, failed, sent) FROM blasts"), "5 5 0");
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE reason = 'rejected_400'"), "10");
}

static void
test_a_file_is_refused(void **state)
{
	(void)state;
	fake.upload_result = LINK_MEDIA_TOO_LARGE;
	add_file_blast(5);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 0);
	assert_string_equal(
	    world_sql(env.w, "SELECT concat_ws(' ', count(*), min(reason)) FROM messages WHERE "
			     "status = 'FAILED' AND is_recipient"),
	    "5 media_too_large");
}

static void
test_a_crash_between_parts(void **state)
{
	(void)state;
	fake.policy = answer_some;
	answers_left = 7;
	add_file_blast(10);
	until(answers_used_up, NULL, "7 answers");
	stop_engine();
	answers_left = 1000;
	start();
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_string_equal(
	    world_sql(env.w, "SELECT concat_ws(' ', count(*), count(DISTINCT wa_id)) FROM messages "
			     "WHERE status = 'SENT'"),
	    "20 20");
	for (unsigned i = 0; i < fake.n_sends; i++)
		for (unsigned k = i + 1; k < fake.n_sends; k++)
			assert_int_equal(strcmp(fake.sends[i].phone, fake.sends[k].phone) == 0 &&
					     fake.sends[i].kind == fake.sends[k].kind,
			    strcmp(fake.sends[i].id, fake.sends[k].id) == 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, stop)
	const struct CMUnitTest tests[] = {
	    TEST(test_files_are_uploaded_once),
	    TEST(test_a_part_fails),
	    TEST(test_a_file_is_refused),
	    TEST(test_a_crash_between_parts),
	};

	return cmocka_run_group_tests_name("blast_file", tests, world_setup_store, world_teardown);
}
