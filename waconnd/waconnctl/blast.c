/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blast list, show, pause, resume, cancel: what is told of blasts that exist. */
#include <string.h>

#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/table.h"

static const char *const count_names[] = {
    "queued", "sending", "sent", "delivered", "read", "failed", "skipped", "cancelled"};

static void
print_text(struct ctl *ctl, const char *label, const char *text)
{
	struct buf clean = BUF_INIT(65536);

	table_clean(text != NULL ? text : "-", &clean);
	(void)fprintf(ctl->out, "%-10s %s\n", label, buf_str(&clean));
	buf_done(&clean);
}

static void
print_time(struct ctl *ctl, const char *label, const json_t *blast, const char *key)
{
	char text[32];

	ctl_time(ctl_string(blast, key), text, sizeof(text));
	if (text[0] != '\0')
		(void)fprintf(ctl->out, "%-10s %s\n", label, text);
}

static void
print_counts(struct ctl *ctl, const json_t *blast)
{
	const json_t *counts = json_object_get(blast, "counts");

	(void)fprintf(ctl->out, "%-10s %lld", "recipients", ctl_integer(counts, "total"));
	for (size_t i = 0; i < sizeof(count_names) / sizeof(count_names[0]); i++) {
		long long n = ctl_integer(counts, count_names[i]);

		if (n > 0)
			(void)fprintf(ctl->out, ", %lld %s", n, count_names[i]);
	}
	(void)fputc('\n', ctl->out);
}

static void
print_blast(struct ctl *ctl, const json_t *blast)
{
	const char *paused = ctl_string(blast, "pauseReason");

	print_text(ctl, "id", ctl_string(blast, "id"));
	print_text(ctl, "name", ctl_string(blast, "name"));
	print_text(ctl, "status", ctl_string(blast, "status"));
	if (paused != NULL)
		print_text(ctl, "because", paused);
	print_counts(ctl, blast);
	if (strcmp(ctl_string(blast, "status") != NULL ? ctl_string(blast, "status") : "",
		"RUNNING") == 0)
		(void)fprintf(ctl->out, "%-10s %lld a minute, about %lld s to go\n", "rate",
		    ctl_integer(blast, "ratePerMinute"), ctl_integer(blast, "etaSeconds"));
	print_text(ctl, "by", ctl_string(blast, "createdBy"));
	print_time(ctl, "created", blast, "createdAt");
	print_time(ctl, "scheduled", blast, "scheduleAt");
	print_time(ctl, "started", blast, "startedAt");
	print_time(ctl, "finished", blast, "finishedAt");
	print_time(ctl, "expires", blast, "expiresAt");
}

static void
list_recipient(void *arg, const json_t *r)
{
	static const char *const keys[] = {"phone", "outletId", "status", "reason", "messageId"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		table_cell(arg, ctl_string(r, keys[i]));
}

static int
show_recipients(struct ctl *ctl, const char *id)
{
	static const char *const headings[] = {
	    "NUMBER", "OUTLET", "STATUS", "REASON", "MESSAGE", NULL};
	Ipc__List list = IPC__LIST__INIT;
	struct table *table = table_new(headings);
	int status;

	list.id = (char *)(uintptr_t)id;
	status = ctl_list(
	    ctl, IPC__REQUEST__OP_BLAST_RECIPIENTS, &list, "recipients", list_recipient, table);
	if (status == 0 && !ctl->json) {
		(void)fputc('\n', ctl->out);
		table_print(table, ctl->out);
	}
	table_free(&table);
	return status;
}

static int
show(struct ctl *ctl, const struct args *args, Ipc__Request__OpCase op)
{
	json_t *answer = NULL;
	int status = ctl_ask_id(ctl, op, args->words[0], &answer);

	if (status == 0 && !ctl->json)
		print_blast(ctl, json_object_get(answer, "blast"));
	json_decref(answer);
	if (status == 0 && args_has(args, ARG_RECIPIENTS))
		status = show_recipients(ctl, args->words[0]);
	return status;
}

int
command_blast_show(struct ctl *ctl, const struct args *args)
{
	return show(ctl, args, IPC__REQUEST__OP_BLAST_GET);
}

int
command_blast_pause(struct ctl *ctl, const struct args *args)
{
	return show(ctl, args, IPC__REQUEST__OP_BLAST_PAUSE);
}

int
command_blast_resume(struct ctl *ctl, const struct args *args)
{
	return show(ctl, args, IPC__REQUEST__OP_BLAST_RESUME);
}

int
command_blast_retry(struct ctl *ctl, const struct args *args)
{
	return show(ctl, args, IPC__REQUEST__OP_BLAST_RETRY);
}

int
command_blast_cancel(struct ctl *ctl, const struct args *args)
{
	return show(ctl, args, IPC__REQUEST__OP_BLAST_CANCEL);
}

static void
list_blast(void *arg, const json_t *blast)
{
	static const char *const numbers[] = {"counts.total", "counts.queued", "counts.sent",
	    "counts.delivered", "counts.read", "counts.failed"};
	char text[32];

	table_cell(arg, ctl_string(blast, "id"));
	table_cell(arg, ctl_string(blast, "name"));
	table_cell(arg, ctl_string(blast, "status"));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)snprintf(text, sizeof(text), "%lld", ctl_integer(blast, numbers[i]));
		table_cell(arg, text);
	}
	ctl_time(ctl_string(blast, "createdAt"), text, sizeof(text));
	table_cell(arg, text);
}

int
command_blast_list(struct ctl *ctl, const struct args *args)
{
	static const char *const headings[] = {"ID", "NAME", "STATUS", "TOTAL", "QUEUED", "SENT",
	    "DELIVERED", "READ", "FAILED", "CREATED", NULL};

	(void)args;
	return ctl_list_table(ctl, IPC__REQUEST__OP_BLAST_LIST, "blasts", headings, list_blast);
}
