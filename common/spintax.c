/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a text twice: once to find which braces belong together and have a bar of their own, once
 * to write what was chosen. Both take time in proportion to the text. It knows no variable but by
 * its braces.
 */
#include "common/spintax.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

struct mark {	       /* of one opening brace */
	size_t end;    /* its closing one; 0: none */
	unsigned bars; /* at its own level */
	unsigned depth;
};

struct reader {
	const char *text;
	size_t len;
	struct mark *marks; /* by position in the text */
	uint64_t random;
	struct buf *out;
};

static bool
is_special(char c)
{
	return c == '{' || c == '|' || c == '}';
}

/* Of a {{variable}} at the place, with its braces; 0: there is none. */
static size_t
variable_len(const char *s)
{
	const char *p = s;

	if (strncmp(p, "{{", 2) != 0)
		return 0;
	p += 2 + strspn(p + 2, " ");
	p += strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	p += strspn(p, " ");
	if (*p == '|')
		p += strcspn(p, "{}");
	return strncmp(p, "}}", 2) == 0 ? (size_t)(p - s) + 2 : 0;
}

/* What stands at `at` and is no brace or bar of a group: so many bytes; 0: one of those does. */
static size_t
plain_len(const struct reader *r, size_t at)
{
	const char *s = r->text + at;
	const size_t variable = variable_len(s), slashes = strspn(s, "\\");

	if (variable > 0)
		return variable;
	if (slashes > 0)
		return slashes + (slashes % 2 == 1 && is_special(s[slashes]) ? 1 : 0);
	return is_special(*s) ? 0 : 1;
}

struct open {
	size_t at;
	unsigned groups; /* how deep the groups in it go */
};

static unsigned
max_unsigned(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static void
close_brace(struct reader *r, struct open *stack, size_t *n, size_t at)
{
	struct open o;
	struct mark *m;

	if (*n == 0)
		return;
	o = stack[--*n];
	m = &r->marks[o.at];
	m->end = at;
	m->depth = o.groups + (m->bars > 0);
	if (*n > 0)
		stack[*n - 1].groups = max_unsigned(stack[*n - 1].groups, m->depth);
}

/* Fills in the marks. False: a brace with a bar is never closed. */
static bool
match(struct reader *r)
{
	struct open *stack = xcalloc(r->len + 1, sizeof(*stack));
	bool closed = true;
	size_t n = 0, len;

	for (size_t at = 0; at<r->len; at += len> 0 ? len : 1) {
		len = plain_len(r, at);
		if (len > 0)
			continue;
		if (r->text[at] == '{')
			stack[n++] = (struct open){.at = at};
		else if (r->text[at] == '}')
			close_brace(r, stack, &n, at);
		else if (n > 0)
			r->marks[stack[n - 1].at].bars++;
	}
	for (size_t i = 0; i < n; i++)
		closed = closed && r->marks[stack[i].at].bars == 0;
	free(stack);
	return closed;
}

static void
reader_init(struct reader *r, const char *text)
{
	*r = (struct reader){.text = text, .len = strlen(text)};
	r->marks = xcalloc(r->len + 1, sizeof(*r->marks));
}

const char *
spintax_check(const char *text)
{
	const char *wrong = NULL;
	struct reader r;

	reader_init(&r, text);
	if (!match(&r))
		wrong = "A choice {… | …} is never closed; write \\{ where a brace is meant.";
	for (size_t i = 0; wrong == NULL && i < r.len; i++) {
		if (r.marks[i].end > 0 && r.marks[i].depth > SPINTAX_DEPTH_MAX)
			wrong = "Choices go at most 5 deep into each other.";
		else if (r.marks[i].end > 0 && r.marks[i].bars >= SPINTAX_OPTIONS_MAX)
			wrong = "A choice has at most 100 options.";
	}
	free(r.marks);
	return wrong;
}

/* -- choosing -- */

static uint64_t
hash(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++) /* FNV-1a */
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return h;
}

/* splitmix64 */
static unsigned
next_below(struct reader *r, unsigned n)
{
	uint64_t z = r->random += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (unsigned)((z ^ (z >> 31)) % n);
}

static bool
is_group(const struct reader *r, size_t at)
{
	const struct mark *m = &r->marks[at];

	return m->end > 0 && m->bars > 0 && m->bars < SPINTAX_OPTIONS_MAX &&
	       m->depth <= SPINTAX_DEPTH_MAX;
}

/* Where the option number n of the group begins and ends. */
static void
find_option(const struct reader *r, size_t open, unsigned n, size_t *ret_from, size_t *ret_until)
{
	const size_t end = r->marks[open].end;
	size_t at = open + 1, len;

	*ret_from = at;
	for (; at < end; at += len) {
		len = plain_len(r, at);
		if (len > 0)
			continue;
		len = 1;
		if (r->text[at] == '{' && r->marks[at].end > 0) {
			len = r->marks[at].end - at + 1;
		} else if (r->text[at] == '|') {
			if (n-- == 0)
				break;
			*ret_from = at + 1;
		}
	}
	*ret_until = at;
}

/* Backslashes before a brace or a bar are for us, and go; others are the text's. */
static void
add_plain(struct reader *r, size_t at, size_t len)
{
	const char *s = r->text + at;
	const size_t slashes = strspn(s, "\\");

	if (slashes == 0 || !is_special(s[slashes])) {
		buf_add(r->out, s, len);
		return;
	}
	buf_add(r->out, s, slashes / 2);
	buf_add(r->out, s + slashes, len - slashes);
}

/* Goes as deep as groups may. */
static void
add_range(struct reader *r, size_t from, size_t until)
{
	size_t len;

	for (size_t at = from; at < until; at += len) {
		size_t first, last;

		len = plain_len(r, at);
		if (len > 0) {
			add_plain(r, at, len);
			continue;
		}
		len = 1;
		if (r->text[at] != '{' || !is_group(r, at)) {
			buf_add(r->out, r->text + at, 1);
			continue;
		}
		find_option(r, at, next_below(r, r->marks[at].bars + 1), &first, &last);
		add_range(r, first, last);
		len = r->marks[at].end - at + 1;
	}
}

void
spintax_choose(const char *text, const char *key, struct buf *out)
{
	struct reader r;

	if (strpbrk(text, "{|}") == NULL) {
		buf_add_str(out, text);
		return;
	}
	reader_init(&r, text);
	r.out = out;
	r.random = hash(hash(14695981039346656037u, key), text);
	(void)match(&r);
	add_range(&r, 0, r.len);
	free(r.marks);
}
