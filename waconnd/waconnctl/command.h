/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command: waconnctl's commands, one row each: what is parsed, checked and printed as help. */
#ifndef WACONNCTL_COMMAND_H
#define WACONNCTL_COMMAND_H

#include "waconnd/waconnctl/ctl.h"

struct command {
	const char *noun, *verb; /* verb NULL: the noun alone */
	const char *synopsis;	 /* of what follows */
	const char *summary;
	size_t words_min, words_max; /* after noun and verb */
	unsigned needs, takes;	     /* bits of options */
	int (*run)(struct ctl *ctl, const struct args *args);
};

/* All rows; the last has a NULL noun. */
const struct command *command_table(void);
/*
 * The command of these words, whose own words are then left in `args`; NULL, and said on ctl->err,
 * when there is none or what it was given is not what it takes.
 */
const struct command *command_find(struct ctl *ctl, struct args *args);
void command_help(FILE *out);

int command_user_add(struct ctl *ctl, const struct args *args);
int command_user_list(struct ctl *ctl, const struct args *args);
int command_user_remove(struct ctl *ctl, const struct args *args);
int command_user_passwd(struct ctl *ctl, const struct args *args);
int command_token_add(struct ctl *ctl, const struct args *args);
int command_token_list(struct ctl *ctl, const struct args *args);
int command_token_revoke(struct ctl *ctl, const struct args *args);
int command_webhook_list(struct ctl *ctl, const struct args *args);
int command_webhook_test(struct ctl *ctl, const struct args *args);
int command_outlet_add(struct ctl *ctl, const struct args *args);
int command_outlet_list(struct ctl *ctl, const struct args *args);
int command_outlet_remove(struct ctl *ctl, const struct args *args);
int command_audit(struct ctl *ctl, const struct args *args);
int command_status(struct ctl *ctl, const struct args *args);
int command_connect(struct ctl *ctl, const struct args *args);
int command_passkey(struct ctl *ctl, const struct args *args);
int command_disconnect(struct ctl *ctl, const struct args *args);
int command_pause(struct ctl *ctl, const struct args *args);
int command_resume(struct ctl *ctl, const struct args *args);
int command_logout(struct ctl *ctl, const struct args *args);
int command_restore_keys(struct ctl *ctl, const struct args *args);
int command_media_add(struct ctl *ctl, const struct args *args);
int command_send(struct ctl *ctl, const struct args *args);
int command_account(struct ctl *ctl, const struct args *args);
int command_blast_preview(struct ctl *ctl, const struct args *args);
int command_blast_send(struct ctl *ctl, const struct args *args);
int command_blast_list(struct ctl *ctl, const struct args *args);
int command_blast_show(struct ctl *ctl, const struct args *args);
int command_blast_pause(struct ctl *ctl, const struct args *args);
int command_blast_resume(struct ctl *ctl, const struct args *args);
int command_blast_retry(struct ctl *ctl, const struct args *args);
int command_blast_cancel(struct ctl *ctl, const struct args *args);

#endif
