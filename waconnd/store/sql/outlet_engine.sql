-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the outlets and the blast engine ask of themselves.

-- The status of every outlet as the database has it. No lock; reads outlet_sessions whole.
-- name: SESSION_STATES
SELECT outlet_id, status FROM outlet_sessions

-- Outlets that have anything queued or in flight: one probe of index messages_queue for each, however long the queues are.
-- name: QUEUE_OUTLETS
WITH RECURSIVE o AS (
	(SELECT m.outlet_id FROM messages m WHERE m.status IN ('QUEUED', 'SENDING') ORDER BY m.outlet_id LIMIT 1)
	UNION ALL
	SELECT (SELECT m.outlet_id FROM messages m
	        WHERE m.status IN ('QUEUED', 'SENDING') AND m.outlet_id > o.outlet_id ORDER BY m.outlet_id LIMIT 1)
	FROM o WHERE o.outlet_id IS NOT NULL
)
SELECT outlet_id FROM o WHERE outlet_id IS NOT NULL

-- What an outlet's blasts did of late, for its pacing after a restart. $1 outlet, $2 time zone.
-- Columns: sent today, the last one's time (ms), the last rejection as a complaint (ms), how many of them within a day.
-- Index messages_by_outlet; once an outlet and start.
-- name: QUEUE_HISTORY
SELECT count(*) FILTER (WHERE m.sending_at >= date_trunc('day', now() AT TIME ZONE $2) AT TIME ZONE $2),
       coalesce(max(to_ms(m.sending_at)), 0),
       coalesce(max(to_ms(m.failed_at)) FILTER (WHERE m.reason IN ('rejected_463', 'rejected_475')), 0),
       count(*) FILTER (WHERE m.reason IN ('rejected_463', 'rejected_475') AND m.failed_at > now() - interval '1 day')
FROM messages m
WHERE m.outlet_id = $1 AND m.outgoing AND m.blast_id IS NOT NULL
  AND (m.sending_at > now() - interval '2 days' OR m.failed_at > now() - interval '2 days')
