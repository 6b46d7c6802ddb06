/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Uploads and downloads as the outlet asks for them: handed to the transfers, and their results to
 * its callbacks. What comes while nothing can be sent is answered in the next turn. */
#include <stdlib.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "waconnd/link/link_private.h"
#include "waconnd/link/transfer.h"

struct asked { /* whose transfer it is */
	struct link *l;
	void *arg;
};

static struct asked *
asked_new(struct link *l, void *arg)
{
	struct asked *a = xcalloc(1, sizeof(*a));

	*a = (struct asked){l, arg};
	return a;
}

static void
on_uploaded(void *arg, const struct transfer_result *r)
{
	struct asked *a = arg;
	struct link *l = a->l;

	if (l->ops->uploaded != NULL)
		l->ops->uploaded(l->arg, a->arg, r->result, r->ref, r->detail);
	free(a);
}

static void
on_downloaded(void *arg, const struct transfer_result *r)
{
	struct asked *a = arg;
	struct link *l = a->l;

	if (l->ops->downloaded != NULL)
		l->ops->downloaded(l->arg, a->arg, r->result, r->direct_path, r->detail);
	free(a);
}

void
link_upload(struct link *l, enum wa_media_type type, int take_fd, void *upload_arg)
{
	if (l->phase == LINK_READY) {
		transfers_upload(messaging_transfers(l->messaging), type, take_fd, on_uploaded,
		    asked_new(l, upload_arg));
		return;
	}
	(void)close(take_fd);
	link_refuse(l, LINK_REFUSED_UPLOAD, upload_arg);
}

void
link_download(
    struct link *l, const struct link_media *media, int take_fd, uint64_t max, void *download_arg)
{
	if (l->phase == LINK_READY) {
		transfers_download(messaging_transfers(l->messaging), media, take_fd, max,
		    on_downloaded, asked_new(l, download_arg));
		return;
	}
	(void)close(take_fd);
	link_refuse(l, LINK_REFUSED_DOWNLOAD, download_arg);
}
