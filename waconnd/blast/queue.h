/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * queue: one outlet's messages on their way: claimed from the database, paced, handed to the link,
 * settled. Part of the blast engine (blast.c); not for anyone above.
 *
 * Rules of WhatsApp's restrictions: while the account may start no chats (outlet_account.c), those
 * of a blast's recipients wait with whom the outlet has no chat yet; the others go on. 463 (may not
 * write to this person first) fails that recipient; two in a row, one 475 or a 429 hold all of the
 * outlet's blasts for an hour, then two, four … at most a day. A hold for 463 or 475 is a guess
 * that ends as soon as WhatsApp says that there is a restriction, and which. Single messages are
 * not held: a person writes them.
 */
#ifndef BLAST_QUEUE_H
#define BLAST_QUEUE_H

#include <sys/queue.h>

#include "waconnd/blast/attachment.h"
#include "waconnd/blast/blast.h"
#include "waconnd/blast/pacer.h"
#include "waconnd/message_content.h"

#define QUEUE_ID_MAX 40	    /* of a blast's id with its NUL */
#define QUEUE_CLOSED_MAX 16 /* blasts of one outlet that wait for their window */
#define QUEUE_SETTLING_MAX 512
#define QUEUE_UPLOADING_MAX 64 /* messages in hand that wait for their file's upload */
#define QUEUE_LOST_MAX 8       /* sends without an answer before a message is given up */
#define QUEUE_LOOKS 2	       /* at what fails too often, after a failure */
#define QUEUE_TRIES_MAX 3      /* failed preparations before a message is given up */

enum item_state { ITEM_WAITING, ITEM_FLYING, ITEM_SETTLING };

struct item { /* one message in hand */
	TAILQ_ENTRY(item) entry;
	struct queue *q;
	enum item_state state;
	int64_t id;
	char blast[QUEUE_ID_MAX]; /* "": none */
	char phone[24];
	char wa_id[64];			/* "": none yet */
	struct message_content content; /* with its text rendered; empty when has_content is not */
	bool has_content;
	bool uploading;	   /* waits for its file */
	bool more;	   /* another message of the same blast follows to the same recipient */
	unsigned attempts; /* before this one */
	bool repeat;	   /* was in SENDING: was let go before, so no pacing */
	bool has_chat;	   /* they wrote to us, or got something from us */
	bool starts_chat;  /* it was counted as a new one, and has no answer yet */
	uint64_t ticket;   /* of a statement on its own */
	struct outlet_pace pace;
};
TAILQ_HEAD(items, item);

struct queue_closed { /* a blast that waits for its window or the next day */
	char blast[QUEUE_ID_MAX];
	int64_t until_ms;
};

struct queue {
	LIST_ENTRY(queue) entry;
	struct blasts *b;
	struct outlet *o;
	struct pacer pacer;
	bool history_known;
	uint64_t history_ticket;
	struct items items;
	unsigned flying, settling;
	uint64_t claim_ticket;
	unsigned claim_limit;
	bool claim_chats; /* it asks for those alone, of blasts, with whom there is a chat */
	bool want_claim;
	bool fast; /* what was claimed last has no rate: claim much */
	struct event *timer;
	int64_t clock_ahead_ms; /* the wall clock's lead over the one that nobody sets */
	int64_t turn_ms;	/* wall; when a blast's next message has its turn, in hand or not */
	int64_t held_until_ms;	/* wall; blasts only */
	enum blast_hold hold;	/* why */
	bool restricted;	/* as it was last heard: outlet_may_start_chats() */
	unsigned moving;	/* what waits is given to others just now: nothing is claimed */
	unsigned holds, refused_in_a_row;
	int64_t dry_until_ms; /* wall; while chats may not be started: nobody else is to be had
				 before */
	struct queue_closed closed[QUEUE_CLOSED_MAX];
	size_t n_closed;
	struct queue_checks *checks; /* NULL: none was ever needed */
};

struct blasts {
	struct event_base *base;
	struct store *store;
	struct hub *hub;
	struct outlets *outlets;
	struct attachments *attachments;
	LIST_HEAD(, queue) queues;
	bool stopped;
	unsigned looks; /* at what fails too often, still to come: a failure may not be kept yet */
	struct event *sweep, *flush;
	uint64_t due_ticket, expire_ticket, failing_ticket, outlets_ticket, running_ticket;
	LIST_HEAD(, progress) progress;
	unsigned n_progress;
	struct metric *results;
};

/* -- queue.c -- */
struct queue *queue_of(struct blasts *b, struct outlet *o); /* made when there is none */
void queue_free(struct queue **q);
void queue_kick(struct queue *q); /* something changed: ask the database again */
void queue_work(struct queue *q);
/* While what is queued is given to other outlets nothing is taken into hand; what waits there goes
 * back. Counts. */
void queue_moving(struct queue *q, bool moving);
/* A blast that waits, also for its upload or for what WhatsApp says of its numbers. */
void queue_note_closed(struct queue *q, const char *blast, int64_t until_ms);
void queue_opened(struct queue *q); /* what its blasts waited for may be there */
void queue_drop_waiting(struct queue *q, bool blasts_only);
void queue_settle(struct item *i); /* in hand until what was added to the batch is committed */
void queue_hold(struct queue *q, enum blast_hold hold);
void queue_restriction(struct queue *q); /* the outlet's has come, has changed or is over */
void queue_give_up(struct item *i, const char *reason); /* it fails, whatever it waits for */

/* -- queue_claim.c -- */
void queue_ask_history(struct queue *q);
void queue_claim(struct queue *q);
void queue_ids_in_hand(const struct queue *q, struct buf *out); /* {1,2,…} */
void item_chat_settled(struct item *i, bool written);
void item_free(struct item *i);

/* -- queue_numbers.c -- */
/* It is asked first whether WhatsApp has the number, its blast waits, and the item is gone; false:
 * WhatsApp was asked, and did not say. */
bool queue_check_first(struct item *i);
void queue_checks_done(struct queue *q);

/* -- queue_result.c -- */
void queue_sent(struct item *i, enum link_sent result, unsigned code);

/* -- progress.c: events about blasts -- */
struct progress;
void progress_touch(struct blasts *b, const char *blast);
void progress_flush(struct blasts *b);
void progress_sweep(struct blasts *b);
void progress_done(struct blasts *b);
void progress_message(
    struct queue *q, const struct item *i, const char *status, const char *reason);

#endif
