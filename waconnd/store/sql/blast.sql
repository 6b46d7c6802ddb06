-- SPDX-License-Identifier: GPL-3.0-or-later
-- Blasts and their recipients. Who moves messages of a blast locks the blast's row first (deadlocks).

-- The files of a blast to be, in its order. $1 ids text[], $2 the one owner allowed or NULL. A row for each: id, type, name, size, width,
-- height; NULLs where there is none to see.
-- name: BLAST_MEDIA
WITH wanted AS (SELECT media_use_now($1::text[]))
SELECT m.id, m.mime_type, m.file_name, m.size, m.width, m.height
FROM wanted, unnest($1::text[]) WITH ORDINALITY AS w (id, n)
LEFT JOIN media m ON m.id = w.id AND m.complete AND ($2::text IS NULL OR m.owner = $2)
ORDER BY w.n

-- $1 id, $2 name, $3 status (RUNNING or SCHEDULED), $4 text, $5 pace, $6 outlets text[], $7 who, $8 schedule ms, $9 expiry ms,
-- $10 parts, $11 what else its message has (JSON or NULL), $12 is WhatsApp asked about its numbers before they are sent to.
-- First step of a transaction; BLAST_RECIPIENTS_ADD, as often as need be, and BLAST_CREATED follow.
-- name: BLAST_ADD
INSERT INTO blasts (id, name, status, text, pace, outlets, created_by, schedule_at, expires_at, started_at, parts, more, check_numbers)
VALUES ($1, $2, $3, $4, coalesce(nullif($5::text, '')::jsonb, '{}'), $6::text[], $7, from_ms($8::bigint), from_ms($9::bigint),
        CASE WHEN $3::text = 'RUNNING' THEN now() END, $10::text::jsonb, $11::text::jsonb, $12::boolean)

-- $1 blast, then arrays of one length: $2 outlets, $3 phones, $4 vars (JSON or NULL), $5 status (QUEUED or SKIPPED), $6 reasons,
-- $7 variants (a number or NULL). A row for each message that a recipient gets, in the order of sending; the last is the recipient.
-- name: BLAST_RECIPIENTS_ADD
WITH parts AS (
	SELECT (p.n - 1)::smallint AS part, p.j->>'kind' AS kind, p.n = jsonb_array_length(b.parts) AS last
	FROM blasts b, jsonb_array_elements(b.parts) WITH ORDINALITY AS p (j, n) WHERE b.id = $1
	UNION ALL
	SELECT NULL, 'text', true FROM blasts b WHERE b.id = $1 AND b.parts IS NULL
)
INSERT INTO messages (outlet_id, blast_id, outgoing, phone, vars, status, reason, part, kind, is_recipient, variant)
SELECT r.outlet, $1, true, r.phone, r.vars::jsonb, r.status, r.reason, p.part, p.kind, p.last, r.variant::smallint
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
     WITH ORDINALITY AS r (outlet, phone, vars, status, reason, variant, n)
JOIN parts p ON p.last OR r.status = 'QUEUED'
ORDER BY r.n, p.part

-- Last step of a creation: the document of its 202. $1 blast, $2 rejected outlets (JSON); $3 user, $4 key, $5 hash of the request, or
-- NULL: the answer is kept under that key.
-- name: BLAST_CREATED
WITH answer AS (
	SELECT json_build_object('success', true, 'blast', blast_json(b), 'rejectedOutlets', $2::json)::text AS body
	FROM blasts b WHERE b.id = $1
), kept AS (
	INSERT INTO idempotency_keys (user_id, key, body_hash, status, body)
	SELECT $3, $4, $5::bytea, 202, convert_to(body, 'UTF8') FROM answer WHERE $4::text IS NOT NULL
)
SELECT body FROM answer

-- $1 id, $2 the one outlet allowed or NULL. Columns: JSON, status, is it wholly the caller's.
-- name: BLAST_GET
SELECT blast_json(b), b.status, $2::text IS NULL OR b.outlets <@ ARRAY[$2::text] FROM blasts b
WHERE b.id = $1 AND ($2::text IS NULL OR $2 = ANY (b.outlets))

