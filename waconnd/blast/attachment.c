/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Entries and their steps. Only here is a step assigned; every step but the last three waits for
 * exactly one callback: a statement's, a worker's or the link's.
 */
#include "waconnd/blast/attachment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/blast/attachment_private.h"

#define KEPT_MAX 256 /* entries, in memory */
#define FILES_MAX 4  /* put together and uploaded at once */
#define FAILURES_MAX 5
#define RETRY_MAX_MS (5 * 60 * 1000)
#define FAILED_MS 60000 /* after that it may be asked for anew */
#define SEALED_MAX (2u << 20)

static bool
is_working(const struct attachment *a)
{
	return a->step < STEP_READY;
}

static void
set_step(struct attachment *a, enum attachment_step step)
{
	const bool had_file = a->step > STEP_LOOKUP && a->step <= STEP_UPLOAD;
	const bool has_file = step > STEP_LOOKUP && step <= STEP_UPLOAD;

	a->as->n_files += (unsigned)has_file - (unsigned)had_file;
	a->step = step;
}

static void
drop_image(struct attachment *a)
{
	image_done(&a->image);
	memset(&a->image, 0, sizeof(a->image));
}

/* What is at the link calls back no more. */
static void
attachment_free(struct attachment *a)
{
	struct attachments *as = a->as;

	TAILQ_REMOVE(&as->list, a, entry);
	as->n--;
	set_step(a, STEP_FAILED);
	if (a->ticket != 0)
		db_forget(as->store->db, a->ticket);
	attachment_file_forget(a);
	drop_image(a);
	wa_content_free(&a->content);
	free(a);
}

static void
tell(struct attachment *a)
{
	struct attachments *as = a->as;

	if (!as->stopped)
		as->changed(as->arg, a->o);
}

void
attachment_fail(struct attachment *a, const char *reason)
{
	log_warn("media.failed", LOG_STR("outlet", outlet_id(a->o)), LOG_STR("media", a->media),
	    LOG_STR("reason", reason));
	set_step(a, STEP_FAILED);
	a->reason = reason;
	a->until_ms = clock_monotonic_ms() + FAILED_MS;
	tell(a);
}

/* Not its fault: its turn comes. */
static void
wait_for_others(struct attachment *a)
{
	set_step(a, STEP_PAUSED);
	a->until_ms = clock_monotonic_ms() + ATTACHMENT_RETRY_MS;
	tell(a);
}

void
attachment_pause(struct attachment *a, const char *why)
{
	int64_t ms = ATTACHMENT_RETRY_MS;

	log_info("media.paused", LOG_STR("outlet", outlet_id(a->o)), LOG_STR("media", a->media),
	    LOG_STR("why", why));
	for (unsigned i = 0; i < a->failures && ms < RETRY_MAX_MS; i++)
		ms *= 2;
	a->failures++;
	set_step(a, STEP_PAUSED);
	a->until_ms = clock_monotonic_ms() + (ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS);
	tell(a);
}

/* -- save: the reference is on disk before a message with it leaves -- */

static void
on_saved(void *arg, enum db_error error, const PGresult *r)
{
	struct attachment *a = arg;

	(void)r;
	a->ticket = 0;
	if (error != DB_OK) {
		wa_content_free(&a->content);
		attachment_pause(a, db_error_text(error));
		return;
	}
	a->failures = 0;
	set_step(a, STEP_READY);
	tell(a);
}

static void
save(struct attachment *a)
{
	char *aad = message_content_upload_aad(outlet_id(a->o), a->media, a->type);
	struct buf sealed = BUF_INIT(SEALED_MAX);
	char type[16], width[16], height[16];

	set_step(a, STEP_SAVE);
	(void)snprintf(type, sizeof(type), "%d", (int)a->type);
	(void)snprintf(width, sizeof(width), "%u", a->image.width);
	(void)snprintf(height, sizeof(height), "%u", a->image.height);
	if (message_content_seal(a->as->store->seal, aad, a->content, &sealed)) {
		const struct db_param params[] = {DB_TEXT(outlet_id(a->o)), DB_TEXT(a->media),
		    DB_TEXT(type), DB_BYTES(sealed.data, sealed.len),
		    DB_TEXT(a->image.width > 0 ? width : NULL),
		    DB_TEXT(a->image.height > 0 ? height : NULL)};

		a->ticket =
		    db_query(a->as->store->db, SQL_MEDIA_UPLOAD_PUT, params, 6, on_saved, a);
	} else {
		attachment_fail(a, "media_unusable");
	}
	buf_done_secret(&sealed);
	free(aad);
}

