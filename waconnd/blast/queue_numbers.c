/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recipients of whom a blast wants to know before whether WhatsApp has them: the next ones of it
 * are asked about together, and the blast waits in the database meanwhile, as it does for its
 * window; other blasts go on. Nothing is in hand while WhatsApp thinks, so a crash loses nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/blast/queue.h"
#include "waconnd/number_rows.h"

#define BATCH_MAX 50
#define SILENT_MAX 64
#define RETRY_MS 60000 /* when WhatsApp cannot be asked, or did not answer */

struct queue_checks {		  /* from the first question on */
	char blast[QUEUE_ID_MAX]; /* of the question under way */
	uint64_t ticket;
	struct outlet_check *check;
	char silent[SILENT_MAX][LINK_NUMBER_DIGITS]; /* WhatsApp was asked and said nothing */
	size_t next_silent;
};

static void
wait_to_ask(struct queue *q, const char *blast, int64_t ms)
{
	queue_note_closed(q, blast, clock_wall_ms() + (ms > 0 ? ms : RETRY_MS));
}

/* How long WhatsApp wants no such question. */
static int64_t
held_ms(const struct queue *q)
{
	return (int64_t)outlet_check_wait_s(q->o) * 1000;
}

/* -- the answer -- */

/* All that wait look again, also those that did not come to ask. */
static void
on_kept(void *arg, enum db_error error, const PGresult *r)
{
	struct queue *q = arg;

	(void)r;
	q->checks->ticket = 0;
	if (error == DB_OK)
		queue_opened(q);
	else
		log_warn("queue.numbers", LOG_STR("outlet", outlet_id(q->o)),
		    LOG_STR("error", db_error_text(error)));
}

/* They are sent to, or they would keep the others for ever. */
static void
note_silent(struct queue_checks *c, const struct link_checked *checked)
{
	for (size_t i = 0; i < checked->n; i++) {
		if (checked->numbers[i].state != LINK_NUMBER_UNKNOWN)
			continue;
		memcpy(c->silent[c->next_silent], checked->numbers[i].phone, LINK_NUMBER_DIGITS);
		c->next_silent = (c->next_silent + 1) % SILENT_MAX;
	}
}

static void
on_checked(void *arg, const struct link_checked *checked)
{
	struct queue *q = arg;
	struct queue_checks *c = q->checks;
	struct number_rows rows;

	c->check = NULL;
	number_rows_init(&rows, checked);
	if (checked->result == LINK_CHECK_DONE)
		note_silent(c, checked);
	else
		wait_to_ask(q, c->blast, held_ms(q));
	if (rows.n > 0)
		c->ticket = db_query(
		    q->b->store->db, SQL_NUMBER_KEEP, rows.params, NUMBER_ROWS_PARAMS, on_kept, q);
	else if (checked->result == LINK_CHECK_DONE)
		queue_opened(q);
	number_rows_done(&rows);
}

/* -- the question -- */

/* Column: phone. */
static void
on_unchecked(void *arg, enum db_error error, const PGresult *r)
{
	struct queue *q = arg;
	struct queue_checks *c = q->checks;
	const char *phones[BATCH_MAX];
	size_t n = 0;
	unsigned retry_s;

	c->ticket = 0;
	if (error != DB_OK || outlet_link(q->o) == NULL || q->b->stopped)
		return; /* again when the blast's wait is over */
	for (; n < (size_t)PQntuples(r) && n < BATCH_MAX; n++)
		phones[n] = PQgetvalue(r, (int)n, 0);
	if (n == 0) { /* somebody else asked meanwhile */
		queue_opened(q);
		return;
	}
	if (outlet_check_numbers(q->o, phones, n, on_checked, q, &c->check, &retry_s) != NULL)
		wait_to_ask(q, c->blast, (int64_t)retry_s * 1000);
	else
		log_info("queue.numbers_asked", LOG_STR("outlet", outlet_id(q->o)),
		    LOG_STR("blast", c->blast), LOG_INT("numbers", (int64_t)n));
}

static void
ask(struct queue *q, const struct item *i)
{
	char from[24], limit[16];
	const struct db_param params[] = {
	    DB_TEXT(outlet_id(q->o)), DB_TEXT(i->blast), DB_TEXT(from), DB_TEXT(limit)};

	(void)snprintf(from, sizeof(from), "%" PRId64, i->id);
	(void)snprintf(limit, sizeof(limit), "%d", BATCH_MAX);
	memcpy(q->checks->blast, i->blast, sizeof(q->checks->blast));
	q->checks->ticket =
	    db_query(q->b->store->db, SQL_QUEUE_UNCHECKED, params, 4, on_unchecked, q);
}

bool
queue_check_first(struct item *i)
{
	struct queue *q = i->q;

	if (q->checks == NULL)
		q->checks = xcalloc(1, sizeof(*q->checks));
	for (size_t k = 0; k < SILENT_MAX; k++)
		if (strcmp(q->checks->silent[k], i->phone) == 0)
			return false;
	wait_to_ask(q, i->blast, held_ms(q));
	if (held_ms(q) == 0 && q->checks->ticket == 0 && q->checks->check == NULL)
		ask(q, i);
	item_free(i);
	return true;
}

void
queue_checks_done(struct queue *q)
{
	if (q->checks == NULL)
		return;
	if (q->checks->ticket != 0)
		db_forget(q->b->store->db, q->checks->ticket);
	outlet_check_forget(&q->checks->check);
	free(q->checks);
	q->checks = NULL;
}
