/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a test makes the owners of phones do: scan and unlink; and what their accounts are like.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/control_internal.h"

#define QR_MAX 2048
#define NAME_MAX_BYTES 128
#define LID_DIGITS_MAX 20
#define RETRIES_MAX 1000000
#define TYPE_MAX 31
#define SECONDS_MAX (400 * 86400)

static json_t *
account_json(struct account *a)
{
	const struct jid lid = account_lid(a, 0);
	unsigned devices[SIM_DEVICES_MAX];
	size_t n = account_devices(a, devices);
	json_t *list = json_array(), *object;
	char text[JID_TEXT_MAX];
	const char *name = account_push_name(a);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, account_device_json(a, devices[i]));
	object = json_pack("{s:s, s:s, s:s, s:b, s:o}", "phone", account_phone(a), "lid",
	    jid_format(&lid, text), "pushName", name != NULL ? name : "", "registered",
	    account_registered(a), "devices", list);
	json_object_update_new(object, phone_json(account_device0(a)));
	json_object_update_new(object, account_standing_json(a));
	json_object_set_new(
	    object, "passkey", json_boolean(account_passkey(a) != SIM_PASSKEY_NONE));
	json_object_set_new(object, "businessName",
	    account_business(a) != NULL ? json_string(account_business(a)) : json_null());
	json_object_set_new(object, "passkeyCode",
	    account_passkey_code(a) != NULL ? json_string(account_passkey_code(a)) : json_null());
	return object;
}

struct account *
control_account(struct control_call *c, bool create)
{
	char phone[PHONE_DIGITS_MAX + 1];
	struct account *a;

	if (!control_args_segment_phone(c, phone))
		return NULL;
	a = account_find(c->sim, phone, create);
	if (a == NULL)
		control_fail(c, HTTP_NOTFOUND, "no account has this number");
	return a;
}

void
control_phone_get(struct control_call *c)
{
	static const char *const names[] = {NULL};
	struct account *a;

	if (control_args_only(c, names) && (a = control_account(c, false)) != NULL)
		control_ok(c, account_json(a));
}

void
control_phone_list(struct control_call *c)
{
	static const char *const names[] = {NULL};
	json_t *list;

	if (!control_args_only(c, names))
		return;
	list = json_array();
	for (struct account *a = account_first(c->sim); a != NULL; a = account_next(a))
		json_array_append_new(list, account_json(a));
	control_ok(c, json_pack("{s:o}", "phones", list));
}

/* -- changing ------------------------------------------------------------------------------- */

struct changes {
	char phone[PHONE_DIGITS_MAX + 1];
	const char *lid, *push_name, *business;
	bool registered, has_registered, has_retries;
	uint32_t retries;
	int receipts, mex, passkey;
	bool tell, has_tell, has_timelock, has_quota;
	uint32_t timelock, quota_used, quota_ends;
	int64_t quota;
	const char *timelock_type;
	char lid_user[LID_DIGITS_MAX + 1];
};

/* "123" or "123@lid". */
static bool
lid_read(struct control_call *c, struct changes *ch)
{
	size_t len;

	if (ch->lid == NULL)
		return true;
	len = strspn(ch->lid, "0123456789");
	if (len == 0 || len > LID_DIGITS_MAX ||
	    (ch->lid[len] != '\0' && strcmp(ch->lid + len, "@lid") != 0)) {
		control_fail(c, HTTP_BADREQUEST, "lid is not digits");
		return false;
	}
	memcpy(ch->lid_user, ch->lid, len);
	ch->lid_user[len] = '\0';
	return true;
}

/* A number, or null for none: -1. */
static bool
quota_read(struct control_call *c, struct changes *ch)
{
	uint32_t quota;

	ch->quota = -1;
	ch->has_quota = true;
	if (json_is_null(json_object_get(c->args, "quota")))
		return true;
	if (!control_args_number(c, "quota", INT32_MAX, &quota, &ch->has_quota))
		return false;
	if (ch->has_quota)
		ch->quota = quota;
	return true;
}

static bool
standing_read(struct control_call *c, struct changes *ch)
{
	static const char *const answers[] = {[SIM_MEX_OK] = "ok",
	    [SIM_MEX_ERRORS] = "errors",
	    [SIM_MEX_BROKEN] = "broken",
	    [SIM_MEX_REFUSED] = "refused",
	    [SIM_MEX_SILENT] = "silent",
	    NULL};

	return control_args_word(c, "mex", answers, &ch->mex) &&
	       control_args_bool(c, "tell", &ch->tell, &ch->has_tell) &&
	       control_args_number(c, "timelock", SECONDS_MAX, &ch->timelock, &ch->has_timelock) &&
	       control_args_text(c, "timelockType", false, TYPE_MAX, &ch->timelock_type) &&
	       quota_read(c, ch) &&
	       control_args_number(c, "quotaUsed", INT32_MAX, &ch->quota_used, NULL) &&
	       control_args_number(c, "quotaEnds", SECONDS_MAX, &ch->quota_ends, NULL);
}