/* -- upload -- */

static const enum wa_content_kind kinds[WA_MEDIA_TYPE_COUNT] = {
    [WA_MEDIA_IMAGE] = WA_CONTENT_IMAGE,
    [WA_MEDIA_VIDEO] = WA_CONTENT_VIDEO,
    [WA_MEDIA_AUDIO] = WA_CONTENT_AUDIO,
    [WA_MEDIA_DOCUMENT] = WA_CONTENT_DOCUMENT,
};

static const char *const refusals[LINK_MEDIA_RESULT_COUNT] = {
    /* those that no waiting mends */
    [LINK_MEDIA_REFUSED] = "media_refused",
    [LINK_MEDIA_TOO_LARGE] = "media_too_large",
};

static void
take_ref(struct attachment *a, const struct wa_media_ref *ref)
{
	const struct wa_content content = {
	    .kind = kinds[a->type],
	    .media = *ref,
	    .mimetype = a->mimetype,
	    .thumbnail = {a->image.thumbnail, a->image.thumbnail_len},
	    .width = a->image.width,
	    .height = a->image.height,
	    .animated = a->image.animated,
	    .seconds = a->seconds,
	};

	a->content = wa_content_copy(&content);
	save(a);
}

void
attachments_uploaded(void *upload_arg, enum link_media_result result,
    const struct wa_media_ref *ref, const char *detail)
{
	struct attachment *a = upload_arg;

	if (result == LINK_MEDIA_OK)
		take_ref(a, ref);
	else if (refusals[result] != NULL)
		attachment_fail(a, refusals[result]);
	else if (result != LINK_MEDIA_BUSY && result != LINK_MEDIA_UNAVAILABLE &&
		 a->failures >= FAILURES_MAX)
		attachment_fail(a, "media_unusable");
	else
		attachment_pause(
		    a, detail != NULL && *detail != '\0' ? detail : link_media_result_name(result));
}

static void
on_looked(struct attachment *a, int fd)
{
	struct link *link = outlet_link(a->o);

	if (link == NULL) {
		close(fd);
		attachment_pause(a, "the outlet is not ready");
		return;
	}
	set_step(a, STEP_UPLOAD);
	link_upload(link, a->type, fd, a);
}

static void
on_fetched(struct attachment *a, int fd, const char *why)
{
	if (fd < 0 && a->failures >= FAILURES_MAX) {
		attachment_fail(a, "media_unusable");
	} else if (fd < 0) {
		attachment_pause(a, why);
	} else if (a->type != WA_MEDIA_IMAGE) {
		on_looked(a, fd);
	} else {
		set_step(a, STEP_LOOK);
		attachment_look(a, fd, on_looked);
	}
}

/* -- look up: columns of MEDIA_UPLOAD_GET: type, size, sealed reference when it is fresh, seconds
 * -- */

static int
open_ref(struct attachment *a, const char *hex)
{
	char *aad = message_content_upload_aad(outlet_id(a->o), a->media, a->type);
	size_t len = 0;
	unsigned char *sealed = PQunescapeBytea((const unsigned char *)hex, &len);
	int r = sealed == NULL
		    ? -1
		    : message_content_open(a->as->store->seal, aad, sealed, len, &a->content);

	PQfreemem(sealed);
	free(aad);
	return r;
}

