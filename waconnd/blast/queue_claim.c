/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Takes messages into hand: asks the database, makes items of its rows, and refuses what must not
 * go. It sends nothing. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/blast/queue.h"
#include "waconnd/blast/template.h"

#define TEXT_MAX 65536
#define CLAIM_PACED 4
#define HOUR_MS (3600 * 1000LL)
#define DRY_MS 10000 /* until it is looked again for chats among many that wait */

static const char *
column(const PGresult *r, int row, int col)
{
	return PQgetisnull(r, row, col) ? NULL : PQgetvalue(r, row, col);
}

static int64_t
number(const PGresult *r, int row, int col)
{
	return PQgetisnull(r, row, col) ? 0 : strtoll(PQgetvalue(r, row, col), NULL, 10);
}

static void
set_text(char *field, size_t size, const char *text)
{
	(void)snprintf(field, size, "%s", text != NULL ? text : "");
}

/* -- what happened before a restart -- */

static void
hold_until(struct queue *q, enum blast_hold hold, int64_t until_ms)
{
	if (until_ms <= q->held_until_ms)
		return;
	q->held_until_ms = until_ms;
	q->hold = hold;
	q->holds = 1;
}

/* The row says how long ago it was; 0: never. */
static int64_t
when(const PGresult *r, int col, int64_t now)
{
	return PQgetisnull(r, 0, col) ? 0 : now - number(r, 0, col);
}

/* Not for a restriction that WhatsApp has told of: that is kept with the outlet. */
static void
restore_hold(struct queue *q, const PGresult *r, int64_t now)
{
	const int64_t last463 = when(r, 2, now), last475 = when(r, 4, now);

	if (outlet_may_start_chats(q->o) && number(r, 0, 3) >= 2 && last463 + HOUR_MS > now)
		hold_until(q, BLAST_HOLD_REACHOUT, last463 + HOUR_MS);
	if (outlet_may_start_chats(q->o) && last475 + HOUR_MS > now)
		hold_until(q, BLAST_HOLD_CAPPED, last475 + HOUR_MS);
	if (number(r, 0, 5) > 0)
		hold_until(q, BLAST_HOLD_RATE, now + number(r, 0, 5));
}

static void
on_history(void *arg, enum db_error error, const PGresult *r)
{
	struct queue *q = arg;
	const struct outlet_pace pace = outlet_pace(q->o);
	const int64_t now = clock_wall_ms();
	const bool found = error == DB_OK && PQntuples(r) == 1;

	q->history_ticket = 0;
	if (!found && error != DB_E_SQL && error != DB_E_CONFLICT) {
		/* The database is away: the next kick asks again. */
		return;
	}
	q->history_known = true;
	pacer_restore(&q->pacer, &pace, now, found ? (unsigned)number(r, 0, 0) : 0,
	    found ? when(r, 1, now) : 0);
	if (found)
		restore_hold(q, r, now);
	queue_kick(q);
}

void
queue_ask_history(struct queue *q)
{
	const struct outlet_pace pace = outlet_pace(q->o);
	const struct db_param params[] = {DB_TEXT(outlet_id(q->o)), DB_TEXT(pace.timezone)};

	if (q->history_ticket == 0)
		q->history_ticket =
		    db_query(q->b->store->db, SQL_QUEUE_HISTORY, params, 2, on_history, q);
}

/* -- items -- */

void
item_chat_settled(struct item *i, bool written)
{
	if (i->starts_chat)
		outlet_chat_settled(i->q->o, written);
	i->starts_chat = false;
}

void
item_free(struct item *i)
{
	struct queue *q = i->q;

	item_chat_settled(i, true);
	TAILQ_REMOVE(&q->items, i, entry);
	if (i->state == ITEM_FLYING)
		q->flying--;
	if (i->state == ITEM_SETTLING)
		q->settling--;
	if (i->ticket != 0)
		db_forget(q->b->store->db, i->ticket);
	batch_forget(q->b->store->batch, i);
	if (i->has_content)
		message_content_done(&i->content);
	free(i);
}

/* The text as it was rendered before, or now from the blast's; NULL when there is none. */
static char *
render(const char *text, const char *template, const char *vars_json, const char *phone)
{
	struct template_vars vars = {.phone = phone};
	struct buf out = BUF_INIT(TEXT_MAX);
	char *result = NULL;
	json_t *root;

	if (text != NULL)
		return xstrdup(text);
	if (template == NULL)
		return NULL;
	root = vars_json != NULL ? json_loads(vars_json, 0, NULL) : NULL;
	vars.vars = root;
	template_render_for(&vars, template, &out);
	if (buf_ok(&out) && out.len > 0)
		result = xstrdup(buf_str(&out));
	buf_done(&out);
	json_decref(root);
	return result;
}

static void
read_content(struct item *i, const PGresult *r, int n)
{
	char *text = render(column(r, n, 3), column(r, n, 5), column(r, n, 4), i->phone);

	i->has_content =
	    message_content_read(column(r, n, 11), text, column(r, n, 12), &i->content) == 0;
	free(text);
}

static struct item *
item_of_row(struct queue *q, const PGresult *r, int n)
{
	struct item *i = xcalloc(1, sizeof(*i));

	i->q = q;
	i->state = ITEM_WAITING;
	i->id = number(r, n, 0);
	set_text(i->blast, sizeof(i->blast), column(r, n, 1));
	set_text(i->phone, sizeof(i->phone), column(r, n, 2));
	read_content(i, r, n);
	i->more = PQgetvalue(r, n, 13)[0] == 't';
	set_text(i->wa_id, sizeof(i->wa_id), column(r, n, 6));
	i->attempts = (unsigned)number(r, n, 7);
	i->repeat = strcmp(column(r, n, 8), "SENDING") == 0;
	i->has_chat = PQgetvalue(r, n, 14)[0] == 't';
	i->pace = outlet_pace(q->o);
	if (i->blast[0] != '\0')
		outlet_pace_overlay(&i->pace, column(r, n, 9));
	TAILQ_INSERT_TAIL(&q->items, i, entry);
	return i;
}

