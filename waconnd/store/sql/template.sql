-- SPDX-License-Identifier: GPL-3.0-or-later
-- Texts that are used again. One of an outlet is seen by that outlet's USERs, one of none by all.

-- $1 the one outlet allowed or NULL, $2 part of name or text or NULL, $3 cursor or NULL, $4 limit. One row: array, next cursor.
-- name: TEMPLATE_LIST
WITH page AS (
	SELECT cursor_of(lower(t.name), t.id) AS place, template_json(t) AS j, row_number() OVER (ORDER BY lower(t.name), t.id) AS n
	FROM templates t
	WHERE ($1::text IS NULL OR t.outlet_id IS NULL OR t.outlet_id = $1)
	  AND ($2::text IS NULL OR position(lower($2) IN lower(t.name)) > 0 OR position(lower($2) IN lower(t.text)) > 0)
	  AND ($3::text IS NULL OR (lower(t.name), t.id) > (cursor_key($3), cursor_id($3)))
	ORDER BY lower(t.name), t.id
	LIMIT $4::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $4::int), '[]'),
       CASE WHEN count(*) > $4::int THEN max(place) FILTER (WHERE n = $4::int) END
FROM page

-- $1 id, $2 the one outlet allowed or NULL. Columns: JSON, its outlet or ''.
-- name: TEMPLATE_GET
SELECT template_json(t), coalesce(t.outlet_id, '') FROM templates t
WHERE t.id = $1 AND ($2::text IS NULL OR t.outlet_id IS NULL OR t.outlet_id = $2)

-- $1 id, $2 outlet or NULL, $3 name, $4 text; $5 who, $6 key, $7 hash of the request. A name twice: conflict. Answers the document of the
-- 201.
-- name: TEMPLATE_ADD
WITH added AS (
	INSERT INTO templates AS t (id, outlet_id, name, text) VALUES ($1, $2, $3, $4) RETURNING t
), answer AS (
	SELECT json_build_object('success', true, 'template', template_json(t))::text AS body FROM added
)
SELECT answer_keep($5, $6, $7::bytea, 201, body, body) FROM answer

-- $1 id, $2 name, $3 text, each or NULL to leave it as it is.
-- name: TEMPLATE_EDIT
UPDATE templates t SET name = coalesce($2, t.name), text = coalesce($3, t.text), updated_at = now()
WHERE t.id = $1
RETURNING template_json(t)

-- $1 id.
-- name: TEMPLATE_REMOVE
DELETE FROM templates WHERE id = $1 RETURNING id
