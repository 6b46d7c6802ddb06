/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a client may say: the shapes of stanzas as Baileys and whatsmeow send them, in one table. Whatever is not in it is a violation: another
 * attribute, another child, content of another length.
 */
const USER = /^\d+(:\d+)?@(s\.whatsapp\.net|lid)$/;
const LID = /^\d+(:\d+)?@lid$/;
const PN = /^\d+(:\d+)?@s\.whatsapp\.net$/;
const SERVER = /^@?s\.whatsapp\.net$/;
const ADDRESS = /^((\d+(:\d+)?)?@?(s\.whatsapp\.net|lid)|[\d-]+@g\.us|status@broadcast)$/;
const ID = /^[A-Za-z0-9.:-]{1,64}$/;
const NUMBER = /^\d+$/;
const T = /^\d{10}$/;

/* Attributes: name → the text, or a pattern; names that end in "?" may be absent. Children: name → shape, "?" may be absent, "*" any number, "+" one or more. */
const bytes = (min, max = min) => ({ length: [min, max] });
const none = {};
const iq = (type, xmlns, children) => ({ tag: 'iq', attrs: { id: ID, to: SERVER, type, ...(xmlns ? { xmlns } : {}) }, children });
const prekey = { children: { id: bytes(3), value: bytes(32) } };
const signedPrekey = { children: { id: bytes(3), value: bytes(32), signature: bytes(64) } };
const enc = {
	attrs: { v: '2', type: /^(msg|pkmsg)$/, 'count?': NUMBER, 'mediatype?': /^\w+$/, 'decrypt-fail?': 'hide' }, ...bytes(30, 100_000),
};
const usync = (context, query, user) => iq('get', 'usync', {
	usync: {
		attrs: { sid: ID, mode: 'query', last: 'true', index: '0', context },
		children: { query: { children: query }, list: { children: { 'user+': user } } },
	},
});
const ack = (cls, attrs = {}) => ({ tag: 'ack', attrs: { class: cls, id: ID, to: ADDRESS, 'participant?': USER, ...attrs } });

export const SHAPES = {
	ping: iq('get', 'w:p', { 'ping?': none }),
	count: iq('get', 'encrypt', { count: none }),
	digest: iq('get', 'encrypt', { digest: none }),
	upload: iq('set', 'encrypt', {
		registration: bytes(4), type: bytes(1), identity: bytes(32), list: { children: { 'key+': prekey } }, skey: signedPrekey,
	}),
	rotate: iq('set', 'encrypt', { rotate: { children: { skey: signedPrekey } } }),
	bundles: iq('get', 'encrypt', { key: { children: { 'user+': { attrs: { jid: USER, 'reason?': 'identity' } } } } }),
	active: iq('set', 'passive', { active: none }),
	devices: usync('message', { devices: { attrs: { version: '2' } }, 'lid?': none }, { attrs: { jid: USER } }),
	contact: usync('interactive', {
		contact: { attrs: { 'addressing_mode?': 'lid' } }, 'business?': { children: { verified_name: none } }, 'disappearing_mode?': none, 'username?': none,
	}, { children: { contact: { text: /^\+\d{7,15}(@c\.us)?$/ } } }),
	mex: iq('get', 'w:mex', { query: { attrs: { query_id: NUMBER }, ...bytes(2, 1000) } }),
	token: iq('set', 'privacy', { tokens: { children: { 'token+': { attrs: { jid: USER, t: T, type: 'trusted_contact' } } } } }),
	clean: iq('set', 'urn:xmpp:whatsapp:dirty', { clean: { attrs: { type: /^(account_sync|groups)$/, 'timestamp?': NUMBER } } }),
	hosts: iq('set', 'w:m', { media_conn: none }),
	remove: iq('set', 'md', { 'remove-companion-device': { attrs: { jid: PN, reason: 'user_initiated' } } }),
	passkeyRef: iq('get', 'md', { ref: none }),
	passkeyPrologue: iq('set', 'md', { passkey_prologue: { children: {
		credential_id: bytes(1, 1023), webauthn_assertion: bytes(2, 16_384), prologue_payload: bytes(70, 1000), 'pairing_handoff_proof?': bytes(32),
	} } }),
	passkeyNonce: iq('set', 'md', { companion_nonce: bytes(32) }),
	passkeyRequest: iq('set', 'md', { encrypted_pairing_request: bytes(100, 1000) }),
	result: { tag: 'iq', attrs: { to: SERVER, type: 'result', 'id?': ID } },
	signed: { tag: 'iq', attrs: { to: SERVER, type: 'result', id: ID },
		children: { 'pair-device-sign': { children: { 'device-identity': { attrs: { 'key-index': NUMBER }, ...bytes(60, 1000) } } } } },
	session: { tag: 'ib', children: { unified_session: { attrs: { id: NUMBER } } } },
	batch: { tag: 'ib', children: { offline_batch: { attrs: { count: NUMBER } } } },
	presence: { tag: 'presence', attrs: { type: /^(available|unavailable)$/, name: /^[^@]+$/ } },
	message: {
		tag: 'message',
		attrs: { id: /^[0-9A-F]{16,32}$/, to: USER, type: /^(text|media)$/, 'peer_recipient_pn?': PN },
		children: {
			participants: { children: { 'to+': { attrs: { jid: USER }, children: { enc } } } },
			'device-identity?': bytes(60, 1000), 'tctoken?': bytes(1, 256), 'cstoken?': bytes(32),
		},
	},
	resend: {
		tag: 'message',
		attrs: { id: /^[0-9A-F]{16,32}$/, to: USER, type: /^(text|media)$/, t: T, 'device_fanout?': 'false', 'recipient?': USER, 'participant?': USER },
		children: { enc, 'device-identity?': bytes(60, 1000) },
	},
	peer: {
		tag: 'message',
		attrs: { id: /^[0-9A-F]{16,32}$/, to: PN, type: 'text', category: 'peer', push_priority: /^high(_force)?$/ },
		children: { meta: { attrs: { appdata: 'default' } }, enc, 'device-identity?': bytes(60, 1000) },
	},
	receipt: {
		tag: 'receipt',
		attrs: { id: ID, to: ADDRESS, 'type?': /^(inactive|sender|peer_msg|hist_sync)$/, 'participant?': USER, 'recipient?': USER },
		children: { 'list?': { children: { 'item+': { attrs: { id: ID } } } } },
	},
	missing: {
		tag: 'receipt',
		attrs: { id: ID, to: PN, type: 'server-error' },
		children: {
			encrypt: { children: { enc_p: bytes(17, 200), enc_iv: bytes(12) } },
			rmr: { attrs: { jid: USER, from_me: /^(true|false)$/, 'participant?': USER } },
		},
	},
	retry: {
		tag: 'receipt',
		attrs: { id: ID, to: ADDRESS, type: 'retry', 'participant?': USER, 'recipient?': USER, 'category?': 'peer' },
		children: {
			retry: { attrs: { count: NUMBER, id: ID, t: T, v: '1', 'error?': NUMBER } },
			registration: bytes(4),
			'keys?': { children: { type: bytes(1), identity: bytes(32), key: prekey, skey: signedPrekey, 'device-identity': bytes(60, 1000) } },
		},
	},
	ackMessage: ack('message', { 'recipient?': USER, 'error?': NUMBER }),
	ackReceipt: ack('receipt', { 'recipient?': USER, 'type?': /^[\w-]+$/ }),
	ackNotification: ack('notification', { type: /^[\w:-]+$/ }),
	ackCall: ack('call', { 'type?': /^\w+$/, 'recipient?': USER }),
};

