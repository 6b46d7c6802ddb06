-- SPDX-License-Identifier: GPL-3.0-or-later
-- The recipients of a blast to be, where there are too many for the daemon's memory: from a table, or from contacts.

-- Rows of a table. $1 blast, then arrays of one length: $2 positions, $3 phones, $4 vars (JSON or NULL). A number that is there already is
-- left out. Column: how many are new.
-- name: DRAFT_ADD
WITH added AS (
	INSERT INTO blast_drafts (blast_id, position, phone, vars)
	SELECT $1, r.position, r.phone, r.vars::jsonb FROM unnest($2::bigint[], $3::text[], $4::text[]) AS r (position, phone, vars)
	ORDER BY r.position
	ON CONFLICT DO NOTHING
	RETURNING 1
)
SELECT count(*) FROM added

-- The contacts of outlets, each sent to by its own. $1 blast, $2 outlets text[], $3 tags that they must have text[]. Columns: how many
-- there are, how many of them are new. Index contacts_pkey, contacts_by_tag.
-- name: DRAFT_CONTACTS
WITH all_of_them AS (
	SELECT row_number() OVER (ORDER BY c.outlet_id, c.phone) AS position, c.phone, c.outlet_id,
	       CASE WHEN c.name IS NOT NULL THEN c.vars || jsonb_build_object('name', c.name) ELSE c.vars END AS vars
	FROM contacts c
	WHERE c.outlet_id = ANY ($2::text[]) AND c.tags @> $3::text[]
), added AS (
	INSERT INTO blast_drafts (blast_id, position, phone, vars, outlet_id)
	SELECT $1, position, phone, vars, outlet_id FROM all_of_them ORDER BY position
	ON CONFLICT DO NOTHING
	RETURNING 1
)
SELECT (SELECT count(*) FROM all_of_them), (SELECT count(*) FROM added)

-- What is known of them, as BLAST_AUDIENCE says it. $1 blast, $2 outlets that may send text[], $3 the blast's text or NULL, $4 days,
-- $5 position from and $6 to (not with it),
-- $7 as BLAST_AUDIENCE's $5.
-- name: DRAFT_JUDGE
UPDATE blast_drafts d SET reason = w.reason, outlet_id = coalesce(d.outlet_id, w.outlet)
FROM (SELECT p.phone,
             CASE
             WHEN EXISTS (SELECT 1 FROM opt_outs o WHERE o.phone = p.phone) THEN 'opted_out'
             WHEN $7::boolean AND EXISTS (
                  SELECT 1 FROM number_checks n
                  WHERE n.phone = p.phone AND NOT n.on_whatsapp AND n.checked_at > now() - interval '7 days')
                  THEN 'not_on_whatsapp'
             WHEN $3::text IS NOT NULL AND EXISTS (
                  SELECT 1 FROM messages m JOIN blasts b ON b.id = m.blast_id
                  WHERE m.phone = p.phone AND m.outgoing AND m.blast_id IS NOT NULL
                    AND m.status NOT IN ('FAILED', 'SKIPPED', 'CANCELLED') AND b.text = $3)
                  THEN 'same_message'
             WHEN $4::int > 0 AND EXISTS (
                  SELECT 1 FROM messages m
                  WHERE m.phone = p.phone AND m.outgoing AND m.blast_id IS NOT NULL
                    AND m.status NOT IN ('FAILED', 'SKIPPED', 'CANCELLED')
                    AND coalesce(m.sending_at, m.created_at) > now() - make_interval(days => $4::int))
                  THEN 'blasted_recently' END AS reason,
             (SELECT m.outlet_id FROM messages m
              WHERE m.phone = p.phone AND m.outgoing AND m.blast_id IS NOT NULL AND m.sending_at IS NOT NULL
                AND m.outlet_id || '' = ANY ($2::text[])
              ORDER BY m.id DESC LIMIT 1) AS outlet
      FROM blast_drafts p WHERE p.blast_id = $1 AND p.position >= $5::int AND p.position < $6::int OFFSET 0) w
