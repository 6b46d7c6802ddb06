/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The states of a file on its way. Each has one step; whoever answers posts the next state. Results
 * go up in a turn of their own, so that no callback comes from inside a call.
 */
#include "waconnd/link/transfer.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/link/transfer_private.h"

#define PHONE_MS 60000

static const char *const state_names[TRANSFER_STATES] = {
    [TRANSFER_NEW] = "new",
    [TRANSFER_ENCRYPT] = "encrypt",
    [TRANSFER_CONN] = "conn",
    [TRANSFER_POST] = "post",
    [TRANSFER_GET] = "get",
    [TRANSFER_WAIT] = "wait",
    [TRANSFER_PHONE] = "phone",
    [TRANSFER_DECRYPT] = "decrypt",
    [TRANSFER_ENDED] = "ended",
};

static void (*const steps[TRANSFER_STATES])(struct transfer *t);

/* The one place where the state changes. */
void
transfer_enter(struct transfer *t, enum transfer_state state)
{
	log_debug("media.state", LOG_STR("outlet", link_outlet(t->all->m->link)),
	    LOG_STR("from", state_names[t->state]), LOG_STR("to", state_names[state]));
	(void)event_del(t->timer);
	t->state = state;
	if (steps[state] != NULL)
		steps[state](t);
}

void
transfer_finish(struct transfer *t, enum link_media_result result, const char *detail)
{
	t->result = result;
	if (detail == NULL)
		t->detail[0] = '\0';
	else if (detail != t->detail)
		(void)snprintf(t->detail, sizeof(t->detail), "%s", detail);
	transfer_enter(t, TRANSFER_ENDED);
}

/* -- waits --------------------------------------------------------------------------- */

static void
set_timer(struct transfer *t, unsigned ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (event_add(t->timer, &tv) < 0)
		abort();
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct transfer *t = arg;
	struct link *l = t->all->m->link;

	(void)fd;
	(void)what;
	link_enter(l);
	if (t->state == TRANSFER_WAIT)
		transfer_enter(t, TRANSFER_CONN);
	else
		transfer_finish(t, LINK_MEDIA_GONE,
		    "the servers do not have the file any more, and the phone does not answer");
	link_exit(l);
}

static void
step_wait(struct transfer *t)
{
	const unsigned usual = t->all->net->retry_ms * t->attempts;

	set_timer(t, t->wait_ms > usual ? t->wait_ms : usual);
}

static void
step_phone(struct transfer *t)
{
	set_timer(t, PHONE_MS);
	transfer_step_phone(t);
}

/* -- results ------------------------------------------------------------------------- */

static void
step_ended(struct transfer *t)
{
	TAILQ_REMOVE(&t->all->open, t, entry);
	TAILQ_INSERT_TAIL(&t->all->ended, t, entry);
	event_active(t->all->report, EV_TIMEOUT, 0);
}

static void
transfer_free(struct transfer *t)
{
	if (t->call != NULL)
		http_client_cancel(t->all->net->http, &t->call);
	transfer_job_leave(t);
	if (t->plain >= 0)
		(void)close(t->plain);
	if (t->body >= 0)
		(void)close(t->body);
	event_free(t->timer);
	free(t->url);
	free(t->direct_path);
	free(t->redirect);
	free(t->id);
	t->all->n--;
	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
}

/* t is out of its list. */
static void
report(struct transfer *t)
{
	const bool ok = t->result == LINK_MEDIA_OK;
	const struct transfer_result result = {.result = t->result,
	    .ref = ok && t->up ? &t->ref : NULL,
	    .direct_path = ok && t->moved ? t->direct_path : NULL,
	    .detail = t->detail};

	log_info("media.transfer", LOG_STR("outlet", link_outlet(t->all->m->link)),
	    LOG_STR("direction", t->up ? "up" : "down"),
	    LOG_STR("type", wa_media_type_name(t->type)),
	    LOG_STR("result", link_media_result_name(t->result)),
	    LOG_INT("bytes", (int64_t)t->ref.length),
	    LOG_INT("ms", clock_monotonic_ms() - t->began_ms));
	t->cb(t->arg, &result);
	transfer_free(t);
}