export const childrenOf = (node) => (Array.isArray(node?.content) ? node.content : []);
export const child = (node, tag) => childrenOf(node).find((c) => c.tag === tag);
export const contentBytes = (node) => (typeof node?.content === 'string' ? Buffer.from(node.content) : Buffer.from(node?.content ?? []));

function attributeFaults(attrs, wanted, where) {
	const found = [];
	const names = new Set();

	for (const [key, rule] of Object.entries(wanted)) {
		const name = key.replace('?', '');
		const value = attrs[name];
		names.add(name);
		if (value === undefined ? !key.endsWith('?') : !(typeof rule === 'string' ? rule === value : rule.test(value)))
			found.push(`${where} ${name}=${value}`);
	}
	for (const name of Object.keys(attrs))
		if (!names.has(name))
			found.push(`${where} has ${name}=${attrs[name]}`);
	return found;
}

function childFaults(node, wanted, where) {
	const children = childrenOf(node);
	const found = [];
	const names = new Map(Object.entries(wanted).map(([key, shape]) => [key.replace(/[?*+]$/, ''), { key, shape }]));

	for (const [name, { key }] of names) {
		const n = children.filter((c) => c.tag === name).length;
		if ((n === 0 && !/[?*]$/.test(key)) || (n > 1 && !/[*+]$/.test(key)))
			found.push(`${where} has ${n} <${name}>`);
	}
	for (const c of children)
		found.push(...(names.has(c.tag) ? faultsOf(c, names.get(c.tag).shape, `${where}>${c.tag}`) : [`${where} has <${c.tag}>`]));
	return found;
}

function faultsOf(node, shape, where = node.tag) {
	const found = attributeFaults(node.attrs, shape.attrs ?? {}, where);

	if (shape.children)
		return [...found, ...childFaults(node, shape.children, where)];
	if (childrenOf(node).length > 0)
		return [...found, `${where} has children`];
	const length = contentBytes(node).length;
	if (shape.text && !shape.text.test(contentBytes(node).toString()))
		found.push(`${where} text`);
	else if (!shape.text && (length < (shape.length?.[0] ?? 0) || length > (shape.length?.[1] ?? 0)))
		found.push(`${where} has ${length} bytes`);
	return found;
}

/** The name of the shape that a stanza has; `faults` when it has none: what the nearest one lacks. */
export function shapeOf(node) {
	let nearest = { faults: [`<${node.tag}> is no stanza of a client`] };
	let least = Infinity;

	for (const [name, shape] of Object.entries(SHAPES)) {
		if (shape.tag !== node.tag)
			continue;
		const faults = faultsOf(node, shape);
		if (faults.length === 0)
			return { name };
		if (faults.length < least)
			[nearest, least] = [{ name, faults }, faults.length];
	}
	return nearest;
}
