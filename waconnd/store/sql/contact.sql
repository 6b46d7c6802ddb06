-- SPDX-License-Identifier: GPL-3.0-or-later
-- An outlet's contacts.

-- By phone. $1 outlet, $2 part of name or phone or NULL, $3 tag or NULL, $4 cursor (a phone) or NULL,
-- $5 limit, $6 digits of $2 or NULL. One row: array, next cursor. Index contacts_pkey.
-- name: CONTACT_LIST
WITH page AS (
	SELECT c.phone, contact_json(c) AS j, row_number() OVER (ORDER BY c.phone) AS n
	FROM contacts c
	WHERE c.outlet_id = $1
	  AND ($2::text IS NULL OR position(lower($2) IN lower(c.name)) > 0 OR position($6 IN c.phone) > 0)
	  AND ($3::text IS NULL OR c.tags @> ARRAY[$3::text])
	  AND ($4::text IS NULL OR c.phone > $4)
	ORDER BY c.phone
	LIMIT $5::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $5::int), '[]'),
       CASE WHEN count(*) > $5::int THEN max(phone) FILTER (WHERE n = $5::int) END
FROM page

-- One. $1 outlet, $2 phone, $3 name or NULL, $4 tags text[], $5 vars (JSON); $6 who, $7 key, $8 hash of the request. What was there gives
-- way. Answers the document of the 201.
-- name: CONTACT_ADD
WITH added AS (
	INSERT INTO contacts AS c (outlet_id, phone, name, tags, vars) VALUES ($1, $2, $3, $4::text[], $5::jsonb)
	ON CONFLICT (outlet_id, phone) DO UPDATE
	SET name = excluded.name, tags = excluded.tags, vars = excluded.vars, updated_at = now()
	RETURNING c
), answer AS (
	SELECT json_build_object('success', true, 'contact', contact_json(c))::text AS body FROM added
)
SELECT answer_keep($6, $7, $8::bytea, 201, body, body) FROM answer

-- Many: a name that is not given stays, tags and variables are added. $1 outlet, then arrays of one length: $2 phones, $3 names, $4 tags
-- (JSON), $5 vars (JSON). Of one phone twice the last counts. Columns: new ones, changed ones.
-- name: CONTACT_IMPORT
WITH rows AS (
	SELECT DISTINCT ON (r.phone) r.phone, r.name, ARRAY(SELECT jsonb_array_elements_text(r.tags::jsonb)) AS tags, r.vars::jsonb AS vars
	FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS r (phone, name, tags, vars, n)
	ORDER BY r.phone, r.n DESC
), kept AS (
	INSERT INTO contacts AS c (outlet_id, phone, name, tags, vars)
	SELECT $1, r.phone, r.name, r.tags, r.vars FROM rows r ORDER BY r.phone
	ON CONFLICT (outlet_id, phone) DO UPDATE
	SET name = coalesce(excluded.name, c.name), vars = c.vars || excluded.vars, updated_at = now(),
	    tags = ARRAY(SELECT DISTINCT t FROM unnest(c.tags || excluded.tags) t ORDER BY t)
	RETURNING c.xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM kept

-- $1 outlet, $2 phones text[].
-- name: CONTACT_REMOVE
WITH removed AS (
	DELETE FROM contacts WHERE outlet_id = $1 AND phone = ANY ($2::text[]) RETURNING 1
)
SELECT count(*) FROM removed
