/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record: version, times, number, token; since version 2 the chat's timer stands before the
 * number. Whatever does not fit it reads as a peer that nothing is known of. */
#include "waconnd/link/peer.h"

#include <openssl/crypto.h>
#include <string.h>

#include "common/buf.h"

#define PEER_VERSION 2
#define HEADER_LEN 22	  /* version, two times, timer, length of the number */
#define HEADER_LEN_ONE 18 /* of version 1: no timer */
#define BUCKET_S 604800
#define BUCKETS 4

static int64_t
read_u64(const uint8_t *at)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | at[i];
	return (int64_t)v;
}

static void
add_u64(struct buf *b, int64_t v)
{
	buf_add_u32be(b, (uint32_t)((uint64_t)v >> 32));
	buf_add_u32be(b, (uint32_t)(uint64_t)v);
}

int
peer_unpack(const uint8_t *data, size_t len, struct peer *ret)
{
	const size_t header = len > 0 && data[0] == 1 ? HEADER_LEN_ONE : HEADER_LEN;
	struct peer p = {0};
	size_t phone_len;

	if (len < header || (data[0] != PEER_VERSION && data[0] != 1))
		return -1;
	phone_len = data[header - 1];
	if (phone_len >= PEER_PHONE_MAX || phone_len > len - header)
		return -1;
	p.token_len = len - header - phone_len;
	if (p.token_len > PEER_TOKEN_MAX)
		return -1;
	p.token_t = read_u64(data + 1);
	p.issued_t = read_u64(data + 9);
	if (header == HEADER_LEN)
		p.expiration = (uint32_t)data[17] << 24 | (uint32_t)data[18] << 16 |
			       (uint32_t)data[19] << 8 | data[20];
	memcpy(p.phone, data + header, phone_len);
	memcpy(p.token, data + header + phone_len, p.token_len);
	*ret = p;
	return 0;
}

void
peer_get(struct messaging *m, const struct jid *lid, struct peer *ret)
{
	size_t len = 0;
	const uint8_t *data = key_cache_find(m->keys, KEY_PEER, lid->user, &len);

	if (data == NULL || peer_unpack(data, len, ret) != 0)
		*ret = (struct peer){0};
}

void
peer_put(struct messaging *m, const struct jid *lid, const struct peer *peer)
{
	struct buf b = BUF_INIT(HEADER_LEN + PEER_PHONE_MAX + PEER_TOKEN_MAX);
	const size_t phone_len = strlen(peer->phone);

	buf_add_u8(&b, PEER_VERSION);
	add_u64(&b, peer->token_t);
	add_u64(&b, peer->issued_t);
	buf_add_u32be(&b, peer->expiration);
	buf_add_u8(&b, (uint8_t)phone_len);
	buf_add(&b, peer->phone, phone_len);
	buf_add(&b, peer->token, peer->token_len);
	key_cache_put(m->keys, KEY_PEER, lid->user, b.data, b.len);
	buf_done_secret(&b);
}

void
peer_learn_phone(struct messaging *m, const struct jid *lid, const struct jid *pn)
{
	struct peer p;

	if (lid->server != JID_SERVER_LID || pn->server != JID_SERVER_PN || pn->user[0] == '\0' ||
	    strlen(pn->user) >= PEER_PHONE_MAX || !key_cache_knows(m->keys, KEY_PEER, lid->user))
		return;
	peer_get(m, lid, &p);
	if (strcmp(p.phone, pn->user) == 0)
		return;
	memset(p.phone, 0, sizeof(p.phone));
	memcpy(p.phone, pn->user, strnlen(pn->user, sizeof(p.phone) - 1));
	peer_put(m, lid, &p);
	OPENSSL_cleanse(&p, sizeof(p));
}

bool
peer_token_valid(const struct peer *peer, int64_t now)
{
	return peer->token_len > 0 && peer->token_t > 0 &&
	       peer->token_t >= (now / BUCKET_S - (BUCKETS - 1)) * BUCKET_S;
}

bool
peer_issue_due(const struct peer *peer, int64_t now)
{
	return peer->issued_t == 0 || peer->issued_t / BUCKET_S < now / BUCKET_S;
}

struct wa_content
peer_timed(struct messaging *m, const struct jid *chat, const struct wa_content *content)
{
	struct wa_content timed = *content;
	struct peer peer;

	if (chat->server != JID_SERVER_LID)
		return timed;
	peer_get(m, chat, &peer);
	if (peer.expiration > 0)
		timed.expiration = peer.expiration;
	OPENSSL_cleanse(&peer, sizeof(peer));
	return timed;
}