WHERE d.blast_id = $1 AND d.phone = w.phone AND (w.reason IS NOT NULL OR w.outlet IS NOT NULL)

-- $1 blast. A row for each outlet (NULL: not known yet) and reason (NULL: gets it). Columns: outlet, reason, how many.
-- name: DRAFT_COUNTS
SELECT outlet_id, reason, count(*) FROM blast_drafts WHERE blast_id = $1 GROUP BY 1, 2

-- BLAST_FIRST_CONTACTS of them. $1 blast, $2 outlets text[], $3 bigint[] as in DRAFT_KEEP. Columns: outlet, how many.
-- name: DRAFT_FIRST_CONTACTS
SELECT d.outlet, count(*)
FROM (SELECT x.phone, coalesce(x.outlet_id, ($2::text[])[width_bucket(count(*) FILTER (WHERE x.outlet_id IS NULL)
             OVER (ORDER BY x.position, x.phone ROWS UNBOUNDED PRECEDING), $3::bigint[]) + 1]) AS outlet
      FROM blast_drafts x WHERE x.blast_id = $1 AND x.reason IS NULL) d
WHERE NOT EXISTS (SELECT 1 FROM messages e WHERE e.outlet_id = d.outlet AND e.phone = d.phone
                  AND (NOT e.outgoing OR e.status IN ('DELIVERED','READ')))
GROUP BY 1

-- $1 blast, $2 how many, $3 how many variants. Columns: phone, vars, which variant (NULL: there are none).
-- name: DRAFT_SAMPLES
SELECT phone, vars, draft_variant(phone, $3::int) FROM blast_drafts WHERE blast_id = $1 AND reason IS NULL ORDER BY position LIMIT $2::int

-- They become recipients. $1 blast, $2 outlets text[]; $3 bigint[]: with which number of those without an outlet the next one of $2
-- begins; $4 position from and $5 to (not with it); $6 how many variants. What is skipped stands under some outlet. A row for each
-- message that a recipient gets, as BLAST_RECIPIENTS_ADD makes them.
-- name: DRAFT_KEEP
WITH parts AS (
	SELECT (p.n - 1)::smallint AS part, p.j->>'kind' AS kind, p.n = jsonb_array_length(b.parts) AS last
	FROM blasts b, jsonb_array_elements(b.parts) WITH ORDINALITY AS p (j, n) WHERE b.id = $1
	UNION ALL
	SELECT NULL, 'text', true FROM blasts b WHERE b.id = $1 AND b.parts IS NULL
)
INSERT INTO messages (outlet_id, blast_id, outgoing, phone, vars, status, reason, part, kind, is_recipient, variant)
SELECT coalesce(d.outlet_id, ($2::text[])[CASE WHEN d.reason IS NULL THEN width_bucket(d.n, $3::bigint[]) + 1 ELSE 1 END]), $1, true,
       d.phone, d.vars, CASE WHEN d.reason IS NULL THEN 'QUEUED' ELSE 'SKIPPED' END, d.reason, p.part, p.kind, p.last,
       CASE WHEN d.reason IS NULL THEN draft_variant(d.phone, $6::int) END
FROM (SELECT x.*, (SELECT count(*) FROM blast_drafts y
                   WHERE y.blast_id = $1 AND y.position < $4::int AND y.outlet_id IS NULL AND y.reason IS NULL)
                  + count(*) FILTER (WHERE x.outlet_id IS NULL AND x.reason IS NULL) OVER (ORDER BY x.position, x.phone ROWS UNBOUNDED PRECEDING) AS n
      FROM blast_drafts x WHERE x.blast_id = $1 AND x.position >= $4::int AND x.position < $5::int) d
JOIN parts p ON p.last OR d.reason IS NULL
ORDER BY d.position, p.part

-- $1 blast.
-- name: DRAFT_END
DELETE FROM blast_drafts WHERE blast_id = $1

-- What a crash left.
-- name: DRAFT_SWEEP
DELETE FROM blast_drafts WHERE created_at < now() - interval '1 hour'
