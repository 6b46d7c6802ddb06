/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of received messages: fetched through the outlet's link into an unnamed file when one is
 * asked for, and read from there piece by piece. A few are kept for a while, for whoever asks next;
 * nothing of them outlives the daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/media_type.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/message_id.h"
#include "waconnd/link/media_net.h"
#include "waconnd/message_content.h"

#define DOWNLOADS_MAX 16
#define BYTES_MAX (1024u << 20) /* of all files together before the oldest go */
#define KEPT_MS (2 * 60 * 1000)
#define GIVEN_UP_MS (3 * 60 * 1000) /* one that the link has not answered by then */
#define FILE_SIZE_MAX (2000u << 20)
#define SEALED_MAX (2u << 20)
#define WAITERS_MAX 16
#define HANDLE_PREFIX "file_"

struct download {
	TAILQ_ENTRY(download) entry;
	struct downloads *ds;
	char handle[32], message[24], outlet[64];
	char *peer, *wa_id, *file_name, *mimetype;
	struct wa_content *content;
	int fd;
	uint64_t size;
	bool ready;
	int64_t used_ms; /* monotonic */
	struct call *waiters[WAITERS_MAX];
	size_t n_waiters;
	unsigned reading; /* jobs in the worker */
};
TAILQ_HEAD(download_list, download);

struct downloads {
	const struct api_env *env;
	struct download_list list; /* the longest unused first */
	unsigned n;
	uint64_t bytes;
};

/* -- entries -- */

static void
download_free(struct download *d)
{
	TAILQ_REMOVE(&d->ds->list, d, entry);
	d->ds->n--;
	d->ds->bytes -= d->size;
	if (d->fd >= 0)
		close(d->fd);
	wa_content_free(&d->content);
	free(d->peer);
	free(d->wa_id);
	free(d->file_name);
	free(d->mimetype);
	free(d);
}

static struct download *
find(struct downloads *ds, const char *handle, const char *message)
{
	struct download *d;

	TAILQ_FOREACH(d, &ds->list, entry)
	{
		if ((handle != NULL && strcmp(d->handle, handle) == 0) ||
		    (message != NULL && strcmp(d->message, message) == 0)) {
			d->used_ms = clock_monotonic_ms();
			TAILQ_REMOVE(&ds->list, d, entry);
			TAILQ_INSERT_TAIL(&ds->list, d, entry);
			return d;
		}
	}
	return NULL;
}

static void
refuse_waiters(struct download *d, const char *code, const char *detail)
{
	const size_t n = d->n_waiters;

	d->n_waiters = 0;
	for (size_t i = 0; i < n; i++)
		call_problem(d->waiters[i], code, detail);
}

/* Old ones, as many as it takes. One whose outlet was removed is never answered. */
static void
make_room(struct downloads *ds)
{
	const int64_t now = clock_monotonic_ms();
	struct download *d, *next;

	for (d = TAILQ_FIRST(&ds->list); d != NULL; d = next) {
		const bool full = ds->n >= DOWNLOADS_MAX || ds->bytes > BYTES_MAX;

		next = TAILQ_NEXT(d, entry);
		if (!d->ready && now - d->used_ms > GIVEN_UP_MS) {
			refuse_waiters(d, "media_unavailable", NULL);
			if (outlets_find(ds->env->outlets, d->outlet) == NULL)
				download_free(d);
		} else if (d->ready && d->reading == 0 && (full || now - d->used_ms > KEPT_MS)) {
			download_free(d);
		}
	}
}

/* -- the answers -- */

static void
answer(struct call *c, const struct download *d)
{
	struct buf out;
	struct jsonw j;

	call_begin(&j, &out);
	jsonw_object(&j, "media");
	jsonw_str(&j, "id", d->handle);
	jsonw_str(&j, "mimeType", media_type_known(d->mimetype));
	jsonw_int(&j, "size", (int64_t)d->size);
	if (d->file_name != NULL)
		jsonw_str(&j, "fileName", d->file_name);
	jsonw_object_end(&j);
	call_finish(c, &j, 200);
}

static const char *const problems[LINK_MEDIA_RESULT_COUNT] = {
    [LINK_MEDIA_BUSY] = "overloaded",
    [LINK_MEDIA_UNAVAILABLE] = "media_unavailable",
    [LINK_MEDIA_REFUSED] = "media_gone",
    [LINK_MEDIA_TOO_LARGE] = "payload_too_large",
    [LINK_MEDIA_GONE] = "media_gone",
    [LINK_MEDIA_CORRUPT] = "media_corrupt",
    [LINK_MEDIA_FILE] = "internal",
};

