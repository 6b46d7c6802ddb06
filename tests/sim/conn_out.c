/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a connection sends: stanzas to documents to frames to WebSocket messages, late when a fault
 * delays them, and cut in odd places when a fault splits them.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "tests/sim/conn_internal.h"

#define DOCUMENT_MAX (4u << 20)
#define FLAG_ZLIB 0x02
#define GARBAGE_LEN 64
#define COMPRESS_MIN 100 /* bytes; what is shorter only grows */
#define PIECES 3	 /* a frame becomes about so many */
#define SPLIT_ROOM (CONN_QUEUE_MAX)

/* -- when ----------------------------------------------------------------------------- */

static void
pace_at(struct conn *c, int64_t ms)
{
	const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	if (event_add(c->pace, &tv) != 0)
		abort(); /* as xalloc.h */
}

static bool
silent(struct conn *c, int64_t now)
{
	return c->silent_until_ms > now;
}

void
conn_out_wake(struct conn *c)
{
	const int64_t now = clock_monotonic_ms();
	const struct chunk *k = STAILQ_FIRST(&c->out);

	if (c->reset) {
		lws_callback_on_writable(c->wsi);
		return;
	}
	if (silent(c, now)) {
		if (c->silent_until_ms != INT64_MAX)
			pace_at(c, c->silent_until_ms - now);
		return;
	}
	if (k != NULL && k->due_ms > now)
		pace_at(c, k->due_ms - now);
	else if (k != NULL)
		lws_callback_on_writable(c->wsi);
	else if (c->state == CONN_ENDING)
		event_active(c->pace, EV_TIMEOUT, 0);
}

/* -- WebSocket messages --------------------------------------------------------------- */

static void
add_chunk(struct conn *c, const void *data, size_t len)
{
	const int64_t due = clock_monotonic_ms() + c->delay_ms;
	struct chunk *k;

	if (c->out_bytes + len > CONN_QUEUE_MAX) {
		log_warn("conn.slow", LOG_INT("bytes", (int64_t)c->out_bytes));
		conn_end(c, true);
		return;
	}
	k = xmalloc(sizeof(*k) + LWS_PRE + len);
	c->last_due_ms = due > c->last_due_ms ? due : c->last_due_ms;
	k->due_ms = c->last_due_ms;
	k->len = len;
	memcpy(k->data + LWS_PRE, data, len);
	STAILQ_INSERT_TAIL(&c->out, k, entry);
	c->out_bytes += len;
}

/* What gathered since the last turn, cut wherever chance has it: through frames, across them. */
static void
cut(struct conn *c)
{
	size_t at = 0;

	while (at < c->split.len) {
		const size_t left = c->split.len - at;
		size_t n = 1 + rng_below((uint32_t)(left / PIECES + PIECES));

		n = n < left ? n : left;
		add_chunk(c, c->split.data + at, n);
		at += n;
	}
	buf_reset(&c->split);
}

static void
paced(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	cut(c);
	if (c->silent_until_ms != 0 && !silent(c, clock_monotonic_ms()))
		conn_resume(c);
	if (!conn_may_close(c)) {
		conn_out_wake(c);
	} else if (!c->closed) {
		c->closed = true;
		ws_close(c->wsi);
	}
}

void
conn_out_init(struct conn *c)
{
	STAILQ_INIT(&c->out);
	buf_init(&c->split, SPLIT_ROOM);
	c->pace = event_new(c->sim->base, -1, 0, paced, c);
	if (c->pace == NULL)
		abort();
}

void
conn_out_done(struct conn *c)
{
	struct chunk *k;

	while ((k = STAILQ_FIRST(&c->out)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->out, entry);
		free(k);
	}
	event_free(c->pace);
	buf_done(&c->split);
}

struct chunk *
conn_take(struct conn *c)
{
	const int64_t now = clock_monotonic_ms();
	struct chunk *k = STAILQ_FIRST(&c->out);

	if (k == NULL)
		return NULL;
	if (k->due_ms > now || silent(c, now)) {
		conn_out_wake(c); /* in time */
		return NULL;
	}
	STAILQ_REMOVE_HEAD(&c->out, entry);
	c->out_bytes -= k->len;
	return k;
}

bool
conn_may_close(const struct conn *c)
{
	return c->state == CONN_ENDING && !c->reset && STAILQ_EMPTY(&c->out) && c->split.len == 0;
}

/* -- frames --------------------------------------------------------------------------- */

void
conn_out_frame(struct conn *c, const struct buf *body)
{
	struct buf framed = BUF_INIT(DOCUMENT_MAX);

	if (c->splitting) {
		frame_write(&c->split, body->data, body->len);
		event_active(c->pace, EV_TIMEOUT, 0);
		return;
	}
	frame_write(&framed, body->data, body->len);
	add_chunk(c, framed.data, framed.len);
	buf_done(&framed);
	conn_out_wake(c);
}

static void
compress_document(struct buf *document)
{
	uLongf len = compressBound((uLong)document->len);
	uint8_t *out = xmalloc(len);

	if (compress(out, &len, document->data + 1, (uLong)(document->len - 1)) == Z_OK) {
		buf_reset(document);
		buf_add_u8(document, FLAG_ZLIB);
		buf_add(document, out, len);
	}
	free(out);
}

void
conn_send(struct conn *c, struct node *take_node)
{
	struct buf document = BUF_INIT(DOCUMENT_MAX), sealed = BUF_INIT(DOCUMENT_MAX);

	if (c->state != CONN_ENDING) {
		node_encode(take_node, &document);
		if (c->splitting && document.len >= COMPRESS_MIN)
			compress_document(&document);
		if (buf_ok(&document) &&
		    noise_seal(c->noise, document.data, document.len, &sealed) == NOISE_OK)
			conn_out_frame(c, &sealed);
		else
			log_error("conn.send", LOG_STR("tag", node_tag(take_node)));
	}
	buf_done(&document);
	buf_done(&sealed);
	node_free(&take_node);
}

/* -- faults --------------------------------------------------------------------------- */

void
conn_delay(struct conn *c, int64_t ms)
{
	c->delay_ms = ms;
}

void
conn_split(struct conn *c)
{
	c->splitting = true;
}

void
conn_garbage(struct conn *c)
{
	struct buf junk = BUF_INIT(GARBAGE_LEN);
	uint8_t bytes[GARBAGE_LEN];

	rng_bytes(bytes, sizeof(bytes));
	buf_add(&junk, bytes, sizeof(bytes));
	conn_out_frame(c, &junk);
	buf_done(&junk);
}
