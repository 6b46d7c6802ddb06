/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attachment: files on their way to WhatsApp's servers, each once for an outlet and a use, for all
 * the messages that carry it. What was uploaded within a week is found in the database; the rest is
 * put together from its chunks, looked at where it is a picture, uploaded, and its reference kept
 * before any message with it leaves.
 *
 * The work of one entry is a chain of steps, each of which ends in one callback (attachment.c); an
 * entry that fails for now is tried again by whoever asks after a while.
 */
#ifndef BLAST_ATTACHMENT_H
#define BLAST_ATTACHMENT_H

#include "common/worker.h"
#include "waconnd/outlet.h"

#define ATTACHMENT_RETRY_MS 5000 /* the first pause; doubled with each failure */

struct attachments;

enum attachment_state {
	ATTACHMENT_WAITING, /* it is on its way: `changed` is called */
	ATTACHMENT_READY,
	ATTACHMENT_FAILED /* it never will be */
};

/* changed: another state for messages of this outlet; it may be asked for again in the call. */
struct attachments *attachments_new(struct store *store, struct worker *worker,
    void (*changed)(void *arg, struct outlet *o), void *arg);
void attachments_free(struct attachments **as);
/* Asks for it, and begins what is to be done. *ret_file (READY) is valid until
 * the next call; *ret_reason (FAILED) is a constant. */
enum attachment_state attachments_get(struct attachments *as, struct outlet *o, const char *media,
    enum wa_media_type type, const struct wa_content **ret_file, const char **ret_reason);
/* The link's answer to an upload. */
void attachments_uploaded(void *upload_arg, enum link_media_result result,
    const struct wa_media_ref *ref, const char *detail);
/* The outlet is about to be freed, and its link with it: that calls back no more. */
void attachments_drop(struct attachments *as, struct outlet *o);
/* No further steps: the daemon stops. */
void attachments_stop(struct attachments *as);

#endif
