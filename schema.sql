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

CREATE TABLE IF NOT EXISTS outlets (
	id              text PRIMARY KEY,
	name            text NOT NULL,
	whatsapp_number text NOT NULL,           -- digits with country code
	is_active       boolean NOT NULL DEFAULT true,
	auto_reconnect  boolean NOT NULL DEFAULT true,
	pace            jsonb NOT NULL DEFAULT '{}', -- perMinute, jitter, dailyCap, window, timezone; absent: the configured default
	created_at      timestamptz NOT NULL DEFAULT now(),
	owner           text,                    -- instances.name
	owner_epoch     bigint
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

CREATE TABLE IF NOT EXISTS audit (
	id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at      timestamptz NOT NULL DEFAULT now(),
	actor   text NOT NULL,                   -- user name, or local:NAME
	remote  text,
	action  text NOT NULL,
	subject text,
	detail  jsonb
);

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
CREATE INDEX IF NOT EXISTS messages_queue ON messages (outlet_id, (blast_id IS NOT NULL), id) WHERE status IN ('QUEUED','SENDING');
CREATE UNIQUE INDEX IF NOT EXISTS messages_wa_id ON messages (outlet_id, wa_id) WHERE outgoing AND wa_id IS NOT NULL;
-- An inbound stanza that comes twice is one message.
CREATE UNIQUE INDEX IF NOT EXISTS messages_inbound ON messages (outlet_id, peer, wa_id) WHERE NOT outgoing;
CREATE INDEX IF NOT EXISTS messages_by_blast ON messages (blast_id, id) WHERE blast_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS messages_by_outlet ON messages (outlet_id, id DESC);

CREATE TABLE IF NOT EXISTS opt_outs (
	phone      text PRIMARY KEY,
	reason     text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

-- Idempotency-Key of POST /blasts and …/messages: the first answer, kept 24 h.
CREATE TABLE IF NOT EXISTS idempotency_keys (
	user_id    text NOT NULL,
	key        text NOT NULL,
	body_hash  bytea NOT NULL,
	status     integer NOT NULL,
	body       bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, key)
);

-- Small facts of the daemon as a whole, such as the WhatsApp client version last found.
CREATE TABLE IF NOT EXISTS settings (
	name  text PRIMARY KEY,
	value text NOT NULL,
	at    timestamptz NOT NULL DEFAULT now()
);