static void
on_moved(void *arg, enum db_error error, const PGresult *result)
{
	(void)arg;
	(void)result;
	if (error != DB_OK)
		log_warn("media.moved", LOG_STR("error", db_error_text(error)));
}

/* The phone has put it elsewhere: the next time it is looked for there. */
static void
keep_place(struct download *d, const char *direct_path)
{
	struct wa_content moved = *d->content;
	char *aad = message_content_inbound_aad(d->outlet, d->peer, d->wa_id);
	struct buf sealed = BUF_INIT(SEALED_MAX);

	moved.media.direct_path = direct_path;
	if (message_content_seal(d->ds->env->store->seal, aad, &moved, &sealed)) {
		const struct db_param params[] = {
		    DB_TEXT(d->message), DB_BYTES(sealed.data, sealed.len)};

		(void)db_query(
		    d->ds->env->store->db, SQL_MESSAGE_MEDIA_MOVED, params, 2, on_moved, NULL);
	}
	buf_done(&sealed);
	free(aad);
}

static void
on_downloaded(void *arg, struct outlet *o, void *download_arg, enum link_media_result result,
    const char *direct_path, const char *detail)
{
	struct download *d = download_arg;
	const size_t n = d->n_waiters;
	struct stat st;

	(void)arg;
	(void)o;
	if (result == LINK_MEDIA_OK && fstat(d->fd, &st) < 0)
		result = LINK_MEDIA_FILE;
	if (result != LINK_MEDIA_OK) {
		log_info("media.download", LOG_STR("outlet", d->outlet),
		    LOG_STR("result", link_media_result_name(result)), LOG_STR("detail", detail));
		refuse_waiters(d, problems[result], NULL);
		download_free(d);
		return;
	}
	if (direct_path != NULL)
		keep_place(d, direct_path);
	d->ready = true;
	d->used_ms = clock_monotonic_ms();
	d->size = (uint64_t)st.st_size;
	d->ds->bytes += d->size;
	d->n_waiters = 0;
	for (size_t i = 0; i < n; i++)
		answer(d->waiters[i], d);
}

/* -- asking for one; columns of MESSAGE_MEDIA: outlet, peer, stanza id, outgoing, sealed file -- */

static int
open_sealed(struct call *c, const PGresult *r, struct wa_content **ret)
{
	char *aad = message_content_inbound_aad(
	    PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1), PQgetvalue(r, 0, 2));
	size_t len = 0;
	unsigned char *sealed = PQunescapeBytea((const unsigned char *)PQgetvalue(r, 0, 4), &len);
	int rc =
	    sealed == NULL ? -1 : message_content_open(c->env->store->seal, aad, sealed, len, ret);

	PQfreemem(sealed);
	free(aad);
	return rc;
}

static struct download *
download_new(
    struct downloads *ds, const char *message, const PGresult *r, struct wa_content *take_content)
{
	struct download *d = xcalloc(1, sizeof(*d));

	d->ds = ds;
	rng_id(HANDLE_PREFIX, d->handle, sizeof(d->handle));
	(void)snprintf(d->message, sizeof(d->message), "%s", message);
	(void)snprintf(d->outlet, sizeof(d->outlet), "%s", PQgetvalue(r, 0, 0));
	d->peer = xstrdup(PQgetvalue(r, 0, 1));
	d->wa_id = xstrdup(PQgetvalue(r, 0, 2));
	d->content = take_content;
	if (d->content->file_name != NULL)
		d->file_name = xstrdup(d->content->file_name);
	if (d->content->mimetype != NULL)
		d->mimetype = xstrdup(d->content->mimetype);
	d->fd = media_net_file();
	d->used_ms = clock_monotonic_ms();
	TAILQ_INSERT_TAIL(&ds->list, d, entry);
	ds->n++;
	return d;
}

static void
start(struct download *d, struct link *link, bool from_me)
{
	struct link_media media = {.type = wa_content_media_type(d->content->kind),
	    .ref = d->content->media,
	    .id = d->wa_id,
	    .from_me = from_me};

	if (jid_parse(d->peer, &media.chat) < 0)
		media.id = NULL;
	link_download(link, &media, fcntl(d->fd, F_DUPFD_CLOEXEC, 0), FILE_SIZE_MAX, d);
}

static void
wait_for(struct call *c, struct download *d)
{
	if (d->n_waiters == WAITERS_MAX)
		call_problem(c, "overloaded", NULL);
	else
		d->waiters[d->n_waiters++] = c;
}

