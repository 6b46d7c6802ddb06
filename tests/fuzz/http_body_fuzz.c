/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Query and JSON body of any route (the first byte says which; the first line is the query):
 * refused with errors that name their fields, or made into a request that the daemon reads as it
 * was meant.
 */
#include "apigw/answer_cache.h"
#include "apigw/call.h"
#include "common/xalloc.h"
#include "tests/fuzz/fuzz.h"

static const struct route *
pick(uint8_t number)
{
	const struct route *table = route_table();
	size_t n = 0;

	while (table[n].method != NULL)
		n++;
	return &table[number % n];
}

static void
check_errors(const struct body *b)
{
	must(b->n_errors <= BODY_ERRORS_MAX);
	for (size_t i = 0; i < b->n_errors; i++)
		must(b->errors[i].field != NULL && b->errors[i].code != NULL);
}

static void
check_request(const Ipc__Request *request)
{
	size_t len = ipc__request__get_packed_size(request), again_len;
	uint8_t *bytes = xmalloc(len + 1), *again_bytes;
	Ipc__Request *again;

	must(ipc__request__pack(request, bytes) == len);
	again = ipc__request__unpack(NULL, len, bytes);
	must(again != NULL && again->op_case == request->op_case);
	again_len = ipc__request__get_packed_size(again);
	again_bytes = xmalloc(again_len + 1);
	ipc__request__pack(again, again_bytes);
	must(len == again_len && memcmp(bytes, again_bytes, len) == 0);
	ipc__request__free_unpacked(again, NULL);
	free(again_bytes);
	free(bytes);
}

static void
build(const struct route *route, const char *query, const char *body, size_t len)
{
	struct http_request http = {.head = {.query = query}};
	struct gateway gw = {.answers = answer_cache_new()};
	struct call *c = xcalloc(1, sizeof(*c));

	c->gw = &gw;
	c->http = &http;
	c->route = route;
	memcpy(c->id, "outlet_1", sizeof("outlet_1"));
	ipc__request__init(&c->request);
	c->request.op_case = route->op;
	/* As the gateway does: a route with a body is not built without one. */
	if ((len == 0 && route->body != ROUTE_JSON) || body_parse(&c->body, body, len) == 0) {
		route->build(c);
		check_errors(&c->body);
		if (c->body.n_errors == 0)
			check_request(&c->request);
	}
	call_free(c);
	answer_cache_free(&gw.answers);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct route *route;
	char *text, *body;

	if (size < 2)
		return 0;
	route = pick(data[0]);
	if (route->build == NULL)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	body = memchr(text, '\n', size - 1);
	if (body != NULL) {
		*body++ = '\0';
		build(route, text, body, size - 1 - (size_t)(body - text));
	}
	free(text);
	return 0;
}