-- Newest first. $1 the one outlet allowed or NULL, $2 status or NULL, $3 part of the name or NULL, $4 cursor or NULL, $5 limit.
-- One row: array, next cursor. Index blasts_by_time.
-- name: BLAST_LIST
WITH page AS (
	SELECT cursor_of(b.created_at, b.id) AS place, blast_json(b) AS j, row_number() OVER (ORDER BY b.created_at DESC, b.id) AS n
	FROM blasts b
	WHERE ($1::text IS NULL OR $1 = ANY (b.outlets))
	  AND ($2::text IS NULL OR b.status = $2)
	  AND ($3::text IS NULL OR position(lower($3) IN lower(b.name)) > 0)
	  AND ($4::text IS NULL OR b.created_at < cursor_time($4) OR (b.created_at = cursor_time($4) AND b.id > cursor_id($4)))
	ORDER BY b.created_at DESC, b.id
	LIMIT $5::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $5::int), '[]'),
       CASE WHEN count(*) > $5::int THEN max(place) FILTER (WHERE n = $5::int) END
FROM page

-- $1 blast, $2 the one outlet allowed or NULL, $3 status or NULL, $4 part of the phone or NULL, $5 cursor (an id) or NULL, $6 limit,
-- $7 outlet or NULL, $8 reason or NULL. One row: array, next cursor. Index messages_by_blast.
-- name: BLAST_RECIPIENTS
WITH page AS (
	SELECT m.id, recipient_json(m) AS j, row_number() OVER (ORDER BY m.id) AS n
	FROM messages m
	WHERE m.blast_id = $1 AND m.is_recipient
	  AND ($2::text IS NULL OR m.outlet_id = $2)
	  AND ($3::text IS NULL OR m.status = $3)
	  AND ($4::text IS NULL OR position($4 IN m.phone) > 0)
	  AND ($5::bigint IS NULL OR m.id > $5::bigint)
	  AND ($7::text IS NULL OR m.outlet_id = $7)
	  AND ($8::text IS NULL OR m.reason = $8)
	ORDER BY m.id
	LIMIT $6::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $6::int), '[]'),
       CASE WHEN count(*) > $6::int THEN max(id) FILTER (WHERE n = $6::int) END
FROM page

-- $1 id, $2 the one outlet allowed or NULL, $3 reason, $4 the outlet whose part it is about or NULL. Answers the blast, or no row.
-- name: BLAST_PAUSE
SELECT blast_pause($1, $2, $3, $4)

-- $1 id, $2 the one outlet allowed or NULL, $3 the outlet whose part it is about or NULL.
-- name: BLAST_RESUME
SELECT blast_resume($1, $2, $3)

-- $1 blast, $2 outlet that gives, $3 outlets that take text[], $4 what the first has in hand bigint[], $5 how many were moved before,
-- $6 limit, $7 instance, $8 epoch. Column: how many; -1: another daemon's.
-- name: BLAST_MOVE
SELECT blast_move($1, $2, $3::text[], $4::bigint[], $5::bigint, $6::int, $7, $8::bigint)

-- How a blast goes at each of its outlets. $1 blast, $2 the one outlet allowed or NULL, $3 cursor (an outlet) or NULL, $4 limit.
-- One row: array, next cursor. Primary key of blast_outlets.
-- name: BLAST_OUTLETS
WITH page AS (
	SELECT o.outlet_id, blast_outlet_json(o) AS j, row_number() OVER (ORDER BY o.outlet_id) AS n
	FROM blast_outlets o
	WHERE o.blast_id = $1 AND ($2::text IS NULL OR o.outlet_id = $2) AND ($3::text IS NULL OR o.outlet_id > $3)
	ORDER BY o.outlet_id
	LIMIT $4::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $4::int), '[]'),
       CASE WHEN count(*) > $4::int THEN max(outlet_id) FILTER (WHERE n = $4::int) END
FROM page

