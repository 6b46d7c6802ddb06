/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A delimiter at a time: what is held is looked at by one step function for each state, until none
 * of them gets on. Decides nothing about which parts there may be. */
#include "apigw/multipart.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/xalloc.h"

#define BOUNDARY_MAX 70
#define HELD_MAX (MULTIPART_PIECE_MAX + MULTIPART_HEAD_MAX + BOUNDARY_MAX + 16)

enum state { STATE_START, STATE_DELIMITER, STATE_HEAD, STATE_DATA, STATE_END, STATE_COUNT };

struct multipart {
	const struct multipart_ops *ops;
	void *arg;
	enum state state;
	char delimiter[BOUNDARY_MAX + 5]; /* CR LF "--" boundary */
	size_t delimiter_len;
	struct buf held;
};

static bool
is_boundary_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("'()+_,-./:=?", c) != NULL);
}

/* -1: there is none that may be. */
static int
read_boundary(const char *content_type, char *out)
{
	static const char wanted[] = "multipart/form-data";
	const char *p = content_type, *end;
	size_t n = 0;
	bool quoted;

	if (p == NULL || strncasecmp(p, wanted, sizeof(wanted) - 1) != 0)
		return -1;
	p += sizeof(wanted) - 1;
	p += strspn(p, " \t");
	if (*p++ != ';')
		return -1;
	p += strspn(p, " \t");
	if (strncasecmp(p, "boundary=", 9) != 0)
		return -1;
	p += 9;
	quoted = *p == '"';
	p += quoted;
	for (end = p; is_boundary_char(*end); end++)
		n++;
	if (n == 0 || n > BOUNDARY_MAX || *end != (quoted ? '"' : '\0') ||
	    (quoted && end[1] != '\0'))
		return -1;
	memcpy(out, p, n);
	out[n] = '\0';
	return 0;
}

struct multipart *
multipart_new(const char *content_type, const struct multipart_ops *ops, void *arg)
{
	char boundary[BOUNDARY_MAX + 1];
	struct multipart *m;

	if (read_boundary(content_type, boundary) < 0)
		return NULL;
	m = xcalloc(1, sizeof(*m));
	m->ops = ops;
	m->arg = arg;
	memcpy(m->delimiter, "\r\n--", 4);
	m->delimiter_len = 4 + strlen(boundary);
	memcpy(m->delimiter + 4, boundary, m->delimiter_len - 4);
	buf_init(&m->held, HELD_MAX);
	buf_add_str(&m->held, "\r\n"); /* the first delimiter has no line before it */
	return m;
}

void
multipart_free(struct multipart **mp)
{
	struct multipart *m = *mp;

	if (m == NULL)
		return;
	buf_done(&m->held);
	free(m);
	*mp = NULL;
}

/* ---- a part's head ---- */

/* A parameter's value, a token or in quotes, from *p on; moves *p behind it. What clients make of a
 * quote in a name: \" or %22. */
static int
read_value(const char **p, char out[MULTIPART_NAME_MAX + 1])
{
	const char *s = *p;
	const bool quoted = *s == '"';
	size_t n = 0;

	s += quoted;
	for (; *s != '\0' && *s != (quoted ? '"' : ';'); s++) {
		if (quoted && *s == '\\' && (s[1] == '"' || s[1] == '\\'))
			s++;
		if (n == MULTIPART_NAME_MAX)
			return -1;
		out[n] = *s;
		if (strncmp(s, "%22", 3) == 0) {
			out[n] = '"';
			s += 2;
		}
		n++;
	}
	if (quoted && *s++ != '"')
		return -1;
	out[n] = '\0';
	*p = s + strspn(s, " \t");
	return 0;
}

struct disposition {
	char name[MULTIPART_NAME_MAX + 1], file_name[MULTIPART_NAME_MAX + 1];
	char ignored[MULTIPART_NAME_MAX + 1];
	bool has_name, has_file_name;
};

static int
read_parameter(const char **p, struct disposition *d)
{
	const char *key = *p;
	const size_t n = strcspn(key, "= \t;");

	if (n == 0 || key[n] != '=')
		return -1;
	*p = key + n + 1;
	if (n == 4 && strncasecmp(key, "name", n) == 0 && !d->has_name) {
		d->has_name = true;
		return read_value(p, d->name);
	}
	if (n == 8 && strncasecmp(key, "filename", n) == 0 && !d->has_file_name) {
		d->has_file_name = true;
		return read_value(p, d->file_name);
	}
	/* filename* must not be (RFC 7578, section 4.2), but is sent beside filename. */
	if (n == 9 && strncasecmp(key, "filename*", n) == 0)
		return read_value(p, d->ignored);
	return -1;
}

