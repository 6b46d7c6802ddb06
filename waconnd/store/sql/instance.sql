-- SPDX-License-Identifier: GPL-3.0-or-later
-- Daemons, and small facts of all of them.

-- Prolongs the lease. $1 instance, $2 epoch, $3 lease in ms. Column: how many other daemons live. No row: it was ended, or another
-- start has taken over.
-- name: INSTANCE_RENEW
UPDATE instances SET heartbeat = clock_timestamp(), lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond'
WHERE name = $1 AND epoch = $2::bigint AND boot IS NOT NULL
RETURNING (SELECT count(*) FROM instances o WHERE o.name <> $1 AND o.boot IS NOT NULL)

-- Locks our row of instances FOR SHARE and those of dead daemons, then outlets that nobody owns. $1 instance, $2 epoch, $3 whether
-- leases of others may be ended. Columns: daemons that live, our outlets, our share, newly ours, daemons that were ended.
-- name: INSTANCE_SCAN
SELECT live, mine, share, taken, ended FROM instance_scan($1, $2::bigint, $3::boolean)

-- After our lease was ended: a new one. $1 instance, $2 boot, $3 lease in ms. Column: epoch. No row: another start bears our name.
-- name: INSTANCE_REJOIN
UPDATE instances SET epoch = epoch + 1, boot = $2, heartbeat = clock_timestamp(),
                     lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond'
WHERE name = $1 AND (boot IS NULL OR boot = $2)
RETURNING epoch

-- A planned end, in one transaction with INSTANCE_LEAVE: the outlets are free. $1 instance, $2 epoch.
-- name: INSTANCE_LEAVE_OUTLETS
UPDATE outlets SET owner = NULL, owner_epoch = NULL WHERE owner = $1 AND owner_epoch = $2::bigint

-- $1 instance, $2 epoch. Nothing that we write later counts.
-- name: INSTANCE_LEAVE
UPDATE instances SET boot = NULL, epoch = epoch + 1, lease_until = '-infinity' WHERE name = $1 AND epoch = $2::bigint

-- Wakes the other daemons; only a hint, they look by themselves every few seconds. $1 payload.
-- name: INSTANCE_HINT
SELECT pg_notify('waconn', $1)

-- name: DATABASE_PING
SELECT 1

-- $1 name.
-- name: SETTING_GET
SELECT value, to_ms(at) FROM settings WHERE name = $1

-- $1 name, $2 value.
-- name: SETTING_PUT
INSERT INTO settings (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = now()