-- WhatsApp restricts an outlet: that counts in each blast of which it has messages to send. $1 outlet. Index blast_outlets_by_outlet.
-- name: BLAST_OUTLET_RESTRICTED
WITH open AS (
	SELECT b.id FROM blasts b WHERE b.status = 'RUNNING'
	  AND EXISTS (SELECT 1 FROM blast_outlets o WHERE o.blast_id = b.id AND o.outlet_id = $1 AND o.queued + o.sending > 0)
	ORDER BY b.id FOR NO KEY UPDATE
)
UPDATE blast_outlets o SET restrictions = o.restrictions + 1 FROM open
WHERE o.blast_id = open.id AND o.outlet_id = $1 AND o.paused_at IS NULL

-- The three steps of trying the failed ones again, one transaction: a blast that is through runs again. Messages keep their stanza ids,
-- so that one which had arrived after all stays one. $1 id, $2 the one outlet allowed or NULL.
-- name: BLAST_RETRY
WITH retried AS (
	UPDATE blasts b
	SET status = CASE WHEN b.status = 'COMPLETED' THEN 'RUNNING' ELSE b.status END, finished_at = NULL,
	    failed_before = 0, done_before = b.sent + b.delivered + b.read, retried_at = now()
	WHERE b.id = $1 AND ($2::text IS NULL OR b.outlets <@ ARRAY[$2::text]) AND b.status IN ('RUNNING', 'PAUSED', 'COMPLETED')
	  AND b.failed > 0 AND (b.expires_at IS NULL OR b.expires_at > now())
	RETURNING b.id
)
UPDATE blast_outlets o SET failed_before = 0, done_before = o.sent + o.delivered + o.read FROM retried r WHERE o.blast_id = r.id

-- $1 id.
-- name: BLAST_RETRY_FAILED
UPDATE messages m
SET status = 'QUEUED', reason = NULL, failed_at = NULL, not_before = NULL, attempts = 0
FROM blasts b
WHERE b.id = $1 AND b.retried_at = now() AND m.blast_id = b.id AND m.status = 'FAILED'

-- Last step: no row when nothing was queued now (now() is the transaction's time).
-- name: BLAST_RETRIED_GET
SELECT blast_json(b) FROM blasts b
WHERE b.id = $1 AND ($2::text IS NULL OR b.outlets <@ ARRAY[$2::text]) AND b.retried_at = now()

-- What fails too often is paused. A row for each: blast, outlet (NULL: the blast itself), reason. Index blasts_open.
-- name: BLAST_PAUSE_FAILING
SELECT blast, outlet, why FROM blasts_pause_failing()

-- What people answered to a blast, newest first. $1 blast, $2 the one outlet allowed or NULL, $3 cursor (an id) or NULL, $4 limit.
-- One row: array, next cursor. Index messages_replies.
-- name: BLAST_REPLIES
WITH page AS (
	SELECT m.id, message_json(m) AS j, row_number() OVER (ORDER BY m.id DESC) AS n
	FROM messages m
	WHERE m.reply_to = $1 AND ($2::text IS NULL OR m.outlet_id = $2) AND ($3::bigint IS NULL OR m.id < $3::bigint)
	ORDER BY m.id DESC
	LIMIT $4::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $4::int), '[]'),
       CASE WHEN count(*) > $4::int THEN min(id) FILTER (WHERE n = $4::int) END
FROM page

-- The three steps of a cancellation, one transaction. $1 id, $2 the one outlet allowed or NULL.
-- name: BLAST_CANCEL
UPDATE blasts b SET status = 'CANCELLED', finished_at = now(), pause_reason = NULL
WHERE b.id = $1 AND ($2::text IS NULL OR b.outlets <@ ARRAY[$2::text]) AND b.status IN ('SCHEDULED', 'RUNNING', 'PAUSED')

-- name: BLAST_CANCEL_QUEUED
UPDATE messages m SET status = 'CANCELLED', reason = 'blast_cancelled'
FROM blasts b
WHERE m.blast_id = $1 AND m.status = 'QUEUED' AND b.id = m.blast_id AND b.status = 'CANCELLED'

