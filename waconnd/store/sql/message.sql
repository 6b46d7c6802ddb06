-- SPDX-License-Identifier: GPL-3.0-or-later
-- Messages, and the queue of an outlet. Blast counters are kept by triggers (schema.sql).

-- QUEUED ones that shall not be sent: opted out and the like; with what else of the same blast goes to the same recipient.
-- $1 ids, $2 reason.
-- name: MESSAGE_SKIP
WITH locked AS (
	SELECT 1 FROM blasts b WHERE b.id IN (SELECT m.blast_id FROM messages m WHERE m.id = ANY ($1::bigint[]))
	ORDER BY b.id FOR NO KEY UPDATE
)
UPDATE messages SET status = 'SKIPPED', reason = $2
WHERE (id = ANY ($1::bigint[]) OR id IN (
       SELECT l.id FROM messages m JOIN messages l ON l.blast_id = m.blast_id AND l.phone = m.phone AND l.part IS NOT NULL
       WHERE m.id = ANY ($1::bigint[]) AND m.part IS NOT NULL))
  AND status = 'QUEUED' AND (SELECT count(*) FROM locked) >= 0

-- What one sent said, for a device that asks again; with the file as the outlet uploaded it last. $1 outlet, $2 stanza id.
-- Columns: kind, text, content, media, its sealed reference, whom it was for.
-- name: MESSAGE_CONTENT
SELECT m.kind, m.text, c.content, u.media_id, u.sealed_ref, m.phone
FROM messages m
CROSS JOIN LATERAL (SELECT message_content(m) AS content) c
LEFT JOIN media_uploads u ON u.outlet_id = m.outlet_id AND u.media_id = c.content->'media'->>'id' AND u.type = media_use(m.kind)
WHERE m.outlet_id = $1 AND m.wa_id = $2 AND m.outgoing

-- What a message to be refers to. $1 media or NULL, $2 the one owner allowed or NULL, $3 outlet, $4 phone, $5 message answered or NULL.
-- One row: the media's id, type, name, size, width, height; the answered message's stanza id, the address of who wrote it, its text.
-- name: MESSAGE_REFERS
SELECT f.id, f.mime_type, f.file_name, f.size, f.width, f.height, m.wa_id,
       CASE WHEN NOT m.outgoing THEN m.peer
            ELSE regexp_replace(coalesce(s.own_lid, s.own_jid), ':[0-9]+@', '@') END, m.text
FROM (SELECT media_use_now(ARRAY[$1])) one
LEFT JOIN media f ON f.id = $1 AND f.complete AND ($2::text IS NULL OR f.owner = $2)
LEFT JOIN messages m ON m.id = $5::bigint AND m.outlet_id = $3 AND m.phone = $4 AND m.wa_id IS NOT NULL
LEFT JOIN outlet_sessions s ON s.outlet_id = m.outlet_id

-- The message that one answers. $1 outlet, $2 chat, $3 number or NULL, $4 stanza id. Column: its id, or NULL.
-- name: MESSAGE_QUOTED
SELECT message_quoted($1, $2, $3, $4)

-- One message outside any blast. $1 outlet, $2 phone, $3 kind, $4 text or NULL, $5 content (JSON) or NULL; $6 user, $7 key, $8 hash of
-- the request, or NULL: the answer is kept under that key. Answers the document of the 202.
-- name: MESSAGE_ADD
WITH added AS (
	INSERT INTO messages AS m (outlet_id, outgoing, phone, kind, text, content, status)
	VALUES ($1, true, $2, $3, $4, $5::text::jsonb, 'QUEUED')
	RETURNING m
), answer AS (
	SELECT json_build_object('success', true, 'message', message_json(m))::text AS body FROM added
), kept AS (
	INSERT INTO idempotency_keys (user_id, key, body_hash, status, body)
	SELECT $6, $7, $8::bytea, 202, convert_to(body, 'UTF8') FROM answer WHERE $7::text IS NOT NULL
)
SELECT body FROM answer

-- $1 id without its prefix, $2 the one outlet allowed or NULL.
-- name: MESSAGE_GET
SELECT message_json(m), m.outlet_id FROM messages m
WHERE m.id = $1::bigint AND ($2::text IS NULL OR m.outlet_id = $2)

-- The file of one received. $1 id without its prefix, $2 the one outlet allowed or NULL. Columns: outlet, peer, stanza id, outgoing,
-- sealed file or NULL.
-- name: MESSAGE_MEDIA
SELECT m.outlet_id, m.peer, m.wa_id, m.outgoing, m.sealed_media FROM messages m
WHERE m.id = $1::bigint AND ($2::text IS NULL OR m.outlet_id = $2)

-- It lies elsewhere now. $1 id without its prefix, $2 sealed file.
-- name: MESSAGE_MEDIA_MOVED
UPDATE messages SET sealed_media = $2::bytea WHERE id = $1::bigint AND sealed_media IS NOT NULL

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
