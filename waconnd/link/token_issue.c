/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Issues tokens. Best effort: when the server refuses, the next message tries again. */
#include "waconnd/link/token_issue.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/xalloc.h"
#include "waconnd/link/peer.h"

struct issue {
	TAILQ_ENTRY(issue) entry;
	struct token_issues *issues;
	struct jid lid;
	struct key_hold *hold; /* until it is remembered */
	bool again;	       /* also in the same seven days, but never as the first */
	int64_t t;
};

struct token_issues {
	struct messaging *m;
	TAILQ_HEAD(, issue) all;
	size_t n;
};

struct token_issues *
token_issues_new(struct messaging *m)
{
	struct token_issues *i = xcalloc(1, sizeof(*i));

	i->m = m;
	TAILQ_INIT(&i->all);
	return i;
}

static void
issue_free(struct issue *i)
{
	TAILQ_REMOVE(&i->issues->all, i, entry);
	i->issues->n--;
	key_hold_free(&i->hold);
	free(i);
}

void
token_issues_free(struct token_issues **ip)
{
	struct issue *i;

	if (*ip == NULL)
		return;
	while ((i = TAILQ_FIRST(&(*ip)->all)) != NULL)
		issue_free(i);
	free(*ip);
	*ip = NULL;
}

static void
on_answer(void *arg, const struct node *answer)
{
	struct issue *i = arg;
	struct messaging *m = i->issues->m;
	struct peer peer;

	if (answer != NULL && link_iq_error(answer) == 0) {
		peer_get(m, &i->lid, &peer);
		peer.issued_t = i->t;
		peer_put(m, &i->lid, &peer);
		OPENSSL_cleanse(&peer, sizeof(peer));
		key_cache_commit(m->keys, NULL, NULL);
	}
	issue_free(i);
}

static void
on_peer(void *arg)
{
	struct issue *i = arg;
	struct messaging *m = i->issues->m;
	const struct jid server = jid_server_self();
	struct node *iq, *token;
	struct peer peer;
	bool due;

	peer_get(m, &i->lid, &peer);
	i->t = link_server_now(m->link);
	due = i->again ? peer.issued_t != 0 : peer_issue_due(&peer, i->t);
	OPENSSL_cleanse(&peer, sizeof(peer));
	if (!due) {
		issue_free(i);
		return;
	}
	iq = node_new("iq", "type", "set", "xmlns", "privacy", NULL);
	node_set_jid(iq, "to", &server);
	token =
	    node_child(node_child(iq, "tokens", NULL), "token", "type", "trusted_contact", NULL);
	node_set_jid(token, "jid", &i->lid);
	node_set_int(token, "t", i->t);
	link_iq(m->link, iq, on_answer, i);
}

static void
issue(struct messaging *m, const struct jid *lid, bool again)
{
	const struct key_name name = {KEY_PEER, lid->user};
	struct token_issues *issues = m->issues;
	struct issue *i;
	bool ready;

	if (messaging_is_own_user(m, lid) || issues->n >= TOKEN_ISSUES_MAX)
		return;
	TAILQ_FOREACH(i, &issues->all, entry)
	if (jid_same_user(&i->lid, lid))
		return;
	i = xcalloc(1, sizeof(*i));
	i->issues = issues;
	i->lid = jid_without_device(lid);
	i->again = again;
	TAILQ_INSERT_TAIL(&issues->all, i, entry);
	issues->n++;
	i->hold = key_cache_hold(m->keys, &name, 1, on_peer, i, &ready);
	if (ready)
		on_peer(i);
}

void
token_issue(struct messaging *m, const struct jid *lid)
{
	issue(m, lid, false);
}

void
token_issue_again(struct messaging *m, const struct jid *lid)
{
	issue(m, lid, true);
}
