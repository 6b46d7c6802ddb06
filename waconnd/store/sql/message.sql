-- SPDX-License-Identifier: GPL-3.0-or-later
-- Messages, and the queue of an outlet. Blast counters are kept by triggers (schema.sql).

-- What an outlet may send next, single messages first. $1 outlet, $2 limit, $3 ids (bigint[]) to leave out.
-- What a stop left in SENDING comes whatever became of its blast: it has to be sent again under its id.
-- Columns: id, blast_id, phone, peer, text, vars, blast's text, wa_id, attempts, status, blast's pace, opted out,
-- not before (ms, 0: at once). Index messages_queue. No lock: the batch's moves check the state again.
-- name: MESSAGE_CLAIM
SELECT m.id, m.blast_id, m.phone, m.peer, m.text, m.vars, b.text, m.wa_id, m.attempts, m.status, b.pace,
       EXISTS (SELECT 1 FROM opt_outs x WHERE x.phone = m.phone) AND m.blast_id IS NOT NULL,
       coalesce(to_ms(m.not_before), 0)
FROM messages m LEFT JOIN blasts b ON b.id = m.blast_id
WHERE m.outlet_id = $1 AND m.status IN ('QUEUED', 'SENDING')
  AND m.id <> ALL (coalesce($3::bigint[], '{}'))
  AND (m.status = 'SENDING' OR m.blast_id IS NULL
       OR (b.status = 'RUNNING' AND (b.expires_at IS NULL OR b.expires_at > now())))
  AND (m.not_before IS NULL OR m.not_before <= now())
ORDER BY (m.blast_id IS NOT NULL), m.id
LIMIT $2::int

-- When the earliest postponed message of an outlet is due (ms), NULL when there is none.
-- name: MESSAGE_NEXT_DUE
SELECT min(to_ms(m.not_before))
FROM messages m LEFT JOIN blasts b ON b.id = m.blast_id
WHERE m.outlet_id = $1 AND m.status = 'QUEUED' AND m.not_before > now()
  AND (m.blast_id IS NULL OR b.status = 'RUNNING')

-- QUEUED ones that shall not be sent: opted out and the like. $1 ids, $2 reason.
-- name: MESSAGE_SKIP
WITH locked AS (
	SELECT 1 FROM blasts b WHERE b.id IN (SELECT m.blast_id FROM messages m WHERE m.id = ANY ($1::bigint[]))
	ORDER BY b.id FOR NO KEY UPDATE
)
UPDATE messages SET status = 'SKIPPED', reason = $2
WHERE id = ANY ($1::bigint[]) AND status = 'QUEUED' AND (SELECT count(*) FROM locked) >= 0

-- The text of one sent, for a device that asks again. $1 outlet, $2 stanza id.
-- name: MESSAGE_TEXT
SELECT text, id FROM messages WHERE outlet_id = $1 AND wa_id = $2 AND outgoing

-- One message outside any blast. $1 outlet, $2 phone, $3 text; $4 user, $5 key, $6 hash of the request, or NULL: the answer is kept
-- under that key. Answers the document of the 202.
-- name: MESSAGE_ADD
WITH added AS (
	INSERT INTO messages AS m (outlet_id, outgoing, phone, text, status)
	VALUES ($1, true, $2, $3, 'QUEUED')
	RETURNING m
), answer AS (
	SELECT json_build_object('success', true, 'message', message_json(m))::text AS body FROM added
), kept AS (
	INSERT INTO idempotency_keys (user_id, key, body_hash, status, body)
	SELECT $4, $5, $6::bytea, 202, convert_to(body, 'UTF8') FROM answer WHERE $5::text IS NOT NULL
)
SELECT body FROM answer

-- $1 id without its prefix, $2 the one outlet allowed or NULL.
-- name: MESSAGE_GET
SELECT message_json(m), m.outlet_id FROM messages m
WHERE m.id = $1::bigint AND ($2::text IS NULL OR m.outlet_id = $2)

-- Newest first. $1 outlet, $2 status or NULL, $3 part of the phone or NULL, $4 cursor (an id) or NULL, $5 limit.
-- One row: array, next cursor.
-- name: MESSAGE_LIST
WITH page AS (
	SELECT m.id, message_json(m) AS j, row_number() OVER (ORDER BY m.id DESC) AS n
	FROM messages m
	WHERE m.outlet_id = $1
	  AND ($2::text IS NULL OR m.status = $2)
	  AND ($3::text IS NULL OR position($3 IN m.phone) > 0)
	  AND ($4::bigint IS NULL OR m.id < $4::bigint)
	ORDER BY m.id DESC
	LIMIT $5::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $5::int), '[]'),
       CASE WHEN count(*) > $5::int THEN min(id) FILTER (WHERE n = $5::int) END
FROM page

-- How many an outlet sent since a time (ms), for its daily cap. $1 outlet, $2 ms.
-- name: MESSAGE_SENT_SINCE
SELECT count(*) FROM messages
WHERE outlet_id = $1 AND outgoing AND blast_id IS NOT NULL AND sending_at >= from_ms($2::bigint)
