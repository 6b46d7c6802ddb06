/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of errors and its document form. Never carries what a stranger sent but through the
 * JSON writer. */
#include "common/problem.h"

#include <string.h>

#include "common/jsonw.h"

static const struct problem problems[] = {
    /* code                status retry  title and detail */
    {"bad_request", 400, false, "Bad request", "The request is not well-formed HTTP."},
    {"invalid_json", 400, false, "Not JSON", "The body is not a JSON document."},
    {"unauthenticated", 401, false, "Not logged in",
	"Log in, or send an API token as \"Authorization: Bearer …\"."},
    {"login_failed", 401, false, "Login failed", "The user name or the password is wrong."},
    {"forbidden", 403, false, "Not allowed", "Your role may not do this."},
    {"scope_missing", 403, false, "Scope missing", "The API token may not be used for this."},
    {"origin_mismatch", 403, false, "Wrong origin",
	"With the session cookie, changes are accepted from this site's own pages only."},
    {"not_found", 404, false, "Not found",
	"There is nothing at this address, or you may not see it."},
    {"no_qr", 404, true, "No QR code",
	"The outlet shows no QR code now. Connect it with method \"qr\" first."},
    {"no_code", 404, true, "No pairing code",
	"The outlet shows no pairing code now. Connect it with method \"code\" first."},
    {"no_passkey", 404, true, "No passkey asked for",
	"WhatsApp asks for no passkey of this outlet now. Connect it first."},
    {"method_not_allowed", 405, false, "Method not allowed",
	"This address answers other methods; see Allow."},
    {"not_acceptable", 406, false, "Not acceptable",
	"This address has no answer of the type asked for."},
    {"request_timeout", 408, true, "Request timeout", "The request did not arrive in time."},
    {"conflict", 409, false, "Conflict", "The state has changed meanwhile."},
    {"already_exists", 409, false, "Already exists",
	"There is one with this name or number already."},
    {"last_superadmin", 409, false, "Last SUPERADMIN",
	"It is the last SUPERADMIN; make another one first."},
    {"already_connected", 409, false, "Already connected",
	"The outlet is connected. Log it out first to link another phone."},
    {"already_linked", 409, false, "Already linked",
	"The outlet is linked. Log it out first to bring older keys back."},
    {"no_kept_keys", 404, false, "No kept keys",
	"No keys of this outlet are kept: they are for seven days after a logout or a ban."},
    {"outlet_paused", 409, false, "Outlet paused", "The outlet is paused. Resume it first."},
    {"outlet_inactive", 409, false, "Outlet inactive",
	"The outlet is switched off (isActive). Switch it on first."},
    {"outlet_not_linked", 409, false, "Outlet not linked",
	"The outlet is not linked to a phone. Connect it and scan the QR code."},
    {"outlet_not_healthy", 409, true, "Outlet not healthy",
	"Only healthy outlets send; see unhealthyReasons in its status."},
    {"outlet_busy", 409, true, "Outlet busy",
	"Another command for this outlet is under way. Try again in a moment."},
    {"passkey_step", 409, false, "Not at this step",
	"The passkey is at another step now; see step."},
    {"not_paused", 409, false, "Not paused", "It is not paused."},
    {"no_healthy_outlet", 409, true, "No healthy outlet",
	"None of the chosen outlets is healthy; nothing was kept."},
    {"blast_finished", 409, false, "Blast finished",
	"The blast is completed, cancelled or expired."},
    {"media_in_use", 409, false, "File in use",
	"A message or a blast that is not finished sends it: wait, or cancel the blast."},
    {"nothing_to_move", 409, false, "Nothing to move",
	"Nothing of the blast waits at that outlet that was not begun to be sent."},
    {"nothing_to_retry", 409, false, "Nothing to retry",
	"None of the blast's messages has failed, or its time is over."},
    {"blast_state", 409, false, "Not in this state", "The blast's state does not allow this."},
    {"idempotency_in_progress", 409, true, "Same request under way",
	"The first request with this Idempotency-Key is still being answered."},
    {"upload_lost", 409, true, "Upload lost",
	"The file's upload was interrupted here. Send the file again."},
    {"media_gone", 410, false, "File gone",
	"Neither WhatsApp nor the phone has this file any more."},
    {"payload_too_large", 413, false, "Too large", "The body is larger than this server takes."},
    {"unsupported_media_type", 415, false, "Unsupported type",
	"Send the body as application/json."},
    {"range_not_satisfiable", 416, false, "Range not satisfiable",
	"The file is shorter than where the range begins."},
    {"validation_failed", 422, false, "Not valid", "Some fields are not valid; see errors."},
    {"no_valid_recipient", 422, false, "No valid recipient",
	"No recipient is a valid number that may be written to; nothing was kept."},
    {"unsupported_audience", 422, false, "Unsupported audience",
	"This kind of audience is not available."},
    {"idempotency_mismatch", 422, false, "Key used before",
	"This Idempotency-Key was used with another body."},
    {"too_many_requests", 429, true, "Too many requests",
	"Slow down and try again later; see Retry-After."},
    {"login_throttled", 429, true, "Too many failed logins",
	"Wait before you try again; see Retry-After."},
    {"headers_too_large", 431, false, "Headers too large",
	"The request's headers are larger than this server takes."},
    {"internal", 500, true, "Internal error",
	"Something went wrong here. The log has the request id."},
    {"media_corrupt", 502, false, "File corrupt",
	"What WhatsApp's servers have is not the file of this message."},
    {"not_implemented", 501, false, "Not available", "This is not available."},
    {"whatsapp_refused", 502, true, "WhatsApp refused",
	"WhatsApp did not answer the question, or refused it. Try again later."},
    {"daemon_unavailable", 503, true, "Daemon unavailable",
	"waconnd does not answer; this mends itself when it is back."},
    {"database_unavailable", 503, true, "Database unavailable",
	"The database does not answer; nothing was changed."},
    {"owner_unavailable", 503, true, "Outlet between two daemons",
	"The daemon that has this outlet does not answer; another takes it over within 20 "
	"seconds."},
    {"media_unavailable", 503, true, "File not available",
	"WhatsApp's servers do not answer. Try again later."},
    {"overloaded", 503, true, "Overloaded", "Too much is waiting. Try again in a moment."},
    {"stopping", 503, true, "Stopping", "The server is being stopped. Try again in a moment."},
    {"daemon_timeout", 504, true, "Daemon timeout",
	"waconnd did not answer in time. Look at the state before you repeat a change."},
    {0},
};

