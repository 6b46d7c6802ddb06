-- SPDX-License-Identifier: GPL-3.0-or-later
-- Messages, and the queue of an outlet. Blast counters are kept by triggers (schema.sql).

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
