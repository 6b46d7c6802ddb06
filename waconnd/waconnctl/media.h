/* SPDX-License-Identifier: GPL-3.0-or-later */
/* media: files that commands send, uploaded to the daemon chunk by chunk. */
#ifndef WACONNCTL_MEDIA_H
#define WACONNCTL_MEDIA_H

#include "waconnd/waconnctl/ctl.h"

#define MEDIA_ID_MAX 64

/* Uploads a file and gives its id; a word that is an id ("media_…", and no file) is taken as it is.
 * Else the exit status; why has been said. */
int media_upload(struct ctl *ctl, const char *path, char ret_id[MEDIA_ID_MAX + 1])
    __attribute__((warn_unused_result));

#endif