const struct problem *
problem_table(void)
{
	return problems;
}

const struct problem *
problem_find(const char *code)
{
	const struct problem *internal = NULL;

	for (const struct problem *p = problems; p->code != NULL; p++) {
		if (strcmp(p->code, code) == 0)
			return p;
		if (strcmp(p->code, "internal") == 0)
			internal = p;
	}
	return internal;
}

void
problem_write(struct buf *out, const struct problem *p, const char *detail, const char *request_id,
    const struct problem_field *fields, size_t n_fields)
{
	struct jsonw j;

	jsonw_init(&j, out);
	jsonw_object(&j, NULL);
	jsonw_bool(&j, "success", false);
	jsonw_str(&j, "type", "about:blank");
	jsonw_str(&j, "title", p->title);
	jsonw_int(&j, "status", p->status);
	jsonw_str(&j, "code", p->code);
	jsonw_str(&j, "detail", detail != NULL ? detail : p->detail);
	jsonw_bool(&j, "retryable", p->retryable);
	if (request_id != NULL)
		jsonw_str(&j, "requestId", request_id);
	if (n_fields > 0) {
		jsonw_array(&j, "errors");
		for (size_t i = 0; i < n_fields; i++) {
			jsonw_object(&j, NULL);
			jsonw_str(&j, "field", fields[i].field);
			jsonw_str(&j, "code", fields[i].code);
			jsonw_str(&j, "detail", fields[i].detail);
			jsonw_object_end(&j);
		}
		jsonw_array_end(&j);
	}
	jsonw_object_end(&j);
}
