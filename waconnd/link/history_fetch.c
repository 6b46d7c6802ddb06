/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One history at a time: its download, then its pieces, then the learning. A piece is small,
 * because it may become a thousand times as large when it is inflated, and the loop has others to
 * serve.
 */
#include "waconnd/link/history_fetch.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/log.h"
#include "common/wa/history.h"
#include "common/xalloc.h"
#include "waconnd/link/learning.h"
#include "waconnd/link/media_net.h"
#include "waconnd/link/transfer.h"

#define PIECE 4096

struct wanted {
	STAILQ_ENTRY(wanted) entry;
	struct wa_media_ref ref; /* direct_path is the one below */
	char path[];
};

struct history_fetches {
	struct messaging *m;
	STAILQ_HEAD(, wanted) wanted;
	unsigned n;
	bool busy; /* with what follows */
	int fd;
	off_t at;
	struct history *history;
	struct learning *learning;
	struct event *piece;
};

static void next(struct history_fetches *h);

static void
drop(struct history_fetches *h)
{
	if (h->fd >= 0)
		(void)close(h->fd);
	h->fd = -1;
	history_free(&h->history);
	learning_free(&h->learning);
	h->busy = false;
}

static void
lost(struct history_fetches *h, const char *why)
{
	log_warn("history.lost", LOG_STR("outlet", link_outlet(h->m->link)), LOG_STR("why", why));
	drop(h);
	next(h);
}

static void
on_learned(void *arg)
{
	struct history_fetches *h = arg;

	log_info("history.learnt", LOG_STR("outlet", link_outlet(h->m->link)));
	drop(h);
	next(h);
}

static void
on_item(void *arg, const struct history_item *item)
{
	learning_add(arg, item);
}

static void
read_piece(struct history_fetches *h)
{
	uint8_t bytes[PIECE];
	const ssize_t n = pread(h->fd, bytes, sizeof(bytes), h->at);

	if (n < 0) {
		lost(h, "the file cannot be read");
	} else if (n == 0 && history_end(h->history) != 0) {
		lost(h, "it ends too early");
	} else if (n == 0) {
		learning_apply(h->learning, on_learned, h);
	} else if (history_push(h->history, bytes, (size_t)n) != 0) {
		lost(h, "it is broken");
	} else {
		h->at += n;
		event_active(h->piece, EV_TIMEOUT, 0);
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

static void
on_piece(evutil_socket_t fd, short what, void *arg)
{
	struct history_fetches *h = arg;
	struct link *l = h->m->link;

	(void)fd;
	(void)what;
	link_enter(l);
	read_piece(h);
	link_exit(l);
}

static void
on_downloaded(void *arg, const struct transfer_result *result)
{
	struct history_fetches *h = arg;

	if (result->result != LINK_MEDIA_OK) {
		lost(h, link_media_result_name(result->result));
		return;
	}
	h->at = 0;
	h->learning = learning_new(h->m);
	h->history = history_new(on_item, h->learning);
	event_active(h->piece, EV_TIMEOUT, 0);
}

static void
next(struct history_fetches *h)
{
	struct wanted *w = STAILQ_FIRST(&h->wanted);
	struct link_media media = {.type = WA_MEDIA_HISTORY};
	int fd;

	if (h->busy || w == NULL || h->m->transfers == NULL)
		return;
	STAILQ_REMOVE_HEAD(&h->wanted, entry);
	h->n--;
	h->busy = true;
	media.ref = w->ref;
	h->fd = media_net_file();
	fd = h->fd >= 0 ? dup(h->fd) : -1;
	transfers_download(h->m->transfers, &media, fd, HISTORY_FETCH_BYTES_MAX, on_downloaded, h);
	OPENSSL_cleanse(w, sizeof(*w));
	free(w);
}

void
history_fetches_add(struct history_fetches *h, const struct wa_media_ref *ref)
{
	const size_t len = strlen(ref->direct_path) + 1;
	struct wanted *w;

	if (h->n >= HISTORY_FETCHES_MAX) {
		log_warn("history.lost", LOG_STR("outlet", link_outlet(h->m->link)),
		    LOG_STR("why", "too many wait"));
		return;
	}
	w = xcalloc(1, sizeof(*w) + len);
	w->ref = *ref;
	memcpy(w->path, ref->direct_path, len);
	w->ref.url = NULL;
	w->ref.direct_path = w->path;
	STAILQ_INSERT_TAIL(&h->wanted, w, entry);
	h->n++;
	next(h);
}

struct history_fetches *
history_fetches_new(struct messaging *m)
{
	struct history_fetches *h = xcalloc(1, sizeof(*h));

	h->m = m;
	h->fd = -1;
	STAILQ_INIT(&h->wanted);
	h->piece = event_new(link_base(m->link), -1, 0, on_piece, h);
	if (h->piece == NULL)
		abort();
	return h;
}

void
history_fetches_free(struct history_fetches **hp)
{
	struct history_fetches *h = *hp;
	struct wanted *w;

	if (h == NULL)
		return;
	while ((w = STAILQ_FIRST(&h->wanted)) != NULL) {
		STAILQ_REMOVE_HEAD(&h->wanted, entry);
		OPENSSL_cleanse(w, sizeof(*w));
		free(w);
	}
	drop(h);
	event_free(h->piece);
	free(h);
	*hp = NULL;
}