static int
read_disposition(const char *value, struct disposition *d)
{
	static const char wanted[] = "form-data";

	if (d->has_name || strncasecmp(value, wanted, sizeof(wanted) - 1) != 0)
		return -1;
	value += sizeof(wanted) - 1;
	value += strspn(value, " \t");
	while (*value != '\0') {
		if (*value++ != ';')
			return -1;
		value += strspn(value, " \t");
		if (read_parameter(&value, d) < 0)
			return -1;
	}
	return d->has_name ? 0 : -1;
}

static bool
is_field_line(const char *line)
{
	const size_t n = strcspn(line, ": \t");

	if (n == 0 || line[n] != ':')
		return false;
	for (; *line != '\0'; line++)
		if ((unsigned char)*line < 0x20 && *line != '\t')
			return false;
	return true;
}

/* Lines that end in CR LF. */
static int
read_head(char *lines, struct disposition *d)
{
	static const char wanted[] = "content-disposition:";
	char *end;

	for (; *lines != '\0'; lines = end + 2) {
		end = strstr(lines, "\r\n");
		if (end == NULL)
			return -1;
		*end = '\0';
		if (!is_field_line(lines))
			return -1;
		if (strncasecmp(lines, wanted, sizeof(wanted) - 1) != 0)
			continue;
		lines += sizeof(wanted) - 1;
		if (read_disposition(lines + strspn(lines, " \t"), d) < 0)
			return -1;
	}
	return d->has_name ? 0 : -1;
}

/* ---- steps: 1 got on, 0 needs more, -1 malformed ---- */

static int
step_start(struct multipart *m)
{
	if (m->held.len < m->delimiter_len)
		return 0;
	if (memcmp(m->held.data, m->delimiter, m->delimiter_len) != 0)
		return -1;
	buf_drop(&m->held, m->delimiter_len);
	m->state = STATE_DELIMITER;
	return 1;
}

/* Behind a delimiter: another part, or no more. */
static int
step_delimiter(struct multipart *m)
{
	if (m->held.len < 2)
		return 0;
	if (memcmp(m->held.data, "--", 2) == 0) {
		buf_drop(&m->held, 2);
		m->state = STATE_END;
		return 1;
	}
	if (memcmp(m->held.data, "\r\n", 2) != 0)
		return -1;
	m->state = STATE_HEAD; /* the line's end stays: a head may be empty */
	return 1;
}

static int
step_head(struct multipart *m)
{
	const uint8_t *end = memmem(m->held.data, m->held.len, "\r\n\r\n", 4);
	struct disposition *d;
	char *lines;
	size_t len;
	int r;

	if (end == NULL)
		return m->held.len > MULTIPART_HEAD_MAX ? -1 : 0;
	len = (size_t)(end - m->held.data) + 2;
	if (len > MULTIPART_HEAD_MAX || memchr(m->held.data, '\0', len) != NULL)
		return -1;
	lines = xstrndup((const char *)m->held.data + 2, len - 2);
	d = xcalloc(1, sizeof(*d));
	r = read_head(lines, d);
	buf_drop(&m->held, len + 2);
	m->state = STATE_DATA;
	if (r == 0)
		m->ops->part(m->arg, d->name, d->has_file_name ? d->file_name : NULL);
	free(d);
	free(lines);
	return r < 0 ? -1 : 1;
}

static int
step_data(struct multipart *m)
{
	const uint8_t *end = memmem(m->held.data, m->held.len, m->delimiter, m->delimiter_len);
	size_t len = m->held.len, keep = m->delimiter_len - 1;

	if (end == NULL && len <= keep)
		return 0;
	len = end != NULL ? (size_t)(end - m->held.data) : len - keep;
	if (len > 0)
		m->ops->data(m->arg, m->held.data, len);
	buf_drop(&m->held, end != NULL ? len + m->delimiter_len : len);
	if (end == NULL)
		return 0;
	m->state = STATE_DELIMITER;
	return 1;
}

/* An epilogue is read away. */
static int
step_end(struct multipart *m)
{
	buf_reset(&m->held);
	return 0;
}

static int (*const steps[STATE_COUNT])(struct multipart *m) = {
    [STATE_START] = step_start,
    [STATE_DELIMITER] = step_delimiter,
    [STATE_HEAD] = step_head,
    [STATE_DATA] = step_data,
    [STATE_END] = step_end,
};

int
multipart_take(struct multipart *m, const void *bytes, size_t len)
{
	int r;

	buf_add(&m->held, bytes, len);
	if (!buf_ok(&m->held))
		return -1;
	while ((r = steps[m->state](m)) > 0)
		;
	return r;
}

bool
multipart_complete(const struct multipart *m)
{
	return m->state == STATE_END;
}
