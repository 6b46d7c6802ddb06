/* SPDX-License-Identifier: GPL-3.0-or-later */
/* media_private: between media.c (files) and media_host.c (what the hosts say). */
#ifndef SIM_MEDIA_PRIVATE_H
#define SIM_MEDIA_PRIVATE_H

#include <event2/http.h>
#include <openssl/ssl.h>
#include <sys/queue.h>

#include "common/wa/media.h"
#include "tests/sim/media.h"

#define MEDIA_BYTES_MAX (512u << 20)
#define MEDIA_BODY_MAX (192u << 20)
#define MEDIA_NOTES_MAX 10000

struct media_file {
	TAILQ_ENTRY(media_file) entry;
	unsigned number;
	bool expired;	  /* the hosts say 404 … */
	unsigned revived; /* … but under this many new paths */
	char path[64];	  /* /v/t62/NUMBER?ccb=TIMES */
	char url[128];
	uint8_t enc_sha256[WA_MEDIA_HASH_LEN];
	uint8_t *body;
	size_t len;
	bool opened; /* then: */
	enum wa_media_type type;
	uint8_t key[WA_MEDIA_KEY_LEN];
	char sha256[2 * WA_MEDIA_HASH_LEN + 1];
};

struct media_note {
	TAILQ_ENTRY(media_note) entry;
	uint8_t key[WA_MEDIA_KEY_LEN];
	uint8_t enc_sha256[WA_MEDIA_HASH_LEN];
	char id[];
};

enum media_action { MEDIA_STATUS, MEDIA_TRUNCATE, MEDIA_SPOIL, MEDIA_SILENCE, MEDIA_ACTIONS };

struct media_fault {
	enum media_action action;
	int host;   /* -1: any */
	int method; /* EVHTTP_REQ_POST, _GET; 0: either */
	unsigned status, times;
};

struct media_server {
	struct media *media;
	struct evhttp *http;
	unsigned number;
	char name[32];
	unsigned uploads, downloads, refused;
};

struct media {
	struct sim *sim;
	SSL_CTX *tls;
	char *pem;
	struct media_server hosts[MEDIA_HOSTS];
	TAILQ_HEAD(, media_file) files; /* oldest first */
	size_t bytes;
	unsigned last_number;
	TAILQ_HEAD(, media_note) notes;
	unsigned n_notes;
	bool expire_next; /* the next file */
	bool lost;	  /* phones do not have files any more either */
	struct media_fault fault;
};

/* -- media.c -- */
/* Takes body. */
struct media_file *media_add(
    struct media *m, const struct media_server *at, uint8_t *take_body, size_t len);
struct media_file *media_by_number(struct media *m, unsigned number);
void media_hex(const uint8_t *bytes, size_t len, char *ret);

/* -- media_host.c -- */
int media_hosts_begin(struct media *m) __attribute__((warn_unused_result));
void media_hosts_end(struct media *m);

#endif
