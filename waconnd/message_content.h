/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * message_content: what a row of messages says, between its columns (kind, text, and the JSON that
 * the API shows) and the content that a link sends. A file's reference and keys are secret: they
 * are kept sealed beside it, as the encoded message that they stand in.
 */
#ifndef WACONND_MESSAGE_CONTENT_H
#define WACONND_MESSAGE_CONTENT_H

#include <jansson.h>

#include "common/wa/content.h"
#include "waconnd/store/seal.h"

struct message_content {
	struct wa_content content; /* borrows from what follows */
	char *text, *vcard;
	json_t *root;		 /* the column, parsed */
	struct wa_content *file; /* as it was uploaded; NULL: not yet, or there is none */
};

/* json: the column, or NULL. -1: nothing that can be sent; nothing to free then. */
int message_content_read(const char *kind, const char *text, const char *json,
    struct message_content *ret) __attribute__((warn_unused_result));
void message_content_done(struct message_content *c);
/* Which file has to be uploaded before this can be sent; NULL: none, or it has been set. */
const char *message_content_needs(const struct message_content *c);
/* The file as it was uploaded for any message; copied. */
void message_content_set_file(struct message_content *c, const struct wa_content *file);

/* The column for one received; false: it is all in kind and text. */
bool message_content_write(const struct wa_content *c, struct buf *out);

/* -- sealed files; aad: the row's identity -- */
/* False: the content has none that could be fetched. */
bool message_content_seal(
    struct seal *s, const char *aad, const struct wa_content *file, struct buf *out);
int message_content_open(const struct seal *s, const char *aad, const void *sealed, size_t len,
    struct wa_content **ret) __attribute__((warn_unused_result));
/* Of a file of one outlet, by media and use; and of a received message. The caller frees it. */
char *message_content_upload_aad(const char *outlet, const char *media, enum wa_media_type type);
char *message_content_inbound_aad(const char *outlet, const char *peer, const char *wa_id);

#endif
