/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vectors: reads tests/vectors/vectors.json for the tests of this directory. Whatever is missing
 * there ends the test: a vector that is not checked must not pass.
 */
#ifndef TESTS_UNIT_WA_VECTORS_H
#define TESTS_UNIT_WA_VECTORS_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "tests/unit/cmocka_all.h"

#define VECTORS_FILE "tests/vectors/vectors.json"
#define VECTORS_BYTES_MAX (1u << 20)

#define UNUSED_FN __attribute__((unused))

static json_t *vectors_root;

UNUSED_FN static int
vectors_load(void **state)
{
	json_error_t error;

	(void)state;
	vectors_root = json_load_file(VECTORS_FILE, 0, &error);
	if (vectors_root == NULL)
		fprintf(stderr, "%s: %s\n", VECTORS_FILE, error.text);
	return vectors_root != NULL ? 0 : -1;
}

UNUSED_FN static int
vectors_unload(void **state)
{
	(void)state;
	json_decref(vectors_root);
	return 0;
}

UNUSED_FN static const json_t *
vector(const char *name)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(vectors_root, "vectors"), i,
	    v) if (strcmp(json_string_value(json_object_get(v, "name")), name) == 0) return v;
	fail_msg("no vector %s", name);
	return NULL;
}

/* vector_at(v, "outputs.steps"): by names with dots between. */
UNUSED_FN static const json_t *
vector_at(const json_t *v, const char *path)
{
	char part[64];

	for (const char *p = path; *p != '\0';) {
		const size_t n = strcspn(p, ".");

		(void)snprintf(part, sizeof(part), "%.*s", (int)n, p);
		v = json_object_get(v, part);
		if (v == NULL)
			fail_msg("no %s in vector", path);
		p += n + (p[n] == '.');
	}
	return v;
}

UNUSED_FN static const char *
vector_str(const json_t *v, const char *path)
{
	const char *s = json_string_value(vector_at(v, path));

	assert_non_null(s);
	return s;
}

UNUSED_FN static json_int_t
vector_int(const json_t *v, const char *path)
{
	const json_t *i = vector_at(v, path);

	assert_true(json_is_integer(i));
	return json_integer_value(i);
}

UNUSED_FN static unsigned
hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	assert_non_null(at);
	return (unsigned)(at - digits);
}

UNUSED_FN static struct buf
hex_bytes(const char *hex)
{
	struct buf b = BUF_INIT(VECTORS_BYTES_MAX);

	assert_int_equal(strlen(hex) % 2, 0);
	buf_add(&b, "", 0); /* data is never NULL */
	for (; *hex != '\0'; hex += 2)
		buf_add_u8(&b, (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1])));
	return b;
}

UNUSED_FN static struct buf
vector_bytes(const json_t *v, const char *path)
{
	return hex_bytes(vector_str(v, path));
}

/* Exactly n bytes into out. */
UNUSED_FN static void
vector_fixed(const json_t *v, const char *path, uint8_t *out, size_t n)
{
	struct buf b = vector_bytes(v, path);

	assert_int_equal(b.len, n);
	memcpy(out, b.data, n);
	buf_done(&b);
}

UNUSED_FN static void
assert_bytes(const void *data, size_t len, const char *hex)
{
	struct buf want = hex_bytes(hex);

	assert_int_equal(len, want.len);
	if (len > 0)
		assert_memory_equal(data, want.data, len);
	buf_done(&want);
}

/* Runs `each` for every vector of the category; how many there are is known, so that none is lost.
 */
UNUSED_FN static void
vectors_each(const char *category, size_t expected, void (*each)(const json_t *v, const char *name))
{
	const json_t *v;
	size_t i, n = 0;

	json_array_foreach(json_object_get(vectors_root, "vectors"), i, v)
	{
		if (strcmp(vector_str(v, "category"), category) != 0)
			continue;
		n++;
		each(v, vector_str(v, "name"));
	}
	assert_int_equal(n, expected);
}

#define VECTORS_RUN(tests) cmocka_run_group_tests(tests, vectors_load, vectors_unload)

#endif
