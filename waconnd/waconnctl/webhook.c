/* SPDX-License-Identifier: GPL-3.0-or-later */
/* webhook list, test: how they fare, and whether one is heard. */
#include "waconnd/waconnctl/command.h"
#include "waconnd/waconnctl/table.h"

static const char *
state_of(const json_t *webhook)
{
	if (!ctl_true(webhook, "isActive")) {
		const char *reason = ctl_string(webhook, "disabledReason");

		return reason != NULL ? reason : "off";
	}
	if (ctl_true(webhook, "queueFull"))
		return "queue full";
	return ctl_string(webhook, "failingSince") != NULL ? "tried again" : "ok";
}

static void
list_webhook(void *arg, const json_t *webhook)
{
	char pending[24], time[32];

	(void)snprintf(pending, sizeof(pending), "%lld", ctl_integer(webhook, "pending"));
	ctl_time(ctl_string(webhook, "lastSuccessAt"), time, sizeof(time));
	table_cell(arg, ctl_string(webhook, "id"));
	table_cell(arg, state_of(webhook));
	table_cell(arg, pending);
	table_cell(arg, time);
	table_cell(arg, ctl_string(webhook, "description"));
}

int
command_webhook_list(struct ctl *ctl, const struct args *args)
{
	static const char *const headings[] = {
	    "ID", "STATE", "WAITING", "LAST DELIVERED", "DESCRIPTION", NULL};

	(void)args;
	return ctl_list_table(
	    ctl, IPC__REQUEST__OP_WEBHOOK_LIST, "webhooks", headings, list_webhook);
}

int
command_webhook_test(struct ctl *ctl, const struct args *args)
{
	json_t *answer = NULL;
	int status = ctl_ask_id(ctl, IPC__REQUEST__OP_WEBHOOK_TEST, args->words[0], &answer);
	const char *id = ctl_string(answer, "delivery.id");

	if (status == 0 && !ctl->json && id != NULL)
		(void)fprintf(ctl->out, "%s\n", id);
	json_decref(answer);
	return status;
}
