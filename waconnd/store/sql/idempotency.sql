-- SPDX-License-Identifier: GPL-3.0-or-later
-- First answers, kept for a day. MESSAGE_ADD and BLAST_CREATED write them.

-- $1 user, $2 key, $3 hash of the request. Columns: is it the same request, status, body (as text).
-- name: IDEMPOTENCY_GET
SELECT body_hash = $3::bytea, status, convert_from(body, 'UTF8') FROM idempotency_keys
WHERE user_id = $1 AND key = $2 AND created_at > now() - interval '24 hours'

-- First step of a transaction that keeps an answer: an old one with this key gives way. $1 user, $2 key.
-- name: IDEMPOTENCY_END
DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND created_at <= now() - interval '24 hours'

-- name: IDEMPOTENCY_PURGE
DELETE FROM idempotency_keys WHERE created_at <= now() - interval '24 hours'
