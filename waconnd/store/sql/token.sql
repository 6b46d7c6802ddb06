-- SPDX-License-Identifier: GPL-3.0-or-later
-- API tokens and logins.

-- A login. $1 id, $2 user's id, $3 SHA-256, $4 end in ms. Ended ones are cleared on the way.
-- name: TOKEN_LOGIN
WITH ended AS (
	DELETE FROM tokens WHERE user_id = $2 AND is_session AND expires_at < now()
)
INSERT INTO tokens (id, user_id, hash, name, is_session, expires_at) VALUES ($1, $2, $3::bytea, 'login', true, from_ms($4::bigint))

-- An API token. $1 id, $2 user's id, $3 SHA-256, $4 name, $5 end in ms or NULL, $6 scopes text[] or NULL, $7 outlet or NULL;
-- $8 who, $9 key, $10 hash of the request. Answers its document; the answer that is kept under the key is without the token's text.
-- name: TOKEN_ADD
WITH added AS (
	INSERT INTO tokens AS t (id, user_id, hash, name, is_session, expires_at, scopes, outlet_id)
	VALUES ($1, $2, $3::bytea, $4, false, from_ms($5::bigint), $6::text[], $7)
	RETURNING t
)
SELECT answer_keep($8, $9, $10::bytea, 201, token_json(t)::text,
                   json_build_object('success', true, 'token', NULL, 'apiToken', token_json(t))::text)
FROM added

-- $1 SHA-256, $2 how long a login lasts without use (ms), $3 how long at most (ms).
-- Columns: user's id, name, role, outlet_id, token's id, is it a login's, end in ms or 0, scopes (words with commas; NULL: all), its outlet.
-- The time of use is written once a minute at most, and with it a login goes on. Index tokens_hash_key.
-- name: TOKEN_VERIFY
WITH used AS (
	UPDATE tokens
	SET last_used_at = now(),
	    expires_at = CASE WHEN is_session
	                      THEN greatest(expires_at, least(now() + $2::bigint * interval '1 ms', created_at + $3::bigint * interval '1 ms'))
	                      ELSE expires_at END
	WHERE hash = $1::bytea AND (expires_at IS NULL OR expires_at > now())
	  AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
)
SELECT u.id, u.name, u.role, coalesce(u.outlet_id, ''), t.id, t.is_session, coalesce(to_ms(t.expires_at), 0),
       array_to_string(t.scopes, ','), coalesce(t.outlet_id, '')
FROM tokens t JOIN users u ON u.id = t.user_id
WHERE t.hash = $1::bytea AND (t.expires_at IS NULL OR t.expires_at > now())

-- Of these tokens those that still may hear events, and of which outlet ('' all); ordered for a search. A page that is open and
-- listens is in use: its login goes on as in TOKEN_VERIFY, written every ten minutes. $1 ids, $2 and $3 as there. Index tokens_pkey.
-- name: TOKEN_LISTENS
WITH used AS (
	UPDATE tokens
	SET last_used_at = now(),
	    expires_at = CASE WHEN is_session
	                      THEN greatest(expires_at, least(now() + $2::bigint * interval '1 ms', created_at + $3::bigint * interval '1 ms'))
	                      ELSE expires_at END
	WHERE id = ANY ($1::text[]) AND (expires_at IS NULL OR expires_at > now()) AND last_used_at < now() - interval '10 minutes'
)
SELECT t.id, coalesce(CASE WHEN u.role = 'USER' THEN u.outlet_id ELSE t.outlet_id END, '')
FROM tokens t JOIN users u ON u.id = t.user_id
WHERE t.id = ANY ($1::text[]) AND (t.expires_at IS NULL OR t.expires_at > now())
  AND (t.scopes IS NULL OR 'events:read' = ANY (t.scopes))
  AND (t.outlet_id IS NULL OR u.role <> 'USER' OR u.outlet_id = t.outlet_id)
ORDER BY t.id COLLATE "C"

-- A login ends. $1 id.
-- name: TOKEN_END
DELETE FROM tokens WHERE id = $1 RETURNING id

-- All logins of a user end but one. $1 user's id, $2 the one (id) or NULL.
-- name: TOKEN_END_OTHERS
DELETE FROM tokens WHERE user_id = $1 AND is_session AND id IS DISTINCT FROM $2::text

-- $1 id, $2 the one user allowed (id) or NULL.
-- name: TOKEN_REVOKE
DELETE FROM tokens WHERE id = $1 AND NOT is_session AND ($2::text IS NULL OR user_id = $2) RETURNING id

-- API tokens, newest first. $1 the one user allowed (id) or NULL, $2 cursor or NULL, $3 limit. One row: array, next cursor.
-- name: TOKEN_LIST
WITH page AS (
	SELECT cursor_of(t.created_at, t.id) AS place, token_json(t) AS j, row_number() OVER (ORDER BY t.created_at DESC, t.id) AS n
	FROM tokens t
	WHERE NOT t.is_session AND ($1::text IS NULL OR t.user_id = $1)
	  AND ($2::text IS NULL OR t.created_at < cursor_time($2) OR (t.created_at = cursor_time($2) AND t.id > cursor_id($2)))
	ORDER BY t.created_at DESC, t.id
	LIMIT $3::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $3::int), '[]'),
       CASE WHEN count(*) > $3::int THEN max(place) FILTER (WHERE n = $3::int) END
FROM page
