-- SPDX-License-Identifier: GPL-3.0-or-later
-- Numbers that no blast may reach.

-- By phone. $1 the one outlet allowed (its own only) or NULL, $2 digits or NULL, $3 cursor (a phone) or NULL, $4 limit. One row: array,
-- next cursor.
-- name: OPT_OUT_LIST
WITH page AS (
	SELECT x.phone, opt_out_json(x) AS j, row_number() OVER (ORDER BY x.phone) AS n
	FROM opt_outs x
	WHERE ($1::text IS NULL OR x.outlet_id = $1)
	  AND ($2::text IS NULL OR position($2 IN x.phone) > 0)
	  AND ($3::text IS NULL OR x.phone > $3)
	ORDER BY x.phone
	LIMIT $4::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $4::int), '[]'),
       CASE WHEN count(*) > $4::int THEN max(phone) FILTER (WHERE n = $4::int) END
FROM page

-- $1 phones text[], $2 reason, $3 outlet or NULL; $4 who, $5 key, $6 hash of the request. Those that are there already stay as they are.
-- Answers the document of the 201.
-- name: OPT_OUT_ADD
WITH added AS (
	INSERT INTO opt_outs (phone, reason, outlet_id)
	SELECT DISTINCT p, $2, $3 FROM unnest($1::text[]) p ORDER BY p
	ON CONFLICT DO NOTHING
	RETURNING opt_outs AS x
), all_of_them AS (
	SELECT x FROM added UNION ALL SELECT o FROM opt_outs o WHERE o.phone = ANY ($1::text[]) AND ($3::text IS NULL OR o.outlet_id = $3)
), answer AS (
	SELECT json_build_object('success', true, 'added', (SELECT count(*) FROM added),
	                         'optOuts', (SELECT coalesce(json_agg(opt_out_json(x) ORDER BY (x).phone), '[]') FROM all_of_them))::text AS body
)
SELECT answer_keep($4, $5, $6::bytea, 201, body, body) FROM answer

-- $1 phones text[], $2 the one outlet allowed or NULL.
-- name: OPT_OUT_REMOVE
WITH removed AS (
	DELETE FROM opt_outs WHERE phone = ANY ($1::text[]) AND ($2::text IS NULL OR outlet_id = $2) RETURNING 1
)
SELECT count(*) FROM removed
