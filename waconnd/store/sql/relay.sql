-- SPDX-License-Identifier: GPL-3.0-or-later
-- Events of daemons for the others' subscribers.

-- $1 our boot; arrays of one length: $2 serials bigint[], $3 kinds, $4 outlets, $5 data.
-- name: RELAY_PUT
INSERT INTO relayed_events (sender, serial, kind, outlet_id, data)
SELECT $1, e.* FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) AS e (serial, kind, outlet, data)

-- What others wrote after the last that we saw of each. Of one that we have not seen yet only what is new: it may be we who are new.
-- $1 our boot; arrays of one length: $2 senders, $3 serials. Columns: sender, serial, kind, outlet, data. Primary key.
-- name: RELAY_READ
SELECT e.sender, e.serial, e.kind, e.outlet_id, e.data
FROM relayed_events e LEFT JOIN unnest($2::text[], $3::bigint[]) AS seen (sender, serial) ON seen.sender = e.sender
WHERE e.sender <> $1 AND e.serial > coalesce(seen.serial, 0)
  AND (seen.sender IS NOT NULL OR e.at > clock_timestamp() - interval '5 seconds')
ORDER BY e.sender, e.serial
LIMIT 1000

-- name: RELAY_PURGE
DELETE FROM relayed_events WHERE at < now() - interval '1 minute'
