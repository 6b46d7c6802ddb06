/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The passkey that WhatsApp may ask for before it links an outlet: the request for a page, the
 * page's answer checked and handed in, and that the codes were compared. What was handed in is
 * wiped, and never logged.
 */
#include <openssl/crypto.h>
#include <string.h>

#include "common/webauthn.h"
#include "waconnd/api/api_internal.h"

static const char *const steps[] = {
    [LINK_PASSKEY_ASKED] = "assertion",
    [LINK_PASSKEY_SENT] = "checking",
    [LINK_PASSKEY_CONFIRM] = "confirm",
    [LINK_PASSKEY_FINISHING] = "finishing",
};

static void
reply(struct call *c, const struct outlet *o, unsigned status)
{
	struct link_passkey k;
	struct buf out;
	struct jsonw j;

	if (outlet_passkey(o, &k) < 0) {
		call_problem(c, "no_passkey", NULL);
		return;
	}
	call_begin(&j, &out);
	jsonw_str(&j, "step", steps[k.step]);
	if (k.step == LINK_PASSKEY_ASKED)
		jsonw_raw(&j, "options", k.options, strlen(k.options));
	else
		jsonw_null(&j, "options");
	jsonw_str(&j, "code", k.code);
	jsonw_time(&j, "expiresAt", k.expires_ms);
	call_finish(c, &j, status);
}

void
api_outlet_passkey(struct call *c)
{
	const struct outlet *o = call_outlet(c, c->request->outlet_passkey->id);

	if (o != NULL)
		reply(c, o, 200);
}

/* -- the answer -- */

static void
wipe(char *text)
{
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text));
}

static void
wipe_request(Ipc__Passkey *q)
{
	wipe(q->client_data_json);
	wipe(q->authenticator_data);
	wipe(q->signature);
	wipe(q->user_handle);
}

/* The fields beside those of the assertion itself; false: answered. */
static bool
check_fields(struct call *c, const Ipc__Passkey *q)
{
	if (q->type == NULL || strcmp(q->type, "public-key") != 0) {
		call_invalid(c, "type", "invalid", "\"public-key\" is expected.");
		return false;
	}
	if (q->id == NULL || q->raw_id == NULL || strcmp(q->id, q->raw_id) != 0) {
		call_invalid(c, "rawId", "invalid", "id and rawId must be the same.");
		return false;
	}
	return true;
}

static void
take(struct call *c, struct outlet *o, const struct webauthn_assertion *a)
{
	struct buf json = BUF_INIT(WEBAUTHN_JSON_MAX), id = BUF_INIT(WEBAUTHN_ID_MAX);
	const char *problem;

	webauthn_write(a, &json, &id);
	wipe_request(c->request->outlet_passkey_answer);
	if (!buf_ok(&json) || !buf_ok(&id)) {
		call_problem(c, "payload_too_large", NULL);
	} else if ((problem = outlet_passkey_answer(o, &id, &json)) != NULL) {
		call_problem(c, problem, NULL);
	} else {
		call_audit(c, "outlet_passkey_answer", outlet_id(o), NULL);
		reply(c, o, 202);
	}
	buf_done_secret(&json);
	buf_done_secret(&id);
}

static void
judge(struct call *c, struct outlet *o, const char *options)
{
	Ipc__Passkey *q = c->request->outlet_passkey_answer;
	const struct webauthn_assertion a = {.id = q->id,
	    .client_data_json = q->client_data_json,
	    .authenticator_data = q->authenticator_data,
	    .signature = q->signature,
	    .user_handle = q->user_handle};
	const struct webauthn_flaw *flaw = webauthn_check(&a, options);

	if (flaw == NULL) {
		take(c, o, &a);
	} else {
		wipe_request(q);
		call_invalid(c, flaw->field, flaw->code, flaw->detail);
	}
}

void
api_outlet_passkey_answer(struct call *c)
{
	const Ipc__Passkey *q = c->request->outlet_passkey_answer;
	struct outlet *o = call_outlet(c, q->outlet_id);
	struct link_passkey k;

	if (o == NULL)
		return;
	if (outlet_passkey(o, &k) < 0)
		call_problem(c, "no_passkey", NULL);
	else if (k.step != LINK_PASSKEY_ASKED)
		call_problem(c, "passkey_step", NULL);
	else if (check_fields(c, q))
		judge(c, o, k.options);
}

void
api_outlet_passkey_confirm(struct call *c)
{
	struct outlet *o = call_outlet(c, c->request->outlet_passkey_confirm->id);
	const char *problem;

	if (o == NULL)
		return;
	problem = outlet_passkey_confirm(o);
	if (problem != NULL) {
		call_problem(c, problem, NULL);
		return;
	}
	call_audit(c, "outlet_passkey_confirm", outlet_id(o), NULL);
	reply(c, o, 202);
}
