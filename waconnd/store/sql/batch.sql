-- SPDX-License-Identifier: GPL-3.0-or-later
-- The steps of a write batch, in this order, in one transaction. Every one of them may be repeated after a lost
-- connection. Blasts are locked before their messages, all in order of their ids, as everywhere. Moves take their rows by
-- id and check the state they come from; blast counters follow by trigger.

-- Locks our row of instances FOR SHARE; fails with WF001 when this start of ours was ended, with WF002 when an outlet belongs to
-- another daemon. $1 instance, $2 epoch, $3 the outlets that the batch writes.
-- name: BATCH_FENCE
SELECT instance_fence($1, $2::bigint, $3::text[])

-- $1 message ids bigint[]; $2 outlets, $3 stanza ids text[] (receipts).
-- name: BATCH_LOCK
SELECT 1 FROM blasts b
WHERE b.id IN (
	SELECT m.blast_id FROM messages m WHERE m.id = ANY ($1::bigint[])
	UNION
	SELECT m.blast_id FROM unnest($2::text[], $3::text[]) AS r (outlet, wa_id)
	JOIN messages m ON m.outlet_id = r.outlet AND m.wa_id = r.wa_id AND m.outgoing)
ORDER BY b.id
FOR NO KEY UPDATE

-- $1 outlets text[].
-- name: BATCH_KEY_WIPE
DELETE FROM keys WHERE outlet_id = ANY ($1::text[])

-- $1 outlets, $2 kinds, $3 names.
-- name: BATCH_KEY_DEL
DELETE FROM keys k
USING unnest($1::text[], $2::smallint[], $3::text[]) AS d (outlet, kind, name)
WHERE k.outlet_id = d.outlet AND k.kind = d.kind AND k.name = d.name

-- $1 outlets, $2 kinds, $3 names, $4 values bytea[]; each key once, sorted.
-- name: BATCH_KEY_PUT
INSERT INTO keys (outlet_id, kind, name, value)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::bytea[])
ON CONFLICT (outlet_id, kind, name) DO UPDATE SET value = excluded.value

-- $1 outlets, $2 their addresses, $3 LIDs, $4 names, $5 when they were linked in ms: given up, and kept for a while.
-- name: BATCH_KEY_KEEP
SELECT keys_keep($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])

-- $1 ids, $2 stanza ids, $3 texts. A repeat after a stop keeps the stanza id of the first time. One that was cancelled while it was
-- in hand leaves all the same: its row says so. A repeat is no attempt more: what crashes cut off is not the message's fault.
-- name: BATCH_SENDING
UPDATE messages m
SET status = 'SENDING', wa_id = coalesce(m.wa_id, s.wa_id), text = coalesce(s.text, m.text),
    sending_at = now(), attempts = CASE WHEN m.status = 'SENDING' THEN m.attempts ELSE least(m.attempts + 1, 32767) END,
    not_before = NULL, reason = NULL
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS s (id, wa_id, text)
WHERE m.id = s.id AND m.status IN ('QUEUED', 'SENDING', 'CANCELLED')

-- $1 ids, $2 times in ms.
-- name: BATCH_SENT
UPDATE messages m SET status = 'SENT', sent_at = from_ms(s.at), reason = NULL
FROM unnest($1::bigint[], $2::bigint[]) AS s (id, at)
WHERE m.id = s.id AND m.status = 'SENDING'

-- $1 ids, $2 reasons. Of several messages to one recipient those after it fail with it: they would make no sense alone.
-- name: BATCH_FAILED
WITH failed AS (
	SELECT * FROM unnest($1::bigint[], $2::text[]) AS s (id, reason)
), all_failed AS (
	SELECT id, reason FROM failed
	UNION ALL
	SELECT l.id, f.reason
	FROM failed f JOIN messages m ON m.id = f.id AND NOT m.is_recipient
	JOIN messages l ON l.blast_id = m.blast_id AND l.phone = m.phone AND l.part > m.part AND l.part IS NOT NULL
)
UPDATE messages m SET status = 'FAILED', reason = s.reason, failed_at = now()
FROM all_failed s
WHERE m.id = s.id AND m.status IN ('QUEUED', 'SENDING')

