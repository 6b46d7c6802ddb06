-- SPDX-License-Identifier: GPL-3.0-or-later
-- Daemons, and small facts of all of them.

-- $1 instance, $2 epoch. No row: another start has taken over.
-- name: INSTANCE_HEARTBEAT
UPDATE instances SET heartbeat = now() WHERE name = $1 AND epoch = $2::bigint RETURNING epoch

-- name: DATABASE_PING
SELECT 1

-- $1 name.
-- name: SETTING_GET
SELECT value, to_ms(at) FROM settings WHERE name = $1

-- $1 name, $2 value.
-- name: SETTING_PUT
INSERT INTO settings (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = now()
