-- SPDX-License-Identifier: GPL-3.0-or-later
-- Webhooks: who is told of events, and what became of each telling. Events are put by triggers, in the transaction of what they tell of
-- (schema.sql).

-- The oldest first. $1 cursor or NULL, $2 limit. One row: array, next cursor.
-- name: WEBHOOK_LIST
WITH page AS (
	SELECT cursor_of(w.created_at, w.id) AS place, webhook_live_json(w) AS j, row_number() OVER (ORDER BY w.created_at, w.id) AS n
	FROM webhooks w
	WHERE $1::text IS NULL OR (w.created_at, w.id) > (cursor_time($1), cursor_id($1))
	ORDER BY w.created_at, w.id
	LIMIT $2::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $2::int), '[]'),
       CASE WHEN count(*) > $2::int THEN max(place) FILTER (WHERE n = $2::int) END
FROM page

-- $1 id.
-- name: WEBHOOK_GET
SELECT webhook_live_json(w) FROM webhooks w WHERE w.id = $1

-- $1 id, $2 url, $3 description or NULL, $4 events, $5 outlets or NULL, $6 sealed secret, $7 who, $8 how many there may be; $9 user, $10 key,
-- $11 hash of the request. No row: there are as many. Answers the webhook; what is kept under the key is without the secret.
-- name: WEBHOOK_ADD
WITH added AS (
	INSERT INTO webhooks AS w (id, url, description, events, outlets, sealed_secret, created_by)
	SELECT $1, $2, nullif($3::text, ''), $4::text[], $5::text[], $6::bytea, $7 WHERE (SELECT count(*) FROM webhooks) < $8::int
	RETURNING w
)
SELECT answer_keep($9, $10, $11::bytea, 201, webhook_live_json(w)::text,
                   json_build_object('success', true, 'secret', NULL, 'webhook', webhook_live_json(w))::text)
FROM added

-- What is NULL stays. Switched on again it begins anew. $1 id, $2 url, $3 description ('': none), $4 events, $5 does $6 (outlets; NULL: all)
-- count, $7 is it active.
-- name: WEBHOOK_EDIT
UPDATE webhooks w
SET url = coalesce($2, w.url), description = CASE WHEN $3::text IS NULL THEN w.description ELSE nullif($3, '') END,
    events = coalesce($4::text[], w.events), outlets = CASE WHEN $5::boolean THEN $6::text[] ELSE w.outlets END,
    is_active = coalesce($7::boolean, w.is_active), updated_at = now(),
    disabled_at = CASE WHEN $7::boolean THEN NULL ELSE w.disabled_at END,
    disabled_reason = CASE WHEN $7::boolean THEN NULL ELSE w.disabled_reason END,
    failing_since = CASE WHEN $7::boolean OR $2 <> w.url THEN NULL ELSE w.failing_since END,
    not_before = CASE WHEN $7::boolean OR $2 <> w.url THEN NULL ELSE w.not_before END
WHERE w.id = $1
RETURNING webhook_live_json(w)

-- After an edit that may let it go on: what waits for another attempt is due. $1 id.
-- name: WEBHOOK_RETRY
UPDATE webhook_deliveries d SET next_at = now()
WHERE d.webhook_id = $1 AND d.state = 'PENDING' AND d.attempts > 0 AND d.claimed_by IS NULL AND d.next_at > now()
  AND EXISTS (SELECT 1 FROM webhooks w WHERE w.id = $1 AND w.is_active AND w.failing_since IS NULL)

-- With its queue and its log. $1 id.
-- name: WEBHOOK_REMOVE
WITH removed AS (
	DELETE FROM webhooks WHERE id = $1 RETURNING id
), deliveries AS (
	DELETE FROM webhook_deliveries d USING removed r WHERE d.webhook_id = r.id
)
SELECT id FROM removed