-- $1 ids, $2 reasons, $3 how long it waits from now on, ms: by the clock by which it is claimed.
-- name: BATCH_REQUEUE
UPDATE messages m
SET status = 'QUEUED', reason = s.reason, not_before = CASE WHEN s.wait > 0 THEN now() + s.wait * interval '1 millisecond' END
FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS s (id, reason, wait)
WHERE m.id = s.id AND m.status = 'SENDING'

-- A repeat that nobody answered counts. $1 ids, $2 attempts so far.
-- name: BATCH_LOST
UPDATE messages m SET attempts = greatest(m.attempts, least(s.attempts, 32767))
FROM unnest($1::bigint[], $2::bigint[]) AS s (id, attempts)
WHERE m.id = s.id AND m.status = 'SENDING'

-- $1 outlets, $2 stanza ids, $3 times in ms. A receipt that overtakes the server's ack says that it was sent, too.
-- name: BATCH_DELIVERED
UPDATE messages m
SET status = 'DELIVERED', delivered_at = from_ms(s.at), sent_at = coalesce(m.sent_at, from_ms(s.at)), reason = NULL
FROM (SELECT outlet, wa_id, min(at) AS at FROM unnest($1::text[], $2::text[], $3::bigint[]) AS r (outlet, wa_id, at)
      GROUP BY outlet, wa_id) s
WHERE m.outlet_id = s.outlet AND m.wa_id = s.wa_id AND m.outgoing AND m.status IN ('SENDING', 'SENT')

-- $1 outlets, $2 stanza ids, $3 times in ms.
-- name: BATCH_READ
UPDATE messages m
SET status = 'READ', read_at = from_ms(s.at), delivered_at = coalesce(m.delivered_at, from_ms(s.at)),
    sent_at = coalesce(m.sent_at, from_ms(s.at)), reason = NULL
FROM (SELECT outlet, wa_id, min(at) AS at FROM unnest($1::text[], $2::text[], $3::bigint[]) AS r (outlet, wa_id, at)
      GROUP BY outlet, wa_id) s
WHERE m.outlet_id = s.outlet AND m.wa_id = s.wa_id AND m.outgoing AND m.status IN ('SENDING', 'SENT', 'DELIVERED')

-- What had nothing to show becomes what the phone sent again, under the same id; written anew, so that all that is done with what
-- comes in is done with it. $1 outlets, $2 peers, $3 stanza ids, $4 kinds, $5 texts, $6 contents (JSON), $7 sealed files (bytea, empty:
-- none). BATCH_INBOUND with the same messages follows.
-- name: BATCH_RESENT
WITH resent AS (
	SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])
	     AS r (outlet, peer, wa_id, kind, text, content, sealed)
), gone AS (
	DELETE FROM messages m USING resent r
	WHERE m.outlet_id = r.outlet AND m.peer = r.peer AND m.wa_id = r.wa_id AND NOT m.outgoing AND m.kind = 'unavailable'
	RETURNING m.*
)
INSERT INTO messages (id, outlet_id, peer, phone, wa_id, kind, text, outgoing, status, created_at, content, sealed_media, reply_to)
OVERRIDING SYSTEM VALUE
SELECT g.id, g.outlet_id, g.peer, g.phone, g.wa_id, r.kind, r.text, false, g.status, g.created_at, r.content::jsonb,
       CASE WHEN length(r.sealed) > 0 THEN r.sealed END, g.reply_to
FROM gone g JOIN resent r ON r.outlet = g.outlet_id AND r.peer = g.peer AND r.wa_id = g.wa_id

