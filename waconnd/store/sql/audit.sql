-- SPDX-License-Identifier: GPL-3.0-or-later
-- Who did what.

-- $1 who, $2 from where, $3 action, $4 subject, $5 detail (JSON or NULL).
-- name: AUDIT_ADD
INSERT INTO audit (actor, remote, action, subject, detail) VALUES ($1, $2, $3, $4, $5::text::jsonb)

-- Newest first. $1 cursor (an id) or NULL, $2 limit. One row: array, next cursor.
-- name: AUDIT_LIST
WITH page AS (
	SELECT a.id, row_number() OVER (ORDER BY a.id DESC) AS n,
	       json_build_object('at', rfc3339(a.at), 'actor', a.actor, 'remote', a.remote, 'action', a.action,
	                         'subject', a.subject, 'detail', a.detail) AS j
	FROM audit a WHERE ($1::bigint IS NULL OR a.id < $1::bigint) ORDER BY a.id DESC LIMIT $2::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $2::int), '[]'),
       CASE WHEN count(*) > $2::int THEN min(id) FILTER (WHERE n = $2::int) END
FROM page
