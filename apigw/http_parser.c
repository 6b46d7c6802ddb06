/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The strict reading of requests. Never guesses: what is not exactly by the grammar is refused, and
 * the connection with it. */
#include "apigw/http_parser.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include "common/xalloc.h"

#define METHOD_MAX 16
#define LENGTH_DIGITS_MAX 18
#define CHUNK_DIGITS_MAX 8

/* Fields that name one thing: two of them are a way to be read differently by two readers. */
static const char *const singles[] = {
    "host",
    "content-length",
    "transfer-encoding",
    "content-type",
    "authorization",
    "x-api-key",
    "origin",
    "cookie",
    "expect",
    "idempotency-key",
    "x-request-id",
    NULL,
};

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* The marks that may stand in names and targets, as sets of bits: every byte of a head is looked
 * at.
 */
#define TOKEN_MARK 1
#define TARGET_MARK 2
#define BOTH_MARKS (TOKEN_MARK | TARGET_MARK)
static const uint8_t marks[128] = {
    ['!'] = BOTH_MARKS,
    ['#'] = TOKEN_MARK,
    ['$'] = BOTH_MARKS,
    ['%'] = BOTH_MARKS,
    ['&'] = BOTH_MARKS,
    ['\''] = BOTH_MARKS,
    ['*'] = BOTH_MARKS,
    ['+'] = BOTH_MARKS,
    ['-'] = BOTH_MARKS,
    ['.'] = BOTH_MARKS,
    ['^'] = TOKEN_MARK,
    ['_'] = BOTH_MARKS,
    ['`'] = TOKEN_MARK,
    ['|'] = TOKEN_MARK,
    ['~'] = BOTH_MARKS,
    ['('] = TARGET_MARK,
    [')'] = TARGET_MARK,
    [','] = TARGET_MARK,
    [';'] = TARGET_MARK,
    ['='] = TARGET_MARK,
    [':'] = TARGET_MARK,
    ['@'] = TARGET_MARK,
    ['/'] = TARGET_MARK,
    ['?'] = TARGET_MARK,
};

static bool
is_mark(char c, uint8_t of)
{
	const unsigned char u = (unsigned char)c;

	return u < sizeof(marks) && (marks[u] & of) != 0;
}

static bool
is_token_char(char c)
{
	return is_alpha(c) || is_digit(c) || is_mark(c, TOKEN_MARK);
}

static bool
is_value_char(char c)
{
	unsigned char u = (unsigned char)c;

	return u == '\t' || (u >= 0x20 && u != 0x7f);
}

static bool
is_target_char(char c)
{
	return is_alpha(c) || is_digit(c) || is_mark(c, TARGET_MARK);
}

int
http_head_scan(const char *bytes, size_t len, size_t *offset)
{
	for (size_t i = *offset; i < len; i++) {
		if (bytes[i] == '\0')
			return -1;
		if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
			return -1;
		if (i > 0 && bytes[i - 1] == '\r' && bytes[i] != '\n')
			return -1;
		if (bytes[i] == '\n' && i >= 3 && bytes[i - 2] == '\n')
			return (int)(i + 1);
	}
	*offset = len;
	return 0;
}

static int
check_target(const char *t)
{
	if (t[0] != '/')
		return -1;
	for (; *t != '\0'; t++) {
		if (!is_target_char(*t))
			return -1;
		if (*t == '%' && (hex_value(t[1]) < 0 || hex_value(t[2]) < 0))
			return -1;
	}
	return 0;
}

/* "METHOD SP target SP HTTP/1.x"; cuts the line in place. */
static int
parse_request_line(char *line, struct http_head *h, bool *ret_old)
{
	char *target = strchr(line, ' '), *version, *query;

	if (target == NULL || target == line || target - line > METHOD_MAX)
		return -1;
	*target++ = '\0';
	version = strchr(target, ' ');
	if (version == NULL)
		return -1;
	*version++ = '\0';
	for (const char *p = line; *p != '\0'; p++) {
		if (*p < 'A' || *p > 'Z')
			return -1;
	}
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return -1;
	if (check_target(target) < 0)
		return -1;
	*ret_old = version[7] == '0';
	h->method = line;
	h->path = target;
	query = strchr(target, '?');
	h->query = query != NULL ? query + 1 : "";
	if (query != NULL)
		*query = '\0';
	return 0;
}

/* "name:value"; cuts the line in place. A line that starts with white space (a folded value) has no
 * token before ':'. */
