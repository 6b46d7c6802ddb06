-- SPDX-License-Identifier: GPL-3.0-or-later
-- Users.

-- $1 name. Columns: id, name, role, outlet_id, password_hash.
-- name: USER_FIND
SELECT id, name, role, coalesce(outlet_id, ''), password_hash FROM users WHERE name = $1

-- $1 id, $2 name, $3 password hash, $4 role, $5 outlet or NULL; $6 who, $7 key, $8 hash of the request. A name twice: conflict.
-- Answers the document of the 201.
-- name: USER_ADD
WITH added AS (
	INSERT INTO users AS u (id, name, password_hash, role, outlet_id) VALUES ($1, $2, $3, $4, $5)
	RETURNING u
), answer AS (
	SELECT json_build_object('success', true, 'user', user_json(u))::text AS body FROM added
)
SELECT answer_keep($6, $7, $8::bytea, 201, body, body) FROM answer

-- $1 id.
-- name: USER_GET
SELECT user_json(u), u.name, u.role, coalesce(u.outlet_id, ''), u.password_hash FROM users u WHERE u.id = $1

-- The SUPERADMINs are locked in order first: one at least has to remain. $1 id, $2 name, $3 role, $4 outlet, each or NULL to leave it as it
-- is (an outlet goes with the role), $5 new hash or NULL. No row: there is none; a row of NULL: it is the last SUPERADMIN.
-- name: USER_EDIT
WITH supers AS (
	SELECT id FROM users WHERE role = 'SUPERADMIN' ORDER BY id FOR UPDATE
), target AS (
	SELECT u.id, u.role = 'SUPERADMIN' AND coalesce($3, 'SUPERADMIN') <> 'SUPERADMIN' AND (SELECT count(*) FROM supers) = 1 AS last
	FROM users u WHERE u.id = $1
), edited AS (
	UPDATE users u
	SET name = coalesce($2, u.name), role = coalesce($3, u.role),
	    outlet_id = CASE WHEN coalesce($3, u.role) = 'USER' THEN coalesce($4, u.outlet_id) END,
	    password_hash = coalesce($5, u.password_hash)
	FROM target t WHERE u.id = t.id AND NOT t.last
	RETURNING u.id, user_json(u) AS j
)
SELECT e.j FROM target t LEFT JOIN edited e ON e.id = t.id

-- $1 cursor (a name) or NULL, $2 limit, $3 part of the name or NULL. One row: array, next cursor.
-- name: USER_LIST
WITH page AS (
	SELECT u.name, user_json(u) AS j, row_number() OVER (ORDER BY u.name) AS n
	FROM users u
	WHERE ($1::text IS NULL OR u.name > $1) AND ($3::text IS NULL OR position(lower($3) IN lower(u.name)) > 0)
	ORDER BY u.name LIMIT $2::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $2::int), '[]'),
       CASE WHEN count(*) > $2::int THEN max(name) FILTER (WHERE n = $2::int) END
FROM page

-- Its tokens go with it. $1 id. No row: there is none; a row of NULL: it is the last SUPERADMIN.
-- name: USER_REMOVE
WITH supers AS (
	SELECT id FROM users WHERE role = 'SUPERADMIN' ORDER BY id FOR UPDATE
), target AS (
	SELECT u.id, u.role = 'SUPERADMIN' AND (SELECT count(*) FROM supers) = 1 AS last FROM users u WHERE u.id = $1
), removed AS (
	DELETE FROM users u USING target t WHERE u.id = t.id AND NOT t.last RETURNING u.id
)
SELECT r.id FROM target t LEFT JOIN removed r ON r.id = t.id

-- $1 id, $2 new hash. TOKEN_END_OTHERS follows.
-- name: USER_PASSWORD
UPDATE users SET password_hash = $2 WHERE id = $1 RETURNING id
