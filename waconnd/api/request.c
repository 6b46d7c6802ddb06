/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks at values; changes and answers nothing. */
#include "waconnd/api/request.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "common/utf8.h"

static bool
is_utf8(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t left = strlen(text), n;

	for (; left > 0; s += n, left -= n) {
		n = utf8_sequence(s, left);
		if (n == 0)
			return false;
	}
	return true;
}

/* A value of the field, at its place in the struct. */
static bool
value_is_text(const ProtobufCFieldDescriptor *field, const void *at)
{
	const void *value;

	memcpy(&value, at, sizeof(value));
	if (value == NULL)
		return true;
	return field->type == PROTOBUF_C_TYPE_STRING ? is_utf8(value) : request_is_text(value);
}

static bool
field_is_text(const ProtobufCFieldDescriptor *field, const char *message)
{
	const char *at = message + field->offset;
	const char *const *list;
	unsigned which;
	size_t n;

	if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
		return true;
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		memcpy(&n, message + field->quantifier_offset, sizeof(n));
		memcpy(&list, at, sizeof(list));
		for (size_t i = 0; i < n; i++)
			if (!value_is_text(field, &list[i]))
				return false;
		return true;
	}
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
		memcpy(&which, message + field->quantifier_offset, sizeof(which));
		if (which != field->id)
			return true;
	}
	return value_is_text(field, at);
}

bool
request_is_text(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *d = message->descriptor;

	for (unsigned i = 0; i < d->n_fields; i++)
		if (!field_is_text(&d->fields[i], (const char *)message))
			return false;
	return true;
}

size_t
request_length(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

bool
request_is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

bool
request_is_name(const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len > max || request_is_blank(text))
		return false;
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)text[i]))
			return false;
	return true;
}

void
request_digits(const char *q, char *out, size_t size)
{
	size_t n = 0;

	for (; *q != '\0' && n + 1 < size; q++)
		if (isdigit((unsigned char)*q) && (n > 0 || *q != '0'))
			out[n++] = *q;
	out[n] = '\0';
}

bool
request_is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}
