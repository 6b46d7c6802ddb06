/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer: the files of one link on their way to WhatsApp's media hosts and back. Source: PROTOCOL
 * section 12.
 *
 * An upload is encrypted, posted to the first host that takes it, and comes back as a reference. A
 * download is fetched, checked and decrypted; a file that the hosts have forgotten is asked for at
 * the phone of who sent it. Files are read and written in worker threads and by HTTP client, piece
 * by piece.
 */
#ifndef LINK_TRANSFER_H
#define LINK_TRANSFER_H

#include "waconnd/link/messaging.h"

struct transfers;

struct transfer_result { /* valid during the call */
	enum link_media_result result;
	const struct wa_media_ref *ref; /* of an upload; NULL unless OK */
	const char *direct_path;	/* where a download was found anew; NULL: as before */
	const char *detail;
};
/* From the loop, in a turn of its own, once. */
typedef void (*transfer_cb)(void *arg, const struct transfer_result *result);

struct transfers *transfers_new(struct messaging *m);
/* Those under way come back as UNAVAILABLE first. */
void transfers_free(struct transfers **t);
/* Both close take_fd, and copy the rest. */
void transfers_upload(
    struct transfers *t, enum wa_media_type type, int take_fd, transfer_cb cb, void *arg);
void transfers_download(struct transfers *t, const struct link_media *media, int take_fd,
    uint64_t max, transfer_cb cb, void *arg);
/* <notification type="mediaretry">: what a phone says to our asking. */
void transfers_notice(struct transfers *t, const struct node *notification);

#endif
