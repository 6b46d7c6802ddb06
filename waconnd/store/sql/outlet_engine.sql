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
-- Columns: sent today; how long ago the last one was, ms; the last 463, how many of them within a day; the last 475; how long 429 still
-- holds what is queued. All by the database's clock, by which the rows were written: NULL when there was none.
-- Indexes messages_sending and messages_failed; once an outlet and start.
-- name: QUEUE_HISTORY
SELECT s.today, to_ms(now()) - s.last, to_ms(now()) - f.last463, f.n463, to_ms(now()) - f.last475, s.held - to_ms(now())
FROM (SELECT count(*) FILTER (WHERE m.sending_at >= date_trunc('day', now() AT TIME ZONE $2) AT TIME ZONE $2) AS today,
             max(to_ms(m.sending_at)) AS last,
             max(to_ms(m.not_before)) FILTER (WHERE m.status = 'QUEUED' AND m.reason = 'rate_limited') AS held
      FROM messages m
      WHERE m.outlet_id = $1 AND m.outgoing AND m.blast_id IS NOT NULL AND m.sending_at > now() - interval '2 days') s,
     (SELECT max(to_ms(m.failed_at)) FILTER (WHERE m.reason = 'rejected_463') AS last463,
             count(*) FILTER (WHERE m.reason = 'rejected_463' AND m.is_recipient AND m.failed_at > now() - interval '1 day') AS n463,
             max(to_ms(m.failed_at)) FILTER (WHERE m.reason = 'rejected_475') AS last475
      FROM messages m
      WHERE m.outlet_id = $1 AND m.outgoing AND m.blast_id IS NOT NULL AND m.failed_at > now() - interval '2 days'
        AND m.reason IN ('rejected_463', 'rejected_475')) f

-- What an outlet may send next, single messages first. $1 outlet, $2 limit, $3 ids (bigint[]) that are in hand already, $4 blasts
-- (text[]) that must wait (window, daily cap), $5 whether blasts may go at all. What a stop left in SENDING comes whatever became of
-- its blast: it has to be sent again under its id. $6 instance, $7 epoch: nothing when the outlet is not this start's. $8 whether those
-- may go with whom the outlet has no chat yet. Not of blasts in which the outlet is paused. Indexes messages_queue, messages_established,
-- blast_outlets_paused. No lock: the batch's moves check the state
-- again.
-- Of several messages to one recipient each waits until the one before it has been taken by the server (index messages_parts).
-- Columns: id, blast_id, phone, text, vars, blast's text (where it goes with this part), wa_id, attempts, status, blast's pace, opted out,
-- kind, content, do more follow to this recipient, has a chat, and of those that a blast wants asked about: is the number on WhatsApp (yes,
-- no, unknown), as of seven days (number_checks).
-- name: QUEUE_CLAIM
SELECT m.id, m.blast_id, m.phone, m.text, m.vars,
       CASE WHEN m.part IS NULL OR (b.parts->m.part->>'text')::boolean THEN coalesce(b.more->'variants'->>m.variant, b.text) END,
       m.wa_id, m.attempts, m.status, b.pace,
       m.blast_id IS NOT NULL AND m.status = 'QUEUED' AND EXISTS (SELECT 1 FROM opt_outs x WHERE x.phone = m.phone),
       m.kind, coalesce(m.content, b.parts->m.part->'content'), NOT m.is_recipient, has_chat(m),
       CASE WHEN b.check_numbers AND m.status = 'QUEUED' AND NOT has_chat(m) THEN
            coalesce((SELECT CASE WHEN n.on_whatsapp THEN 'yes' ELSE 'no' END FROM number_checks n
                      WHERE n.phone = m.phone AND n.checked_at > now() - interval '7 days'), 'unknown') END
FROM messages m LEFT JOIN blasts b ON b.id = m.blast_id
WHERE m.outlet_id = $1 AND m.status IN ('QUEUED', 'SENDING')
  AND EXISTS (SELECT 1 FROM outlets o WHERE o.id = $1 AND o.owner = $6 AND o.owner_epoch = $7::bigint)
  AND m.id <> ALL ($3::bigint[])
  AND (m.status = 'SENDING' OR m.blast_id IS NULL
       OR ($5::boolean AND b.status = 'RUNNING' AND b.id <> ALL ($4::text[])
           AND b.id <> ALL (ARRAY(SELECT p.blast_id FROM blast_outlets p WHERE p.outlet_id = $1 AND p.paused_at IS NOT NULL))
           AND (b.expires_at IS NULL OR b.expires_at > now())
           AND ($8::boolean OR has_chat(m))))
  AND (m.not_before IS NULL OR m.not_before <= now())
  AND (m.part IS NULL OR m.part = 0 OR m.status = 'SENDING' OR NOT EXISTS (
       SELECT 1 FROM messages e WHERE e.blast_id = m.blast_id AND e.phone = m.phone AND e.part < m.part AND e.part IS NOT NULL
       AND e.status IN ('QUEUED', 'SENDING')))
ORDER BY (m.blast_id IS NOT NULL), m.id
LIMIT $2::int

-- Whom of a blast's next recipients WhatsApp has to be asked about. $1 outlet, $2 blast, $3 message from which on, $4 limit. Column: phone.
-- Indexes messages_by_blast, messages_established.
-- name: QUEUE_UNCHECKED
SELECT m.phone FROM messages m
WHERE m.blast_id = $2 AND m.id >= $3::bigint AND m.outlet_id = $1 AND m.status = 'QUEUED' AND m.is_recipient AND NOT has_chat(m)
  AND NOT EXISTS (SELECT 1 FROM opt_outs x WHERE x.phone = m.phone)
  AND NOT EXISTS (SELECT 1 FROM number_checks n WHERE n.phone = m.phone AND n.checked_at > now() - interval '7 days')
ORDER BY m.id
LIMIT $4::int
