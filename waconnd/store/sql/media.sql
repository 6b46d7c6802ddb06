-- SPDX-License-Identifier: GPL-3.0-or-later
-- Files to send, in chunks of 256 KiB. Owner: a user's id, or local:NAME.

-- $1 id, $2 owner, $3 file name or NULL.
-- name: MEDIA_BEGIN
INSERT INTO media (id, owner, file_name) VALUES ($1, $2, $3)

-- $1 media, $2 number from 0, $3 bytes. A media that was aborted meanwhile: a conflict (foreign key).
-- name: MEDIA_CHUNK_ADD
INSERT INTO media_chunks (media_id, n, bytes) VALUES ($1, $2::int, $3::bytea)

-- All chunks are there. The same file of the same owner under the same name stays one: the older one is answered.
-- $1 id, $2 owner, $3 SHA-256, $4 size, $5 type, $6 width, $7 height, $8 seconds, or NULL. Column: JSON. Index media_same.
-- name: MEDIA_COMPLETE
WITH same AS (
	SELECT s FROM media m JOIN media s ON s.owner = m.owner AND s.sha256 = $3::bytea
	     AND s.file_name IS NOT DISTINCT FROM m.file_name AND s.complete
	WHERE m.id = $1 AND m.owner = $2
	LIMIT 1
), dropped AS (
	DELETE FROM media WHERE id = $1 AND owner = $2 AND EXISTS (SELECT 1 FROM same)
), again AS (
	SELECT media_use_now(array_agg((s).id)) FROM same
), kept AS (
	UPDATE media AS m SET complete = true, sha256 = $3::bytea, size = $4::bigint, mime_type = $5,
	       width = $6::int, height = $7::int, seconds = $8::int
	WHERE id = $1 AND owner = $2 AND NOT complete AND NOT EXISTS (SELECT 1 FROM same)
	RETURNING m
)
SELECT media_json(s) FROM same, again UNION ALL SELECT media_json(m) FROM kept

-- $1 id, $2 owner.
-- name: MEDIA_ABORT
DELETE FROM media WHERE id = $1 AND owner = $2 AND NOT complete

-- What was never completed: its daemon or its gateway was killed.
-- name: MEDIA_SWEEP
DELETE FROM media WHERE NOT complete AND created_at < now() - interval '1 hour'

-- Files that nobody wanted for $1 days, a few at a time: none of a blast that is open, or that ended within that time and may be retried
-- until then, none of a message that waits. Column: id. Indexes media_by_use, blasts_open, messages_queue.
-- name: MEDIA_SWEEP_UNUSED
WITH of_blasts AS (
	SELECT f->>'id' AS id FROM blasts b, jsonb_array_elements(b.more->'media') f
	WHERE b.status IN ('SCHEDULED', 'RUNNING', 'PAUSED')
	   OR greatest(b.created_at, b.finished_at, b.retried_at) > now() - make_interval(days => $1::int)
), unused AS (
	SELECT m.id FROM media m
	WHERE m.complete AND m.used_at < now() - make_interval(days => $1::int)
	  AND m.id NOT IN (SELECT id FROM of_blasts WHERE id IS NOT NULL)
	  AND NOT EXISTS (SELECT 1 FROM messages x WHERE x.status IN ('QUEUED', 'SENDING') AND x.content->'media'->>'id' = m.id)
	ORDER BY m.used_at
	LIMIT 20
	FOR UPDATE OF m SKIP LOCKED
)
DELETE FROM media m USING unused u WHERE m.id = u.id RETURNING m.id

-- $1 id, $2 the one owner allowed or NULL.
-- name: MEDIA_GET
WITH wanted AS (SELECT media_use_now(ARRAY[$1]))
SELECT media_json(m) FROM wanted, media m WHERE m.id = $1 AND m.complete AND ($2::text IS NULL OR m.owner = $2)

-- For the upload to WhatsApp. $1 id, $2 chunk.
-- name: MEDIA_CHUNK
SELECT c.bytes FROM media m JOIN media_chunks c ON c.media_id = m.id AND c.n = $2::int WHERE m.id = $1 AND m.complete

-- $1 outlet, $2 media, $3 use (enum wa_media_type). Columns: type, size, sealed reference unless it is older than a week,
-- seconds.
-- name: MEDIA_UPLOAD_GET
SELECT m.mime_type, m.size, u.sealed_ref, m.seconds
FROM media m
LEFT JOIN media_uploads u ON u.outlet_id = $1 AND u.media_id = m.id AND u.type = $3::smallint
     AND u.uploaded_at > now() - interval '7 days'
WHERE m.id = $2 AND m.complete

-- $1 outlet, $2 media, $3 use, $4 sealed reference, $5 width, $6 height, or NULL.
-- name: MEDIA_UPLOAD_PUT
WITH measured AS (
	UPDATE media SET width = $5::int, height = $6::int WHERE id = $2 AND width IS NULL AND $5::int IS NOT NULL
)
INSERT INTO media_uploads (outlet_id, media_id, type, sealed_ref) VALUES ($1, $2, $3::smallint, $4::bytea)
ON CONFLICT (outlet_id, media_id, type) DO UPDATE SET sealed_ref = excluded.sealed_ref, uploaded_at = now()

-- $1 id, $2 the one owner allowed or NULL, $3 chunk, $4 from which byte of it, $5 how many bytes.
-- name: MEDIA_READ
SELECT substring(c.bytes FROM $4::int + 1 FOR $5::int)
FROM media m JOIN media_chunks c ON c.media_id = m.id AND c.n = $3::int
WHERE m.id = $1 AND m.complete AND ($2::text IS NULL OR m.owner = $2)

-- A file that no open blast has and no message that waits or is on its way, with what was uploaded of it. $1 id, $2 the one owner allowed or
-- NULL. Columns: JSON, is it gone. No row: there is none to see. Indexes blasts_open, messages_queue.
-- name: MEDIA_REMOVE
WITH found AS (
	SELECT m.id, media_json(m) AS j,
	       EXISTS (SELECT 1 FROM blasts b
	               WHERE b.status IN ('SCHEDULED', 'RUNNING', 'PAUSED')
	                 AND b.more->'media' @> jsonb_build_array(jsonb_build_object('id', m.id)))
	       OR EXISTS (SELECT 1 FROM messages x
	                  WHERE x.status IN ('QUEUED', 'SENDING') AND x.content->'media'->>'id' = m.id) AS used
	FROM media m WHERE m.id = $1 AND m.complete AND ($2::text IS NULL OR m.owner = $2)
	FOR UPDATE OF m
), removed AS (
	DELETE FROM media m USING found f WHERE m.id = f.id AND NOT f.used
)
SELECT f.j, NOT f.used FROM found f
