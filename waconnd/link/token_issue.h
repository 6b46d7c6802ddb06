/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token_issue: after writing to somebody we give them a token of ours, once in seven days. Source:
 * PROTOCOL section 10. */
#ifndef LINK_TOKEN_ISSUE_H
#define LINK_TOKEN_ISSUE_H

#include "waconnd/link/messaging.h"

#define TOKEN_ISSUES_MAX 64 /* under way; beyond that it waits for the next message */

struct token_issues *token_issues_new(struct messaging *m);
void token_issues_free(struct token_issues **i);
/* If it is time for one. */
void token_issue(struct messaging *m, const struct jid *lid);
/* They have a new phone: if they ever had a token of ours, it knows it no more. */
void token_issue_again(struct messaging *m, const struct jid *lid);

#endif
