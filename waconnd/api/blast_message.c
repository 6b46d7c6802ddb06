/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names what it finds wrong by the fields of the request's JSON. Changes nothing. */
#include "waconnd/api/blast_message.h"

#include <stdlib.h>
#include <string.h>

#include "common/media_type.h"
#include "common/spintax.h"
#include "common/wa/content.h"
#include "waconnd/api/request.h"

#define JSON_MAX (1u << 20)
#define FILE_NAME_MAX 255

static const char *const modes[] = {"caption", "separate", NULL};

/* -- the request -- */

struct errors {
	struct problem_field *list;
	size_t n, max;
};

static void
wrong(struct errors *e, bool is_wrong, const char *field, const char *code, const char *detail)
{
	if (is_wrong && e->n < e->max)
		e->list[e->n++] = (struct problem_field){field, code, detail};
}

static void
check_text(const char *text, const char *field, struct errors *e)
{
	wrong(e, request_is_blank(text), field, "required", "Give the text to send.");
	wrong(e, request_length(text) > REQUEST_TEMPLATE_MAX, field, "too_long",
	    "At most 4096 characters.");
	wrong(e, spintax_check(text) != NULL, field, "invalid_choice", spintax_check(text));
}

enum part { PART_ID, PART_CAPTION, PART_FILE_NAME, PART_KIND };

/* Fields are named as a person wrote them; a problem only borrows its name. */
static const char *
media_field(size_t i, enum part part)
{
#define NAMES(n)                                                                   \
	{                                                                          \
		"message.media[" #n "].id", "message.media[" #n "].caption",       \
		    "message.media[" #n "].fileName", "message.media[" #n "].kind" \
	}
	static const char *const names[BLAST_MEDIA_MAX][4] = {NAMES(0), NAMES(1), NAMES(2),
	    NAMES(3), NAMES(4), NAMES(5), NAMES(6), NAMES(7), NAMES(8), NAMES(9)};
#undef NAMES

	return i < BLAST_MEDIA_MAX ? names[i][part] : "message.media";
}

static void
check_media(const Ipc__Blast *b, struct errors *e)
{
	enum wa_content_kind kind;

	wrong(e, b->n_media > BLAST_MEDIA_MAX, "message.media", "too_many", "At most 10 files.");
	wrong(e, b->media_mode != NULL && !request_is_one_of(b->media_mode, modes),
	    "message.mediaMode", "invalid", "\"caption\" or \"separate\".");
	for (size_t i = 0; i < b->n_media; i++) {
		const Ipc__MediaPart *m = b->media[i];

		wrong(e, m->id == NULL || m->id[0] == '\0', media_field(i, PART_ID), "required",
		    "The id that POST /api/media answered.");
		wrong(e, m->caption != NULL, media_field(i, PART_CAPTION), "not_with",
		    "The caption is message.text.");
		wrong(e, m->file_name != NULL && !request_is_name(m->file_name, FILE_NAME_MAX),
		    media_field(i, PART_FILE_NAME), "invalid",
		    "At most 255 bytes, no control characters.");
		wrong(e,
		    m->kind != NULL &&
			(wa_content_kind_parse(m->kind, &kind) < 0 || !wa_content_is_file(kind)),
		    media_field(i, PART_KIND), "invalid",
		    "image, video, gif, audio, voice, document or sticker.");
	}
}

size_t
blast_message_check(const Ipc__Blast *b, struct problem_field *list, size_t max)
{
	struct errors e = {.list = list, .max = max};

	wrong(&e, b->text == NULL && b->n_variants == 0 && b->n_media == 0, "message.text",
	    "required", "Give the text to send.");
	if (b->text != NULL && (b->text[0] != '\0' || b->n_media == 0))
		check_text(b->text, "message.text", &e);
	wrong(&e, b->n_variants > BLAST_VARIANTS_MAX, "message.variants", "too_many",
	    "At most 20 texts.");
	for (size_t i = 0; i < b->n_variants; i++)
		check_text(b->variants[i], "message.variants", &e);
	check_media(b, &e);
	return e.n;
}

/* -- texts -- */

const char *
blast_message_text(const Ipc__Blast *b)
{
	if (b->text != NULL && b->text[0] != '\0')
		return b->text;
	return b->n_variants > 0 ? b->variants[0] : "";
}

int
blast_message_variant(const Ipc__Blast *b, const char *phone)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	if (b->n_variants == 0)
		return -1;
	for (; *phone != '\0'; phone++)
		h = (h ^ (unsigned char)*phone) * 16777619u;
	return (int)((h ^ (h >> 16)) % b->n_variants);
}

const char *
blast_message_text_for(const Ipc__Blast *b, const char *phone)
{
	const int variant = blast_message_variant(b, phone);

	return variant < 0 ? blast_message_text(b) : b->variants[variant];
}

/* -- what the row keeps; columns of BLAST_MEDIA: id, type, name, size, width, height -- */

enum { M_ID, M_TYPE, M_NAME, M_SIZE, M_WIDTH, M_HEIGHT };

static const char *
column(const PGresult *r, size_t row, int n)
{
	return PQgetisnull(r, (int)row, n) ? NULL : PQgetvalue(r, (int)row, n);
}

