-- SPDX-License-Identifier: GPL-3.0-or-later
-- Who did what. Triggers write the lines of changed rows (schema.sql); what is no change of a row is added here.

-- First step of a transaction that changes something for somebody: its triggers write who it was. Answers no row.
-- $1 who, $2 from where, $3 action, $4 request id.
-- name: AUDIT_WHO
SELECT 1
WHERE set_config('waconn.actor', $1, true) || set_config('waconn.remote', coalesce($2, ''), true)
      || set_config('waconn.action', $3, true) || set_config('waconn.request_id', coalesce($4, ''), true) IS NULL

-- $1 who, $2 from where, $3 action, $4 subject, $5 detail (JSON or NULL), $6 request id, $7 before and $8 after (JSON or NULL).
-- name: AUDIT_ADD
INSERT INTO audit (actor, remote, action, subject, detail, request_id, before, after)
VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7::text::jsonb, $8::text::jsonb)

-- Newest first. $1 part of any text or NULL, $2 actor, $3 action, $4 subject, each or NULL, $5 from and $6 until (ms) or NULL,
-- $7 cursor (an id) or NULL, $8 limit. One row: array, next cursor. Indexes audit_pkey, audit_by_subject, audit_by_time.
-- name: AUDIT_LIST
WITH page AS (
	SELECT a.id, row_number() OVER (ORDER BY a.id DESC) AS n,
	       json_build_object('id', a.id::text, 'at', rfc3339(a.at), 'actor', a.actor, 'remote', nullif(a.remote, ''), 'action', a.action,
	                         'subject', a.subject, 'before', a.before, 'after', a.after, 'detail', a.detail,
	                         'requestId', nullif(a.request_id, '')) AS j
	FROM audit a
	WHERE ($1::text IS NULL OR position(lower($1) IN lower(concat_ws(' ', a.actor, a.remote, a.action, a.subject, a.before, a.after,
	                                                                 a.detail, a.request_id))) > 0)
	  AND ($2::text IS NULL OR a.actor = $2)
	  AND ($3::text IS NULL OR a.action = $3)
	  AND ($4::text IS NULL OR a.subject = $4)
	  AND ($5::bigint IS NULL OR a.at >= from_ms($5::bigint))
	  AND ($6::bigint IS NULL OR a.at < from_ms($6::bigint))
	  AND ($7::bigint IS NULL OR a.id < $7::bigint)
	ORDER BY a.id DESC LIMIT $8::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $8::int), '[]'),
       CASE WHEN count(*) > $8::int THEN min(id) FILTER (WHERE n = $8::int) END
FROM page
