/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * multipart: multipart/form-data (RFC 7578, RFC 2046) as it comes, in pieces of any size. What is
 * not exactly by the grammar is refused: no preamble, no folded fields, every part with its name.
 * Holds no more than a part's head and one delimiter's length of data.
 */
#ifndef APIGW_MULTIPART_H
#define APIGW_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#define MULTIPART_HEAD_MAX 4096 /* bytes of one part's fields */
#define MULTIPART_PIECE_MAX 65536
#define MULTIPART_NAME_MAX 255

struct multipart;

struct multipart_ops {
	/* A part begins; the strings are valid during the call. file_name NULL: it is no file. */
	void (*part)(void *arg, const char *name, const char *file_name);
	void (*data)(void *arg, const void *bytes, size_t len);
};

/* NULL: content_type (may be NULL) is none of form data, or has no boundary that may be. */
struct multipart *multipart_new(
    const char *content_type, const struct multipart_ops *ops, void *arg);
void multipart_free(struct multipart **m);
/* At most MULTIPART_PIECE_MAX bytes. -1: malformed; then it is not used any more. */
int multipart_take(struct multipart *m, const void *bytes, size_t len)
    __attribute__((warn_unused_result));
/* Has the last part ended? */
bool multipart_complete(const struct multipart *m);

#endif
