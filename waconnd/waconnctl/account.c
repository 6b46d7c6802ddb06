/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account: what WhatsApp restricts an outlet's number in, for a person. */
#include <string.h>

#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/table.h"

#define LINE_MAX_BYTES 1024

/* "name: text", or what is said where there is none. */
static void
line(struct ctl *ctl, const char *name, const struct buf *text)
{
	(void)fprintf(ctl->out, "%-13s %s\n", name, buf_str(text));
}

/* " word TIME" of a document's time; nothing when it has none. */
static void
add_time(struct buf *out, const char *word, const char *rfc3339)
{
	char text[32];

	ctl_time(rfc3339, text, sizeof(text));
	if (text[0] != '\0')
		buf_addf(out, "%s%s %s", out->len > 0 ? ", " : "", word, text);
}

static void
print_restriction(struct ctl *ctl, const json_t *account)
{
	static const struct {
		const char *kind, *words;
	} kinds[] = {
	    {"reachout_timelock", "new chats are locked"},
	    {"new_chat_cap", "the quota of new chats is used up"},
	};
	const char *kind = ctl_string(account, "restriction.kind");
	struct buf text = BUF_INIT(LINE_MAX_BYTES);

	for (size_t i = 0; kind != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			buf_add_str(&text, kinds[i].words);
	if (kind == NULL)
		buf_add_str(&text, "none");
	else if (text.len == 0)
		table_clean(kind, &text);
	add_time(&text, "until", ctl_string(account, "restriction.until"));
	line(ctl, "restriction:", &text);
	buf_done(&text);
}

static void
print_timelock(struct ctl *ctl, const json_t *account)
{
	const json_t *lock = json_object_get(account, "timelock");
	const char *type = ctl_string(lock, "type");
	struct buf text = BUF_INIT(LINE_MAX_BYTES);

	if (json_is_object(lock)) {
		buf_add_str(&text, ctl_true(lock, "active") ? "active" : "none");
		if (type != NULL && ctl_true(lock, "active")) {
			buf_add_str(&text, " (");
			table_clean(type, &text);
			buf_add_str(&text, ")");
		}
		add_time(&text, "until", ctl_string(lock, "until"));
		add_time(&text, "as of", ctl_string(lock, "checkedAt"));
	} else {
		buf_add_str(&text, "not known");
	}
	line(ctl, "time lock:", &text);
	buf_done(&text);
}

static void
print_new_chats(struct ctl *ctl, const json_t *account)
{
	const json_t *chats = json_object_get(account, "newChats");
	struct buf text = BUF_INIT(LINE_MAX_BYTES);

	if (!json_is_object(chats))
		buf_add_str(&text, "not known");
	else if (json_is_integer(json_object_get(chats, "quota")))
		buf_addf(
		    &text, "%lld of %lld", ctl_integer(chats, "used"), ctl_integer(chats, "quota"));
	else
		buf_add_str(&text, "no quota");
	add_time(&text, "new ones", ctl_string(chats, "resetsAt"));
	add_time(&text, "as of", ctl_string(chats, "checkedAt"));
	line(ctl, "new chats:", &text);
	buf_done(&text);
}

static void
print_hold(struct ctl *ctl, const json_t *account)
{
	const char *reason = ctl_string(account, "hold.reason");
	struct buf text = BUF_INIT(LINE_MAX_BYTES);

	if (reason != NULL) {
		table_clean(reason, &text);
		add_time(&text, "until", ctl_string(account, "hold.until"));
		line(ctl, "blasts held:", &text);
	}
	buf_done(&text);
}

int
command_account(struct ctl *ctl, const struct args *args)
{
	json_t *answer = NULL;
	int status = ctl_ask_id(ctl, IPC__REQUEST__OP_OUTLET_ACCOUNT, args->words[0], &answer);
	const json_t *account = json_object_get(answer, "account");

	if (status == 0 && !ctl->json) {
		print_restriction(ctl, account);
		print_timelock(ctl, account);
		print_new_chats(ctl, account);
		print_hold(ctl, account);
	}
	json_decref(answer);
	return status;
}