static bool
changes_read(struct control_call *c, struct changes *ch)
{
	static const char *const names[] = {"phone", "lid", "pushName", "registered", "receipts",
	    "retries", "timelock", "timelockType", "quota", "quotaUsed", "quotaEnds", "mex", "tell",
	    "passkey", "businessName", NULL};
	static const char *const passkeys[] = {[SIM_PASSKEY_NONE] = "none",
	    [SIM_PASSKEY_DEMANDED] = "demanded",
	    [SIM_PASSKEY_UNREAD] = "unread",
	    NULL};
	static const char *const receipts[] = {[PHONE_RECEIPTS_NONE] = "none",
	    [PHONE_RECEIPTS_DELIVERED] = "delivered",
	    [PHONE_RECEIPTS_READ] = "read",
	    NULL};

	return control_args_only(c, names) && control_args_phone(c, "phone", true, ch->phone) &&
	       control_args_text(c, "lid", false, LID_DIGITS_MAX + 4, &ch->lid) &&
	       control_args_text(c, "pushName", false, NAME_MAX_BYTES, &ch->push_name) &&
	       control_args_text(c, "businessName", false, NAME_MAX_BYTES, &ch->business) &&
	       control_args_bool(c, "registered", &ch->registered, &ch->has_registered) &&
	       control_args_word(c, "receipts", receipts, &ch->receipts) &&
	       control_args_word(c, "passkey", passkeys, &ch->passkey) &&
	       control_args_number(c, "retries", RETRIES_MAX, &ch->retries, &ch->has_retries) &&
	       standing_read(c, ch) && lid_read(c, ch);
}

static void
standing_set(struct account *a, const struct changes *ch)
{
	if (ch->mex >= 0)
		account_set_mex(a, (enum sim_mex)ch->mex);
	if (ch->has_tell)
		account_set_quiet(a, !ch->tell);
	if (ch->has_timelock)
		account_set_timelock(a, ch->timelock, ch->timelock_type);
	if (ch->has_quota)
		account_set_quota(a, ch->quota, ch->quota_used, ch->quota_ends);
}

void
control_phone_set(struct control_call *c)
{
	struct changes ch = {0};
	struct account *a;
	struct phone *p;

	if (!changes_read(c, &ch))
		return;
	a = account_find(c->sim, ch.phone, true);
	if (ch.lid != NULL && account_set_lid(a, ch.lid_user) != 0) {
		control_fail(c, 409, "the LID is another's, or it is too late to change it");
		return;
	}
	p = account_device0(a);
	if (ch.push_name != NULL)
		account_set_push_name(a, ch.push_name);
	if (ch.business != NULL)
		account_set_business(a, ch.business);
	if (ch.has_registered)
		account_set_registered(a, ch.registered);
	if (ch.receipts >= 0)
		phone_set_receipts(p, (enum phone_receipts)ch.receipts);
	if (ch.has_retries)
		phone_set_retries(p, ch.retries);
	if (ch.passkey >= 0)
		account_set_passkey(a, (enum sim_passkey)ch.passkey);
	standing_set(a, &ch);
	control_ok(c, account_json(a));
}

/* -- doing ---------------------------------------------------------------------------------- */

void
control_scan(struct control_call *c)
{
	static const char *const names[] = {"qr", "phone", "pushName", "platform", "fault", NULL};
	static const char *const faults[] = {"hmac", "signature", NULL};
	const char *qr, *push_name, *platform, *error = "refused";
	char phone[PHONE_DIGITS_MAX + 1], jid_text[JID_TEXT_MAX], lid_text[JID_TEXT_MAX];
	struct jid jid, lid;
	int fault, r;

	if (!control_args_only(c, names) || !control_args_text(c, "qr", true, QR_MAX, &qr) ||
	    !control_args_phone(c, "phone", true, phone) ||
	    !control_args_text(c, "pushName", false, NAME_MAX_BYTES, &push_name) ||
	    !control_args_text(c, "platform", false, 32, &platform) ||
	    !control_args_word(c, "fault", faults, &fault))
		return;
	r = sim_scan(c->sim, qr, phone, push_name, platform, fault >= 0 ? faults[fault] : NULL,
	    &jid, &lid, &error);
	if (r == 0)
		control_ok(c, json_pack("{s:s, s:s, s:i}", "jid", jid_format(&jid, jid_text), "lid",
				  jid_format(&lid, lid_text), "device", (int)jid.device));
	else if (r == 1)
		control_ok(c, json_pack("{s:b}", "passkey", 1));
	else if (r == -1)
		control_fail(c, HTTP_NOTFOUND, "no connection shows this QR");
	else
		control_fail(c, 409, "%s", error);
}

void
control_phone_unlink(struct control_call *c)
{
	static const char *const names[] = {"device", NULL};
	unsigned devices[SIM_DEVICES_MAX];
	uint32_t only = 0;
	struct account *a;
	json_t *gone;
	bool one;
	size_t n;

	if (!control_args_only(c, names) ||
	    !control_args_number(c, "device", UINT16_MAX, &only, &one) ||
	    (a = control_account(c, false)) == NULL)
		return;
	n = account_devices(a, devices);
	gone = json_array();
	for (size_t i = 0; i < n; i++)
		if (devices[i] != 0 && (!one || devices[i] == only) &&
		    account_unlink(a, devices[i]) == 0)
			json_array_append_new(gone, json_integer(devices[i]));
	if (json_array_size(gone) == 0) {
		json_decref(gone);
		control_fail(c, one ? HTTP_NOTFOUND : 409, "no such device is linked");
	} else
		control_ok(c, json_pack("{s:o}", "unlinked", gone));
}
