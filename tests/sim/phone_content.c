/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a message holds beside its text, as JSON for tests. A file is fetched from the media hosts
 * and decrypted, as a person would who looks at it; what does not fit together is a broken rule.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/kdf.h"
#include "common/xalloc.h"
#include "tests/sim/media_private.h"
#include "tests/sim/phone_internal.h"

static void
set_text(json_t *o, const char *key, const char *text)
{
	if (text != NULL)
		json_object_set_new(o, key, json_string(text));
}

static void
set_number(json_t *o, const char *key, uint64_t n)
{
	if (n != 0)
		json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void
set_bytes(json_t *o, const char *key, const struct wa_bytes *bytes)
{
	char *text;

	if (bytes->len == 0)
		return;
	text = xmalloc((bytes->len + 2) / 3 * 4 + 1);
	(void)EVP_EncodeBlock((unsigned char *)text, bytes->data, (int)bytes->len);
	json_object_set_new(o, key, json_string(text));
	free(text);
}

/* NULL, or what is wrong with the file. */
static const char *
set_file(struct phone *p, json_t *o, const struct wa_content *c)
{
	const char *why = NULL;
	uint8_t hash[WA_MEDIA_HASH_LEN];
	char hex[2 * WA_MEDIA_HASH_LEN + 1];
	size_t len = 0;
	uint8_t *plain = media_open(sim_media(p->sim), c, &len, &why);

	set_text(o, "mimetype", c->mimetype);
	set_text(o, "fileName", c->file_name);
	set_number(o, "width", c->width);
	set_number(o, "height", c->height);
	set_number(o, "seconds", c->seconds);
	set_number(o, "pages", c->pages);
	set_bytes(o, "waveform", &c->waveform);
	if (plain == NULL)
		return why;
	sha256(plain, len, hash);
	media_hex(hash, sizeof(hash), hex);
	set_text(o, "sha256", hex);
	json_object_set_new(o, "length", json_integer((json_int_t)len));
	json_object_set_new(o, "url", json_string(c->media.url));
	free(plain);
	return NULL;
}

static void
set_rest(json_t *o, const struct wa_content *c)
{
	set_bytes(o, "thumbnail", &c->thumbnail);
	set_number(o, "expiration", c->expiration);
	set_text(o, "quotedId", c->quoted.id);
	set_text(o, "quotedParticipant", c->quoted.participant);
	set_text(o, "quotedText", c->quoted.text);
	set_text(o, "link", c->link.matched);
	set_text(o, "linkTitle", c->link.title);
	set_text(o, "linkDescription", c->link.description);
	set_text(o, "vcard", c->contact.vcard);
	if (c->kind == WA_CONTENT_LOCATION) {
		json_object_set_new(o, "latitude", json_real(c->location.latitude));
		json_object_set_new(o, "longitude", json_real(c->location.longitude));
	}
	set_text(o, "name", c->kind == WA_CONTENT_CONTACT ? c->contact.name : c->location.name);
	set_text(o, "address", c->location.address);
}

char *
phone_content_json(struct phone *p, const struct wa_content *c, const char **ret_wrong)
{
	json_t *o = json_object();
	char *text;

	*ret_wrong = NULL;
	set_text(o, "kind", wa_content_kind_name(c->kind));
	set_text(o, "text", c->text);
	if (wa_content_is_file(c->kind))
		*ret_wrong = set_file(p, o, c);
	set_rest(o, c);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text == NULL)
		abort();
	return text;
}