-- Last step: no row when it was not cancelled now (now() is the transaction's time).
-- name: BLAST_CANCELLED_GET
SELECT blast_json(b) FROM blasts b
WHERE b.id = $1 AND ($2::text IS NULL OR b.outlets <@ ARRAY[$2::text]) AND b.status = 'CANCELLED' AND b.finished_at = now()

-- Schedules that are due start; one missed by more than an hour waits for a person. Answers id, status, json.
-- name: BLAST_START_DUE
UPDATE blasts b
SET status = CASE WHEN b.schedule_at < now() - interval '1 hour' THEN 'PAUSED' ELSE 'RUNNING' END,
    pause_reason = CASE WHEN b.schedule_at < now() - interval '1 hour' THEN 'schedule_missed' END,
    started_at = CASE WHEN b.schedule_at < now() - interval '1 hour' THEN NULL ELSE now() END
WHERE b.status = 'SCHEDULED' AND b.schedule_at <= now()
RETURNING b.id, b.status, blast_json(b)

-- The two steps of expiry, one transaction: what is past its time sends nothing more. The first answers ids.
-- name: BLAST_EXPIRE
UPDATE blasts SET status = 'EXPIRED', finished_at = now(), pause_reason = NULL
WHERE status IN ('SCHEDULED', 'RUNNING', 'PAUSED') AND expires_at <= now()
RETURNING id

-- name: BLAST_EXPIRE_QUEUED
UPDATE messages m SET status = 'CANCELLED', reason = 'blast_expired'
FROM blasts b
WHERE b.status = 'EXPIRED' AND b.queued > 0 AND m.blast_id = b.id AND m.status = 'QUEUED'

-- What runs now, for events of progress. Answers id, json.
-- name: BLAST_RUNNING
SELECT b.id, blast_json(b) FROM blasts b WHERE b.status = 'RUNNING' ORDER BY b.created_at

-- What is known of the numbers of a blast to be. $1 phones text[], $2 outlets that may send text[], $3 the blast's text (NULL: who had it
-- before is not asked), $4 days within which no other blast may have reached them (0: not asked), $5 are those skipped of whom WhatsApp said
-- within seven days that it has them not (number_checks).
-- Columns: position from 0, why it is skipped or NULL, the outlet of $2 that reached it last or NULL. Numbers of which there is nothing to
-- say have no row. Primary key of opt_outs, index messages_by_phone, a few probes a number.
-- name: BLAST_AUDIENCE
SELECT p.n - 1, w.reason, l.outlet_id
FROM unnest($1::text[]) WITH ORDINALITY AS p (phone, n)
CROSS JOIN LATERAL (
	SELECT CASE
	       WHEN EXISTS (SELECT 1 FROM opt_outs o WHERE o.phone = p.phone) THEN 'opted_out'
	       WHEN $5::boolean AND EXISTS (
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
	            THEN 'blasted_recently' END AS reason) w
LEFT JOIN LATERAL (
	SELECT m.outlet_id FROM messages m
	WHERE m.phone = p.phone AND m.outgoing AND m.blast_id IS NOT NULL AND m.sending_at IS NOT NULL
	  AND m.outlet_id || '' = ANY ($2::text[]) -- by no index of outlets: they have far more messages than a number
	ORDER BY m.id DESC LIMIT 1) l ON true
WHERE w.reason IS NOT NULL OR l.outlet_id IS NOT NULL

-- How many of these are people with whom the outlet that sends to them has no chat yet (has_chat). Arrays of one length: $1 outlets,
-- $2 phones. Columns: outlet, how many. Index messages_established, a probe a number.
-- name: BLAST_FIRST_CONTACTS
SELECT r.outlet, count(*) FROM unnest($1::text[], $2::text[]) AS r (outlet, phone)
WHERE NOT EXISTS (SELECT 1 FROM messages e WHERE e.outlet_id = r.outlet AND e.phone = r.phone
                  AND (NOT e.outgoing OR e.status IN ('DELIVERED','READ')))
GROUP BY 1

-- One row: messages of open blasts that wait, and that are on their way. Index blasts_open.
-- name: BLAST_QUEUE_DEPTH
SELECT coalesce(sum(queued), 0), coalesce(sum(sending), 0) FROM blasts WHERE status IN ('SCHEDULED', 'RUNNING', 'PAUSED')
