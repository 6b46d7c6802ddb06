-- SPDX-License-Identifier: GPL-3.0-or-later
-- What people set for the whole: words, replies, limits. Defaults stand in settings_json() (schema.sql).

-- name: SETTINGS_GET
SELECT settings_json()

-- $1 what changes (a JSON object).
-- name: SETTINGS_EDIT
WITH kept AS (
	INSERT INTO settings (name, value) VALUES ('settings', $1)
	ON CONFLICT (name) DO UPDATE SET value = (settings.value::jsonb || excluded.value::jsonb)::text, at = now()
	RETURNING value
)
SELECT settings_json(value::jsonb) FROM kept

-- The audit log's old lines, when a time to keep them is set.
-- name: SETTINGS_AUDIT_PURGE
SELECT audit_purge(make_interval(days => greatest(30, (settings_json()->>'auditDays')::int)))
WHERE (settings_json()->>'auditDays')::int > 0

-- The dashboard's figures. $1 the one outlet allowed or NULL, $2 days, $3 time zone. Columns: blasts scheduled, running,
-- paused; days (JSON). Indexes blasts_open, messages_by_outcome.
-- name: SUMMARY
WITH open AS (
	SELECT b.status FROM blasts b
	WHERE b.status IN ('SCHEDULED', 'RUNNING', 'PAUSED') AND ($1::text IS NULL OR $1 = ANY (b.outlets))
)
SELECT (SELECT count(*) FROM open WHERE status = 'SCHEDULED'), (SELECT count(*) FROM open WHERE status = 'RUNNING'),
       (SELECT count(*) FROM open WHERE status = 'PAUSED'),
       (SELECT json_agg(json_build_object('date', to_char(d.day, 'YYYY-MM-DD'), 'sent', coalesce(m.sent, 0),
                                          'delivered', coalesce(m.delivered, 0), 'read', coalesce(m.read, 0),
                                          'failed', coalesce(m.failed, 0)) ORDER BY d.day)
        FROM generate_series(date_trunc('day', now() AT TIME ZONE $3) - make_interval(days => $2::int - 1),
                             date_trunc('day', now() AT TIME ZONE $3), interval '1 day') AS d (day)
        LEFT JOIN (SELECT date_trunc('day', coalesce(x.sent_at, x.failed_at) AT TIME ZONE $3) AS day,
                          count(*) FILTER (WHERE x.status IN ('SENT', 'DELIVERED', 'READ')) AS sent,
                          count(*) FILTER (WHERE x.status IN ('DELIVERED', 'READ')) AS delivered,
                          count(*) FILTER (WHERE x.status = 'READ') AS read, count(*) FILTER (WHERE x.status = 'FAILED') AS failed
                   FROM messages x
                   WHERE x.outgoing AND (x.sent_at IS NOT NULL OR x.failed_at IS NOT NULL)
                     AND coalesce(x.sent_at, x.failed_at)
                         >= (date_trunc('day', now() AT TIME ZONE $3) - make_interval(days => $2::int - 1)) AT TIME ZONE $3
                     AND ($1::text IS NULL OR x.outlet_id = $1)
                   GROUP BY 1) m ON m.day = d.day)
