/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Encryption and decryption in a worker thread. A job has both files while it runs and touches
 * nothing but itself; should its transfer go meanwhile, it is told to stop and closes them.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "waconnd/link/transfer_private.h"

struct transfer_job {
	struct transfer *t; /* the loop's; NULL: it left */
	struct messaging *m;
	atomic_bool stop;
	bool up;
	enum wa_media_type type;
	uint64_t max;
	int plain, body;
	struct wa_media_ref ref; /* without its strings */
	enum wa_media_error error;
	int number; /* errno */
};

static void
run(void *arg)
{
	struct transfer_job *j = arg;

	if (j->up) {
		j->body = media_net_file();
		j->error = j->body < 0 ? WA_MEDIA_IO
				       : wa_media_encrypt(
					     j->plain, j->body, j->type, j->max, &j->ref, &j->stop);
	} else {
		j->error = ftruncate(j->plain, 0) < 0 ? WA_MEDIA_IO
						      : wa_media_decrypt(j->body, j->plain, j->type,
							    j->max, &j->ref, &j->stop);
	}
	j->number = errno;
}

static void
close_file(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void
job_free(struct transfer_job *j)
{
	close_file(&j->plain);
	close_file(&j->body);
	OPENSSL_cleanse(j, sizeof(*j));
	free(j);
}

static void
fail(struct transfer *t, const struct transfer_job *j)
{
	const bool up = t->up;

	if (j->error == WA_MEDIA_TOO_LONG)
		transfer_finish(t, LINK_MEDIA_TOO_LARGE, NULL);
	else if (j->error == WA_MEDIA_IO)
		transfer_finish(t, LINK_MEDIA_FILE, strerror(j->number));
	else if (j->error == WA_MEDIA_CORRUPT && !up && t->attempts < 2)
		transfer_enter(t, TRANSFER_WAIT);
	else if (j->error == WA_MEDIA_CORRUPT)
		transfer_finish(
		    t, LINK_MEDIA_CORRUPT, "what came is not what the message promised");
	else
		transfer_finish(t, LINK_MEDIA_UNAVAILABLE, "stopped");
}

static void
succeed(struct transfer *t, const struct transfer_job *j)
{
	if (!t->up) {
		transfer_finish(t, LINK_MEDIA_OK, NULL);
		return;
	}
	memcpy(t->ref.file_sha256, j->ref.file_sha256, WA_MEDIA_HASH_LEN);
	memcpy(t->ref.file_enc_sha256, j->ref.file_enc_sha256, WA_MEDIA_HASH_LEN);
	t->ref.length = j->ref.length;
	close_file(&t->plain);
	transfer_enter(t, TRANSFER_CONN);
}

static void
done(void *arg, int cancelled)
{
	struct transfer_job *j = arg;
	struct transfer *t = j->t;

	if (t != NULL) {
		struct link *l = j->m->link;

		link_enter(l);
		t->job = NULL;
		t->plain = j->plain;
		t->body = j->body;
		j->plain = j->body = -1;
		if (cancelled)
			j->error = WA_MEDIA_STOPPED;
		if (j->error == WA_MEDIA_OK)
			succeed(t, j);
		else
			fail(t, j);
		link_exit(l);
	}
	job_free(j);
}

static void
begin(struct transfer *t)
{
	struct transfer_job *j = xcalloc(1, sizeof(*j));

	j->t = t;
	j->m = t->all->m;
	j->up = t->up;
	j->type = t->type;
	j->max = t->max;
	j->plain = t->plain;
	j->body = t->body;
	j->ref = t->ref;
	j->ref.url = j->ref.direct_path = NULL;
	t->plain = t->body = -1;
	t->job = j;
	if (worker_run(t->all->net->worker, run, done, j) == 0)
		return;
	t->job = NULL;
	job_free(j);
	transfer_finish(t, LINK_MEDIA_BUSY, NULL);
}

void
transfer_step_encrypt(struct transfer *t)
{
	if (RAND_bytes(t->ref.media_key, WA_MEDIA_KEY_LEN) != 1)
		abort();
	t->ref.key_time = link_server_now(t->all->m->link);
	begin(t);
}

void
transfer_step_decrypt(struct transfer *t)
{
	begin(t);
}

void
transfer_job_leave(struct transfer *t)
{
	if (t->job == NULL)
		return;
	atomic_store(&t->job->stop, true);
	t->job->t = NULL;
	t->job = NULL;
}
