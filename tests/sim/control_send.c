/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a test makes a phone write, and the media hosts that files go over. */
#include <ctype.h>
#include <event2/buffer.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/content.h"
#include "common/xalloc.h"
#include "tests/sim/control_internal.h"
#include "tests/sim/media.h"

#define STRING_MAX 4096
#define DATA_MAX (11u << 20) /* base64 of 8 MB */

/* -- fields ------------------------------------------------------------------------------ */

static const struct text_field {
	const char *name;
	size_t offset, max;
} texts[] = {
    {"text", offsetof(struct wa_content, text), WA_CONTENT_TEXT_MAX},
    {"mimetype", offsetof(struct wa_content, mimetype), STRING_MAX},
    {"fileName", offsetof(struct wa_content, file_name), STRING_MAX},
    {"link", offsetof(struct wa_content, link.matched), STRING_MAX},
    {"linkTitle", offsetof(struct wa_content, link.title), STRING_MAX},
    {"linkDescription", offsetof(struct wa_content, link.description), STRING_MAX},
    {"address", offsetof(struct wa_content, location.address), STRING_MAX},
    {"vcard", offsetof(struct wa_content, contact.vcard), WA_CONTENT_VCARD_MAX},
    {"quotedId", offsetof(struct wa_content, quoted.id), CONTROL_ID_MAX},
    {"quotedParticipant", offsetof(struct wa_content, quoted.participant), STRING_MAX},
    {"quotedText", offsetof(struct wa_content, quoted.text), WA_CONTENT_TEXT_MAX},
};

static const struct number_field {
	const char *name;
	size_t offset;
} numbers[] = {
    {"width", offsetof(struct wa_content, width)},
    {"height", offsetof(struct wa_content, height)},
    {"seconds", offsetof(struct wa_content, seconds)},
    {"expiration", offsetof(struct wa_content, expiration)},
};

static const char *const names[] = {"to", "id", "kind", "data", "latitude", "longitude", "name",
    "text", "mimetype", "fileName", "link", "linkTitle", "linkDescription", "address", "vcard",
    "quotedId", "quotedParticipant", "quotedText", "width", "height", "seconds", "expiration",
    NULL};

static bool
read_fields(struct control_call *c, struct wa_content *ret)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char **at = (const char **)(void *)((char *)ret + texts[i].offset);

		if (!control_args_text(c, texts[i].name, false, texts[i].max, at))
			return false;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint32_t *at = (uint32_t *)(void *)((char *)ret + numbers[i].offset);

		if (!control_args_number(c, numbers[i].name, UINT32_MAX, at, NULL))
			return false;
	}
	ret->location.latitude = json_number_value(json_object_get(c->args, "latitude"));
	ret->location.longitude = json_number_value(json_object_get(c->args, "longitude"));
	return control_args_text(c, "name", false, STRING_MAX,
	    ret->kind == WA_CONTENT_CONTACT ? &ret->contact.name : &ret->location.name);
}

static bool
read_kind(struct control_call *c, struct wa_content *ret)
{
	const char *kind;

	if (!control_args_text(c, "kind", false, 32, &kind))
		return false;
	if (kind == NULL || wa_content_kind_parse(kind, &ret->kind) == 0)
		return true;
	control_fail(c, HTTP_BADREQUEST, "there is no such kind of message");
	return false;
}

/* The file goes to the media hosts. */
static bool
put_file(struct control_call *c, struct wa_content *content)
{
	const char *data = NULL;
	size_t len;
	uint8_t *plain;
	int n;

	if (!control_args_text(c, "data", wa_content_is_file(content->kind), DATA_MAX, &data))
		return false;
	if (data == NULL)
		return true;
	len = strlen(data);
	plain = xmalloc(len + 1);
	n = EVP_DecodeBlock(plain, (const unsigned char *)data, (int)len);
	if (n < 0 || len % 4 != 0) {
		control_fail(c, HTTP_BADREQUEST, "data is no base64");
	} else {
		n -= (len > 0 && data[len - 1] == '=') + (len > 1 && data[len - 2] == '=');
		media_put(sim_media(c->sim), wa_content_media_type(content->kind), plain, (size_t)n,
		    &content->media);
	}
	free(plain);
	return n >= 0 && len % 4 == 0;
}

/* Ids are what clients make: letters, digits, and what joins them. */
static bool
id_valid(const char *id)
{
	for (; *id != '\0'; id++)
		if (!isalnum((unsigned char)*id) && strchr(".-_", *id) == NULL)
			return false;
	return true;
}

void
control_phone_send(struct control_call *c)
{
	char to_phone[PHONE_DIGITS_MAX + 1], sent[CONTROL_ID_MAX + 1];
	struct wa_content content = {0};
	struct account *from, *to;
	const char *id;

	if (!control_args_only(c, names) || !control_args_phone(c, "to", true, to_phone) ||
	    !control_args_text(c, "id", false, CONTROL_ID_MAX, &id) || !read_kind(c, &content) ||
	    !read_fields(c, &content))
		return;
	if (content.kind == WA_CONTENT_TEXT && content.text == NULL) {
		control_fail(c, HTTP_BADREQUEST, "text is missing");
		return;
	}
	if (id != NULL && !id_valid(id)) {
		control_fail(c, HTTP_BADREQUEST, "id has characters that no id has");
		return;
	}
	if ((from = control_account(c, true)) == NULL || !put_file(c, &content))
		return;
	to = account_find(c->sim, to_phone, true);
	if (!account_registered(to) || !account_registered(from))
		control_fail(c, 409, "one of the two is not on WhatsApp");
	else if (phone_send(account_device0(from), to, id, &content, sent, sizeof(sent)) != 0)
		control_fail(c, 409, "no device of the receiver could be written to");
	else
		control_ok(c, json_pack("{s:s}", "id", sent));
}

/* -- media hosts ------------------------------------------------------------------------ */

void
control_media(struct control_call *c)
{
	static const char *const none[] = {NULL};

	if (control_args_only(c, none))
		control_ok(c, media_json(sim_media(c->sim)));
}

void
control_media_fault(struct control_call *c)
{
	static const char *const fields[] = {"action", "host", "method", "status", "times", NULL};
	const char *wrong;

	if (!control_args_only(c, fields))
		return;
	wrong = media_fault(sim_media(c->sim), c->args);
	if (wrong != NULL)
		control_fail(c, HTTP_BADREQUEST, "%s", wrong);
	else
		control_ok(c, media_json(sim_media(c->sim)));
}

static void
bytes_free(const void *data, size_t len, void *bytes)
{
	(void)data, (void)len;
	free(bytes);
}

/* The bytes as they are, by their hash. */
void
control_media_file(struct control_call *c)
{
	struct evbuffer *out;
	size_t len = 0;
	uint8_t *plain = media_find(sim_media(c->sim), c->segment, &len);

	if (plain == NULL) {
		control_fail(c, HTTP_NOTFOUND, "no phone has seen such a file");
		return;
	}
	out = evbuffer_new();
	if (out == NULL || evbuffer_add_reference(out, plain, len, bytes_free, plain) != 0)
		abort();
	evhttp_add_header(evhttp_request_get_output_headers(c->request), "Content-Type",
	    "application/octet-stream");
	evhttp_send_reply(c->request, HTTP_OK, NULL, out);
	evbuffer_free(out);
}
