/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * People with new phones, messages that cannot be read at first, and what our own phone tells its companions: history, names, timers. REST,
 * simulator; Messages are written with an independent client's protobufs.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import zlib from 'node:zlib';

import { proto } from 'baileys';

import { scenario } from './scenario.mjs';
import { waitFor } from './wait.mjs';
import { startWorld } from './world.mjs';

const OURS = '628740000001';

let world;
let id;
before(async () => {
	world = await startWorld();
	id = await world.linkedOutlet('Identity', OURS);
});
after(() => world?.stop());

const bytesOf = (message) => Buffer.from(proto.Message.encode(proto.Message.fromObject(message)).finish()).toString('base64');
const write = (phone, message, more = {}) => world.sim.call('POST', `/phones/${phone}/message`, { message: bytesOf(message), ...more });
const reinstall = (phone, more = {}) => world.sim.call('POST', `/phones/${phone}/reinstall`, more);
const all = () => world.admin.all(`/outlets/${id}/messages`, 'messages');
const received = (matches, what) => waitFor(async () => (await all()).find((m) => m.direction === 'in' && matches(m)), 15_000, what);
const receipts = (filter) => world.sim.receipts({ from: OURS, wait: 10, count: 1, ...filter });

async function sends(to, text) {
	const { message } = await world.admin.post(`/outlets/${id}/messages`, { to, text });
	const arrived = await waitFor(async () => (await world.sim.messages({ to })).find((m) => m.text === text), 20_000, `"${text}" at ${to}`);

	assert.equal(arrived.count, 1);
	await waitFor(async () => (await world.admin.get(`/messages/${message.id}`)).message.status === 'DELIVERED', 10_000, 'DELIVERED');
}

async function talk(phone) {
	await sends(phone, `hello ${phone}`);
	await world.sim.send(phone, OURS, `hello from ${phone}`);
	await received((m) => m.text === `hello from ${phone}`, 'an answer');
}

/* -- new phones -- */

scenario('a new phone that the server tells of: the next message is read by it', async () => {
	const phone = '628740000011';

	await talk(phone);
	await reinstall(phone);
	await sends(phone, 'to the new phone');
	await world.sim.send(phone, OURS, 'from the new phone');
	await received((m) => m.text === 'from the new phone', 'the new phone');
});

scenario('a new phone that nobody tells of, which writes first', async () => {
	const phone = '628740000012';

	await talk(phone);
	await reinstall(phone, { quiet: true });
	await world.sim.send(phone, OURS, 'it is me');
	await received((m) => m.text === 'it is me', 'the new phone');
	await sends(phone, 'is it you?');
});

scenario('a new phone that nobody tells of, which is written to: it asks again, and reads it', async () => {
	const phone = '628740000013';

	await talk(phone);
	await reinstall(phone, { quiet: true });
	await sends(phone, 'are you there?');
	await sends(phone, 'and now?');
});

/* -- our own keys -- */

const prekeysOf = async (phone) => (await world.sim.phone(phone)).devices.find((d) => d.device !== 0)?.prekeys;
const FIRST = 812;

scenario('a server that has other pre-keys than were uploaded gets new ones, once', async () => {
	const phone = '628740000002';

	await world.sim.fault('wrong_digest', { phone, when: 'login', times: -1 });
	const wrong = await world.linkedOutlet('Wrong digest', phone);
	await waitFor(async () => await prekeysOf(phone) > FIRST, 15_000, 'new pre-keys');
	const repaired = await prekeysOf(phone);
	await world.sim.fault('close', { phone });
	await world.sim.send('628740000021', phone, 'after the next login');
	await waitFor(async () => (await world.admin.all(`/outlets/${wrong}/messages`, 'messages')).some((m) => m.text === 'after the next login'), 30_000, 'a message');
	// What the stranger took.
	assert.equal(await prekeysOf(phone), repaired - 1);
});

scenario('a server that has them as they were uploaded gets no more', async () => {
	const phone = '628740000003';
	const right = await world.linkedOutlet('Right digest', phone);

	await waitFor(async () => await prekeysOf(phone) === FIRST, 15_000, 'pre-keys');
	await world.sim.send('628740000021', phone, 'hello');
	await waitFor(async () => (await world.admin.all(`/outlets/${right}/messages`, 'messages')).some((m) => m.text === 'hello'), 30_000, 'a message');
	assert.equal(await prekeysOf(phone), FIRST - 1);
});

/* -- what cannot be read at first -- */

scenario('a message that cannot be decrypted is asked for again, and shown once', async () => {
	const phone = '628740000014';

	await talk(phone);
	await write(phone, { conversation: 'second try' }, { to: OURS, spoil: true });
	await waitFor(async () => (await receipts({ to: phone })).some((r) => r.type === 'retry'), 10_000, 'a retry receipt');
	await received((m) => m.text === 'second try', 'the second try');
	assert.equal((await all()).filter((m) => m.text === 'second try').length, 1);
	await talk(phone);
});

