/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What phones do seldom: write any Message, see to their companions, be replaced by a new one. */
#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/xalloc.h"
#include "tests/sim/control_internal.h"

#define BASE64_MAX (1u << 20)

static bool
read_bytes(struct control_call *c, const char *text, struct buf *ret)
{
	const size_t len = strlen(text);
	uint8_t *bytes = xmalloc(len + 1);
	int n = len % 4 == 0 ? EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len) : -1;

	if (n > 0) {
		n -= (len > 0 && text[len - 1] == '=') + (len > 1 && text[len - 2] == '=');
		buf_add(ret, bytes, (size_t)n);
	} else {
		control_fail(c, HTTP_BADREQUEST, "message is no base64 of anything");
	}
	free(bytes);
	return n > 0;
}

static void
send_bytes(struct control_call *c, const char *to_phone, const char *id, const struct buf *message,
    enum phone_bytes how)
{
	char sent[CONTROL_ID_MAX + 1];
	struct account *from = control_account(c, true), *to;

	if (from == NULL)
		return;
	to = how == PHONE_BYTES_PEER ? from : account_find(c->sim, to_phone, true);
	if (!account_registered(to) || !account_registered(from))
		control_fail(c, 409, "one of the two is not on WhatsApp");
	else if (phone_send_bytes(
		     account_device0(from), to, id, message, how, sent, sizeof(sent)) != 0)
		control_fail(c, 409, "no device could be written to");
	else
		control_ok(c, json_pack("{s:s}", "id", sent));
}

void
control_phone_message(struct control_call *c)
{
	static const char *const names[] = {"to", "message", "id", "peer", "spoil", "lost", NULL};
	struct buf message = BUF_INIT(BASE64_MAX);
	char to[PHONE_DIGITS_MAX + 1] = "";
	const char *text, *id;
	bool peer = false, spoil = false, lost = false, has;

	if (control_args_only(c, names) &&
	    control_args_text(c, "message", true, BASE64_MAX, &text) &&
	    control_args_text(c, "id", false, CONTROL_ID_MAX, &id) &&
	    control_args_bool(c, "peer", &peer, &has) &&
	    control_args_bool(c, "spoil", &spoil, &has) &&
	    control_args_bool(c, "lost", &lost, &has) && control_args_phone(c, "to", !peer, to) &&
	    read_bytes(c, text, &message))
		send_bytes(c, to, id, &message,
		    peer    ? PHONE_BYTES_PEER
		    : lost  ? PHONE_BYTES_LOST
		    : spoil ? PHONE_BYTES_SPOILED
			    : PHONE_BYTES_WHOLE);
	buf_done(&message);
}

void
control_phone_keep(struct control_call *c)
{
	static const char *const names[] = {"from", "message", "id", NULL};
	struct buf message = BUF_INIT(BASE64_MAX);
	char from[PHONE_DIGITS_MAX + 1];
	const char *text, *id;
	struct account *a;

	if (control_args_only(c, names) && control_args_phone(c, "from", true, from) &&
	    control_args_text(c, "message", true, BASE64_MAX, &text) &&
	    control_args_text(c, "id", true, CONTROL_ID_MAX, &id) &&
	    read_bytes(c, text, &message) && (a = control_account(c, true)) != NULL) {
		phone_keep(account_device0(a), account_find(c->sim, from, true), id, &message);
		control_ok(c, json_pack("{s:s}", "id", id));
	}
	buf_done(&message);
}

void
control_phone_reinstall(struct control_call *c)
{
	static const char *const names[] = {"quiet", NULL};
	bool quiet = false, has;
	struct account *a;

	if (!control_args_only(c, names) || !control_args_bool(c, "quiet", &quiet, &has) ||
	    (a = control_account(c, false)) == NULL)
		return;
	phone_reinstall(account_device0(a), !quiet);
	control_ok(c, json_pack("{s:s}", "phone", account_phone(a)));
}
