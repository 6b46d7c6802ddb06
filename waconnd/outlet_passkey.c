/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The passkey that WhatsApp may ask for before it links an outlet: what the link says of it is kept
 * for whoever has to answer, shows as the outlet's lastError while it waits, and goes out as an
 * event. It checks no assertion; its links pass it on.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "waconnd/outlet_internal.h"

#define STEPS (LINK_PASSKEY_FINISHING + 1)

static const char *const why[STEPS] = {
    [LINK_PASSKEY_ASKED] = "WhatsApp asks for a passkey",
    [LINK_PASSKEY_SENT] = "the passkey was given",
    [LINK_PASSKEY_CONFIRM] = "the passkey's code is to be compared with the phone's",
    [LINK_PASSKEY_FINISHING] = "the passkey was accepted",
};

void
outlet_passkey_forget(struct outlet *o)
{
	struct outlet_passkey *k = &o->passkey;

	if (k->options != NULL)
		OPENSSL_cleanse(k->options, strlen(k->options));
	free(k->options);
	OPENSSL_cleanse(k, sizeof(*k));
	k->options = NULL;
}

/* Without what only those may see who may link the outlet: they ask for it. */
static void
publish(const struct outlet *o)
{
	struct buf data = BUF_INIT(1024);
	struct jsonw j;

	jsonw_init(&j, &data);
	jsonw_object(&j, NULL);
	jsonw_str(&j, "outletId", o->id);
	jsonw_str(&j, "method", "passkey");
	jsonw_time(&j, "expiresAt", o->passkey.expires_ms);
	jsonw_object_end(&j);
	hub_publish(o->os->env.hub, "qr", o->id, buf_str(&data), data.len);
	buf_done(&data);
}

/* o->passkey says what there is to say. */
static void
go_on(struct outlet *o, enum link_passkey_step step, int64_t expires_ms)
{
	o->passkey.step = step;
	o->passkey.expires_ms = expires_ms;
	outlet_session_error(o, link_reason(LINK_END_PASSKEY), expires_ms);
	(void)outlet_step(o, EV_PASSKEY, why[step]);
	publish(o);
}

void
outlet_passkey_heard(void *arg, const struct link_passkey *p)
{
	struct outlet *o = arg;
	struct outlet_passkey *k = &o->passkey;

	if (o->state != OUT_LINKING && o->state != OUT_SCANNING)
		return;
	outlet_forget_codes(o);
	k->asked = true;
	k->options = xstrdup(p->options);
	(void)snprintf(k->code, sizeof(k->code), "%s", p->code != NULL ? p->code : "");
	go_on(o, p->step, p->expires_ms);
}

int
outlet_passkey(const struct outlet *o, struct link_passkey *ret)
{
	const struct outlet_passkey *k = &o->passkey;

	if (o->state != OUT_SCANNING || !k->asked)
		return -1;
	*ret = (struct link_passkey){.step = k->step,
	    .options = k->options,
	    .code = k->code[0] != '\0' ? k->code : NULL,
	    .expires_ms = k->expires_ms};
	return 0;
}

static const char *
refusal(const struct outlet *o)
{
	if (o->state == OUT_ELSEWHERE || !outlets_may_act(o->os))
		return "owner_unavailable";
	return o->state == OUT_SCANNING && o->passkey.asked && o->link != NULL ? NULL
									       : "no_passkey";
}

const char *
outlet_passkey_answer(struct outlet *o, const struct buf *credential, const struct buf *assertion)
{
	const char *problem = refusal(o);
	int64_t expires_ms;

	if (problem != NULL)
		return problem;
	if (!link_passkey_answer(o->link, credential, assertion, &expires_ms))
		return "passkey_step";
	go_on(o, LINK_PASSKEY_SENT, expires_ms);
	return NULL;
}

const char *
outlet_passkey_confirm(struct outlet *o)
{
	const char *problem = refusal(o);
	int64_t expires_ms;

	if (problem != NULL)
		return problem;
	if (!link_passkey_confirm(o->link, &expires_ms))
		return "passkey_step";
	OPENSSL_cleanse(o->passkey.code, sizeof(o->passkey.code));
	go_on(o, LINK_PASSKEY_FINISHING, expires_ms);
	return NULL;
}