-- Another secret; the one before counts for $3 seconds. $1 id, $2 sealed; $4 user, $5 key, $6 hash of the request.
-- name: WEBHOOK_ROTATE
WITH rotated AS (
	UPDATE webhooks w
	SET sealed_old_secret = CASE WHEN $3::int > 0 THEN w.sealed_secret END,
	    old_secret_until = CASE WHEN $3::int > 0 THEN now() + $3::int * interval '1 second' END,
	    sealed_secret = $2::bytea, secret_at = now(), updated_at = now()
	WHERE w.id = $1
	RETURNING w
)
SELECT answer_keep($4, $5, $6::bytea, 200, webhook_live_json(w)::text,
                   json_build_object('success', true, 'secret', NULL, 'webhook', webhook_live_json(w))::text)
FROM rotated

-- An event of nothing, in a lane of its own; also to one that is disabled. $1 id; $2 user, $3 key, $4 hash of the request. The 202's document.
-- name: WEBHOOK_TEST
WITH added AS (
	INSERT INTO webhook_deliveries AS d (webhook_id, event_id, type, lane, payload)
	SELECT w.id, gen_random_uuid(), 'webhook.test', 'test',
	       webhook_document('webhook.test', now(), json_build_object('webhookId', w.id))
	FROM webhooks w WHERE w.id = $1
	RETURNING d
), answer AS (
	SELECT json_build_object('success', true, 'delivery', delivery_json(d))::text AS body FROM added
)
SELECT answer_keep($2, $3, $4::bytea, 202, body, body) FROM answer

-- The newest first. $1 webhook, $2 status or NULL, $3 type or NULL, $4 cursor (a number) or NULL, $5 limit. One row: array, next cursor, is there
-- such a webhook. Index webhook_log.
-- name: DELIVERY_LIST
WITH page AS (
	SELECT d.id, delivery_json(d) AS j, row_number() OVER (ORDER BY d.id DESC) AS n
	FROM webhook_deliveries d
	WHERE d.webhook_id = $1 AND ($2::text IS NULL OR d.state = $2) AND ($3::text IS NULL OR d.type = $3)
	  AND ($4::bigint IS NULL OR d.id < $4::bigint)
	ORDER BY d.id DESC
	LIMIT $5::int + 1
)
SELECT coalesce(json_agg(j ORDER BY n) FILTER (WHERE n <= $5::int), '[]'),
       CASE WHEN count(*) > $5::int THEN min(id) FILTER (WHERE n = $5::int) END,
       EXISTS (SELECT 1 FROM webhooks WHERE id = $1)
FROM page

-- With what is sent. $1 id without its prefix.
-- name: DELIVERY_GET
SELECT delivery_json(d) || jsonb_build_object('payload', d.payload::json) FROM webhook_deliveries d WHERE d.id = $1::bigint

-- Once more, from the beginning, under the same event id. $1 id without its prefix. Columns: JSON, the webhook. None: unknown, or pending.
-- name: DELIVERY_AGAIN
UPDATE webhook_deliveries d
SET state = 'PENDING', retry_from = now(), next_at = now(), first_tried_at = NULL, finished_at = NULL
WHERE d.id = $1::bigint AND d.state <> 'PENDING'
RETURNING delivery_json(d), d.webhook_id

-- $1 our boot, $2 how many, $3 of one webhook. Columns: delivery, webhook, url, event id, type, payload, sealed secret, sealed old secret or
-- NULL, attempts so far.
-- name: DELIVERY_CLAIM
SELECT * FROM webhook_claim($1, $2::int, $3::int)

-- $1 delivery, $2 our boot, $3 attempts before this one, $4 ok, again or gone, $5 when again (ms), $6 how long nothing goes there (ms), $7 how
-- long it is retried (ms), $8 HTTP status or NULL, $9 the answer's beginning, $10 what went wrong, $11 how long it took (ms).
-- Column: the webhook when it was disabled by this.
-- name: DELIVERY_FINISH
SELECT webhook_finish($1::bigint, $2, $3::int, $4, $5::bigint, $6::bigint, $7::bigint, $8::int, $9, $10, $11::bigint)

-- $1 how long a delivery is retried (ms), $2 how long a queue may get, $3 how long a log.
-- name: DELIVERY_SWEEP
SELECT webhook_sweep($1::bigint, $2::int, $3::int)