static void
report_all(struct transfers *all)
{
	struct transfer *t;

	while ((t = TAILQ_FIRST(&all->ended)) != NULL) {
		TAILQ_REMOVE(&all->ended, t, entry);
		report(t);
	}
}

static void
on_report(evutil_socket_t fd, short what, void *arg)
{
	struct transfers *all = arg;
	struct link *l = all->m->link;

	(void)fd;
	(void)what;
	link_enter(l);
	report_all(all);
	link_exit(l);
}

static void (*const steps[TRANSFER_STATES])(struct transfer *t) = {
    [TRANSFER_ENCRYPT] = transfer_step_encrypt,
    [TRANSFER_CONN] = transfer_step_conn,
    [TRANSFER_POST] = transfer_step_post,
    [TRANSFER_GET] = transfer_step_get,
    [TRANSFER_WAIT] = step_wait,
    [TRANSFER_PHONE] = step_phone,
    [TRANSFER_DECRYPT] = transfer_step_decrypt,
    [TRANSFER_ENDED] = step_ended,
};

/* -- life ---------------------------------------------------------------------------- */

static struct transfer *
transfer_new(struct transfers *all, enum wa_media_type type, int take_fd, uint64_t max,
    transfer_cb cb, void *arg)
{
	struct transfer *t = xcalloc(1, sizeof(*t));

	t->all = all;
	t->type = type;
	t->plain = take_fd;
	t->body = -1;
	t->max = max;
	t->cb = cb;
	t->arg = arg;
	t->began_ms = clock_monotonic_ms();
	t->timer = event_new(link_base(all->m->link), -1, 0, on_timer, t);
	if (t->timer == NULL)
		abort();
	TAILQ_INSERT_TAIL(&all->open, t, entry);
	all->n++;
	return t;
}

void
transfers_upload(
    struct transfers *all, enum wa_media_type type, int take_fd, transfer_cb cb, void *arg)
{
	struct transfer *t = transfer_new(all, type, take_fd, LINK_UPLOAD_MAX, cb, arg);

	t->up = true;
	if (all->n > LINK_TRANSFERS_MAX)
		transfer_finish(t, LINK_MEDIA_BUSY, NULL);
	else
		transfer_enter(t, TRANSFER_ENCRYPT);
}

void
transfers_download(struct transfers *all, const struct link_media *media, int take_fd, uint64_t max,
    transfer_cb cb, void *arg)
{
	struct transfer *t = transfer_new(all, media->type, take_fd, max, cb, arg);

	t->ref = media->ref;
	t->ref.url = t->ref.direct_path = NULL;
	if (media->ref.direct_path != NULL)
		t->ref.direct_path = t->direct_path = xstrdup(media->ref.direct_path);
	if (media->id != NULL && stanza_id_is_plain(media->id))
		t->id = xstrdup(media->id);
	t->chat = media->chat;
	t->from_me = media->from_me;
	if (all->n > LINK_TRANSFERS_MAX) {
		transfer_finish(t, LINK_MEDIA_BUSY, NULL);
		return;
	}
	if (t->ref.length > max) {
		transfer_finish(t, LINK_MEDIA_TOO_LARGE, NULL);
		return;
	}
	t->body = media_net_file();
	if (t->body < 0)
		transfer_finish(t, LINK_MEDIA_FILE, "no temporary file can be made");
	else
		transfer_enter(t, TRANSFER_CONN);
}

struct transfers *
transfers_new(struct messaging *m)
{
	struct transfers *all = xcalloc(1, sizeof(*all));

	all->m = m;
	all->net = link_media_net(m->link);
	TAILQ_INIT(&all->open);
	TAILQ_INIT(&all->ended);
	all->report = event_new(link_base(m->link), -1, 0, on_report, all);
	if (all->report == NULL)
		abort();
	return all;
}

void
transfers_free(struct transfers **ap)
{
	struct transfers *all = *ap;
	struct transfer *t;

	if (all == NULL)
		return;
	*ap = NULL; /* nothing more can be asked for */
	while ((t = TAILQ_FIRST(&all->open)) != NULL)
		transfer_finish(t, LINK_MEDIA_UNAVAILABLE, "the connection to WhatsApp ended");
	report_all(all);
	event_free(all->report);
	OPENSSL_cleanse(&all->conn, sizeof(all->conn));
	free(all);
}