static const char *
kind_of(const Ipc__Blast *b, const PGresult *r, size_t i)
{
	return b->media[i]->kind != NULL ? b->media[i]->kind
					 : media_type_kind(column(r, i, M_TYPE));
}

static bool
shows_text(const char *kind)
{
	return strcmp(kind, "audio") != 0 && strcmp(kind, "voice") != 0 &&
	       strcmp(kind, "sticker") != 0;
}

static bool
is_separate(const Ipc__Blast *b)
{
	return b->media_mode != NULL && strcmp(b->media_mode, "separate") == 0;
}

static void
write_media(struct jsonw *j, const char *key, const Ipc__Blast *b, const PGresult *r, size_t i)
{
	const char *name =
	    b->media[i]->file_name != NULL ? b->media[i]->file_name : column(r, i, M_NAME);

	jsonw_object(j, key);
	jsonw_str(j, "id", column(r, i, M_ID));
	jsonw_str(j, "mimeType", column(r, i, M_TYPE));
	jsonw_int(j, "size", strtoll(column(r, i, M_SIZE), NULL, 10));
	if (name != NULL)
		jsonw_str(j, "fileName", name);
	if (column(r, i, M_WIDTH) != NULL && column(r, i, M_HEIGHT) != NULL) {
		jsonw_int(j, "width", strtoll(column(r, i, M_WIDTH), NULL, 10));
		jsonw_int(j, "height", strtoll(column(r, i, M_HEIGHT), NULL, 10));
	}
	jsonw_object_end(j);
}

static void
write_parts(const Ipc__Blast *b, const PGresult *r, struct blast_message *m)
{
	const bool has_text = blast_message_text(b)[0] != '\0';
	struct jsonw j;

	jsonw_init(&j, &m->parts);
	jsonw_array(&j, NULL);
	if (has_text && is_separate(b)) {
		jsonw_object(&j, NULL);
		jsonw_str(&j, "kind", "text");
		jsonw_bool(&j, "text", true);
		jsonw_object_end(&j);
		m->n++;
	}
	for (size_t i = 0; i < b->n_media; i++, m->n++) {
		jsonw_object(&j, NULL);
		jsonw_str(&j, "kind", kind_of(b, r, i));
		jsonw_bool(&j, "text", has_text && i == 0 && !is_separate(b));
		jsonw_object(&j, "content");
		write_media(&j, "media", b, r, i);
		jsonw_object_end(&j);
		jsonw_object_end(&j);
	}
	jsonw_array_end(&j);
}

static void
write_more(const Ipc__Blast *b, const PGresult *r, struct blast_message *m)
{
	struct jsonw j;

	jsonw_init(&j, &m->more);
	jsonw_object(&j, NULL);
	if (b->n_media > 0) {
		jsonw_array(&j, "media");
		for (size_t i = 0; i < b->n_media; i++)
			write_media(&j, NULL, b, r, i);
		jsonw_array_end(&j);
		jsonw_str(&j, "mediaMode", is_separate(b) ? "separate" : "caption");
	}
	if (b->n_variants > 0) {
		jsonw_array(&j, "variants");
		for (size_t i = 0; i < b->n_variants; i++)
			jsonw_str(&j, NULL, b->variants[i]);
		jsonw_array_end(&j);
	}
	jsonw_object_end(&j);
}

/* The files are there, and may be sent so. */
static void
check_files(const Ipc__Blast *b, const PGresult *r, struct errors *e)
{
	for (size_t i = 0; i < b->n_media; i++) {
		if (column(r, i, M_ID) == NULL) {
			wrong(e, true, media_field(i, PART_ID), "not_found",
			    "There is no such file, or you may not see it.");
			continue;
		}
		wrong(e, !media_type_may_be(column(r, i, M_TYPE), kind_of(b, r, i)),
		    media_field(i, PART_KIND), "not_of_this_type",
		    "The file's type does not allow this kind.");
		wrong(e,
		    i == 0 && !is_separate(b) && blast_message_text(b)[0] != '\0' &&
			!shows_text(kind_of(b, r, i)),
		    "message.mediaMode", "not_with",
		    "WhatsApp shows no text with audio, voice notes and stickers: choose "
		    "\"separate\".");
	}
}

int
blast_message_make(
    struct call *c, const Ipc__Blast *b, const PGresult *media, struct blast_message *ret)
{
	struct problem_field list[BLAST_MEDIA_MAX];
	struct errors e = {.list = list, .max = BLAST_MEDIA_MAX};

	if (media != NULL)
		check_files(b, media, &e);
	if (e.n > 0) {
		call_invalid_fields(c, list, e.n);
		return -1;
	}
	buf_init(&ret->parts, JSON_MAX);
	buf_init(&ret->more, JSON_MAX);
	if (media != NULL)
		write_parts(b, media, ret);
	else
		ret->n = 1;
	if (b->n_media > 0 || b->n_variants > 0)
		write_more(b, media, ret);
	return 0;
}

void
blast_message_done(struct blast_message *m)
{
	buf_done(&m->parts);
	buf_done(&m->more);
}