scenario('one that can never be read is asked for four times, and acknowledged', async () => {
	const phone = '628740000015';
	const key = { remoteJid: `${OURS}@s.whatsapp.net`, fromMe: true, id: 'NOPE' };

	await talk(phone);
	// Not of a kind that its phone sends again.
	const { id: lost } = await write(phone, { protocolMessage: { key, type: proto.Message.ProtocolMessage.Type.REVOKE } }, { to: OURS, spoil: true });
	await receipts({ to: phone, id: lost });
	await waitFor(async () => (await world.sim.phone(OURS)).devices.every((d) => d.offline === 0), 10_000, 'all to be acknowledged');
	await talk(phone);
});

/* -- kinds -- */

scenario('every kind comes out as what it is', async () => {
	const phone = '628740000016';
	const key = { remoteJid: `${OURS}@s.whatsapp.net`, fromMe: true, id: 'OLD' };
	const kinds = [
		['text', 'plain', { conversation: 'plain' }],
		['text', 'extended', { extendedTextMessage: { text: 'extended' } }],
		['reaction', '🙏', { reactionMessage: { key, text: '🙏' } }],
		['location', 'Monas', { locationMessage: { degreesLatitude: -6.17, degreesLongitude: 106.82, name: 'Monas' } }],
		['contact', 'Budi', { contactMessage: { displayName: 'Budi', vcard: 'BEGIN:VCARD\nEND:VCARD' } }],
		['edit', 'better', { editedMessage: { message: { protocolMessage: { key, type: 14, editedMessage: { conversation: 'better' } } } } }],
		['revoke', null, { protocolMessage: { key, type: 0 } }],
		['poll', null, { pollCreationMessage: { name: 'which?' } }],
		['text', 'gone soon', { ephemeralMessage: { message: { extendedTextMessage: { text: 'gone soon', contextInfo: { expiration: 86400 } } } } }],
	];

	for (const [kind, text, message] of kinds) {
		const { id: waId } = await write(phone, message, { to: OURS });
		assert.ok(waId);
		await received((m) => m.peer === phone && m.kind === kind && (m.text ?? null) === text, `${kind} ${text}`);
	}
	assert.equal((await all()).filter((m) => m.peer === phone).length, kinds.length);
});

/* -- our own phone -- */

const TYPE = proto.Message.ProtocolMessage.Type;
const history = (fields) => ({
	protocolMessage: {
		type: TYPE.HISTORY_SYNC_NOTIFICATION,
		historySyncNotification: {
			syncType: 0,
			initialHistBootstrapInlinePayload: zlib.deflateSync(proto.HistorySync.encode(proto.HistorySync.fromObject({ syncType: 0, ...fields })).finish()),
		},
	},
});
const nameOf = async () => (await world.status(id)).session.sessionName;

scenario('the history of our own phone: read, acknowledged with both receipts; a stranger\'s is not', async () => {
	const fields = (pushname) => ({
		conversations: [{ id: '628740000017@s.whatsapp.net', ephemeralExpiration: 86400, messages: [{ message: { key: { id: 'X' }, message: { conversation: 'old' } } }] }],
		pushnames: [{ id: `${OURS}@s.whatsapp.net`, pushname }],
		nctSalt: Buffer.from('salt'),
	});

	await write('628740000017', history(fields('Stranger')), { to: OURS });
	const { id: sync } = await write(OURS, history(fields('Toko Sejahtera')), { peer: true });
	const types = await waitFor(async () => {
		const found = (await world.sim.receipts({ from: OURS, id: sync })).map((r) => r.type);
		return found.length >= 2 && found;
	}, 10_000, 'two receipts');
	assert.deepEqual(types.sort(), ['hist_sync', 'peer_msg']);
	await waitFor(async () => await nameOf() === 'Toko Sejahtera', 10_000, 'our name');
	await sends('628740000017', 'after the history');
});

scenario('app-state keys and the list of LIDs are taken from our own phone', async () => {
	const { id: keys } = await write(OURS, {
		protocolMessage: { type: TYPE.APP_STATE_SYNC_KEY_SHARE, appStateSyncKeyShare: { keys: [{ keyId: { keyId: Buffer.from([0, 1]) }, keyData: { keyData: Buffer.alloc(32, 7) } }] } },
	}, { peer: true });
	const payload = proto.LIDMigrationMappingSyncPayload.encode({ pnToLidMappings: [{ pn: 628740000018, assignedLid: 1, latestLid: 999 }] }).finish();
	const { id: lids } = await write(OURS, {
		protocolMessage: { type: TYPE.LID_MIGRATION_MAPPING_SYNC, lidMigrationMappingSyncMessage: { encodedMappingPayload: payload } },
	}, { peer: true });

	for (const one of [keys, lids])
		assert.equal((await receipts({ id: one }))[0].type, 'peer_msg');
	const kept = await world.sql(`SELECT count(*) FROM keys WHERE outlet_id = '${id}' AND ((kind = 9 AND name = '0001') OR (kind = 7 AND name = '628740000018'))`);
	assert.deepEqual(kept, ['2']);
});

scenario('what the owner writes on the phone is shown as sent by it', async () => {
	await world.sim.send(OURS, '628740000019', 'from my own hand');
	const mine = await waitFor(async () => (await all()).find((m) => m.text === 'from my own hand'), 10_000, 'the copy');
	assert.equal(mine.direction, 'out');
	assert.ok(['SENT', 'DELIVERED'].includes(mine.status), mine.status);
	assert.equal(mine.peer, '628740000019');
});
