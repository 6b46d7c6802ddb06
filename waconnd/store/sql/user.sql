-- SPDX-License-Identifier: GPL-3.0-or-later
-- Users.

-- $1 name. Columns: id, name, role, outlet_id, password_hash.
-- name: USER_FIND
SELECT id, name, role, coalesce(outlet_id, ''), password_hash FROM users WHERE name = $1

-- $1 id, $2 name, $3 password hash, $4 role, $5 outlet or NULL. A name twice: conflict.
-- name: USER_ADD
INSERT INTO users AS u (id, name, password_hash, role, outlet_id) VALUES ($1, $2, $3, $4, $5)
RETURNING user_json(u), u.id

-- $1 cursor (a name) or NULL, $2 limit. One row: array, next cursor.
-- name: USER_LIST
WITH page AS (
	SELECT u.name, user_json(u) AS j, row_number() OVER (ORDER BY u.name) AS n
	FROM users u WHERE ($1::text IS NULL OR u.name > $1) ORDER BY u.name LIMIT $2::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $2::int), '[]'),
       CASE WHEN count(*) > $2::int THEN max(name) FILTER (WHERE n = $2::int) END
FROM page

-- Its tokens go with it. $1 id or name.
-- name: USER_REMOVE
DELETE FROM users WHERE id = $1 OR name = $1 RETURNING id

-- $1 id, $2 new hash. The logins of this user end, API tokens stay.
-- name: USER_PASSWORD
WITH ended AS (
	DELETE FROM tokens WHERE user_id = $1 AND is_session
)
UPDATE users SET password_hash = $2 WHERE id = $1 RETURNING id