static int
parse_field(char *line, struct http_field *f)
{
	char *p = line, *end;

	while (is_token_char(*p))
		p++;
	if (p == line || *p != ':')
		return -1;
	*p++ = '\0';
	for (const char *v = p; *v != '\0'; v++) {
		if (!is_value_char(*v))
			return -1;
	}
	while (*p == ' ' || *p == '\t')
		p++;
	end = p + strlen(p);
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	f->name = line;
	f->value = p;
	return 0;
}

/* Most names differ in their first letter: a call is spared. */
static bool
same_name(const char *a, const char *b)
{
	return ((*a ^ *b) & ~0x20) == 0 && strcasecmp(a, b) == 0;
}

static int
check_singles(const struct http_head *h)
{
	unsigned seen = 0;

	for (size_t i = 0; i < h->n_fields; i++) {
		size_t s = 0;

		while (singles[s] != NULL && !same_name(h->fields[i].name, singles[s]))
			s++;
		if (singles[s] != NULL && (seen & 1u << s) != 0)
			return -1;
		if (singles[s] != NULL)
			seen |= 1u << s;
	}
	return 0;
}

/* Old clients, such as the health checks of proxies, know no Host. */
static int
check_host(struct http_head *h, bool old)
{
	h->host = http_head_get(h, "host");
	if (h->host == NULL && old) {
		h->host = "";
		return 0;
	}
	if (h->host == NULL || *h->host == '\0')
		return -1;
	for (const char *p = h->host; *p != '\0'; p++) {
		if (!is_alpha(*p) && !is_digit(*p) && !one_of(*p, "-._~:[]"))
			return -1;
	}
	return 0;
}

static int
parse_length(const char *text, uint64_t *ret)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; is_digit(text[i]) && i <= LENGTH_DIGITS_MAX; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	if (i == 0 || i > LENGTH_DIGITS_MAX || text[i] != '\0')
		return -1;
	*ret = n;
	return 0;
}

static int
parse_framing(struct http_head *h, bool old)
{
	const char *length = http_head_get(h, "content-length");
	const char *coding = http_head_get(h, "transfer-encoding");
	const char *expect = http_head_get(h, "expect");

	if (coding != NULL && (old || length != NULL || strcasecmp(coding, "chunked") != 0))
		return -1;
	h->chunked = coding != NULL;
	if (length != NULL && parse_length(length, &h->length) < 0)
		return -1;
	if (expect != NULL && strcasecmp(expect, "100-continue") != 0)
		return -1;
	h->expect_continue = expect != NULL && !old;
	return 0;
}

static bool
list_has(const char *list, const char *token)
{
	size_t n = strlen(token);

	while (*list != '\0') {
		size_t len;

		list += strspn(list, " \t,");
		len = strcspn(list, " \t,");
		if (len == n && strncasecmp(list, token, n) == 0)
			return true;
		list += len;
	}
	return false;
}

static void
parse_connection(struct http_head *h, bool old)
{
	bool close = false, keep = false;

	for (size_t i = 0; i < h->n_fields; i++) {
		if (strcasecmp(h->fields[i].name, "connection") != 0)
			continue;
		close = close || list_has(h->fields[i].value, "close");
		keep = keep || list_has(h->fields[i].value, "keep-alive");
	}
	h->keep_alive = !close && (!old || keep);
}

static int
parse_lines(struct http_head *h, bool *ret_old)
{
	char *line = h->bytes, *end;

	for (bool first = true; (end = strstr(line, "\r\n")) != line;
	     first = false, line = end + 2) {
		if (end == NULL)
			return -1;
		*end = '\0';
		if (first) {
			if (parse_request_line(line, h, ret_old) < 0)
				return -1;
		} else if (h->n_fields == HTTP_FIELDS_MAX ||
			   parse_field(line, &h->fields[h->n_fields++]) < 0) {
			return -1;
		}
	}
	return h->method != NULL ? 0 : -1;
}

int
http_head_parse(const char *bytes, size_t len, struct http_head *ret_head)
{
	struct http_head *h = ret_head;
	bool old = false;

	memset(h, 0, offsetof(struct http_head, fields));
	h->bytes = xstrndup(bytes, len);
	if (strlen(h->bytes) != len || parse_lines(h, &old) < 0 || check_singles(h) < 0 ||
	    check_host(h, old) < 0 || parse_framing(h, old) < 0) {
		http_head_done(h);
		return -1;
	}
	parse_connection(h, old);
	h->old = old;
	return 0;
}

