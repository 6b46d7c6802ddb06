-- SPDX-License-Identifier: GPL-3.0-or-later
-- First answers, kept for a day.

-- $1 user, $2 key. Columns: body_hash, status, body (as text).
-- name: IDEMPOTENCY_GET
SELECT body_hash, status, convert_from(body, 'UTF8') FROM idempotency_keys
WHERE user_id = $1 AND key = $2 AND created_at > now() - interval '24 hours'

-- A step of the transaction that does the work. $1 user, $2 key, $3 hash of the request, $4 status, $5 body (text).
-- The same key from two requests at once: the second waits, then has a conflict.
-- name: IDEMPOTENCY_ADD
WITH old AS (
	DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND created_at <= now() - interval '24 hours'
)
INSERT INTO idempotency_keys (user_id, key, body_hash, status, body)
VALUES ($1, $2, $3::bytea, $4::int, convert_to($5, 'UTF8'))

-- name: IDEMPOTENCY_PURGE
DELETE FROM idempotency_keys WHERE created_at <= now() - interval '24 hours'
