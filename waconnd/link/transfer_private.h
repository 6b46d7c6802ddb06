/* SPDX-License-Identifier: GPL-3.0-or-later */
/* transfer_private: one file on its way, shared by transfer.c (life and states), transfer_host.c
 * (what is said to the hosts) and transfer_file.c (work on files). */
#ifndef LINK_TRANSFER_PRIVATE_H
#define LINK_TRANSFER_PRIVATE_H

#include <sys/queue.h>

#include "common/wa/media.h"
#include "waconnd/link/media_conn.h"
#include "waconnd/link/media_net.h"
#include "waconnd/link/transfer.h"

#define TRANSFER_DETAIL_MAX 160

enum transfer_state {
	TRANSFER_NEW,
	TRANSFER_ENCRYPT, /* in a worker */
	TRANSFER_CONN,	  /* waits to be told the hosts */
	TRANSFER_POST,
	TRANSFER_GET,
	TRANSFER_WAIT,	  /* before a download is tried again */
	TRANSFER_PHONE,	  /* a phone was asked */
	TRANSFER_DECRYPT, /* in a worker */
	TRANSFER_ENDED,	  /* its result is reported in the next turn */
	TRANSFER_STATES
};

struct transfer_job;

struct transfer {
	TAILQ_ENTRY(transfer) entry;
	struct transfers *all;
	enum transfer_state state;
	bool up;
	enum wa_media_type type;
	struct wa_media_ref ref; /* its strings are the two below */
	char *url, *direct_path;
	uint64_t max;
	int plain, body; /* -1: a job has it, or there is none */
	char *id;	 /* of the message that a download is for; NULL: no phone is asked */
	struct jid chat;
	bool from_me;

	unsigned generation; /* of the hosts that it was sent to */
	size_t host;
	unsigned attempts;  /* of a download */
	unsigned redirects; /* of this attempt */
	char *redirect;	    /* where to go instead of the host */
	bool without_tls;
	bool refreshed; /* refused once, with new hosts since */
	bool was_small; /* a host would have taken it, for its size */
	bool asked;	/* the phone */
	bool moved;	/* … which put it elsewhere */
	unsigned wait_ms;
	struct http_call *call;
	struct transfer_job *job;
	struct event *timer;
	int64_t began_ms;

	transfer_cb cb;
	void *arg;
	enum link_media_result result;
	char detail[TRANSFER_DETAIL_MAX];
};
TAILQ_HEAD(transfer_list, transfer);

struct transfers {
	struct messaging *m;
	struct media_net *net;
	struct transfer_list open, ended;
	unsigned n;
	bool asking; /* for the hosts */
	struct media_conn conn;
	int64_t conn_until_ms; /* monotonic; 0: none */
	unsigned generation;
	struct event *report;
};

/* -- transfer.c -- */
/* The one place where the state changes. */
void transfer_enter(struct transfer *t, enum transfer_state state);
/* detail: NULL for none. */
void transfer_finish(struct transfer *t, enum link_media_result result, const char *detail);

/* -- transfer_host.c -- */
void transfer_step_conn(struct transfer *t);
void transfer_step_post(struct transfer *t);
void transfer_step_get(struct transfer *t);
void transfer_step_phone(struct transfer *t);

/* -- transfer_file.c -- */
void transfer_step_encrypt(struct transfer *t);
void transfer_step_decrypt(struct transfer *t);
void transfer_job_leave(struct transfer *t); /* it goes on without, and cleans up */

#endif
