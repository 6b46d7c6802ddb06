-- SPDX-License-Identifier: GPL-3.0-or-later
-- waconn's schema: tables with their indexes.
--
-- waconnd runs this whole file in one transaction under an advisory lock at its start. Every statement
-- is idempotent; what a later version changes stands at the end as numbered migrations, guarded by
-- schema_version. Times are timestamptz. Columns named sealed_* and keys.value hold AES-256-GCM
-- ciphertext (DESIGN: docs/security.md) under the data key, bound to their row by associated data.

CREATE TABLE IF NOT EXISTS schema_version (
	version    integer PRIMARY KEY,
	applied_at timestamptz NOT NULL DEFAULT now()
);

-- The data key that seals all rows, itself sealed with the master key (key_file). One row.
CREATE TABLE IF NOT EXISTS data_keys (
	id         integer PRIMARY KEY,
	sealed_key bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

-- Daemons that share this database. A write batch locks its own row FOR SHARE and checks the epoch.
CREATE TABLE IF NOT EXISTS instances (
	name      text PRIMARY KEY,
	epoch     bigint NOT NULL,
	heartbeat timestamptz NOT NULL
);
-- Which start of the daemon it is; NULL: declared dead, or gone. Until when it may use its outlets' keys.
ALTER TABLE instances ADD COLUMN IF NOT EXISTS boot text;
ALTER TABLE instances ADD COLUMN IF NOT EXISTS lease_until timestamptz NOT NULL DEFAULT '-infinity';

CREATE TABLE IF NOT EXISTS outlets (
	id              text PRIMARY KEY,
	name            text NOT NULL,
	whatsapp_number text NOT NULL,           -- digits with country code
	is_active       boolean NOT NULL DEFAULT true,
	auto_reconnect  boolean NOT NULL DEFAULT true,
	pace            jsonb NOT NULL DEFAULT '{}', -- perMinute, jitter, dailyCap, window, timezone; absent: the configured default; warmUp
	created_at      timestamptz NOT NULL DEFAULT now(),
	owner           text,                    -- instances.name
	owner_epoch     bigint                   -- the owner's instances.epoch: of another one it is nobody's
);
CREATE UNIQUE INDEX IF NOT EXISTS outlets_number ON outlets (whatsapp_number);

-- The connection as last written: one row an outlet, updated with every transition.
CREATE TABLE IF NOT EXISTS outlet_sessions (
	outlet_id     text PRIMARY KEY REFERENCES outlets ON DELETE CASCADE,
	status        text NOT NULL DEFAULT 'DISCONNECTED'
	              CHECK (status IN ('CONNECTED','CONNECTING','DISCONNECTED','PAUSED','FAILED','TIMEOUT')),
	session_name  text,
	own_jid       text,
	own_lid       text,
	connected_at  timestamptz,
	last_seen     timestamptz,
	retry_count   integer NOT NULL DEFAULT 0,
	last_error    jsonb,                     -- {code, message, action, until}
	next_retry_at timestamptz,
	linked_at     timestamptz                -- NULL: no credentials
) WITH (fillfactor = 70);
-- Until when a QR is shown; its text stays in its daemon.
ALTER TABLE outlet_sessions ADD COLUMN IF NOT EXISTS qr_until timestamptz;

-- What WhatsApp said of an outlet's account (waconnd/account.h), and the restriction that follows from it, as the daemon saw it last.
CREATE TABLE IF NOT EXISTS outlet_accounts (
	outlet_id   text PRIMARY KEY REFERENCES outlets ON DELETE CASCADE,
	account     jsonb NOT NULL,              -- {timelock, newChats}; a part that was never said is absent
	restriction text,                        -- reachout_timelock, new_chat_cap; NULL: none
	until       timestamptz,                 -- its end, if known
	at          timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);

CREATE TABLE IF NOT EXISTS outlet_events (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	outlet_id   text NOT NULL REFERENCES outlets ON DELETE CASCADE,
	at          timestamptz NOT NULL DEFAULT now(),
	from_status text NOT NULL,
	to_status   text NOT NULL,
	reason      text NOT NULL
);
CREATE INDEX IF NOT EXISTS outlet_events_by_outlet ON outlet_events (outlet_id, id DESC);

-- Everything secret of a link, by kind and name: credentials, Signal sessions, identities, pre-keys … (waconnd/keydb.h).
CREATE TABLE IF NOT EXISTS keys (
	outlet_id text NOT NULL REFERENCES outlets ON DELETE CASCADE,
	kind      smallint NOT NULL,
	name      text NOT NULL,
	value     bytea NOT NULL,
	PRIMARY KEY (outlet_id, kind, name)
) WITH (fillfactor = 80);

-- What a link leaves when its phone logged it out or it was banned: its keys, sealed as they were, for seven days.
CREATE TABLE IF NOT EXISTS kept_links (
	outlet_id    text PRIMARY KEY REFERENCES outlets ON DELETE CASCADE,
	kept_at      timestamptz NOT NULL DEFAULT now(),
	own_jid      text,
	own_lid      text,
	session_name text,
	linked_at    timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS kept_keys (
	outlet_id text NOT NULL REFERENCES kept_links ON DELETE CASCADE,
	kind      smallint NOT NULL,
	name      text NOT NULL,
	value     bytea NOT NULL,
	PRIMARY KEY (outlet_id, kind, name)
);

CREATE TABLE IF NOT EXISTS users (
	id            text PRIMARY KEY,
	name          text NOT NULL UNIQUE,
	password_hash text NOT NULL,             -- argon2id, encoded
	role          text NOT NULL CHECK (role IN ('SUPERADMIN','ADMIN','USER')),
	outlet_id     text REFERENCES outlets ON DELETE CASCADE,
	created_at    timestamptz NOT NULL DEFAULT now(),
	CHECK ((role = 'USER') = (outlet_id IS NOT NULL))
);

-- API tokens and login sessions. Only the SHA-256 of a token is kept.
CREATE TABLE IF NOT EXISTS tokens (
	id           text PRIMARY KEY,
	user_id      text NOT NULL REFERENCES users ON DELETE CASCADE,
	hash         bytea NOT NULL UNIQUE,
	name         text NOT NULL,
	is_session   boolean NOT NULL,           -- a login's, ended by logout
	created_at   timestamptz NOT NULL DEFAULT now(),
	expires_at   timestamptz,
	last_used_at timestamptz
);
CREATE INDEX IF NOT EXISTS tokens_by_user ON tokens (user_id);
ALTER TABLE tokens ADD COLUMN IF NOT EXISTS scopes text[];     -- what it may be used for; NULL: all that its user may
ALTER TABLE tokens ADD COLUMN IF NOT EXISTS outlet_id text REFERENCES outlets ON DELETE CASCADE; -- the one outlet it is for

-- Only ever added to: triggers below refuse everything else but audit_purge().
CREATE TABLE IF NOT EXISTS audit (
	id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at      timestamptz NOT NULL DEFAULT now(),
	actor   text NOT NULL,                   -- user name, or local:NAME
	remote  text,
	action  text NOT NULL,
	subject text,
	detail  jsonb
);
ALTER TABLE audit ADD COLUMN IF NOT EXISTS request_id text;
ALTER TABLE audit ADD COLUMN IF NOT EXISTS before jsonb; -- the row as its document, without secrets
ALTER TABLE audit ADD COLUMN IF NOT EXISTS after jsonb;
CREATE INDEX IF NOT EXISTS audit_by_subject ON audit (subject, id DESC);
CREATE INDEX IF NOT EXISTS audit_by_time ON audit (at);

CREATE TABLE IF NOT EXISTS blasts (
	id           text PRIMARY KEY,
	name         text NOT NULL,
	status       text NOT NULL
	             CHECK (status IN ('SCHEDULED','RUNNING','PAUSED','COMPLETED','CANCELLED','EXPIRED')),
	text         text NOT NULL,
	pace         jsonb NOT NULL DEFAULT '{}',
	outlets      text[] NOT NULL,
	created_by   text NOT NULL,
	created_at   timestamptz NOT NULL DEFAULT now(),
	schedule_at  timestamptz,
	expires_at   timestamptz,
	started_at   timestamptz,
	finished_at  timestamptz,
	pause_reason text,
	-- Counters, kept by the statements that move messages. total = their sum.
	total        integer NOT NULL DEFAULT 0,
	queued       integer NOT NULL DEFAULT 0,
	sending      integer NOT NULL DEFAULT 0,
	sent         integer NOT NULL DEFAULT 0,
	delivered    integer NOT NULL DEFAULT 0,
	read         integer NOT NULL DEFAULT 0,
	failed       integer NOT NULL DEFAULT 0,
	skipped      integer NOT NULL DEFAULT 0,
	cancelled    integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE INDEX IF NOT EXISTS blasts_by_time ON blasts (created_at DESC, id);
CREATE INDEX IF NOT EXISTS blasts_open ON blasts (status) WHERE status IN ('SCHEDULED','RUNNING','PAUSED');

ALTER TABLE blasts ADD COLUMN IF NOT EXISTS failed_before integer NOT NULL DEFAULT 0; -- what a person has seen: counts from there
ALTER TABLE blasts ADD COLUMN IF NOT EXISTS done_before integer NOT NULL DEFAULT 0;   -- … pause the blast by itself

ALTER TABLE blasts ADD COLUMN IF NOT EXISTS retried_at timestamptz;
ALTER TABLE blasts ADD COLUMN IF NOT EXISTS check_numbers boolean NOT NULL DEFAULT false; -- numbers are asked about before they are sent to

-- The recipients of a blast to be, while it is planned; gone with the daemon's or the database's crash.
CREATE UNLOGGED TABLE IF NOT EXISTS blast_drafts (
	blast_id   text NOT NULL,
	position   integer NOT NULL,             -- the row of the table, or just an order
	phone      text NOT NULL,
	vars       jsonb,
	outlet_id  text,                         -- who sends to it, once known
	reason     text,                         -- why it gets nothing
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (blast_id, phone)
);
CREATE INDEX IF NOT EXISTS blast_drafts_order ON blast_drafts (blast_id, position);

-- Every message, in and out. A blast's recipient is a message with blast_id; a message outside any blast has none.
CREATE TABLE IF NOT EXISTS messages (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- outside: msg_<id>
	outlet_id    text NOT NULL REFERENCES outlets ON DELETE CASCADE,
	blast_id     text REFERENCES blasts ON DELETE CASCADE,
	outgoing     boolean NOT NULL,
	phone        text,                       -- the peer's digits, when known
	peer         text,                       -- the peer's address on the wire (LID), once known
	kind         text NOT NULL DEFAULT 'text',
	text         text,                       -- rendered; of a QUEUED recipient NULL: from the blast's text and vars
	vars         jsonb,
	status       text NOT NULL
	             CHECK (status IN ('QUEUED','SENDING','SENT','DELIVERED','READ','FAILED','SKIPPED','CANCELLED','RECEIVED')),
	reason       text,
	wa_id        text,                       -- the stanza id, fixed before the first send
	attempts     smallint NOT NULL DEFAULT 0,
	not_before   timestamptz,                -- a retry's time
	created_at   timestamptz NOT NULL DEFAULT now(),
	sending_at   timestamptz,
	sent_at      timestamptz,
	delivered_at timestamptz,
	read_at      timestamptz,
	failed_at    timestamptz
) WITH (fillfactor = 70);
-- A blast with files: what it says in its parts, in the order of sending: [{kind, text: does the blast's text go with it, content}];
-- and what of its message the API shows beside the text: media, mediaMode, variants.
ALTER TABLE blasts ADD COLUMN IF NOT EXISTS parts jsonb;
ALTER TABLE blasts ADD COLUMN IF NOT EXISTS more jsonb;
-- A recipient that gets several messages has a row for each. The last is the recipient: it leaves when the others have been taken by
-- the server, its status is the recipient's and it alone is counted; the others have is_recipient false.
ALTER TABLE messages ADD COLUMN IF NOT EXISTS part smallint;        -- of blasts.parts; NULL: the text alone
ALTER TABLE messages ADD COLUMN IF NOT EXISTS is_recipient boolean NOT NULL DEFAULT true;
ALTER TABLE messages ADD COLUMN IF NOT EXISTS variant smallint;     -- of blasts.more's variants; NULL: the blast's text
CREATE INDEX IF NOT EXISTS messages_parts ON messages (blast_id, phone, part) WHERE part IS NOT NULL;
ALTER TABLE messages ADD COLUMN IF NOT EXISTS content jsonb;        -- what is not text: media, location, contact, preview, replyTo, quoted
ALTER TABLE messages ADD COLUMN IF NOT EXISTS sealed_media bytea;   -- of one received: where its file lies, and the key
ALTER TABLE messages ADD COLUMN IF NOT EXISTS reply_to text; -- an inbound one: the blast that it answers
CREATE INDEX IF NOT EXISTS messages_replies ON messages (reply_to, id) WHERE reply_to IS NOT NULL;
CREATE INDEX IF NOT EXISTS messages_queue ON messages (outlet_id, (blast_id IS NOT NULL), id) WHERE status IN ('QUEUED','SENDING');
CREATE UNIQUE INDEX IF NOT EXISTS messages_wa_id ON messages (outlet_id, wa_id) WHERE outgoing AND wa_id IS NOT NULL;
-- An inbound stanza that comes twice is one message.
CREATE UNIQUE INDEX IF NOT EXISTS messages_inbound ON messages (outlet_id, peer, wa_id) WHERE NOT outgoing;
CREATE INDEX IF NOT EXISTS messages_by_blast ON messages (blast_id, id) WHERE blast_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS messages_by_outlet ON messages (outlet_id, id DESC);
-- A blast's rate; an outlet's daily cap.
CREATE INDEX IF NOT EXISTS messages_sent ON messages (blast_id, sent_at) WHERE blast_id IS NOT NULL AND sent_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS messages_sending ON messages (outlet_id, sending_at) WHERE outgoing AND sending_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS messages_failed ON messages (outlet_id, failed_at) WHERE outgoing AND failed_at IS NOT NULL;
-- Who was blasted before.
CREATE INDEX IF NOT EXISTS messages_by_phone ON messages (phone, id DESC) WHERE outgoing AND blast_id IS NOT NULL;

-- An outlet's part of a blast: its share of the counters, and since when and why it sends no more of it (paused_at).
CREATE TABLE IF NOT EXISTS blast_outlets (
	blast_id      text NOT NULL REFERENCES blasts ON DELETE CASCADE,
	outlet_id     text NOT NULL REFERENCES outlets ON DELETE CASCADE,
	total         integer NOT NULL DEFAULT 0,
	queued        integer NOT NULL DEFAULT 0,
	sending       integer NOT NULL DEFAULT 0,
	sent          integer NOT NULL DEFAULT 0,
	delivered     integer NOT NULL DEFAULT 0,
	read          integer NOT NULL DEFAULT 0,
	failed        integer NOT NULL DEFAULT 0,
	skipped       integer NOT NULL DEFAULT 0,
	cancelled     integer NOT NULL DEFAULT 0,
	restrictions  integer NOT NULL DEFAULT 0, -- how often WhatsApp restricted the outlet while it had messages of the blast
	failed_before integer NOT NULL DEFAULT 0, -- as in blasts: from there on failures count
	done_before   integer NOT NULL DEFAULT 0,
	paused_at     timestamptz,
	pause_reason  text,
	PRIMARY KEY (blast_id, outlet_id)
) WITH (fillfactor = 50);
CREATE INDEX IF NOT EXISTS blast_outlets_by_outlet ON blast_outlets (outlet_id);
CREATE INDEX IF NOT EXISTS blast_outlets_paused ON blast_outlets (outlet_id) WHERE paused_at IS NOT NULL;
-- Of blasts that were there before this table.
INSERT INTO blast_outlets (blast_id, outlet_id, total, queued, sending, sent, delivered, read, failed, skipped, cancelled)
SELECT m.blast_id, m.outlet_id, count(*), count(*) FILTER (WHERE m.status = 'QUEUED'), count(*) FILTER (WHERE m.status = 'SENDING'),
       count(*) FILTER (WHERE m.status = 'SENT'), count(*) FILTER (WHERE m.status = 'DELIVERED'),
       count(*) FILTER (WHERE m.status = 'READ'), count(*) FILTER (WHERE m.status = 'FAILED'),
       count(*) FILTER (WHERE m.status = 'SKIPPED'), count(*) FILTER (WHERE m.status = 'CANCELLED')
FROM messages m
WHERE m.blast_id IS NOT NULL AND m.is_recipient AND NOT EXISTS (SELECT 1 FROM blast_outlets)
GROUP BY 1, 2;

-- With whom an outlet has a chat already: first contacts of its blasts wait while WhatsApp restricts the account.
CREATE INDEX IF NOT EXISTS messages_established ON messages (outlet_id, phone) WHERE NOT outgoing OR status IN ('DELIVERED','READ');

-- Numbers that WhatsApp was asked about; true of the number, whichever outlet asked. Kept for seven days.
CREATE TABLE IF NOT EXISTS number_checks (
	phone       text PRIMARY KEY,
	on_whatsapp boolean NOT NULL,
	checked_at  timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE number_checks ADD COLUMN IF NOT EXISTS business_name text;  -- as WhatsApp verified it
CREATE INDEX IF NOT EXISTS number_checks_by_time ON number_checks (checked_at);

CREATE TABLE IF NOT EXISTS opt_outs (
	phone      text PRIMARY KEY,
	reason     text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

-- Files to send, whole here so that every daemon can upload them to WhatsApp.
CREATE TABLE IF NOT EXISTS media (
	id         text PRIMARY KEY,
	owner      text NOT NULL,                -- users.id, or local:NAME
	file_name  text,
	complete   boolean NOT NULL DEFAULT false, -- false: still coming, or left by a crash; then what follows is NULL
	sha256     bytea,
	size       bigint,
	mime_type  text,                         -- by its bytes
	width      integer,                      -- of an image, where its headers tell
	height     integer,
	created_at timestamptz NOT NULL DEFAULT now()
);
-- When somebody last wanted it for a message or a blast to be, to the hour: long after that it goes (MEDIA_SWEEP_UNUSED).
ALTER TABLE media ADD COLUMN IF NOT EXISTS used_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX IF NOT EXISTS media_by_use ON media (used_at) WHERE complete;
ALTER TABLE media ADD COLUMN IF NOT EXISTS seconds integer; -- of a sound (Ogg)
CREATE INDEX IF NOT EXISTS media_same ON media (owner, sha256) WHERE complete;
CREATE INDEX IF NOT EXISTS media_incomplete ON media (created_at) WHERE NOT complete;

CREATE TABLE IF NOT EXISTS media_chunks (
	media_id text NOT NULL REFERENCES media ON DELETE CASCADE,
	n        integer NOT NULL,               -- from 0; all but the last have 256 KiB
	bytes    bytea NOT NULL,
	PRIMARY KEY (media_id, n)
);
ALTER TABLE media_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL; -- files are compressed already

-- Where a file lies on WhatsApp's servers, by outlet and use (media_use), and the key to it.
CREATE TABLE IF NOT EXISTS media_uploads (
	outlet_id   text NOT NULL REFERENCES outlets ON DELETE CASCADE,
	media_id    text NOT NULL REFERENCES media ON DELETE CASCADE,
	type        smallint NOT NULL,
	sealed_ref  bytea NOT NULL,
	uploaded_at timestamptz NOT NULL DEFAULT now(), -- renewed after a week: the servers forget
	PRIMARY KEY (outlet_id, media_id, type)
);
ALTER TABLE opt_outs ADD COLUMN IF NOT EXISTS outlet_id text REFERENCES outlets ON DELETE SET NULL; -- where it was said
CREATE INDEX IF NOT EXISTS opt_outs_by_outlet ON opt_outs (outlet_id) WHERE outlet_id IS NOT NULL;

-- An outlet's own people.
CREATE TABLE IF NOT EXISTS contacts (
	outlet_id  text NOT NULL REFERENCES outlets ON DELETE CASCADE,
	phone      text NOT NULL,
	name       text,
	tags       text[] NOT NULL DEFAULT '{}',
	vars       jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (outlet_id, phone)
);
CREATE INDEX IF NOT EXISTS contacts_by_tag ON contacts USING gin (tags);

CREATE TABLE IF NOT EXISTS templates (
	id         text PRIMARY KEY,
	outlet_id  text REFERENCES outlets ON DELETE CASCADE, -- NULL: for all
	name       text NOT NULL,
	text       text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS templates_name ON templates (coalesce(outlet_id, ''), lower(name));

-- What became of messages, by day.
CREATE INDEX IF NOT EXISTS messages_by_outcome ON messages ((coalesce(sent_at, failed_at)))
	WHERE outgoing AND (sent_at IS NOT NULL OR failed_at IS NOT NULL);

-- Idempotency-Key of a POST that creates: the first answer, kept 24 h.
CREATE TABLE IF NOT EXISTS idempotency_keys (
	user_id    text NOT NULL,
	key        text NOT NULL,
	body_hash  bytea NOT NULL,
	status     integer NOT NULL,
	body       bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, key)
);

-- Requests for outlets of other daemons: put down by one, taken and answered by the outlet's owner, both sealed (a QR is a secret).
-- Of no use after a crash of the database, and in no copy of it.
CREATE UNLOGGED TABLE IF NOT EXISTS forwarded_calls (
	asker          text NOT NULL,            -- instances.boot
	serial         bigint NOT NULL,          -- the asker's
	outlet_id      text NOT NULL,
	sealed_request bytea NOT NULL,
	deadline       timestamptz NOT NULL,
	taken          boolean NOT NULL DEFAULT false,
	sealed_answer  bytea,
	PRIMARY KEY (asker, serial)
);

-- Events of daemons for the subscribers of the others, kept for a minute.
CREATE UNLOGGED TABLE IF NOT EXISTS relayed_events (
	sender    text NOT NULL,                 -- instances.boot
	serial    bigint NOT NULL,               -- the sender's
	at        timestamptz NOT NULL DEFAULT clock_timestamp(),
	kind      text NOT NULL,
	outlet_id text,
	data      text NOT NULL,                 -- JSON; of a blast its id
	PRIMARY KEY (sender, serial)
);

-- Small facts of the daemon as a whole, such as the WhatsApp client version last found.
CREATE TABLE IF NOT EXISTS settings (
	name  text PRIMARY KEY,
	value text NOT NULL,
	at    timestamptz NOT NULL DEFAULT now()
);

-- Where events are told to programs elsewhere. Secrets are sealed under webhook:ID; the one before the last counts until its time.
CREATE TABLE IF NOT EXISTS webhooks (
	id                text PRIMARY KEY,
	url               text NOT NULL,
	description       text,
	events            text[] NOT NULL,
	outlets           text[],                -- NULL: all
	is_active         boolean NOT NULL DEFAULT true,
	sealed_secret     bytea NOT NULL,
	secret_at         timestamptz NOT NULL DEFAULT now(),
	sealed_old_secret bytea,
	old_secret_until  timestamptz,
	created_by        text NOT NULL,
	created_at        timestamptz NOT NULL DEFAULT now(),
	updated_at        timestamptz NOT NULL DEFAULT now(),
	failing_since     timestamptz,           -- nothing has arrived since
	last_success_at   timestamptz,           -- to ten seconds
	not_before        timestamptz,           -- Retry-After
	disabled_at       timestamptz,
	disabled_reason   text,                  -- failing, gone
	queue_full_at     timestamptz            -- since then events are not queued
) WITH (fillfactor = 50);

-- What is told to a webhook, written in the transaction that it tells of: the queue (PENDING), and the log of what became of it. Of one
-- webhook and lane (an outlet, a blast) one at a time, in order. No reference to webhooks: no message may fail for one that goes.
CREATE TABLE IF NOT EXISTS webhook_deliveries (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	webhook_id      text NOT NULL,
	event_id        uuid NOT NULL,           -- the same for all webhooks, and for every attempt
	type            text NOT NULL,
	lane            text NOT NULL,
	outlet_id       text,
	payload         text,                    -- NULL: the progress of a blast, as it will be when it is taken
	created_at      timestamptz NOT NULL DEFAULT now(),
	state           text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING','DELIVERED','FAILED')),
	attempts        integer NOT NULL DEFAULT 0,
	retry_from      timestamptz NOT NULL DEFAULT now(),
	next_at         timestamptz NOT NULL DEFAULT now(),
	first_tried_at  timestamptz,
	finished_at     timestamptz,
	claimed_by      text,                    -- instances.boot: it is on its way from there
	claimed_until   timestamptz,
	log             jsonb NOT NULL DEFAULT '[]', -- the attempts: [{at, tookMs, status, error}]
	response_body   text                     -- of the last, its beginning
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS webhook_queue ON webhook_deliveries (webhook_id, lane, id) WHERE state = 'PENDING';
CREATE INDEX IF NOT EXISTS webhook_log ON webhook_deliveries (webhook_id, id DESC);
CREATE INDEX IF NOT EXISTS webhook_finished ON webhook_deliveries (finished_at) WHERE state <> 'PENDING';
CREATE INDEX IF NOT EXISTS webhook_claims ON webhook_deliveries (webhook_id, lane) WHERE claimed_by IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS webhook_progress ON webhook_deliveries (webhook_id, lane) WHERE payload IS NULL;

-- -- functions: replaced at every start ---------------------------------------------------------------------

-- Milliseconds since 1970, as C counts; 0 and NULL are no time.
CREATE OR REPLACE FUNCTION from_ms(ms bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE
AS $$ SELECT 'epoch'::timestamptz + nullif(ms, 0) * interval '1 millisecond' $$;

CREATE OR REPLACE FUNCTION to_ms(t timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE
AS $$ SELECT floor(extract(epoch FROM t) * 1000)::bigint $$;

CREATE OR REPLACE FUNCTION rfc3339(t timestamptz) RETURNS text LANGUAGE sql STABLE
AS $$ SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;

-- The keys of these outlets are given up: those of each that has any take the place of what was kept before. A repeat changes nothing.
CREATE OR REPLACE FUNCTION keys_keep(outlets text[], jids text[], lids text[], names text[], linked bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM kept_links l WHERE l.outlet_id = ANY (outlets) AND EXISTS (SELECT 1 FROM keys k WHERE k.outlet_id = l.outlet_id);
	INSERT INTO kept_links (outlet_id, own_jid, own_lid, session_name, linked_at)
	SELECT u.outlet, u.jid, u.lid, u.name, from_ms(u.linked) FROM unnest(outlets, jids, lids, names, linked) AS u (outlet, jid, lid, name, linked)
	WHERE EXISTS (SELECT 1 FROM keys k WHERE k.outlet_id = u.outlet);
	INSERT INTO kept_keys SELECT k.outlet_id, k.kind, k.name, k.value FROM keys k WHERE k.outlet_id = ANY (outlets);
	DELETE FROM keys k WHERE k.outlet_id = ANY (outlets);
END $$;

-- Back again, if the outlet is not linked anew and they were kept for less than seven days: a row, or none. Only its owner may: an
-- error of instance_fence otherwise.
CREATE OR REPLACE FUNCTION keys_restore(outlet text, instance text, at_epoch bigint)
RETURNS TABLE (jid text, lid text, name text, linked timestamptz) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM instance_fence(instance, at_epoch, ARRAY[outlet]);
	PERFORM 1 FROM outlet_sessions s WHERE s.outlet_id = outlet AND s.linked_at IS NULL FOR UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	SELECT l.own_jid, l.own_lid, l.session_name, l.linked_at INTO jid, lid, name, linked FROM kept_links l
	WHERE l.outlet_id = outlet AND l.kept_at > now() - interval '7 days' FOR UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	DELETE FROM keys k WHERE k.outlet_id = outlet;
	INSERT INTO keys SELECT k.outlet_id, k.kind, k.name, k.value FROM kept_keys k WHERE k.outlet_id = outlet;
	DELETE FROM kept_links l WHERE l.outlet_id = outlet;
	UPDATE outlet_sessions s SET own_jid = jid, own_lid = lid, session_name = name, linked_at = linked, last_error = NULL
	WHERE s.outlet_id = outlet;
	RETURN NEXT;
END $$;

-- A place in a list that is sorted by a key and an id: both, so that it stays one when its row is gone. Times as microseconds. What comes
-- from outside was looked at (call_cursor_is_key).
CREATE OR REPLACE FUNCTION cursor_of(key text, id text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT encode(convert_to(key, 'UTF8'), 'hex') || '.' || id $$;

CREATE OR REPLACE FUNCTION cursor_of(key timestamptz, id text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT cursor_of(floor(extract(epoch FROM key) * 1000000)::bigint::text, id) $$;

CREATE OR REPLACE FUNCTION cursor_key(place text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT convert_from(decode(split_part(place, '.', 1), 'hex'), 'UTF8') $$;

CREATE OR REPLACE FUNCTION cursor_time(place text) RETURNS timestamptz LANGUAGE sql IMMUTABLE
AS $$ SELECT 'epoch'::timestamptz + cursor_key(place)::bigint * interval '1 microsecond' $$;

CREATE OR REPLACE FUNCTION cursor_id(place text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT split_part(place, '.', 2) $$;

-- The owner's start of a daemon, or an error that the batch knows (store/batch.c).
CREATE OR REPLACE FUNCTION instance_fence(instance text, at_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 FROM instances WHERE name = instance AND epoch = at_epoch FOR SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'instance % is no longer at epoch %', instance, at_epoch USING ERRCODE = 'WF001';
	END IF;
END $$;

-- The same for the outlets that a transaction writes: they are this owner's, or an error that the batch knows.
CREATE OR REPLACE FUNCTION instance_fence(instance text, at_epoch bigint, outlets text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	other text;
BEGIN
	PERFORM instance_fence(instance, at_epoch);
	SELECT o.id INTO other FROM outlets o
	WHERE o.id = ANY (instance_fence.outlets) AND (o.owner IS DISTINCT FROM instance OR o.owner_epoch IS DISTINCT FROM at_epoch)
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'outlet % belongs to another daemon', other USING ERRCODE = 'WF002';
	END IF;
END $$;

-- Ends the leases that ran out and takes this daemon's share of the outlets that are nobody's. What is left of a dead
-- daemon's connections is ended first: one that was frozen in the middle of a transaction holds its row. Ending a lease
-- updates that row, so whatever its owner sends later is refused (instance_fence).
CREATE OR REPLACE FUNCTION instance_scan(me text, my_epoch bigint, may_end boolean)
RETURNS TABLE (live integer, mine integer, share integer, taken integer, ended text) LANGUAGE plpgsql AS $$
DECLARE
	dead text;
	total integer;
	mine_again integer;
BEGIN
	PERFORM set_config('lock_timeout', '5s', true);
	PERFORM instance_fence(me, my_epoch);
	FOR dead IN SELECT i.name FROM instances i
	            WHERE may_end AND i.name <> me AND i.boot IS NOT NULL AND i.lease_until < clock_timestamp() ORDER BY i.name
	LOOP
		PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a
		WHERE a.datname = current_database() AND a.application_name = ('waconnd@' || dead)::name::text;
		UPDATE instances i SET epoch = i.epoch + 1, boot = NULL
		WHERE i.name = dead AND i.boot IS NOT NULL AND i.lease_until < clock_timestamp();
		ended := concat_ws(' ', ended, CASE WHEN FOUND THEN dead END);
	END LOOP;
	-- What an earlier start of ours owned is ours.
	UPDATE outlets o SET owner_epoch = my_epoch WHERE o.owner = me AND o.owner_epoch IS DISTINCT FROM my_epoch;
	GET DIAGNOSTICS mine_again = ROW_COUNT;
	SELECT count(*) INTO live FROM instances i WHERE i.boot IS NOT NULL;
	SELECT count(*), count(*) FILTER (WHERE o.owner = me) INTO total, mine FROM outlets o;
	share := ceil(total::numeric / greatest(live, 1));
	WITH free AS (
		SELECT o.id FROM outlets o
		WHERE NOT EXISTS (SELECT 1 FROM instances i WHERE i.name = o.owner AND i.epoch = o.owner_epoch AND i.boot IS NOT NULL)
		ORDER BY o.id
		LIMIT greatest(share - mine, 0)
		FOR NO KEY UPDATE OF o SKIP LOCKED
	)
	UPDATE outlets o SET owner = me, owner_epoch = my_epoch FROM free WHERE o.id = free.id;
	GET DIAGNOSTICS taken = ROW_COUNT;
	mine := mine + taken;
	taken := taken + mine_again;
	RETURN NEXT;
END $$;

-- Blast counters follow the messages, whoever moves them, in the same transaction: those of the blast first, whose row is the lock of
-- all of them. A running blast whose last message leaves QUEUED and SENDING is COMPLETED; inserting completes nothing.
DROP FUNCTION IF EXISTS blast_count(text[], text[], bigint[], boolean);
CREATE OR REPLACE FUNCTION blast_count(ids text[], outlets text[], states text[], steps bigint[], inserting boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE blasts b
	SET total = b.total + d.total, queued = b.queued + d.queued, sending = b.sending + d.sending, sent = b.sent + d.sent,
	    delivered = b.delivered + d.delivered, read = b.read + d.read, failed = b.failed + d.failed,
	    skipped = b.skipped + d.skipped, cancelled = b.cancelled + d.cancelled,
	    status = CASE WHEN b.status = 'RUNNING' AND NOT inserting AND b.queued + d.queued + b.sending + d.sending = 0
	                  THEN 'COMPLETED' ELSE b.status END,
	    finished_at = CASE WHEN b.status = 'RUNNING' AND NOT inserting AND b.queued + d.queued + b.sending + d.sending = 0
	                       THEN now() ELSE b.finished_at END
	FROM blast_steps(ids, array_fill(NULL::text, ARRAY[cardinality(ids)]), states, steps) d
	WHERE b.id = d.blast_id;
	IF inserting THEN
		INSERT INTO blast_outlets AS o (blast_id, outlet_id, total, queued, sending, sent, delivered, read, failed, skipped, cancelled)
		SELECT d.blast_id, d.outlet_id, d.total, d.queued, d.sending, d.sent, d.delivered, d.read, d.failed, d.skipped, d.cancelled
		FROM blast_steps(ids, outlets, states, steps) d
		ON CONFLICT (blast_id, outlet_id) DO UPDATE
		SET total = o.total + excluded.total, queued = o.queued + excluded.queued, sending = o.sending + excluded.sending,
		    sent = o.sent + excluded.sent, delivered = o.delivered + excluded.delivered, read = o.read + excluded.read,
		    failed = o.failed + excluded.failed, skipped = o.skipped + excluded.skipped, cancelled = o.cancelled + excluded.cancelled;
	ELSE
		UPDATE blast_outlets o
		SET total = o.total + d.total, queued = o.queued + d.queued, sending = o.sending + d.sending, sent = o.sent + d.sent,
		    delivered = o.delivered + d.delivered, read = o.read + d.read, failed = o.failed + d.failed,
		    skipped = o.skipped + d.skipped, cancelled = o.cancelled + d.cancelled
		FROM blast_steps(ids, outlets, states, steps) d
		WHERE o.blast_id = d.blast_id AND o.outlet_id = d.outlet_id;
	END IF;
END $$;

-- What those arrays of one length add to each counter.
CREATE OR REPLACE FUNCTION blast_steps(ids text[], outlets text[], states text[], steps bigint[])
RETURNS TABLE (blast_id text, outlet_id text, total integer, queued integer, sending integer, sent integer, delivered integer,
               read integer, failed integer, skipped integer, cancelled integer)
LANGUAGE sql IMMUTABLE ROWS 10 AS $$
	SELECT t.id, t.outlet, sum(step)::integer,
	       coalesce(sum(step) FILTER (WHERE state = 'QUEUED'), 0)::integer,
	       coalesce(sum(step) FILTER (WHERE state = 'SENDING'), 0)::integer,
	       coalesce(sum(step) FILTER (WHERE state = 'SENT'), 0)::integer,
	       coalesce(sum(step) FILTER (WHERE state = 'DELIVERED'), 0)::integer,
	       coalesce(sum(step) FILTER (WHERE state = 'READ'), 0)::integer,
	       coalesce(sum(step) FILTER (WHERE state = 'FAILED'), 0)::integer,
	       coalesce(sum(step) FILTER (WHERE state = 'SKIPPED'), 0)::integer,
	       coalesce(sum(step) FILTER (WHERE state = 'CANCELLED'), 0)::integer
	FROM unnest(ids, outlets, states, steps) AS t (id, outlet, state, step)
	GROUP BY 1, 2
$$;

CREATE OR REPLACE FUNCTION messages_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM blast_count(array_agg(blast_id), array_agg(outlet_id), array_agg(status), array_agg(n), true)
	FROM (SELECT blast_id, outlet_id, status, count(*) AS n FROM new_rows WHERE blast_id IS NOT NULL AND is_recipient GROUP BY 1, 2, 3) t
	HAVING count(*) > 0;
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER messages_inserted AFTER INSERT ON messages
	REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION messages_inserted();

CREATE OR REPLACE FUNCTION messages_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM blast_count(array_agg(blast_id), array_agg(outlet_id), array_agg(status), array_agg(n), false)
	FROM (SELECT blast_id, outlet_id, status, sum(step)::bigint AS n
	      FROM (SELECT blast_id, outlet_id, status, 1 AS step FROM new_rows WHERE blast_id IS NOT NULL AND is_recipient
	            UNION ALL
	            SELECT blast_id, outlet_id, status, -1 FROM old_rows WHERE blast_id IS NOT NULL AND is_recipient) moved
	      GROUP BY 1, 2, 3 HAVING sum(step) <> 0) t
	HAVING count(*) > 0;
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER messages_updated AFTER UPDATE ON messages
	REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION messages_updated();

CREATE OR REPLACE FUNCTION messages_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM blast_count(array_agg(blast_id), array_agg(outlet_id), array_agg(status), array_agg(-n), false)
	FROM (SELECT blast_id, outlet_id, status, count(*) AS n FROM old_rows WHERE blast_id IS NOT NULL AND is_recipient GROUP BY 1, 2, 3) t
	HAVING count(*) > 0;
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER messages_deleted AFTER DELETE ON messages
	REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION messages_deleted();

-- What fails too often stops, until a person has looked: so many per cent of what was tried since the last look, after so many tries at
-- least (settings). First outlets, which WhatsApp may also have restricted too often: they send no more of a blast while others go on with
-- it, and what they failed no longer counts against the whole. Then whole blasts, where more than half of the outlets fail, or where nobody is
-- left to go on.
-- A row for each that stopped: outlet NULL: the blast itself.
CREATE OR REPLACE FUNCTION blasts_pause_failing() RETURNS TABLE (blast text, outlet text, why text) LANGUAGE plpgsql AS $$
DECLARE
	auto jsonb := settings_json()->'autoPause';
	percent integer := auto->>'failurePercent';
	least_tries integer := auto->>'minimum';
	restricted integer := auto->>'restrictions';
BEGIN
	RETURN QUERY
	WITH due AS (
		SELECT o.blast_id, o.outlet_id, o.failed - o.failed_before AS failed,
		       o.failed + o.sent + o.delivered + o.read - o.done_before AS tried,
		       CASE WHEN restricted > 0 AND o.restrictions >= restricted THEN 'restricted' ELSE 'too_many_failures' END AS reason
		FROM blasts b JOIN blast_outlets o ON o.blast_id = b.id
		WHERE b.status = 'RUNNING' AND o.paused_at IS NULL AND o.queued > 0
		  AND ((restricted > 0 AND o.restrictions >= restricted)
		       OR (percent > 0 AND o.failed + o.sent + o.delivered + o.read - o.done_before >= least_tries
		           AND 100 * (o.failed - o.failed_before) >= percent * (o.failed + o.sent + o.delivered + o.read - o.done_before)))
		  AND EXISTS (SELECT 1 FROM blast_outlets x WHERE x.blast_id = b.id AND x.outlet_id <> o.outlet_id AND x.paused_at IS NULL
		              AND x.queued + x.sending > 0)
	), locked AS (
		SELECT b.id FROM blasts b WHERE b.id IN (SELECT d.blast_id FROM due d) ORDER BY b.id FOR NO KEY UPDATE
	), paused AS (
		UPDATE blast_outlets o SET paused_at = now(), pause_reason = d.reason
		FROM due d JOIN locked l ON l.id = d.blast_id
		WHERE o.blast_id = d.blast_id AND o.outlet_id = d.outlet_id AND o.paused_at IS NULL
		RETURNING o.blast_id, o.outlet_id, d.reason, d.failed, d.tried
	), based AS (
		UPDATE blasts b SET failed_before = least(b.failed, b.failed_before + p.failed), done_before = b.done_before + p.tried
		FROM (SELECT p.blast_id, sum(p.failed)::integer AS failed, sum(p.tried)::integer AS tried FROM paused p GROUP BY 1) p
		WHERE b.id = p.blast_id
	)
	SELECT p.blast_id, p.outlet_id, p.reason FROM paused p;
	RETURN QUERY
	UPDATE blasts b SET status = 'PAUSED', pause_reason = 'too_many_failures'
	WHERE b.status = 'RUNNING' AND percent > 0
	  AND b.failed + b.sent + b.delivered + b.read - b.done_before >= least_tries
	  AND 100 * (b.failed - b.failed_before) >= percent * (b.failed + b.sent + b.delivered + b.read - b.done_before)
	  -- One bad outlet of several stops by itself.
	  AND (SELECT 2 * count(*) FILTER (WHERE 100 * t.failed >= percent * t.tried) > count(*)
	       FROM (SELECT o.failed - o.failed_before AS failed, o.failed + o.sent + o.delivered + o.read - o.done_before AS tried
	             FROM blast_outlets o WHERE o.blast_id = b.id AND o.paused_at IS NULL) t
	       WHERE t.tried > 0)
	RETURNING b.id, NULL::text, b.pause_reason;
	RETURN QUERY
	UPDATE blasts b SET status = 'PAUSED', pause_reason = 'outlets_paused'
	WHERE b.status = 'RUNNING' AND b.queued > 0
	  AND EXISTS (SELECT 1 FROM blast_outlets o WHERE o.blast_id = b.id AND o.paused_at IS NOT NULL)
	  AND NOT EXISTS (SELECT 1 FROM blast_outlets o WHERE o.blast_id = b.id AND o.paused_at IS NULL AND o.queued + o.sending > 0)
	RETURNING b.id, NULL::text, b.pause_reason;
END $$;

-- What outsiders see of a row, ready JSON (docs/openapi.yaml).
CREATE OR REPLACE FUNCTION outlet_json(o outlets) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('id', o.id, 'name', o.name, 'whatsappNumber', o.whatsapp_number, 'isActive', o.is_active,
	                         'autoReconnect', o.auto_reconnect, 'pace', o.pace, 'createdAt', rfc3339(o.created_at))
$$;

CREATE OR REPLACE FUNCTION user_json(u users) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('id', u.id, 'username', u.name, 'role', u.role, 'outletId', u.outlet_id,
	                         'createdAt', rfc3339(u.created_at))
$$;

CREATE OR REPLACE FUNCTION token_json(t tokens) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('id', t.id, 'name', t.name, 'userId', t.user_id,
	                         'user', (SELECT u.name FROM users u WHERE u.id = t.user_id), 'scopes', t.scopes,
	                         'outletId', t.outlet_id, 'createdAt', rfc3339(t.created_at),
	                         'expiresAt', rfc3339(t.expires_at), 'lastUsedAt', rfc3339(t.last_used_at))
$$;

CREATE OR REPLACE FUNCTION media_json(m media) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('id', m.id, 'mimeType', m.mime_type, 'size', m.size, 'sha256', encode(m.sha256, 'hex'),
	                         'fileName', m.file_name, 'width', m.width, 'height', m.height, 'seconds', m.seconds,
	                         'createdAt', rfc3339(m.created_at))
$$;

CREATE OR REPLACE FUNCTION message_times_json(m messages) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('queuedAt', rfc3339(m.created_at), 'sendingAt', rfc3339(m.sending_at), 'sentAt', rfc3339(m.sent_at),
	                         'deliveredAt', rfc3339(m.delivered_at), 'readAt', rfc3339(m.read_at),
	                         'failedAt', rfc3339(m.failed_at))
$$;

-- Files are wanted again: they stay.
CREATE OR REPLACE FUNCTION media_use_now(ids text[]) RETURNS void LANGUAGE sql AS $$
	UPDATE media SET used_at = now() WHERE id = ANY (ids) AND used_at < now() - interval '1 hour'
$$;

-- As what a file of this kind of message is encrypted and uploaded: enum wa_media_type (common/wa/content.h).
CREATE OR REPLACE FUNCTION media_use(kind text) RETURNS smallint LANGUAGE sql IMMUTABLE
AS $$ SELECT CASE WHEN kind IN ('image', 'sticker') THEN 0 WHEN kind IN ('video', 'gif') THEN 1
                  WHEN kind IN ('audio', 'voice') THEN 2 WHEN kind = 'document' THEN 3 END::smallint $$;

CREATE OR REPLACE FUNCTION message_content(m messages) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN m.part IS NULL THEN m.content
	            ELSE coalesce(m.content, (SELECT b.parts->m.part->'content' FROM blasts b WHERE b.id = m.blast_id)) END
$$;

-- The message of a chat that one with this stanza id in it was, ours or theirs: msg_…, NULL where it is not known.
CREATE OR REPLACE FUNCTION message_quoted(outlet text, chat text, number text, stanza text) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT 'msg_' || x.id
	FROM (SELECT m.id FROM messages m WHERE m.outlet_id = outlet AND m.wa_id = stanza AND m.outgoing AND (m.phone = number OR m.peer = chat)
	      UNION ALL
	      SELECT m.id FROM messages m WHERE m.outlet_id = outlet AND m.wa_id = stanza AND NOT m.outgoing AND m.peer = chat) x
	LIMIT 1
$$;

CREATE OR REPLACE FUNCTION message_json(m messages) RETURNS json LANGUAGE sql STABLE AS $$
	WITH plain AS (
		SELECT json_build_object('id', 'msg_' || m.id, 'outletId', m.outlet_id, 'blastId', m.blast_id,
		                         'direction', CASE WHEN m.outgoing THEN 'out' ELSE 'in' END, 'peer', coalesce(m.phone, m.peer),
		                         'kind', m.kind, 'text', m.text, 'status', m.status, 'reason', m.reason,
		                         'times', CASE WHEN m.outgoing THEN message_times_json(m)
		                                       ELSE json_build_object('receivedAt', rfc3339(m.created_at)) END) AS j
	)
	-- What is not text comes on top: members of the content, but for what is only the wire's.
	SELECT CASE WHEN m.content IS NULL AND m.part IS NULL AND m.sealed_media IS NULL THEN plain.j
	            ELSE (plain.j::jsonb || coalesce(message_content(m) - 'quoted', '{}')
	                  || CASE WHEN m.content ? 'quoted' AND NOT m.content ? 'replyTo'
	                          THEN jsonb_strip_nulls(jsonb_build_object('replyTo',
	                               message_quoted(m.outlet_id, m.peer, m.phone, m.content->'quoted'->>'waId')))
	                          ELSE '{}' END
	                  || CASE WHEN m.sealed_media IS NULL THEN '{}'
	                          ELSE jsonb_build_object('media', coalesce(m.content->'media', '{}')
	                                                  || jsonb_build_object('url', '/api/messages/msg_' || m.id || '/media')) END)::json
	       END
	FROM plain
$$;

CREATE OR REPLACE FUNCTION recipient_json(m messages) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('phone', m.phone, 'outletId', m.outlet_id, 'messageId', 'msg_' || m.id, 'status', m.status,
	                         'reason', m.reason, 'times', message_times_json(m))
$$;

-- The rate is that of the last minute; no estimate without one.
-- Has the outlet a chat with this message's recipient? They wrote to it, got something from it, or are sent one more of the same blast.
CREATE OR REPLACE FUNCTION has_chat(m messages) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT 1 FROM messages e WHERE e.outlet_id = m.outlet_id AND e.phone = m.phone
	               AND (NOT e.outgoing OR e.status IN ('DELIVERED','READ')))
	       OR (m.part > 0 AND EXISTS (SELECT 1 FROM messages e WHERE e.blast_id = m.blast_id AND e.phone = m.phone AND e.part < m.part
	                                  AND e.part IS NOT NULL AND e.status = 'SENT'))
$$;

CREATE OR REPLACE FUNCTION blast_json(b blasts) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object(
		'id', b.id, 'name', b.name, 'status', b.status, 'message', jsonb_build_object('text', b.text) || coalesce(b.more, '{}'),
		'outlets', b.outlets, 'pace', b.pace,
		'counts', json_build_object('total', b.total, 'queued', b.queued, 'sending', b.sending, 'sent', b.sent,
		                            'delivered', b.delivered, 'read', b.read, 'failed', b.failed,
		                            'skipped', b.skipped, 'cancelled', b.cancelled),
		'replies', (SELECT count(DISTINCT (y.outlet_id, y.peer)) FROM messages y WHERE y.reply_to = b.id),
		'ratePerMinute', r.n,
		'etaSeconds', CASE WHEN b.status = 'RUNNING' AND r.n > 0 THEN ceil((b.queued + b.sending) * 60.0 / r.n)::bigint END,
		'createdBy', b.created_by, 'createdAt', rfc3339(b.created_at), 'scheduleAt', rfc3339(b.schedule_at),
		'expiresAt', rfc3339(b.expires_at), 'startedAt', rfc3339(b.started_at), 'finishedAt', rfc3339(b.finished_at),
		'pauseReason', b.pause_reason,
		-- Outlets that send no more of it, until they are resumed or what they have is moved.
		'pausedOutlets', CASE WHEN b.status IN ('SCHEDULED', 'RUNNING', 'PAUSED')
		                      THEN (SELECT coalesce(json_agg(json_build_object('outletId', o.outlet_id, 'reason', o.pause_reason,
		                                                                       'pausedAt', rfc3339(o.paused_at)) ORDER BY o.outlet_id), '[]')
		                            FROM blast_outlets o WHERE o.blast_id = b.id AND o.paused_at IS NOT NULL)
		                      ELSE '[]' END,
		-- Outlets whose first contacts wait.
		'restrictions', CASE WHEN b.status = 'RUNNING' AND b.queued > 0
		                     THEN (SELECT coalesce(json_agg(json_build_object('outletId', a.outlet_id, 'kind', a.restriction,
		                                                                      'until', rfc3339(a.until)) ORDER BY a.outlet_id), '[]')
		                           FROM outlet_accounts a WHERE a.outlet_id = ANY (b.outlets) AND a.restriction IS NOT NULL
		                             AND (a.until IS NULL OR a.until > now() - interval '5 seconds'))
		                     ELSE '[]' END)
	FROM (SELECT CASE WHEN b.status = 'RUNNING'
	                  THEN (SELECT count(*) FROM messages m
	                        WHERE m.blast_id = b.id AND m.sent_at > now() - interval '1 minute' AND m.is_recipient) ELSE 0 END AS n) r
$$;

-- An outlet's part, as outsiders see it.
CREATE OR REPLACE FUNCTION blast_outlet_json(o blast_outlets) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('outletId', o.outlet_id, 'name', (SELECT x.name FROM outlets x WHERE x.id = o.outlet_id),
		'counts', json_build_object('total', o.total, 'queued', o.queued, 'sending', o.sending, 'sent', o.sent,
		                            'delivered', o.delivered, 'read', o.read, 'failed', o.failed,
		                            'skipped', o.skipped, 'cancelled', o.cancelled),
		'paused', o.paused_at IS NOT NULL, 'pausedAt', rfc3339(o.paused_at), 'pauseReason', o.pause_reason,
		'restrictions', o.restrictions)
$$;

-- Pause and resume a blast, or one outlet's part of it. A row: the blast. None: it is not there, not wholly the caller's, or in no state
-- for that. A schedule still to come is SCHEDULED again; with nothing left it is COMPLETED. Whoever resumes has looked: what failed
-- before does not count any more; the whole is resumed with all its outlets.
CREATE OR REPLACE FUNCTION blast_pause(blast text, scope text, why text, outlet text) RETURNS SETOF json LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 FROM blasts b WHERE b.id = blast AND (scope IS NULL OR b.outlets <@ ARRAY[scope]) AND b.status IN ('RUNNING', 'SCHEDULED')
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	IF outlet IS NULL THEN
		UPDATE blasts b SET status = 'PAUSED', pause_reason = why WHERE b.id = blast;
	ELSE
		UPDATE blast_outlets o SET paused_at = now(), pause_reason = why
		WHERE o.blast_id = blast AND o.outlet_id = outlet AND o.paused_at IS NULL;
	END IF;
	IF FOUND THEN
		RETURN QUERY SELECT blast_json(b) FROM blasts b WHERE b.id = blast;
	END IF;
END $$;

CREATE OR REPLACE FUNCTION blast_resume(blast text, scope text, outlet text) RETURNS SETOF json LANGUAGE plpgsql AS $$
DECLARE
	b blasts;
	resumed integer;
BEGIN
	SELECT * INTO b FROM blasts x
	WHERE x.id = blast AND (scope IS NULL OR x.outlets <@ ARRAY[scope])
	  AND (x.status = 'PAUSED' OR (x.status IN ('RUNNING', 'SCHEDULED')
	       AND EXISTS (SELECT 1 FROM blast_outlets o WHERE o.blast_id = x.id AND o.paused_at IS NOT NULL)))
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	UPDATE blast_outlets o
	SET paused_at = NULL, pause_reason = NULL, restrictions = 0, failed_before = o.failed,
	    done_before = o.failed + o.sent + o.delivered + o.read
	WHERE o.blast_id = blast AND (outlet IS NULL OR (o.outlet_id = outlet AND o.paused_at IS NOT NULL));
	GET DIAGNOSTICS resumed = ROW_COUNT;
	IF resumed = 0 AND outlet IS NOT NULL THEN
		RETURN;
	END IF;
	-- One that stopped for want of outlets has one again.
	IF b.status = 'PAUSED' AND (outlet IS NULL OR b.pause_reason = 'outlets_paused') THEN
		UPDATE blasts x
		SET status = CASE WHEN x.queued + x.sending = 0 THEN 'COMPLETED'
		                  WHEN x.started_at IS NULL AND x.schedule_at > now() THEN 'SCHEDULED'
		                  ELSE 'RUNNING' END,
		    started_at = CASE WHEN x.schedule_at > now() THEN x.started_at ELSE coalesce(x.started_at, now()) END,
		    finished_at = CASE WHEN x.queued + x.sending = 0 THEN now() END,
		    failed_before = x.failed, done_before = x.failed + x.sent + x.delivered + x.read,
		    pause_reason = NULL
		WHERE x.id = blast;
	END IF;
	RETURN QUERY SELECT blast_json(x) FROM blasts x WHERE x.id = blast;
END $$;

-- Gives up to `most` recipients of a blast that wait at one outlet to others, each of them with all its messages: of those that were never
-- taken for sending. Only that outlet's owner can tell what it has in hand (in_hand), so it is the one that does it: -1 when it is not
-- this start's, else how many. The recipient's last outlet comes first, the rest goes round, beginning with number `from_n`. Locks in the
-- order of all: instances, outlets, blasts, messages.
CREATE OR REPLACE FUNCTION blast_move(blast text, origin text, targets text[], in_hand bigint[], from_n bigint, most integer,
                                      instance text, at_epoch bigint) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	moved bigint[];
BEGIN
	PERFORM instance_fence(instance, at_epoch);
	PERFORM 1 FROM outlets o WHERE o.id = origin AND o.owner = instance AND o.owner_epoch = at_epoch FOR SHARE;
	IF NOT FOUND THEN
		RETURN -1;
	END IF;
	PERFORM 1 FROM blasts b WHERE b.id = blast AND b.status IN ('SCHEDULED', 'RUNNING', 'PAUSED') FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	INSERT INTO blast_outlets (blast_id, outlet_id) SELECT blast, t FROM unnest(targets) t ON CONFLICT DO NOTHING;
	WITH movable AS (
		SELECT m.id, row_number() OVER (ORDER BY m.id) - 1 AS n,
		       (SELECT l.outlet_id FROM messages l
		        WHERE l.phone = m.phone AND l.outgoing AND l.blast_id IS NOT NULL AND l.sending_at IS NOT NULL
		          AND l.outlet_id || '' = ANY (targets) ORDER BY l.id DESC LIMIT 1) AS known
		FROM (SELECT m.id, m.phone FROM messages m
		      WHERE m.blast_id = blast AND m.outlet_id = origin AND m.is_recipient AND m.status = 'QUEUED' AND m.wa_id IS NULL
		        AND m.id <> ALL (in_hand)
		        AND (m.part IS NULL OR NOT EXISTS (
		             SELECT 1 FROM messages e WHERE e.blast_id = blast AND e.phone = m.phone AND e.part IS NOT NULL
		             AND (e.status <> 'QUEUED' OR e.wa_id IS NOT NULL OR e.id = ANY (in_hand))))
		      ORDER BY m.id LIMIT most) m
	), given AS (
		UPDATE messages m
		SET outlet_id = coalesce(k.known, targets[1 + (from_n + k.n) % cardinality(targets)]), not_before = NULL, reason = NULL
		FROM movable k WHERE m.id = k.id
		RETURNING m.id
	)
	SELECT array_agg(g.id) INTO moved FROM given g;
	UPDATE messages p SET outlet_id = r.outlet_id
	FROM messages r
	WHERE r.id = ANY (moved) AND r.part > 0 AND p.blast_id = blast AND p.phone = r.phone AND p.part < r.part AND p.part IS NOT NULL;
	DELETE FROM blast_outlets o WHERE o.blast_id = blast AND o.outlet_id = ANY (targets) AND o.total = 0;
	UPDATE blasts b
	SET outlets = b.outlets || ARRAY(SELECT o.outlet_id FROM blast_outlets o
	                                 WHERE o.blast_id = blast AND o.outlet_id = ANY (targets) AND o.outlet_id <> ALL (b.outlets)
	                                 ORDER BY 1)
	WHERE b.id = blast;
	RETURN coalesce(cardinality(moved), 0);
END $$;

CREATE OR REPLACE FUNCTION opt_out_json(x opt_outs) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('phone', x.phone, 'reason', x.reason, 'outletId', x.outlet_id, 'createdAt', rfc3339(x.created_at))
$$;

CREATE OR REPLACE FUNCTION contact_json(c contacts) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('phone', c.phone, 'name', c.name, 'tags', c.tags, 'vars', c.vars, 'createdAt', rfc3339(c.created_at),
	                         'updatedAt', rfc3339(c.updated_at))
$$;

CREATE OR REPLACE FUNCTION template_json(t templates) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('id', t.id, 'name', t.name, 'text', t.text, 'outletId', t.outlet_id, 'createdAt', rfc3339(t.created_at),
	                         'updatedAt', rfc3339(t.updated_at))
$$;

-- -- settings, and the words by which people leave and come back ---------------------------------------------

CREATE OR REPLACE FUNCTION settings_json(kept jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT '{"optOutWords": ["STOP", "BERHENTI", "UNSUB", "UNSUBSCRIBE", "UNREG", "STOP PROMO", "BERHENTI LANGGANAN"],
	         "optInWords": ["START", "MULAI", "SUBSCRIBE", "LANGGANAN", "REG"], "optOutReply": null, "optInReply": null,
	         "auditDays": 0}'::jsonb || kept
	       || jsonb_build_object('autoPause', '{"failurePercent": 50, "minimum": 20, "restrictions": 3}'::jsonb
	                                          || coalesce(kept->'autoPause', '{}'))
$$;

CREATE OR REPLACE FUNCTION settings_json() RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT settings_json(coalesce((SELECT value::jsonb FROM settings WHERE name = 'settings'), '{}'))
$$;

-- A whole message as a word: without case, punctuation and spaces around.
CREATE OR REPLACE FUNCTION word_of(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT btrim(regexp_replace(lower(t), '[^[:alnum:]]+', ' ', 'g'))
$$;

CREATE OR REPLACE FUNCTION word_meant(word text) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN word = '' THEN NULL
	            WHEN EXISTS (SELECT 1 FROM jsonb_array_elements_text(settings_json()->'optOutWords') w WHERE word_of(w) = word) THEN 'out'
	            WHEN EXISTS (SELECT 1 FROM jsonb_array_elements_text(settings_json()->'optInWords') w WHERE word_of(w) = word) THEN 'in' END
$$;

-- In the transaction that keeps what came in: who says such a word is out, or in again, and hears it. The last word counts.
CREATE OR REPLACE FUNCTION messages_words() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	m record;
	done bigint;
	reply text;
BEGIN
	IF NOT EXISTS (SELECT 1 FROM new_rows WHERE NOT outgoing) THEN
		RETURN NULL;
	END IF;
	FOR m IN
		SELECT DISTINCT ON (w.phone) w.outlet_id, w.phone, w.meant
		FROM (SELECT n.outlet_id, n.phone, n.created_at, n.id, word_meant(word_of(n.text)) AS meant
		      FROM new_rows n WHERE NOT n.outgoing AND n.phone IS NOT NULL AND length(n.text) <= 64) w
		WHERE w.meant IS NOT NULL
		ORDER BY w.phone, w.created_at DESC, w.id DESC
	LOOP
		IF m.meant = 'out' THEN
			INSERT INTO opt_outs (phone, reason, outlet_id) VALUES (m.phone, 'inbound_word', m.outlet_id) ON CONFLICT DO NOTHING;
		ELSE
			DELETE FROM opt_outs WHERE phone = m.phone;
		END IF;
		GET DIAGNOSTICS done = ROW_COUNT;
		CONTINUE WHEN done = 0;
		reply := settings_json()->>CASE m.meant WHEN 'out' THEN 'optOutReply' ELSE 'optInReply' END;
		INSERT INTO audit (actor, action, subject, detail)
		VALUES ('whatsapp', CASE m.meant WHEN 'out' THEN 'opt_out_add' ELSE 'opt_out_remove' END, m.phone,
		        jsonb_build_object('outletId', m.outlet_id));
		IF reply <> '' THEN
			INSERT INTO messages (outlet_id, outgoing, phone, text, status) VALUES (m.outlet_id, true, m.phone, reply, 'QUEUED');
		END IF;
	END LOOP;
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER messages_words AFTER INSERT ON messages
	REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION messages_words();

-- Which of a blast's n texts a number of a draft gets; NULL: there is one only.
CREATE OR REPLACE FUNCTION draft_variant(phone text, n integer) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN n > 0 THEN ((hashtext(phone) & 2147483647) % n)::smallint END
$$;

-- Per cent of the last `days` days, or of its life when that is shorter, that the outlet was CONNECTED.
CREATE OR REPLACE FUNCTION outlet_uptime(outlet text, days integer) RETURNS numeric LANGUAGE sql STABLE AS $$
	WITH since AS (
		SELECT greatest(now() - make_interval(days => days), o.created_at) AS at FROM outlets o WHERE o.id = outlet
	), spans AS (
		SELECT e.to_status, e.at, lead(e.at, 1, now()) OVER (ORDER BY e.id) AS until
		FROM outlet_events e
		WHERE e.outlet_id = outlet
		  AND e.id >= coalesce((SELECT max(p.id) FROM outlet_events p, since s WHERE p.outlet_id = outlet AND p.at <= s.at), 0)
	)
	SELECT round(least(100, 100 * coalesce(sum(extract(epoch FROM p.until - greatest(p.at, s.at)))
	             FILTER (WHERE p.to_status = 'CONNECTED' AND p.until > s.at), 0)
	             / greatest(extract(epoch FROM now() - s.at), 0.001)), 3)
	FROM since s LEFT JOIN spans p ON true
	GROUP BY s.at
$$;

-- -- webhooks ------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION webhook_json(w webhooks) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('id', w.id, 'url', w.url, 'description', w.description, 'events', w.events, 'outletIds', w.outlets,
	                          'isActive', w.is_active, 'disabledAt', rfc3339(w.disabled_at), 'disabledReason', w.disabled_reason,
	                          'failingSince', rfc3339(w.failing_since), 'queueFull', w.queue_full_at IS NOT NULL,
	                          'secretCreatedAt', rfc3339(w.secret_at),
	                          'oldSecretUntil', CASE WHEN w.old_secret_until > now() THEN rfc3339(w.old_secret_until) END,
	                          'createdBy', w.created_by, 'createdAt', rfc3339(w.created_at), 'updatedAt', rfc3339(w.updated_at))
$$;

-- With what moves by itself.
CREATE OR REPLACE FUNCTION webhook_live_json(w webhooks) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT webhook_json(w) || jsonb_build_object('lastSuccessAt', rfc3339(w.last_success_at), 'pending', q.n,
	                                             'oldestPendingAt', rfc3339(q.oldest))
	FROM (SELECT count(*) AS n, min(d.created_at) AS oldest FROM webhook_deliveries d
	      WHERE d.webhook_id = w.id AND d.state = 'PENDING') q
$$;

CREATE OR REPLACE FUNCTION delivery_json(d webhook_deliveries) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('id', 'delivery_' || d.id, 'webhookId', d.webhook_id, 'eventId', 'evt_' || replace(d.event_id::text, '-', ''),
	                          'type', d.type, 'outletId', d.outlet_id, 'status', d.state, 'attempts', d.attempts, 'log', d.log,
	                          'responseBody', d.response_body, 'createdAt', rfc3339(d.created_at),
	                          'nextAttemptAt', CASE WHEN d.state = 'PENDING' THEN rfc3339(d.next_at) END,
	                          'finishedAt', rfc3339(d.finished_at))
$$;

-- What is sent.
CREATE OR REPLACE FUNCTION webhook_document(kind text, at timestamptz, data json) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT json_build_object('type', kind, 'timestamp', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'data', data)::text
$$;

CREATE OR REPLACE FUNCTION webhook_wanted(kind text) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT 1 FROM webhooks w WHERE w.is_active AND kind = ANY (w.events))
$$;

-- One event to all webhooks that want it; wanted_by: of the outlets that it is about, NULL of none.
CREATE OR REPLACE FUNCTION webhook_put(kind text, in_lane text, about text[], doc text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO webhook_deliveries (webhook_id, event_id, type, lane, outlet_id, payload)
	SELECT w.id, e.event_id, kind, in_lane, CASE WHEN cardinality(about) = 1 THEN about[1] END, doc
	FROM (SELECT gen_random_uuid() AS event_id) e
	JOIN webhooks w ON w.is_active AND w.queue_full_at IS NULL AND kind = ANY (w.events) AND (w.outlets IS NULL OR w.outlets && about)
$$;

CREATE OR REPLACE FUNCTION webhook_outlet_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NOT webhook_wanted('outlet.status') THEN
		RETURN NULL;
	END IF;
	PERFORM webhook_put('outlet.status', e.outlet_id, ARRAY[e.outlet_id], e.doc)
	FROM (SELECT n.outlet_id, webhook_document('outlet.status', n.at,
	             json_build_object('outletId', n.outlet_id,
	                               'outlet', json_build_object('name', o.name, 'whatsappNumber', o.whatsapp_number),
	                               'from', n.from_status, 'status', n.to_status, 'reason', n.reason,
	                               'lastError', CASE WHEN s.status = n.to_status THEN s.last_error END)) AS doc
	      FROM new_rows n JOIN outlets o ON o.id = n.outlet_id LEFT JOIN outlet_sessions s ON s.outlet_id = n.outlet_id
	      ORDER BY n.id) e;
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER webhook_outlet_status AFTER INSERT ON outlet_events
	REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION webhook_outlet_status();

CREATE OR REPLACE FUNCTION webhook_message_received() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NOT webhook_wanted('message.received') THEN
		RETURN NULL;
	END IF;
	PERFORM webhook_put('message.received', e.outlet_id, ARRAY[e.outlet_id], e.doc)
	FROM (SELECT m.outlet_id, webhook_document('message.received', m.created_at, json_build_object('message', message_json(m))) AS doc
	      FROM new_rows n JOIN messages m ON m.id = n.id
	      WHERE NOT n.outgoing
	      ORDER BY n.id) e;
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER webhook_message_received AFTER INSERT ON messages
	REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION webhook_message_received();

-- What was sent and became something else: a message of its own, or a blast's to one of its recipients.
CREATE OR REPLACE FUNCTION webhook_message_status() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	single boolean := webhook_wanted('message.status');
	of_blast boolean := webhook_wanted('recipient.status');
BEGIN
	IF NOT single AND NOT of_blast THEN
		RETURN NULL;
	END IF;
	PERFORM webhook_put(e.kind, e.outlet_id, ARRAY[e.outlet_id], webhook_document(e.kind, now(), e.data))
	FROM (SELECT m.outlet_id, CASE WHEN m.blast_id IS NULL THEN 'message.status' ELSE 'recipient.status' END AS kind,
	             json_build_object('message', message_json(m)) AS data
	      FROM new_rows n JOIN old_rows o ON o.id = n.id JOIN messages m ON m.id = n.id
	      WHERE n.status <> o.status AND n.outgoing AND n.is_recipient AND n.status IN ('SENT','DELIVERED','READ','FAILED','SKIPPED')
	        AND CASE WHEN n.blast_id IS NULL THEN single ELSE of_blast END
	      ORDER BY n.id) e;
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER webhook_message_status AFTER UPDATE ON messages
	REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION webhook_message_status();

-- Each status of a blast, and its counters now and then: one event of progress waits for two seconds, and is written when it is taken.
-- Whoever moves counters meanwhile holds its row, so that it is not taken without them.
CREATE OR REPLACE FUNCTION webhook_blast() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	b blasts := NEW;
BEGIN
	IF TG_OP = 'INSERT' THEN
		SELECT * INTO b FROM blasts x WHERE x.id = NEW.id; -- at the commit: with its recipients
	END IF;
	IF TG_OP = 'INSERT' OR OLD.status <> NEW.status THEN
		IF webhook_wanted('blast.status') THEN
			PERFORM webhook_put('blast.status', b.id, b.outlets,
			                    webhook_document('blast.status', now(), json_build_object('blast', blast_json(b))));
		END IF;
	END IF;
	IF TG_OP = 'UPDATE' AND webhook_wanted('blast.progress') THEN
		INSERT INTO webhook_deliveries (webhook_id, event_id, type, lane, outlet_id, next_at)
		SELECT w.id, gen_random_uuid(), 'blast.progress', b.id, CASE WHEN cardinality(b.outlets) = 1 THEN b.outlets[1] END,
		       now() + interval '2 seconds'
		FROM webhooks w
		WHERE w.is_active AND w.queue_full_at IS NULL AND 'blast.progress' = ANY (w.events) AND (w.outlets IS NULL OR w.outlets && b.outlets)
		ORDER BY w.id
		ON CONFLICT (webhook_id, lane) WHERE payload IS NULL DO UPDATE SET lane = excluded.lane;
	END IF;
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER webhook_blast AFTER UPDATE ON blasts FOR EACH ROW
	WHEN ((OLD.status, OLD.total, OLD.queued, OLD.sending, OLD.sent, OLD.delivered, OLD.read, OLD.failed, OLD.skipped, OLD.cancelled)
	      IS DISTINCT FROM
	      (NEW.status, NEW.total, NEW.queued, NEW.sending, NEW.sent, NEW.delivered, NEW.read, NEW.failed, NEW.skipped, NEW.cancelled))
	EXECUTE FUNCTION webhook_blast();
DROP TRIGGER IF EXISTS webhook_blast_added ON blasts;
CREATE CONSTRAINT TRIGGER webhook_blast_added AFTER INSERT ON blasts DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION webhook_blast();

-- Takes what is due for a daemon's start `boot`, the oldest first: of each webhook and lane the first that is pending, and only if none
-- of the lane is on its way. A claim counts while its daemon lives, and not for ever. Webhooks that another daemon looks at are passed over.
CREATE OR REPLACE FUNCTION webhook_claim(boot text, most integer, most_each integer)
RETURNS TABLE (delivery bigint, webhook text, url text, event text, kind text, payload text, secret bytea, old_secret bytea, attempts integer)
LANGUAGE plpgsql AS $$
DECLARE
	w webhooks;
	busy text[];
	room integer;
	ids bigint[];
	n integer;
BEGIN
	FOR w IN SELECT * FROM webhooks x
	         WHERE EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = x.id AND d.state = 'PENDING')
	         ORDER BY random() FOR NO KEY UPDATE SKIP LOCKED
	LOOP
		busy := ARRAY(SELECT d.lane FROM webhook_deliveries d
		              WHERE d.webhook_id = w.id AND d.claimed_by IS NOT NULL AND d.claimed_until > clock_timestamp()
		                AND EXISTS (SELECT 1 FROM instances i WHERE i.boot = d.claimed_by));
		-- A receiver that has been failing for a while is asked one at a time.
		room := least(most, CASE WHEN w.failing_since < now() - interval '1 minute' THEN 1 ELSE most_each END - cardinality(busy));
		CONTINUE WHEN room <= 0;
		ids := ARRAY(
			WITH RECURSIVE heads AS (
				(SELECT d.lane, d.id, d.next_at, d.type FROM webhook_deliveries d
				 WHERE d.webhook_id = w.id AND d.state = 'PENDING' ORDER BY d.lane, d.id LIMIT 1)
				UNION ALL
				SELECT n.lane, n.id, n.next_at, n.type FROM heads h CROSS JOIN LATERAL (
					SELECT d.lane, d.id, d.next_at, d.type FROM webhook_deliveries d
					WHERE d.webhook_id = w.id AND d.state = 'PENDING' AND d.lane > h.lane ORDER BY d.lane, d.id LIMIT 1) n
			)
			SELECT h.id FROM heads h
			WHERE h.next_at <= clock_timestamp() AND NOT h.lane = ANY (busy)
			  AND (h.type = 'webhook.test' OR w.is_active AND (w.not_before IS NULL OR w.not_before <= now()))
			ORDER BY h.next_at LIMIT room);
		-- Not one whose counters are being moved.
		ids := ARRAY(SELECT d.id FROM webhook_deliveries d WHERE d.id = ANY (ids) AND d.state = 'PENDING' FOR NO KEY UPDATE SKIP LOCKED);
		RETURN QUERY
		UPDATE webhook_deliveries d
		SET claimed_by = boot, claimed_until = clock_timestamp() + interval '40 seconds',
		    payload = coalesce(d.payload, webhook_document(d.type, now(), json_build_object('blast',
		                       (SELECT blast_json(b) FROM blasts b WHERE b.id = d.lane))))
		WHERE d.id = ANY (ids)
		RETURNING d.id, w.id, w.url, 'evt_' || replace(d.event_id::text, '-', ''), d.type, d.payload, w.sealed_secret,
		          CASE WHEN w.old_secret_until > now() THEN w.sealed_old_secret END, d.attempts;
		GET DIAGNOSTICS n = ROW_COUNT;
		most := most - n;
		EXIT WHEN most <= 0;
	END LOOP;
END $$;

-- What became of an attempt that is still `boot`'s: ok, again, or gone (nobody wants anything there any more). It is tried again after
-- delay, for give_up after it was put; hold: nothing goes to the webhook for so long. Answers the webhook's document when it was disabled.
CREATE OR REPLACE FUNCTION webhook_finish(delivery bigint, boot text, attempt integer, outcome text, delay bigint, hold bigint,
                                          give_up bigint, http_status integer, body text, why text, took bigint)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	d webhook_deliveries;
	w webhooks;
	done boolean;
	ms interval := interval '1 millisecond';
BEGIN
	PERFORM set_config('synchronous_commit', 'off', true); -- lost by a crash, it is sent once more
	SELECT * INTO w FROM webhooks x WHERE x.id = (SELECT y.webhook_id FROM webhook_deliveries y WHERE y.id = delivery) FOR NO KEY UPDATE;
	SELECT * INTO d FROM webhook_deliveries x
	WHERE x.id = delivery AND x.state = 'PENDING' AND x.claimed_by = boot AND x.attempts = attempt FOR UPDATE;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	d.first_tried_at := coalesce(d.first_tried_at, now());
	done := outcome = 'gone' OR d.type = 'webhook.test' OR now() + delay * ms > d.retry_from + give_up * ms;
	UPDATE webhook_deliveries x
	SET state = CASE WHEN outcome = 'ok' THEN 'DELIVERED' WHEN done THEN 'FAILED' ELSE 'PENDING' END,
	    attempts = x.attempts + 1, next_at = now() + delay * ms, first_tried_at = d.first_tried_at, claimed_by = NULL, claimed_until = NULL,
	    finished_at = CASE WHEN outcome = 'ok' OR done THEN now() END, response_body = body,
	    log = CASE WHEN jsonb_array_length(x.log) < 100 THEN x.log ELSE x.log - 0 END
	          || jsonb_build_object('at', rfc3339(now()), 'tookMs', took, 'status', http_status, 'error', why)
	WHERE x.id = delivery;
	IF d.type = 'webhook.test' OR w.id IS NULL THEN
		RETURN NULL;
	END IF;
	IF outcome = 'ok' THEN
		IF w.failing_since < now() - interval '5 minutes' THEN
			UPDATE webhook_deliveries x SET next_at = now()
			WHERE x.webhook_id = w.id AND x.state = 'PENDING' AND x.attempts > 0 AND x.claimed_by IS NULL;
		END IF;
		UPDATE webhooks x SET failing_since = NULL, last_success_at = now()
		WHERE x.id = w.id AND (x.failing_since IS NOT NULL OR x.last_success_at IS NULL OR x.last_success_at < now() - interval '10 seconds');
		RETURN NULL;
	END IF;
	w.failing_since := coalesce(w.failing_since, now());
	IF w.is_active AND (outcome = 'gone' OR w.failing_since <= now() - give_up * ms OR (done AND w.failing_since <= d.first_tried_at)) THEN
		w.is_active := false;
		w.disabled_at := now();
		w.disabled_reason := CASE outcome WHEN 'gone' THEN 'gone' ELSE 'failing' END;
	END IF;
	UPDATE webhooks x SET failing_since = w.failing_since, is_active = w.is_active, disabled_at = w.disabled_at,
	       disabled_reason = w.disabled_reason, not_before = CASE WHEN hold > 0 THEN now() + hold * ms ELSE x.not_before END
	WHERE x.id = w.id;
	IF w.disabled_at IS DISTINCT FROM now() THEN
		RETURN NULL;
	END IF;
	INSERT INTO audit (actor, action, subject, detail)
	VALUES ('waconnd', 'webhook_disable', w.id, jsonb_build_object('reason', w.disabled_reason, 'status', http_status, 'error', why));
	PERFORM webhook_put('webhook.disabled', 'webhooks', NULL, webhook_document('webhook.disabled', now(),
	                    json_build_object('webhook', webhook_json(w))));
	RETURN webhook_json(w);
END $$;

-- Bounds of the queue and of the log. What waits for a webhook that is disabled is given up in its time.
CREATE OR REPLACE FUNCTION webhook_sweep(give_up bigint, queue_most integer, log_most integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF NOT pg_try_advisory_xact_lock(hashtext('webhook_sweep')) THEN
		RETURN;
	END IF;
	UPDATE webhook_deliveries d SET state = 'FAILED', finished_at = now(),
	       log = d.log || jsonb_build_object('at', rfc3339(now()), 'tookMs', NULL, 'status', NULL, 'error', 'expired: the webhook was disabled')
	WHERE d.id IN (SELECT x.id FROM webhooks w JOIN webhook_deliveries x ON x.webhook_id = w.id AND x.state = 'PENDING'
	               WHERE NOT w.is_active AND x.claimed_by IS NULL AND x.retry_from < now() - give_up * interval '1 millisecond'
	               LIMIT 5000 FOR UPDATE OF x SKIP LOCKED);
	DELETE FROM webhook_deliveries d
	WHERE d.id IN (SELECT x.id FROM webhook_deliveries x WHERE NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = x.webhook_id)
	               LIMIT 5000 FOR UPDATE SKIP LOCKED);
	DELETE FROM webhook_deliveries d
	WHERE d.id IN (SELECT x.id FROM webhook_deliveries x WHERE x.state <> 'PENDING' AND x.finished_at < now() - interval '7 days' LIMIT 5000)
	   OR d.id IN (SELECT x.id FROM webhooks w CROSS JOIN LATERAL (
	                    SELECT y.id FROM webhook_deliveries y WHERE y.webhook_id = w.id AND y.state <> 'PENDING'
	                    ORDER BY y.id DESC OFFSET log_most LIMIT 5000) x);
	UPDATE webhooks w SET queue_full_at = CASE WHEN w.queue_full_at IS NULL THEN now() END
	FROM (SELECT x.id, (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = x.id AND d.state = 'PENDING') AS n FROM webhooks x) q
	WHERE q.id = w.id AND CASE WHEN w.queue_full_at IS NULL THEN q.n >= queue_most ELSE q.n < queue_most - queue_most / 10 END;
END $$;

-- -- the audit log ------------------------------------------------------------------------------------------

-- Changes of these tables write their own line, in the same transaction, when somebody is named who makes them
-- (AUDIT_WHO): what a daemon does by itself is no change of a person's.
CREATE OR REPLACE FUNCTION audit_json(tab text, r jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE WHEN r IS NULL THEN NULL ELSE CASE tab
	       WHEN 'outlets' THEN outlet_json(jsonb_populate_record(NULL::outlets, r))::jsonb
	       WHEN 'users' THEN user_json(jsonb_populate_record(NULL::users, r))::jsonb
	       WHEN 'tokens' THEN token_json(jsonb_populate_record(NULL::tokens, r))::jsonb
	       WHEN 'templates' THEN template_json(jsonb_populate_record(NULL::templates, r))::jsonb
	       WHEN 'contacts' THEN contact_json(jsonb_populate_record(NULL::contacts, r))::jsonb
	       WHEN 'opt_outs' THEN opt_out_json(jsonb_populate_record(NULL::opt_outs, r))::jsonb
	       WHEN 'settings' THEN (r->>'value')::jsonb
	       WHEN 'webhooks' THEN webhook_json(jsonb_populate_record(NULL::webhooks, r))
	       WHEN 'blasts' THEN jsonb_build_object('name', r->'name', 'status', r->'status', 'pauseReason', r->'pause_reason')
	       ELSE r END END;
END $$;

CREATE OR REPLACE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	who text := nullif(current_setting('waconn.actor', true), '');
	old_row jsonb;
	new_row jsonb;
	what text := current_setting('waconn.action', true);
	more jsonb;
BEGIN
	IF who IS NULL THEN
		RETURN NULL;
	END IF;
	IF TG_OP <> 'INSERT' THEN
		old_row := to_jsonb(OLD);
	END IF;
	IF TG_OP <> 'DELETE' THEN
		new_row := to_jsonb(NEW);
	END IF;
	IF TG_TABLE_NAME = 'tokens' AND coalesce((coalesce(new_row, old_row)->>'is_session')::boolean, false) THEN
		RETURN NULL; -- logins have lines of their own
	END IF;
	IF new_row->>'password_hash' IS DISTINCT FROM old_row->>'password_hash' AND TG_OP = 'UPDATE' THEN
		more := '{"passwordChanged": true}';
	ELSIF new_row = old_row OR (TG_TABLE_NAME = 'tokens' AND TG_OP = 'UPDATE') THEN
		RETURN NULL; -- nothing was changed, or a token was used
	END IF;
	INSERT INTO audit (actor, remote, request_id, action, subject, detail, before, after)
	VALUES (who, current_setting('waconn.remote', true), current_setting('waconn.request_id', true), what,
	        coalesce(coalesce(new_row, old_row)->>'id', coalesce(new_row, old_row)->>'phone', coalesce(new_row, old_row)->>'name'), more, audit_json(TG_TABLE_NAME, old_row), audit_json(TG_TABLE_NAME, new_row));
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON outlets FOR EACH ROW EXECUTE FUNCTION audit_change();
CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION audit_change();
CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON tokens FOR EACH ROW EXECUTE FUNCTION audit_change();
CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON templates FOR EACH ROW EXECUTE FUNCTION audit_change();
CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON contacts FOR EACH ROW EXECUTE FUNCTION audit_change();
CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON opt_outs FOR EACH ROW EXECUTE FUNCTION audit_change();
CREATE OR REPLACE TRIGGER audit_change AFTER UPDATE ON blasts FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
	EXECUTE FUNCTION audit_change();
CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON settings FOR EACH ROW EXECUTE FUNCTION audit_change();
CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON webhooks FOR EACH ROW EXECUTE FUNCTION audit_change();

-- Lines are neither changed nor taken away, whoever asks, but by audit_purge, which takes what is old, and says so.
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' AND current_setting('waconn.audit_purge', true) = 'yes' THEN
		RETURN OLD;
	END IF;
	RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE OR REPLACE TRIGGER audit_refuse_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE OR REPLACE FUNCTION audit_purge(older_than interval) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	IF older_than < interval '30 days' THEN
		RAISE EXCEPTION 'the audit log is kept for 30 days at least';
	END IF;
	PERFORM set_config('waconn.audit_purge', 'yes', true);
	DELETE FROM audit WHERE at < now() - older_than;
	GET DIAGNOSTICS n = ROW_COUNT;
	PERFORM set_config('waconn.audit_purge', '', true);
	IF n > 0 THEN
		INSERT INTO audit (actor, action, detail) VALUES ('waconnd', 'audit_purge', jsonb_build_object('lines', n));
	END IF;
	RETURN n;
END $$;

-- Keeps the answer of a request that creates under its Idempotency-Key (NULL: none was given), and gives it back.
CREATE OR REPLACE FUNCTION answer_keep(who text, request_key text, hash bytea, code integer, answer text, kept text)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF request_key IS NOT NULL THEN
		DELETE FROM idempotency_keys WHERE user_id = who AND key = request_key AND created_at <= now() - interval '24 hours';
		INSERT INTO idempotency_keys (user_id, key, body_hash, status, body)
		VALUES (who, request_key, hash, code, convert_to(kept, 'UTF8'));
	END IF;
	RETURN answer;
END $$;

-- -- a database that was put back ----------------------------------------------------------------------------

-- Which database this is: its cluster and its place there. A standby that takes over is the same; a dump that was restored is another.
CREATE OR REPLACE FUNCTION database_place() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	place text := (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
BEGIN
	RETURN place || '@' || (SELECT c.system_identifier FROM pg_control_system() c);
EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
	RETURN place;
END $$;

-- What was sent after a backup was made is QUEUED in it, and would be sent twice: its blasts wait for a person who has looked.
WITH moved AS (
	INSERT INTO settings (name, value) VALUES ('database_place', database_place())
	ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = now() WHERE settings.value <> excluded.value
	RETURNING xmax <> 0 AS known
)
UPDATE blasts SET status = 'PAUSED', pause_reason = 'database_restored'
WHERE (status = 'RUNNING' OR (status = 'SCHEDULED' AND schedule_at <= now())) AND EXISTS (SELECT 1 FROM moved WHERE known);
