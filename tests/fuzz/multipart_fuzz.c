/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A form read whole and in pieces (the first byte says how long) gives the same parts and the same
 * data; nothing of its data is more than what came. Beside it, the bytes as a file and as a range.
 */
#include "apigw/conditional.h"
#include "apigw/multipart.h"
#include "common/buf.h"
#include "common/media_type.h"
#include "tests/fuzz/fuzz.h"

#define OUT_MAX (1u << 21)

struct heard {
	struct buf parts, data;
};

static void
on_part(void *arg, const char *name, const char *file_name)
{
	struct heard *h = arg;

	must(strlen(name) <= MULTIPART_NAME_MAX);
	must(file_name == NULL || strlen(file_name) <= MULTIPART_NAME_MAX);
	buf_addf(&h->parts, "%zu %s|%s\n", h->data.len, name, file_name != NULL ? file_name : "");
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	struct heard *h = arg;

	must(len > 0);
	buf_add(&h->data, bytes, len);
}

static int
run(const uint8_t *data, size_t size, size_t step, struct heard *h)
{
	static const struct multipart_ops ops = {on_part, on_data};
	struct multipart *m = multipart_new("multipart/form-data; boundary=b", &ops, h);
	int r = 0;

	buf_init(&h->parts, OUT_MAX);
	buf_init(&h->data, OUT_MAX);
	for (size_t at = 0; r == 0 && at < size; at += step)
		r = multipart_take(m, data + at, size - at < step ? size - at : step);
	r = r < 0 ? -1 : multipart_complete(m);
	multipart_free(&m);
	return r;
}

static void
look(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	const char *type = media_type_detect(data, size, text);
	uint64_t from, len;

	must(type != NULL && strcmp(media_type_known(type), type) == 0);
	must(media_type_may_be(type, media_type_kind(type)));
	(void)media_type_known(text);
	if (conditional_range_parse(text, 1000, &from, &len) > 0)
		must(len > 0 && from + len <= 1000);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole, pieces;
	int r;

	if (size < 1 || size > MULTIPART_PIECE_MAX)
		return 0;
	r = run(data + 1, size - 1, size, &whole);
	must(run(data + 1, size - 1, 1u + data[0], &pieces) == r);
	if (r >= 0) {
		must(whole.parts.len == pieces.parts.len && whole.data.len == pieces.data.len);
		must(whole.parts.len == 0 ||
		     memcmp(whole.parts.data, pieces.parts.data, whole.parts.len) == 0);
		must(whole.data.len <= size);
	}
	buf_done(&whole.parts);
	buf_done(&whole.data);
	buf_done(&pieces.parts);
	buf_done(&pieces.data);
	look(data, size);
	return 0;
}
