/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message_id: "msg_123", which outsiders see, and the number of its row. Pure. */
#ifndef API_MESSAGE_ID_H
#define API_MESSAGE_ID_H

/* The row's number as text, within `id`; NULL when it is no id of a message (or NULL). */
const char *message_id_number(const char *id);

#endif
