-- SPDX-License-Identifier: GPL-3.0-or-later
-- Outlets. Column order of ADD and EDIT: json, id, name, number, is_active, auto_reconnect, pace.

-- All outlets with their sessions. $1 instance, $2 epoch. Column 17: does it belong to this start of ours? 18: its owner, and 19:
-- does he live? No lock; reads outlets and outlet_sessions whole.
-- name: OUTLET_LOAD
SELECT o.id, o.name, o.whatsapp_number, o.is_active, o.auto_reconnect, o.pace,
       coalesce(s.status, 'DISCONNECTED'), s.session_name, s.own_jid, s.own_lid,
       coalesce(to_ms(s.connected_at), 0), coalesce(to_ms(s.last_seen), 0),
       coalesce(to_ms(s.next_retry_at), 0), coalesce(to_ms(s.linked_at), 0),
       coalesce(s.retry_count, 0), s.last_error,
       EXISTS (SELECT 1 FROM keys k WHERE k.outlet_id = o.id AND k.kind = 1),
       coalesce(o.owner = $1 AND o.owner_epoch = $2::bigint, false), o.owner,
       coalesce(i.epoch = o.owner_epoch AND i.boot IS NOT NULL AND i.lease_until > clock_timestamp(), false),
       coalesce(to_ms(s.qr_until), 0),
       a.account, coalesce(to_ms(a.at), 0)
FROM outlets o LEFT JOIN outlet_sessions s ON s.outlet_id = o.id LEFT JOIN instances i ON i.name = o.owner
     LEFT JOIN outlet_accounts a ON a.outlet_id = o.id
ORDER BY o.name, o.id

-- Gives outlets to whoever takes them first. $1 ids text[], $2 instance, $3 epoch.
-- name: OUTLET_RELEASE
UPDATE outlets SET owner = NULL, owner_epoch = NULL
WHERE id = ANY ($1::text[]) AND owner = $2 AND owner_epoch = $3::bigint

-- $1 id, $2 name, $3 number, $4 is_active, $5 auto_reconnect, $6 pace, $7 instance; $8 who, $9 key, $10 hash of the request;
-- $11 the instance's epoch. A number twice: conflict outlets_number. The first column is the document of the 201.
-- name: OUTLET_ADD
WITH added AS (
	INSERT INTO outlets AS o (id, name, whatsapp_number, is_active, auto_reconnect, pace, owner, owner_epoch)
	VALUES ($1, $2, $3, coalesce($4::boolean, true), coalesce($5::boolean, true),
	        coalesce(nullif($6::text, '')::jsonb, '{}'), $7, $11::bigint)
	RETURNING o
), session AS (
	INSERT INTO outlet_sessions (outlet_id) SELECT (o).id FROM added
)
SELECT answer_keep($8, $9, $10::bytea, 201, body, body), (o).id, (o).name, (o).whatsapp_number, (o).is_active, (o).auto_reconnect, (o).pace
FROM (SELECT o, json_build_object('success', true, 'outlet', outlet_json(o))::text AS body FROM added) a

-- $1 id, then name, number, is_active, auto_reconnect, pace; NULL leaves as it is.
-- name: OUTLET_EDIT
UPDATE outlets o
SET name = coalesce($2, o.name),
    whatsapp_number = coalesce($3, o.whatsapp_number),
    is_active = coalesce($4::boolean, o.is_active),
    auto_reconnect = coalesce($5::boolean, o.auto_reconnect),
    pace = coalesce(nullif($6::text, '')::jsonb, o.pace)
WHERE o.id = $1
RETURNING outlet_json(o), o.id, o.name, o.whatsapp_number, o.is_active, o.auto_reconnect, o.pace

-- Its session, events, keys, messages and users go with it; blasts keep their row and are locked first.
-- name: OUTLET_REMOVE
WITH locked AS (
	SELECT 1 FROM blasts b WHERE $1 = ANY (b.outlets) ORDER BY b.id FOR NO KEY UPDATE
)
DELETE FROM outlets WHERE id = $1 AND (SELECT count(*) FROM locked) >= 0 RETURNING id

-- $1 id, $2 today's cap where it has a warm-up, 0: none.
-- name: OUTLET_GET
SELECT (SELECT json_object_agg(f.key, f.value)
        FROM (SELECT * FROM json_each(outlet_json(o)) UNION ALL
              SELECT 'dailyCapToday', to_json($2::integer) WHERE $2 IS NOT NULL) f)
FROM outlets o WHERE o.id = $1

-- $1 the one outlet allowed or NULL, $2 part of name or number or NULL, $3 cursor or NULL, $4 limit.
-- One row: array, next cursor.
-- name: OUTLET_LIST
WITH page AS (
	SELECT cursor_of(o.name, o.id) AS place, outlet_json(o) AS j, row_number() OVER (ORDER BY o.name, o.id) AS n
	FROM outlets o
	WHERE ($1::text IS NULL OR o.id = $1)
	  AND ($2::text IS NULL OR position(lower($2) IN lower(o.name)) > 0 OR position($2 IN o.whatsapp_number) > 0)
	  AND ($3::text IS NULL OR (o.name, o.id) > (cursor_key($3), cursor_id($3)))
	ORDER BY o.name, o.id
	LIMIT $4::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $4::int), '[]'),
       CASE WHEN count(*) > $4::int THEN max(place) FILTER (WHERE n = $4::int) END
FROM page

-- The history of a connection, newest first. $1 outlet, $2 cursor or NULL, $3 limit. One row: array, next cursor, uptime (JSON).
-- name: OUTLET_EVENTS
WITH page AS (
	SELECT e.id, row_number() OVER (ORDER BY e.id DESC) AS n,
	       json_build_object('at', rfc3339(e.at), 'from', e.from_status, 'to', e.to_status, 'reason', e.reason) AS j
	FROM outlet_events e
	WHERE e.outlet_id = $1 AND ($2::bigint IS NULL OR e.id < $2::bigint)
	ORDER BY e.id DESC
	LIMIT $3::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $3::int), '[]'),
       CASE WHEN count(*) > $3::int THEN min(id) FILTER (WHERE n = $3::int) END,
       json_build_object('days1', outlet_uptime($1, 1), 'days7', outlet_uptime($1, 7), 'days30', outlet_uptime($1, 30))
FROM page
