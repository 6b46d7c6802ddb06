-- SPDX-License-Identifier: GPL-3.0-or-later
-- Sealed keys of the links.

-- $1 outlets text[], $2 kinds smallint[], $3 names text[], all of one length. Columns: position from 1, value. Primary key.
-- name: KEY_GET
SELECT w.n, k.value
FROM unnest($1::text[], $2::smallint[], $3::text[]) WITH ORDINALITY AS w (outlet, kind, name, n)
JOIN keys k ON k.outlet_id = w.outlet AND k.kind = w.kind AND k.name = w.name

-- Locks our row of instances FOR SHARE; a conflict when the outlet is another's. $1 outlet, $2 instance, $3 epoch. Columns: address,
-- LID, name, when it was linked in ms; no row when nothing is kept, or it is linked.
-- name: KEYS_RESTORE
SELECT jid, lid, name, to_ms(linked) FROM keys_restore($1, $2, $3::bigint)

-- Those that nobody asked for in time.
-- name: KEYS_PURGE
DELETE FROM kept_links WHERE kept_at <= now() - interval '7 days'