static void
on_found(struct call *c, const PGresult *r)
{
	struct downloads *ds = api_downloads(c->api);
	const char *message = message_id_number(c->request->message_media->id);
	struct download *d = find(ds, NULL, message);
	struct wa_content *content = NULL;
	struct outlet *o;
	struct link *link;

	if (PQntuples(r) != 1 || PQgetisnull(r, 0, 4)) {
		call_problem(c, "not_found", NULL);
		return;
	}
	if (d != NULL && d->ready) {
		answer(c, d);
		return;
	}
	if (d != NULL) {
		wait_for(c, d);
		return;
	}
	o = outlets_find(c->env->outlets, PQgetvalue(r, 0, 0));
	link = o != NULL ? outlet_link(o) : NULL;
	if (link == NULL) {
		call_problem(c, "outlet_not_healthy",
		    "Files are fetched through the outlet: connect it first.");
		return;
	}
	make_room(ds);
	if (ds->n >= DOWNLOADS_MAX) {
		call_problem(c, "overloaded", NULL);
		return;
	}
	if (open_sealed(c, r, &content) < 0) {
		call_problem(c, "internal", NULL);
		return;
	}
	d = download_new(ds, message, r, content);
	if (d->fd < 0) {
		log_error("media.no_file", LOG_STR("why", strerror(errno)));
		download_free(d);
		call_problem(c, "internal", NULL);
		return;
	}
	wait_for(c, d);
	start(d, link, PQgetvalue(r, 0, 3)[0] == 't');
}

void
api_message_media(struct call *c)
{
	const char *number = message_id_number(c->request->message_media->id);
	const struct db_param params[] = {DB_TEXT(number), DB_TEXT(call_scope(c))};

	if (number == NULL)
		call_problem(c, "not_found", NULL);
	else
		call_query(c, SQL_MESSAGE_MEDIA, params, 2, NULL, on_found);
}

/* -- reading: in a thread -- */

struct read_job {
	struct call *call;
	struct download *d;
	int fd;
	uint64_t offset;
	uint8_t *bytes;
	size_t want;
	ssize_t got;
};

static void
read_bytes(void *arg)
{
	struct read_job *j = arg;

	do {
		j->got = pread(j->fd, j->bytes, j->want, (off_t)j->offset);
	} while (j->got < 0 && errno == EINTR);
}

static void
on_read(void *arg, int cancelled)
{
	struct read_job *j = arg;
	Ipc__Response response = IPC__RESPONSE__INIT;

	j->d->reading--;
	if (cancelled || j->got <= 0) {
		call_problem(j->call, "internal", NULL);
	} else {
		response.has_status = 1;
		response.status = 200;
		response.has_data = 1;
		response.data.data = j->bytes;
		response.data.len = (size_t)j->got;
		call_response(j->call, &response);
	}
	free(j->bytes);
	free(j);
}

bool
downloads_is_handle(const char *id)
{
	return id != NULL && strncmp(id, HANDLE_PREFIX, strlen(HANDLE_PREFIX)) == 0;
}

void
downloads_read(struct call *c)
{
	const Ipc__MediaRead *q = c->request->media_read;
	struct download *d = find(api_downloads(c->api), q->id, NULL);
	const char *scope = call_scope(c);
	struct read_job *j;

	if (d == NULL || !d->ready || (scope != NULL && strcmp(scope, d->outlet) != 0)) {
		call_problem(c, "not_found", NULL);
		return;
	}
	if (q->length == 0 || q->length > IPC_MEDIA_CHUNK || q->offset >= d->size) {
		call_problem(c, "range_not_satisfiable", NULL);
		return;
	}
	j = xcalloc(1, sizeof(*j));
	*j = (struct read_job){.call = c, .d = d, .fd = d->fd, .offset = q->offset};
	j->want = d->size - q->offset < q->length ? (size_t)(d->size - q->offset) : q->length;
	j->bytes = xmalloc(j->want);
	d->reading++;
	if (worker_run(c->env->worker, read_bytes, on_read, j) == 0)
		return;
	d->reading--;
	free(j->bytes);
	free(j);
	call_problem(c, "overloaded", NULL);
}

/* -- all of them -- */

struct downloads *
downloads_new(const struct api_env *env)
{
	struct downloads *ds = xcalloc(1, sizeof(*ds));

	ds->env = env;
	TAILQ_INIT(&ds->list);
	outlets_on_downloaded(env->outlets, on_downloaded, ds);
	return ds;
}

void
downloads_sweep(struct downloads *ds)
{
	make_room(ds);
}

void
downloads_free(struct downloads **dsp)
{
	struct downloads *ds = *dsp;

	if (ds == NULL)
		return;
	outlets_on_downloaded(ds->env->outlets, NULL, NULL);
	while (!TAILQ_EMPTY(&ds->list))
		download_free(TAILQ_FIRST(&ds->list));
	free(ds);
	*dsp = NULL;
}
