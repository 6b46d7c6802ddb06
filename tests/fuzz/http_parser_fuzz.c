/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection's bytes read whole and in pieces (the first byte says how long) give the same head
 * and the same body; a head that is taken holds nothing that a second reader could cut elsewhere.
 */
#include "apigw/accept.h"
#include "apigw/conditional.h"
#include "apigw/http_parser.h"

#include <stdio.h>

#include "tests/fuzz/fuzz.h"

#define BODY_MAX 65536
#define OUT_MAX (1u << 20)
#define VALUE_MAX 256

static void
check_text(const char *text)
{
	must(text != NULL);
	must(strpbrk(text, "\r\n") == NULL);
}

static void
print_head(const struct http_head *h, struct buf *out)
{
	check_text(h->method);
	check_text(h->path);
	check_text(h->query);
	check_text(h->host);
	must(h->path[0] == '/' && h->n_fields <= HTTP_FIELDS_MAX);
	must(!h->chunked || h->length == 0);
	buf_addf(out, "%s %s ? %s @ %s %d %llu %d %d\n", h->method, h->path, h->query, h->host,
	    h->chunked, (unsigned long long)h->length, h->keep_alive, h->expect_continue);
	for (size_t i = 0; i < h->n_fields; i++) {
		check_text(h->fields[i].name);
		check_text(h->fields[i].value);
		must(strpbrk(h->fields[i].name, " \t:") == NULL);
		buf_addf(out, "%s:%s\n", h->fields[i].name, h->fields[i].value);
	}
	/* HTTP/1.0 need not name one. */
	if (h->host[0] == '\0')
		must(http_head_get(h, "HOST") == NULL);
	else
		must(http_head_get(h, "HOST") == h->host);
}

static void
check_conditions(const struct http_head *h)
{
	const char *list = http_head_get(h, "if-none-match");
	uint64_t from = 0, len = 0;

	must(!conditional_known(h, "\"a\"") || list != NULL);
	if (conditional_range(h, "\"a\"", 1000, &from, &len) > 0)
		must(from < 1000 && len > 0 && len <= 1000 - from);
}

/* The head's length once it has all come, as a connection finds it: looking again at each piece. */
static int
scan(const char *bytes, size_t size, size_t step)
{
	size_t offset = 0;
	int n = 0;

	for (size_t len = 0; n == 0 && len < size;) {
		len = size - len < step ? size : len + step;
		n = http_head_scan(bytes, len, &offset);
	}
	must(n <= (int)size);
	return n;
}

static void
take_chunks(const char *bytes, size_t size, size_t step, struct buf *out)
{
	struct http_chunks c = {0};
	struct buf body = BUF_INIT(BODY_MAX);
	size_t at = 0;
	ssize_t n = 0;

	while (at < size && n >= 0 && c.state != CHUNK_DONE) {
		size_t len = size - at < step ? size - at : step;

		n = http_chunks_take(&c, bytes + at, len, &body);
		must(n <= (ssize_t)len && (n == (ssize_t)len || n < 0 || c.state == CHUNK_DONE));
		at += n > 0 ? (size_t)n : 0;
	}
	/* What was taken before a fault depends on the pieces: it is thrown away with the request.
	 */
	if (n < 0)
		buf_add_str(out, "refused");
	else
		buf_addf(out, "%d %zu %zu\n", c.state, at, body.len);
	if (n >= 0 && body.len > 0)
		buf_add(out, body.data, body.len);
	buf_done(&body);
}

static void
run(const char *bytes, size_t size, size_t step, struct buf *out)
{
	struct http_head head;
	int n = scan(bytes, size, step);

	if (n <= 0 || http_head_parse(bytes, (size_t)n, &head) < 0) {
		buf_addf(out, "no head %d", n);
		return;
	}
	print_head(&head, out);
	check_conditions(&head);
	if (head.chunked)
		take_chunks(bytes + n, size - (size_t)n, step, out);
	http_head_done(&head);
}

static void
query(const char *text)
{
	char value[VALUE_MAX];
	size_t len = strlen(text);

	if (http_query_decode(text, len, value, sizeof(value)) == 0)
		must(strlen(value) <= len);
	if (http_query_get(text, "limit", value, sizeof(value)) == 1)
		must(strlen(value) < sizeof(value));
	must(accept_quality(text, "image/png", NULL) <= 1000);
	must(accept_quality(text, "gzip", NULL) <= 1000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(OUT_MAX), pieces = BUF_INIT(OUT_MAX);
	char *text;

	if (size < 2)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	run(text, size - 1, size, &whole);
	run(text, size - 1, 1u + data[0], &pieces);
	must(whole.len == pieces.len && memcmp(whole.data, pieces.data, whole.len) == 0);
	query(text);
	free(text);
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
