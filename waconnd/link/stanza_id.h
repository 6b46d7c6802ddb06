/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stanza_id: what ids and users from outside may look like before they go into rows, names and
 * answers. Pure. */
#ifndef LINK_STANZA_ID_H
#define LINK_STANZA_ID_H

#include <stdbool.h>

#define STANZA_ID_MAX 128 /* with its NUL; longer ids are nobody's */

/* Visible ASCII, not empty, not too long. NULL is not plain. */
bool stanza_id_is_plain(const char *text);

#endif
