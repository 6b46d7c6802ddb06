/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * passkey: what WhatsApp asks for before it links an outlet, as a line for a browser's console; the
 * browser's answer from stdin; and that the phone shows the same code. The answer is wiped.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/webauthn.h"
#include "common/xalloc.h"
#include "waconnd/waconnctl/command.h"

static void
print_request(struct ctl *ctl, const char *id, const json_t *answer)
{
	char *options = json_dumps(json_object_get(answer, "options"), JSON_COMPACT);

	(void)fprintf(ctl->out,
	    "WhatsApp asks for the passkey of this outlet's account. In a browser that can use it, "
	    "open\nhttps://web.whatsapp.com, and in its console (F12) run:\n\n"
	    "copy(JSON.stringify(await navigator.credentials.get({publicKey: "
	    "PublicKeyCredential.parseRequestOptionsFromJSON(%s)})))\n\n"
	    "Put what is in the clipboard then into a file, and:\n\n"
	    "waconnctl passkey %s < FILE\n",
	    options != NULL ? options : "{}", id);
	free(options);
}

static void
print_step(struct ctl *ctl, const char *id, const json_t *answer)
{
	const char *step = ctl_string(answer, "step"), *code = ctl_string(answer, "code");
	char until[32];

	ctl_time(ctl_string(answer, "expiresAt"), until, sizeof(until));
	if (step != NULL && strcmp(step, "assertion") == 0)
		print_request(ctl, id, answer);
	else if (code != NULL)
		(void)fprintf(ctl->out,
		    "%s\nIf the outlet's phone shows the same code: waconnctl passkey %s "
		    "--confirm\nIf it shows another one: waconnctl disconnect %s\n",
		    code, id, id);
	else
		(void)fprintf(ctl->out,
		    "WhatsApp and the phone look at it; see: waconnctl passkey "
		    "%s --show, or waconnctl status %s\n",
		    id, id);
	(void)fprintf(ctl->out, "Until %s.\n", until);
}

static int
ask(struct ctl *ctl, const char *id, Ipc__Request *request)
{
	json_t *answer = NULL;
	const int status = ctl_ask(ctl, request, CTL_DEADLINE_MS, &answer);

	if (status == 0 && !ctl->json)
		print_step(ctl, id, answer);
	json_decref(answer);
	return status;
}

/* All of stdin, if it is no more than an answer can be. */
static json_t *
read_answer(FILE *in)
{
	char *text = xcalloc(1, WEBAUTHN_JSON_MAX + 1);
	const size_t len = fread(text, 1, WEBAUTHN_JSON_MAX + 1, in);
	json_t *root = NULL;
	json_error_t error;

	if (len <= WEBAUTHN_JSON_MAX)
		root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	OPENSSL_cleanse(text, WEBAUTHN_JSON_MAX + 1);
	free(text);
	return root;
}

static char *
field(const json_t *root, const char *path)
{
	/* protobuf-c has no const. */
	return (char *)(uintptr_t)ctl_string(root, path);
}

static int
answer_it(struct ctl *ctl, const char *id)
{
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__Passkey k = IPC__PASSKEY__INIT;
	json_t *root = read_answer(stdin);
	int status;

	if (!json_is_object(root)) {
		json_decref(root);
		return ctl_say(ctl, CTL_UNASKED,
		    "stdin is not the JSON that the browser gave; \"waconnctl passkey %s --show\" "
		    "says how to get it",
		    id);
	}
	k.outlet_id = (char *)(uintptr_t)id;
	k.id = field(root, "id");
	k.raw_id = field(root, "rawId");
	k.type = field(root, "type");
	k.client_data_json = field(root, "response.clientDataJSON");
	k.authenticator_data = field(root, "response.authenticatorData");
	k.signature = field(root, "response.signature");
	k.user_handle = field(root, "response.userHandle");
	request.op_case = IPC__REQUEST__OP_OUTLET_PASSKEY_ANSWER;
	request.outlet_passkey_answer = &k;
	status = ask(ctl, id, &request);
	json_decref(root);
	return status;
}

int
command_passkey(struct ctl *ctl, const struct args *args)
{
	const char *id = args->words[0];
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__Id m = IPC__ID__INIT;

	if (!args_has(args, ARG_SHOW) && !args_has(args, ARG_CONFIRM))
		return answer_it(ctl, id);
	m.id = (char *)(uintptr_t)id;
	request.op_case = args_has(args, ARG_CONFIRM) ? IPC__REQUEST__OP_OUTLET_PASSKEY_CONFIRM
						      : IPC__REQUEST__OP_OUTLET_PASSKEY;
	request.outlet_passkey = &m; /* the members share their place */
	return ask(ctl, id, &request);
}
