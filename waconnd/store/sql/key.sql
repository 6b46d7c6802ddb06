-- SPDX-License-Identifier: GPL-3.0-or-later
-- Sealed keys of the links.

-- $1 outlet, $2 kinds smallint[], $3 names text[] of one length. Columns: position from 1, value. Primary key.
-- name: KEY_GET
SELECT w.n, k.value
FROM unnest($2::smallint[], $3::text[]) WITH ORDINALITY AS w (kind, name, n)
JOIN keys k ON k.outlet_id = $1 AND k.kind = w.kind AND k.name = w.name