void
http_head_done(struct http_head *head)
{
	free(head->bytes);
	memset(head, 0, offsetof(struct http_head, fields));
}

const char *
http_head_get(const struct http_head *head, const char *name)
{
	for (size_t i = 0; i < head->n_fields; i++) {
		if (same_name(head->fields[i].name, name))
			return head->fields[i].value;
	}
	return NULL;
}

/* ---- chunked bodies ---- */

static int
chunk_size(struct http_chunks *c, char ch)
{
	int v = hex_value(ch);

	if (v >= 0) {
		c->left = c->left * 16 + (uint64_t)v;
		return ++c->digits <= CHUNK_DIGITS_MAX ? 0 : -1;
	}
	if (c->digits == 0)
		return -1;
	if (ch == ';')
		c->state = CHUNK_EXT;
	else if (ch == '\r')
		c->state = CHUNK_SIZE_LF;
	else
		return -1;
	return 0;
}

static int
chunk_ext(struct http_chunks *c, char ch)
{
	if (ch == '\r') {
		c->state = CHUNK_SIZE_LF;
		return 0;
	}
	return is_value_char(ch) && ++c->extra <= HTTP_TRAILER_MAX ? 0 : -1;
}

static int
chunk_size_lf(struct http_chunks *c, char ch)
{
	if (ch != '\n')
		return -1;
	c->state = c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	return 0;
}

static int
chunk_data_cr(struct http_chunks *c, char ch)
{
	c->state = CHUNK_DATA_LF;
	return ch == '\r' ? 0 : -1;
}

static int
chunk_data_lf(struct http_chunks *c, char ch)
{
	c->state = CHUNK_SIZE;
	c->digits = 0;
	return ch == '\n' ? 0 : -1;
}

/* Trailer fields are checked and dropped. */
static int
chunk_trailer(struct http_chunks *c, char ch)
{
	struct http_field f;

	if (++c->extra > HTTP_TRAILER_MAX || c->line_len + 1 >= sizeof(c->line) || ch == '\0')
		return -1;
	if (ch != '\n') {
		if (c->line_len > 0 && c->line[c->line_len - 1] == '\r')
			return -1;
		c->line[c->line_len++] = ch;
		return 0;
	}
	if (c->line_len == 0 || c->line[c->line_len - 1] != '\r')
		return -1;
	c->line[c->line_len - 1] = '\0';
	if (c->line_len == 1) {
		c->state = CHUNK_DONE;
		return 0;
	}
	c->line_len = 0;
	return parse_field(c->line, &f);
}

static int (*const chunk_steps[])(struct http_chunks *c, char ch) = {
    [CHUNK_SIZE] = chunk_size,
    [CHUNK_EXT] = chunk_ext,
    [CHUNK_SIZE_LF] = chunk_size_lf,
    [CHUNK_DATA_CR] = chunk_data_cr,
    [CHUNK_DATA_LF] = chunk_data_lf,
    [CHUNK_TRAILER] = chunk_trailer,
};

ssize_t
http_chunks_take(struct http_chunks *c, const char *bytes, size_t len, struct buf *out)
{
	size_t i = 0;

	while (i < len && c->state != CHUNK_DONE) {
		if (c->state == CHUNK_DATA) {
			size_t n = c->left < len - i ? (size_t)c->left : len - i;

			buf_add(out, bytes + i, n);
			i += n;
			c->left -= n;
			if (c->left == 0)
				c->state = CHUNK_DATA_CR;
		} else if (chunk_steps[c->state](c, bytes[i++]) < 0) {
			return -1;
		}
	}
	return (ssize_t)i;
}

/* ---- queries ---- */

int
http_query_decode(const char *in, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = in[i] == '+' ? ' ' : in[i];

		if (c == '%') {
			if (len - i < 3 || hex_value(in[i + 1]) < 0 || hex_value(in[i + 2]) < 0)
				return -1;
			c = (char)(hex_value(in[i + 1]) * 16 + hex_value(in[i + 2]));
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return -1;
		out[n++] = c;
	}
	out[n] = '\0';
	return 0;
}

int
http_query_get(const char *query, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	while (*query != '\0') {
		size_t len = strcspn(query, "&");

		if (len > n && strncmp(query, name, n) == 0 && query[n] == '=')
			return http_query_decode(query + n + 1, len - n - 1, out, size) < 0 ? -1
											    : 1;
		query += len;
		query += *query == '&';
	}
	return 0;
}
