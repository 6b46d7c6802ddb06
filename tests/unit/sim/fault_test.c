/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fault: which texts arm one, which do not, what is listed, how often it strikes, forgetting. */
#include "tests/unit/sim/server_world.h"

static int
arm(struct sim *s, const char *text, unsigned *ret_id)
{
	json_t *json = json_loads(text, 0, NULL);
	const char *error = NULL;
	int r;

	assert_non_null(json);
	r = fault_arm(s, json, ret_id, &error);
	assert_true(r == 0 ? error == NULL : error != NULL);
	json_decref(json);
	return r;
}

static const struct {
	const char *text;
	const char *listed; /* NULL: struck at once, or nothing left to strike */
} goods[] = {
    {"{'action':'close'}", NULL},
    {"{'action':'stream_error','code':'503','when':'login'}",
	"{'id':1,'action':'stream_error','when':'login','times':1,'code':'503'}"},
    {"{'action':'stream_error','code':401,'conflict':'device_removed','phone':'6281100001'}", NULL},
    {"{'action':'failure','reason':402,'code':101,'expire':3600,'phone':'6281100001','device':1}",
	"{'id':1,'action':'failure','when':'login','times':1,'phone':'6281100001','device':1,"
	"'reason':'402','code':'101','expire':'3600'}"},
    {"{'action':'silence','when':'connect','ms':500,'times':-1}",
	"{'id':1,'action':'silence','when':'connect','times':-1,'ms':500}"},
    {"{'action':'refuse'}", "{'id':1,'action':'refuse','when':'connect','times':-1}"},
    {"{'action':'refuse','times':0}", NULL},
    {"{'action':'ack_error','error':463,'times':3}",
	"{'id':1,'action':'ack_error','when':'message','times':3,'error':463}"},
    {"{'action':'drop_ack'}", "{'id':1,'action':'drop_ack','when':'message','times':1}"},
    {"{'action':'split','when':'connect'}", "{'id':1,'action':'split','when':'connect','times':1}"},
    {"{'action':'qr_expire'}", NULL},
    {"{'action':'code_refresh'}", NULL},
    {"{'action':'code_error','error':429,'phone':'6281100001'}",
	"{'id':1,'action':'code_error','when':'code','times':1,'phone':'6281100001','error':429}"},
    {"{'action':'query_error','error':429,'xmlns':'usync'}",
	"{'id':1,'action':'query_error','when':'query','times':1,'xmlns':'usync','error':429}"},
};

static const char *const bads[] = {
    "[]",
    "{}",
    "{'action':'explode'}",
    "{'action':7}",
    "{'action':'close','when':'tomorrow'}",
    "{'action':'close','when':'message'}",
    "{'action':'failure','reason':'401','when':'now'}",
    "{'action':'failure'}",
    "{'action':'ack_error'}",
    "{'action':'ack_error','error':0}",
    "{'action':'code_error'}",
    "{'action':'code_error','error':429,'when':'now'}",
    "{'action':'code_refresh','when':'code'}",
    "{'action':'query_error'}",
    "{'action':'query_error','error':429,'when':'now'}",
    "{'action':'close','times':'often'}",
    "{'action':'close','times':-2}",
    "{'action':'silence','ms':-1}",
    "{'action':'silence','ms':864000000}",
    "{'action':'close','phone':'62811000011111111111111111111'}",
    "{'action':'close','phone':'6281100001','when':'connect'}",
    "{'action':'close','colour':'red'}",
    "{'action':'stream_error','child':[1]}",
    "{'action':'ping','when':'login'}",
    "{'action':'stream_error','code':[1]}",
};

/* Apostrophes for quotes: easier on the eye. */
static char *
quoted(const char *text)
{
	char *copy = xstrdup(text);

	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	return copy;
}

static void
test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		struct server_world w;
		char *text = quoted(goods[i].text);
		char *listed = goods[i].listed != NULL ? quoted(goods[i].listed) : NULL;
		json_t *list, *expected;
		unsigned id;

		world_begin(&w);
		assert_int_equal(arm(w.sim, text, &id), 0);
		assert_int_equal(id, 1);
		list = fault_list(w.sim);
		assert_int_equal(json_array_size(list), listed != NULL);
		if (listed != NULL) {
			expected = json_loads(listed, 0, NULL);
			assert_true(json_equal(json_array_get(list, 0), expected));
			json_decref(expected);
		}
		json_decref(list);
		free(text);
		free(listed);
		world_end(&w);
	}
}

static void
test_bad(void **state)
{
	struct server_world w;

	(void)state;
	world_begin(&w);
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		char *text = quoted(bads[i]);
		unsigned id;

		if (arm(w.sim, text, &id) == 0)
			fail_msg("armed: %s", text);
		free(text);
	}
	assert_true(STAILQ_EMPTY(&w.sim->faults));
	world_end(&w);
}

static void
test_times(void **state)
{
	struct server_world w;
	struct peer ana, budi;
	unsigned id, error;

	(void)state;
	world_begin(&w);
	ana = (struct peer){account_find(w.sim, "6281100001", true), NULL};
	budi = (struct peer){account_find(w.sim, "6281100002", true), NULL};
	assert_int_equal(
	    arm(w.sim,
		"{\"action\":\"ack_error\",\"error\":475,\"times\":2,\"phone\":\"6281100001\"}",
		&id),
	    0);
	assert_int_equal(fault_message(w.sim, &budi, &error), FAULT_NONE);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fault_message(w.sim, &ana, &error), FAULT_ACK_ERROR);
		assert_int_equal(error, 475);
	}
	assert_int_equal(fault_message(w.sim, &ana, &error), FAULT_NONE);
	assert_int_equal(arm(w.sim, "{\"action\":\"lose_message\",\"times\":-1}", &id), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(fault_message(w.sim, &budi, &error), FAULT_LOSE);
	assert_true(fault_forget(w.sim, id));
	assert_false(fault_forget(w.sim, id));
	assert_int_equal(fault_message(w.sim, &budi, &error), FAULT_NONE);
	world_end(&w);
}

static void
test_accept(void **state)
{
	struct server_world w;
	unsigned id;
	int64_t ms;

	(void)state;
	world_begin(&w);
	assert_int_equal(fault_accepting(w.sim, &ms), FAULT_ACCEPT);
	assert_int_equal(
	    arm(w.sim, "{\"action\":\"silence\",\"when\":\"connect\",\"ms\":9}", &id), 0);
	assert_int_equal(arm(w.sim, "{\"action\":\"refuse\"}", &id), 0);
	assert_int_equal(fault_accepting(w.sim, &ms), FAULT_HOLD);
	assert_int_equal(ms, 9);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fault_accepting(w.sim, &ms), FAULT_RESET);
	assert_int_equal(arm(w.sim, "{\"action\":\"refuse\",\"times\":0}", &id), 0);
	assert_int_equal(fault_accepting(w.sim, &ms), FAULT_ACCEPT);
	assert_int_equal(arm(w.sim, "{\"action\":\"close\",\"when\":\"connect\"}", &id), 0);
	assert_int_equal(fault_accepting(w.sim, &ms), FAULT_CLOSE);
	assert_int_equal(fault_accepting(w.sim, &ms), FAULT_ACCEPT);
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_accept),
	};

	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
