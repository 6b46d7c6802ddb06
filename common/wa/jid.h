/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jid: WhatsApp addresses as typed values. Source: PROTOCOL section 4 "JID forms".
 *
 * A jid is a plain value, copied freely. The zero value is "no address". Users are compared without
 * the device (jid_same_user); device 0 is the primary (the phone).
 */
#ifndef COMMON_WA_JID_H
#define COMMON_WA_JID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JID_USER_MAX 63
#define JID_TEXT_MAX (JID_USER_MAX + 40) /* longest textual form with its NUL */

enum jid_server {
	JID_SERVER_NONE,
	JID_SERVER_PN,	       /* s.whatsapp.net: a phone number */
	JID_SERVER_LID,	       /* lid */
	JID_SERVER_HOSTED,     /* hosted */
	JID_SERVER_HOSTED_LID, /* hosted.lid */
	JID_SERVER_LEGACY,     /* c.us */
	JID_SERVER_GROUP,      /* g.us */
	JID_SERVER_BROADCAST,  /* broadcast */
	JID_SERVER_NEWSLETTER, /* newsletter */
	JID_SERVER_MSGR,       /* msgr */
	JID_SERVER_INTEROP,    /* interop */
	JID_SERVER_CALL,       /* call */
	JID_SERVER_BOT,	       /* bot */
	JID_SERVER_COUNT
};

struct jid {
	enum jid_server server;
	uint8_t agent; /* unknown AD_JID domain, else 0 */
	uint16_t device;
	uint16_t integrator; /* interop only */
	char user[JID_USER_MAX + 1];
};

/* "user@server", "user:device@server" or "@server"/"server"; -1 when it is none of these. */
int jid_parse(const char *text, struct jid *ret_jid) __attribute__((warn_unused_result));
/* Textual form into out (JID_TEXT_MAX bytes); returns out. Device 0 is not written. */
const char *jid_format(const struct jid *jid, char out[JID_TEXT_MAX]);
const char *jid_server_name(enum jid_server server);
struct jid jid_make(enum jid_server server, const char *user, unsigned device);
/* S of the protocol text: the server itself, "s.whatsapp.net" with no user. */
struct jid jid_server_self(void);
bool jid_is_none(const struct jid *jid);
bool jid_equal(const struct jid *a, const struct jid *b);
bool jid_same_user(const struct jid *a, const struct jid *b); /* server and user */
bool jid_is_user(const struct jid *jid); /* PN, LID, hosted ones: somebody one can write to */
struct jid jid_without_device(const struct jid *jid);
/* Order for sorting and maps. */
int jid_compare(const struct jid *a, const struct jid *b);
/*
 * The Signal address of a device (PROTOCOL section 9): name "user", "user_1" (lid), "user_128",
 * "user_129"; ret_name has JID_USER_MAX + 5 bytes.
 */
void jid_signal_name(const struct jid *jid, char *ret_name, size_t size);

#endif
