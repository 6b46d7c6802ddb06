/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * media: the media hosts: two HTTPS servers on a loopback address, under a certificate made at the
 * start, the files that were uploaded to them, and what may go wrong there. In memory, bounded: the
 * oldest go first.
 */
#ifndef SIM_MEDIA_H
#define SIM_MEDIA_H

#include <jansson.h>

#include "common/wa/content.h"
#include "tests/sim/sim.h"

#define MEDIA_HOSTS 2
#define MEDIA_AUTH "sim/auth+1=" /* has what must be escaped */

struct media;

/* Ends the program when nothing can be listened on. */
struct media *media_new(struct sim *s);
void media_free(struct media **m);
const char *media_certificate(const struct media *m); /* PEM, to be trusted */
/* "127.0.0.1:PORT"; of one of MEDIA_HOSTS. */
const char *media_host(const struct media *m, unsigned i);

/* A phone uploads. The strings of *ret live as long as the file. */
void media_put(struct media *m, enum wa_media_type type, const void *plain, size_t len,
    struct wa_media_ref *ret);
/* What a content's file holds, decrypted: xmalloc'ed. NULL: not there, or not what the reference
 * says (*ret_why). */
uint8_t *media_open(
    struct media *m, const struct wa_content *content, size_t *ret_len, const char **ret_why);
/* Any file by the hash of what it holds, 64 hex digits; NULL: nobody opened such a one. */
uint8_t *media_find(struct media *m, const char *sha256, size_t *ret_len);

/* A phone knows the message `id` and the key of its file. */
void media_note(struct media *m, const char *id, const struct wa_content *content);
/* A companion misses it. The <encrypt> of the answer goes into `notification`. NULL, or what is
 * wrong with the question. */
const char *media_ask(
    struct media *m, const char *id, const struct node *receipt, struct node *notification);

/* {action, host?, method?, status?, times?}: NULL, or what is wrong with it. */
const char *media_fault(struct media *m, const json_t *fault);
json_t *media_json(const struct media *m); /* new reference */

#endif
