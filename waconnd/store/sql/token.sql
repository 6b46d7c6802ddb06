-- SPDX-License-Identifier: GPL-3.0-or-later
-- API tokens and logins.

-- $1 id, $2 user's id, $3 SHA-256, $4 name, $5 is it a login's, $6 end in ms or NULL. Ended tokens are cleared on the way.
-- name: TOKEN_ADD
WITH ended AS (
	DELETE FROM tokens WHERE user_id = $2 AND is_session AND expires_at < now()
)
INSERT INTO tokens AS t (id, user_id, hash, name, is_session, expires_at)
VALUES ($1, $2, $3::bytea, $4, $5::boolean, from_ms($6::bigint))
RETURNING token_json(t), t.id

-- $1 SHA-256. Columns: user's id, name, role, outlet_id, token's id, is it a login's, end in ms or 0.
-- The time of use is written once a minute at most. Index tokens_hash_key.
-- name: TOKEN_VERIFY
WITH used AS (
	UPDATE tokens SET last_used_at = now()
	WHERE hash = $1::bytea AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
)
SELECT u.id, u.name, u.role, coalesce(u.outlet_id, ''), t.id, t.is_session, coalesce(to_ms(t.expires_at), 0)
FROM tokens t JOIN users u ON u.id = t.user_id
WHERE t.hash = $1::bytea AND (t.expires_at IS NULL OR t.expires_at > now())

-- A login ends. $1 id.
-- name: TOKEN_END
DELETE FROM tokens WHERE id = $1 RETURNING id

-- $1 id, $2 the one user allowed (id) or NULL.
-- name: TOKEN_REVOKE
DELETE FROM tokens WHERE id = $1 AND NOT is_session AND ($2::text IS NULL OR user_id = $2) RETURNING id

-- API tokens, newest first. $1 the one user allowed (id) or NULL, $2 cursor (an id) or NULL, $3 limit. One row: array, next cursor.
-- name: TOKEN_LIST
WITH page AS (
	SELECT t.id, token_json(t) AS j, row_number() OVER (ORDER BY t.created_at DESC, t.id) AS n
	FROM tokens t
	WHERE NOT t.is_session AND ($1::text IS NULL OR t.user_id = $1)
	  AND ($2::text IS NULL OR EXISTS (SELECT 1 FROM tokens c WHERE c.id = $2
	       AND (t.created_at < c.created_at OR (t.created_at = c.created_at AND t.id > c.id))))
	ORDER BY t.created_at DESC, t.id
	LIMIT $3::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $3::int), '[]'),
       CASE WHEN count(*) > $3::int THEN max(id) FILTER (WHERE n = $3::int) END
FROM page
