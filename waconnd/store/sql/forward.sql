-- SPDX-License-Identifier: GPL-3.0-or-later
-- Requests for outlets of other daemons.

-- $1 asker's boot, $2 serial, $3 outlet, $4 sealed request, $5 how long the asker waits, ms.
-- name: FORWARD_ASK
INSERT INTO forwarded_calls (asker, serial, outlet_id, sealed_request, deadline)
VALUES ($1, $2::bigint, $3, $4::bytea, clock_timestamp() + $5::bigint * interval '1 millisecond')

-- What is asked of our outlets; each is taken once. $1 instance, $2 epoch, $3 limit. Columns: asker, serial, sealed request.
-- name: FORWARD_TAKE
WITH mine AS (
	SELECT f.asker, f.serial FROM forwarded_calls f JOIN outlets o ON o.id = f.outlet_id
	WHERE NOT f.taken AND f.deadline > now() AND o.owner = $1 AND o.owner_epoch = $2::bigint
	ORDER BY f.deadline
	LIMIT $3::int
	FOR UPDATE OF f SKIP LOCKED
)
UPDATE forwarded_calls f SET taken = true FROM mine
WHERE f.asker = mine.asker AND f.serial = mine.serial
RETURNING f.asker, f.serial, f.sealed_request

-- $1 asker, $2 serial, $3 sealed answer. The request is of no further use.
-- name: FORWARD_ANSWER
UPDATE forwarded_calls SET sealed_answer = $3::bytea, sealed_request = '' WHERE asker = $1 AND serial = $2::bigint

-- The answers to what we asked; with them their rows go. $1 our boot. Columns: serial, sealed answer.
-- name: FORWARD_FETCH
DELETE FROM forwarded_calls WHERE asker = $1 AND sealed_answer IS NOT NULL RETURNING serial, sealed_answer

-- name: FORWARD_PURGE
DELETE FROM forwarded_calls WHERE deadline < now() - interval '30 seconds'