static void
on_found(void *arg, enum db_error error, const PGresult *r)
{
	struct attachment *a = arg;

	a->ticket = 0;
	if (error != DB_OK) {
		attachment_pause(a, db_error_text(error));
		return;
	}
	if (PQntuples(r) != 1) {
		attachment_fail(a, "media_gone");
		return;
	}
	(void)snprintf(a->mimetype, sizeof(a->mimetype), "%s", PQgetvalue(r, 0, 0));
	a->size = strtoull(PQgetvalue(r, 0, 1), NULL, 10);
	a->seconds = (uint32_t)strtoul(PQgetvalue(r, 0, 3), NULL, 10);
	if (!PQgetisnull(r, 0, 2) && open_ref(a, PQgetvalue(r, 0, 2)) == 0) {
		set_step(a, STEP_READY);
		tell(a);
	} else if (a->as->n_files >= FILES_MAX) {
		wait_for_others(a);
	} else {
		set_step(a, STEP_FETCH);
		attachment_fetch(a, on_fetched);
	}
}

static void
begin(struct attachment *a)
{
	char type[16];
	const struct db_param params[] = {
	    DB_TEXT(outlet_id(a->o)), DB_TEXT(a->media), DB_TEXT(type)};

	set_step(a, STEP_LOOKUP);
	drop_image(a);
	wa_content_free(&a->content);
	(void)snprintf(type, sizeof(type), "%d", (int)a->type);
	a->ticket = db_query(a->as->store->db, SQL_MEDIA_UPLOAD_GET, params, 3, on_found, a);
}

/* -- entries -- */

static void
make_room(struct attachments *as)
{
	struct attachment *a, *next;

	for (a = TAILQ_FIRST(&as->list); a != NULL && as->n >= KEPT_MAX; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (!is_working(a))
			attachment_free(a);
	}
}

static struct attachment *
find(struct attachments *as, const struct outlet *o, const char *media, enum wa_media_type type)
{
	struct attachment *a;

	TAILQ_FOREACH(a, &as->list, entry)
	{
		if (a->o == o && a->type == type && strcmp(a->media, media) == 0)
			return a;
	}
	return NULL;
}

static struct attachment *
attachment_new(struct attachments *as, struct outlet *o, const char *media, enum wa_media_type type)
{
	struct attachment *a;

	make_room(as);
	if (as->n >= KEPT_MAX || strlen(media) >= sizeof(a->media))
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->as = as;
	a->o = o;
	a->type = type;
	(void)snprintf(a->media, sizeof(a->media), "%s", media);
	TAILQ_INSERT_TAIL(&as->list, a, entry);
	as->n++;
	begin(a);
	return a;
}

enum attachment_state
attachments_get(struct attachments *as, struct outlet *o, const char *media,
    enum wa_media_type type, const struct wa_content **ret_file, const char **ret_reason)
{
	struct attachment *a = find(as, o, media, type);

	if (a == NULL && (as->stopped || (a = attachment_new(as, o, media, type)) == NULL))
		return ATTACHMENT_WAITING;
	TAILQ_REMOVE(&as->list, a, entry);
	TAILQ_INSERT_TAIL(&as->list, a, entry);
	if (a->step == STEP_READY) {
		*ret_file = a->content;
		return ATTACHMENT_READY;
	}
	if ((a->step == STEP_FAILED || a->step == STEP_PAUSED) &&
	    a->until_ms <= clock_monotonic_ms() && !as->stopped)
		begin(a);
	if (a->step != STEP_FAILED)
		return ATTACHMENT_WAITING;
	*ret_reason = a->reason;
	return ATTACHMENT_FAILED;
}

void
attachments_drop(struct attachments *as, struct outlet *o)
{
	struct attachment *a, *next;

	for (a = TAILQ_FIRST(&as->list); a != NULL; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (a->o == o)
			attachment_free(a);
	}
}

void
attachments_stop(struct attachments *as)
{
	as->stopped = true;
}

struct attachments *
attachments_new(struct store *store, struct worker *worker,
    void (*changed)(void *arg, struct outlet *o), void *arg)
{
	struct attachments *as = xcalloc(1, sizeof(*as));

	as->store = store;
	as->worker = worker;
	as->changed = changed;
	as->arg = arg;
	TAILQ_INIT(&as->list);
	return as;
}

void
attachments_free(struct attachments **asp)
{
	struct attachments *as = *asp;
	struct attachment *a;

	if (as == NULL)
		return;
	while ((a = TAILQ_FIRST(&as->list)) != NULL)
		attachment_free(a);
	free(as);
	*asp = NULL;
}
