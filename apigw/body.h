/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * body: JSON bodies against tables of fields. Unknown fields, wrong types and values out of range
 * are collected, each with its path ("pace.perMinute", "audience.numbers[3].phone"), so that a
 * client learns of all of them at once.
 */
#ifndef APIGW_BODY_H
#define APIGW_BODY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/problem.h"

#define BODY_DEPTH_MAX 16
#define BODY_ERRORS_MAX 20
#define BODY_PATH_MAX 128

struct body {
	json_t *root;
	struct problem_field errors[BODY_ERRORS_MAX];
	size_t n_errors;
};

enum body_type {
	BODY_STRING, /* char *, borrowed from the document */
	BODY_BOOL,   /* protobuf_c_boolean, with its has_ field */
	BODY_UINT,   /* uint32_t, with has_ */
	BODY_REAL,   /* double, with has_ */
	BODY_TIME,   /* int64_t milliseconds from RFC 3339, with has_ */
	BODY_ANY,    /* json_t *, borrowed */
};

struct body_field {
	const char *name;
	enum body_type type;
	bool required;
	double min, max; /* of a number, or of a string's length in bytes */
	size_t offset, has_offset;
};

/* -1: not JSON, or nested too deeply. */
int body_parse(struct body *b, const void *bytes, size_t len) __attribute__((warn_unused_result));
void body_done(struct body *b);
/* Reads the object's fields into `target` by the table (ends with a NULL name). prefix: "" or a
 * path. null counts as absent. */
void body_read(struct body *b, const char *prefix, const json_t *object,
    const struct body_field *fields, void *target);
void body_error(
    struct body *b, const char *prefix, const char *field, const char *code, const char *detail);
/* -1 when it is not a time by RFC 3339. */
int body_time(const char *text, int64_t *ret_ms) __attribute__((warn_unused_result));

#endif
