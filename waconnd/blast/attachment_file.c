/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file of an attachment: chunk by chunk out of the database into an unnamed file, written and
 * looked at in a worker thread, so that neither the loop waits for a disk nor memory grows with the
 * file. Knows nothing of links.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/blast/attachment_private.h"
#include "waconnd/link/media_net.h"

struct attachment_file {      /* what a job touches: its own, until it is done */
	struct attachment *a; /* NULL: nobody waits any more */
	int fd;
	uint64_t at;
	unsigned char *bytes; /* of the chunk in hand */
	size_t len;
	bool running, wrote;
	struct image image;
	bool is_image;
	void (*fetched)(struct attachment *a, int fd, const char *why);
	void (*looked)(struct attachment *a, int fd);
};

static void
file_free(struct attachment_file *f)
{
	PQfreemem(f->bytes);
	image_done(&f->image);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

void
attachment_file_forget(struct attachment *a)
{
	struct attachment_file *f = a->file;

	if (f == NULL)
		return;
	a->file = NULL;
	f->a = NULL;
	if (!f->running)
		file_free(f);
}

/* The file is whole, or will not be. */
static void
finish(struct attachment_file *f, const char *why)
{
	struct attachment *a = f->a;
	void (*fetched)(struct attachment *, int, const char *) = f->fetched;
	int fd = why == NULL ? f->fd : -1;

	if (fd >= 0)
		f->fd = -1;
	a->file = NULL;
	file_free(f);
	fetched(a, fd, why);
}

/* -- writing: in a thread -- */

static void
write_chunk(void *arg)
{
	struct attachment_file *f = arg;
	size_t done = 0;
	ssize_t n;

	if (f->fd < 0)
		f->fd = media_net_file();
	while (f->fd >= 0 && done < f->len) {
		n = pwrite(f->fd, f->bytes + done, f->len - done, (off_t)(f->at + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		done += (size_t)n;
	}
	f->wrote = done == f->len;
}

static void ask(struct attachment *a);

static void
on_written(void *arg, int cancelled)
{
	struct attachment_file *f = arg;

	f->running = false;
	if (f->a == NULL) {
		file_free(f);
		return;
	}
	f->at += f->len;
	PQfreemem(f->bytes);
	f->bytes = NULL;
	if (cancelled || !f->wrote)
		finish(f, "no temporary file can be written");
	else if (f->at >= f->a->size)
		finish(f, NULL);
	else
		ask(f->a);
}

/* -- reading -- */

static void
on_chunk(void *arg, enum db_error error, const PGresult *r)
{
	struct attachment *a = arg;
	struct attachment_file *f = a->file;

	a->ticket = 0;
	if (error != DB_OK || PQntuples(r) != 1) {
		finish(f, error != DB_OK ? db_error_text(error) : "a chunk is missing");
		return;
	}
	f->bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(r, 0, 0), &f->len);
	f->wrote = false;
	f->running = true;
	if (f->bytes == NULL || f->len == 0 ||
	    worker_run(a->as->worker, write_chunk, on_written, f) < 0) {
		f->running = false;
		finish(f, "too much to do");
	}
}

static void
ask(struct attachment *a)
{
	char n[24];
	const struct db_param params[] = {DB_TEXT(a->media), DB_TEXT(n)};

	(void)snprintf(n, sizeof(n), "%llu", (unsigned long long)(a->file->at / IPC_MEDIA_CHUNK));
	a->ticket = db_query(a->as->store->db, SQL_MEDIA_CHUNK, params, 2, on_chunk, a);
}

void
attachment_fetch(struct attachment *a, void (*done)(struct attachment *a, int fd, const char *why))
{
	struct attachment_file *f = xcalloc(1, sizeof(*f));

	f->a = a;
	f->fd = -1;
	f->fetched = done;
	a->file = f;
	ask(a);
}

/* -- looking -- */

static void
look(void *arg)
{
	struct attachment_file *f = arg;

	f->is_image = image_read(f->fd, &f->image) == IMAGE_OK;
}

static void
on_looked(void *arg, int cancelled)
{
	struct attachment_file *f = arg;
	struct attachment *a = f->a;
	void (*looked)(struct attachment *, int) = f->looked;
	int fd = f->fd;

	f->running = false;
	if (a == NULL) {
		file_free(f);
		return;
	}
	if (!cancelled && f->is_image) {
		a->image = f->image;
		memset(&f->image, 0, sizeof(f->image));
	}
	f->fd = -1;
	a->file = NULL;
	file_free(f);
	looked(a, fd);
}

void
attachment_look(struct attachment *a, int fd, void (*done)(struct attachment *a, int fd))
{
	struct attachment_file *f = xcalloc(1, sizeof(*f));

	f->a = a;
	f->fd = fd;
	f->looked = done;
	f->running = true;
	a->file = f;
	if (worker_run(a->as->worker, look, on_looked, f) == 0)
		return;
	/* It goes without a thumbnail. */
	f->fd = -1;
	a->file = NULL;
	file_free(f);
	done(a, fd);
}
