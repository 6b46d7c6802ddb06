-- SPDX-License-Identifier: GPL-3.0-or-later
-- Numbers that WhatsApp was asked about.

-- What is known of these and not too old. $1 phones text[]. Columns: phone, on WhatsApp, checked at (ms), business's name.
-- name: NUMBER_KNOWN
SELECT phone, on_whatsapp, to_ms(checked_at), business_name FROM number_checks
WHERE phone = ANY ($1::text[]) AND checked_at > now() - interval '7 days'

-- $1 phones text[], each once, sorted: two that write the same ones do not wait for each other; $2 on WhatsApp boolean[];
-- $3 names of businesses text[].
-- Columns as above.
-- name: NUMBER_KEEP
INSERT INTO number_checks (phone, on_whatsapp, business_name)
SELECT * FROM unnest($1::text[], $2::boolean[], $3::text[])
ON CONFLICT (phone) DO UPDATE SET on_whatsapp = excluded.on_whatsapp, business_name = excluded.business_name, checked_at = now()
RETURNING phone, on_whatsapp, to_ms(checked_at), business_name

-- Those that are too old. Index number_checks_by_time.
-- name: NUMBER_PURGE
DELETE FROM number_checks WHERE checked_at < now() - interval '7 days'