-- $1 outlets, $2 peers, $3 phones, $4 stanza ids, $5 kinds, $6 texts, $7 from me, $8 times in ms, $9 contents (JSON), $10 sealed files
-- (bytea, empty: none). One that the owner wrote on another device (from me) is outgoing and SENT.
-- name: BATCH_INBOUND
INSERT INTO messages (outlet_id, peer, phone, wa_id, kind, text, outgoing, status, created_at, sent_at, content, sealed_media,
                      reply_to)
SELECT i.outlet, i.peer, i.phone, i.wa_id, i.kind, i.text, i.from_me,
       CASE WHEN i.from_me THEN 'SENT' ELSE 'RECEIVED' END, from_ms(i.at), CASE WHEN i.from_me THEN from_ms(i.at) END,
       i.content::jsonb, CASE WHEN length(i.sealed) > 0 THEN i.sealed END,
       CASE WHEN NOT i.from_me THEN (
            SELECT m.blast_id FROM messages m
            WHERE m.phone = i.phone AND m.outgoing AND m.blast_id IS NOT NULL AND m.outlet_id || '' = i.outlet
              AND m.sending_at > now() - interval '7 days'
            ORDER BY m.id DESC LIMIT 1) END
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::bigint[], $9::text[],
            $10::bytea[])
     AS i (outlet, peer, phone, wa_id, kind, text, from_me, at, content, sealed)
ON CONFLICT DO NOTHING

-- $1 outlets, $2 status, $3 session names, $4 own jids, $5 own lids, $6 connected, $7 last seen, $8 next retry, $9 linked (ms),
-- $10 retry counts, $11 last errors (JSON).
-- name: BATCH_SESSION
INSERT INTO outlet_sessions (outlet_id, status, session_name, own_jid, own_lid, connected_at, last_seen, next_retry_at, linked_at,
                             retry_count, last_error, qr_until)
SELECT s.outlet, s.status, s.session_name, s.own_jid, s.own_lid, from_ms(s.connected_at), from_ms(s.last_seen),
       from_ms(s.next_retry_at), from_ms(s.linked_at), s.retry_count, s.last_error::jsonb, from_ms(s.qr_until)
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
            $10::bigint[], $11::text[], $12::bigint[])
     AS s (outlet, status, session_name, own_jid, own_lid, connected_at, last_seen, next_retry_at, linked_at, retry_count, last_error,
           qr_until)
ON CONFLICT (outlet_id) DO UPDATE
SET status = excluded.status, session_name = excluded.session_name, own_jid = excluded.own_jid, own_lid = excluded.own_lid,
    connected_at = excluded.connected_at, last_seen = excluded.last_seen, next_retry_at = excluded.next_retry_at,
    linked_at = excluded.linked_at, retry_count = excluded.retry_count, last_error = excluded.last_error,
    qr_until = excluded.qr_until

-- $1 outlets, $2 what is known of their accounts (JSON), $3 restrictions or NULL, $4 their ends (ms).
-- name: BATCH_ACCOUNT
INSERT INTO outlet_accounts (outlet_id, account, restriction, until)
SELECT a.outlet, a.account::jsonb, a.restriction, from_ms(a.until)
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS a (outlet, account, restriction, until)
ON CONFLICT (outlet_id) DO UPDATE
SET account = excluded.account, restriction = excluded.restriction, until = excluded.until, at = now()

-- $1 outlets, $2 times in ms, $3 from, $4 to, $5 reasons. A line that is there already is not written again.
-- name: BATCH_EVENT
INSERT INTO outlet_events (outlet_id, at, from_status, to_status, reason)
SELECT e.outlet, from_ms(e.at), e.from_status, e.to_status, e.reason
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[])
     WITH ORDINALITY AS e (outlet, at, from_status, to_status, reason, n)
WHERE NOT EXISTS (SELECT 1 FROM outlet_events x WHERE x.outlet_id = e.outlet AND x.at = from_ms(e.at)
                  AND x.from_status = e.from_status AND x.to_status = e.to_status)
ORDER BY e.n