static void
on_skipped(void *arg, enum db_error error, const PGresult *r)
{
	struct item *i = arg;
	struct queue *q = i->q;

	(void)r;
	i->ticket = 0;
	if (error != DB_OK)
		log_warn("queue.skip", LOG_STR("outlet", outlet_id(q->o)),
		    LOG_STR("error", db_error_text(error)));
	progress_touch(q->b, i->blast);
	item_free(i);
	/* Without a kick on failure: the sweep comes by. */
	if (error == DB_OK)
		queue_work(q);
}

static void
skip(struct item *i, const char *reason)
{
	char ids[32];
	const struct db_param params[] = {DB_TEXT(ids), DB_TEXT(reason)};

	(void)snprintf(ids, sizeof(ids), "{%" PRId64 "}", i->id);
	i->state = ITEM_SETTLING;
	i->q->settling++;
	i->ticket = db_query(i->q->b->store->db, SQL_MESSAGE_SKIP, params, 2, on_skipped, i);
}

void
queue_give_up(struct item *i, const char *reason)
{
	batch_message_failed(i->q->b->store->batch, i->id, reason);
	progress_message(i->q, i, "FAILED", reason);
	queue_settle(i);
}

static void
take(struct queue *q, const PGresult *r, int n)
{
	struct item *i = item_of_row(q, r, n);
	const char *on_whatsapp = column(r, n, 15);

	FAULT_POINT("queue.claimed");
	if (i->blast[0] != '\0')
		q->fast = i->pace.per_minute == 0;
	if (PQgetvalue(r, n, 10)[0] == 't')
		skip(i, "opted_out");
	else if (!i->has_content)
		queue_give_up(i, "no_text");
	else if (i->phone[0] == '\0')
		queue_give_up(i, "invalid_number");
	else if (i->repeat && i->attempts >= QUEUE_LOST_MAX)
		queue_give_up(i, "outlet_lost");
	else if (on_whatsapp != NULL && strcmp(on_whatsapp, "no") == 0)
		skip(i, "not_on_whatsapp");
	else if (on_whatsapp != NULL && strcmp(on_whatsapp, "unknown") == 0)
		(void)queue_check_first(i);
}

static void
on_claimed(void *arg, enum db_error error, const PGresult *r)
{
	struct queue *q = arg;

	q->claim_ticket = 0;
	if (error != DB_OK) {
		if (error == DB_E_SQL)
			log_error("queue.claim", LOG_STR("outlet", outlet_id(q->o)),
			    LOG_STR("error", db_error_text(error)));
		return;
	}
	if (PQntuples(r) == (int)q->claim_limit)
		q->want_claim = true;
	else if (q->claim_chats)
		q->dry_until_ms = clock_wall_ms() + DRY_MS;
	for (int n = 0; n < PQntuples(r); n++)
		take(q, r, n);
	queue_work(q);
}

void
queue_ids_in_hand(const struct queue *q, struct buf *out)
{
	const struct item *i;
	const char *comma = "";

	buf_add_str(out, "{");
	TAILQ_FOREACH(i, &q->items, entry)
	{
		buf_addf(out, "%s%" PRId64, comma, i->id);
		comma = ",";
	}
	buf_add_str(out, "}");
}

static void
blasts_closed(struct queue *q, struct buf *out)
{
	const int64_t now = clock_wall_ms();
	const char *comma = "";
	size_t kept = 0;

	for (size_t i = 0; i < q->n_closed; i++)
		if (q->closed[i].until_ms > now)
			q->closed[kept++] = q->closed[i];
	q->n_closed = kept;
	buf_add_str(out, "{");
	for (size_t i = 0; i < q->n_closed; i++) {
		buf_addf(out, "%s\"%s\"", comma, q->closed[i].blast);
		comma = ",";
	}
	buf_add_str(out, "}");
}

void
queue_claim(struct queue *q)
{
	struct buf ids = BUF_INIT(64 * 1024), closed = BUF_INIT(4096);
	const int64_t now = clock_wall_ms();
	const bool all = outlet_may_start_chats(q->o);
	const bool blasts = q->held_until_ms <= now && (all || q->dry_until_ms <= now);
	const struct store *store = q->b->store;
	char limit[16], epoch[24];

	q->claim_limit = q->fast ? LINK_SENDS_MAX - q->flying : CLAIM_PACED;
	(void)snprintf(limit, sizeof(limit), "%u", q->claim_limit);
	(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)store->epoch);
	queue_ids_in_hand(q, &ids);
	blasts_closed(q, &closed);
	q->claim_chats = blasts && !all;
	q->want_claim = false;
	if (buf_ok(&ids) && buf_ok(&closed)) {
		const struct db_param params[] = {DB_TEXT(outlet_id(q->o)), DB_TEXT(limit),
		    DB_TEXT(buf_str(&ids)), DB_TEXT(buf_str(&closed)), DB_TEXT(blasts ? "t" : "f"),
		    DB_TEXT(store->instance), DB_TEXT(epoch), DB_TEXT(all ? "t" : "f")};

		q->claim_ticket = db_query(store->db, SQL_QUEUE_CLAIM, params, 8, on_claimed, q);
	}
	buf_done(&ids);
	buf_done(&closed);
}
