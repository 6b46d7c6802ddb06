/* SPDX-License-Identifier: GPL-3.0-or-later */
/* attachment_private: between attachment.c (entries, the steps in the database and at the link) and
 * attachment_file.c (the file, put together and looked at in a worker thread). */
#ifndef BLAST_ATTACHMENT_PRIVATE_H
#define BLAST_ATTACHMENT_PRIVATE_H

#include <sys/queue.h>

#include "common/image.h"
#include "waconnd/blast/attachment.h"
#include "waconnd/message_content.h"

enum attachment_step {
	STEP_LOOKUP, /* is it in the database? */
	STEP_FETCH,  /* its chunks, one after another, into an unnamed file */
	STEP_LOOK,   /* how large a picture is, and its thumbnail */
	STEP_UPLOAD,
	STEP_SAVE,
	STEP_READY,
	STEP_PAUSED, /* failed for now: from the start again after a while */
	STEP_FAILED
};

struct attachment {
	TAILQ_ENTRY(attachment) entry;
	struct attachments *as;
	struct outlet *o;
	char media[64];
	enum wa_media_type type;
	enum attachment_step step;
	uint64_t ticket; /* of the statement under way */
	struct attachment_file *file;
	char mimetype[96];
	uint64_t size;
	uint32_t seconds;   /* of a sound; 0: not known */
	struct image image; /* thumbnail NULL: none */
	struct wa_content *content;
	int64_t until_ms; /* monotonic: PAUSED, FAILED: how long */
	unsigned failures;
	const char *reason; /* FAILED; a constant */
};
TAILQ_HEAD(attachment_list, attachment);

struct attachments {
	struct store *store;
	struct worker *worker;
	void (*changed)(void *arg, struct outlet *o);
	void *arg;
	struct attachment_list list; /* the longest unused first */
	unsigned n, n_files;
	bool stopped;
};

/* -- attachment.c -- */
void attachment_pause(struct attachment *a, const char *why);
void attachment_fail(struct attachment *a, const char *reason);

/* -- attachment_file.c -- */
/* The file from its chunks; `done` once, with its descriptor (the caller's), or -1 and why not. */
void attachment_fetch(
    struct attachment *a, void (*done)(struct attachment *a, int fd, const char *why));
/* Looks at the file; `done` once; fills a->image when it is a picture. fd stays the caller's. */
void attachment_look(struct attachment *a, int fd, void (*done)(struct attachment *a, int fd));
/* Neither will call back; a job that runs ends by itself. */
void attachment_file_forget(struct attachment *a);

#endif
