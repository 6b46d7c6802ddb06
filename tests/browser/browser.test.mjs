/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The web UI in Chromium, with everything real behind it: each role signs in, the six statuses, linking by QR in the dialog, a blast through the form
 * to its end, languages, banners when the gateway or the daemon is away, axe, and pictures under build/screens for people to look at.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { gzipSync } from 'node:zlib';

import { Receiver } from '../e2e/receiver.mjs';
import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { VIEWS, overflows, seriousFindings, startBrowser, watchShifts } from './browser.mjs';
import { BlastPage, LoginPage, OutletsPage, QrDialog, Shell, StatusPage, WebhooksPage } from './pages.mjs';

const PASSWORD = 'correct horse battery';
const ADMIN = { name: 'ani', password: PASSWORD };
const USER = { name: 'umar', password: PASSWORD };

/* Each brought into its status by what happens to it, never by a row written. */
const OUTLETS = [
	['Toko Jakarta', '628510000001', 'CONNECTED'],
	['Toko Bandung', '628510000002', 'CONNECTING'],
	['Toko Surabaya', '628510000003', 'DISCONNECTED'],
	['Toko Medan', '628510000004', 'PAUSED'],
	['Toko Denpasar', '628510000005', 'FAILED'],
	['Toko Makassar', '628510000006', 'TIMEOUT'],
];
const ids = {};

let world;
let browser;

const into = {
	CONNECTED: (id, number) => world.link(id, number, { pushName: 'iPhone 12' }),
	CONNECTING: async (id) => {
		await world.admin.post(`/outlets/${id}/connect`, { method: 'qr' });
		await world.qr(id);
	},
	DISCONNECTED: () => {},
	PAUSED: async (id, number) => {
		await world.link(id, number);
		await world.admin.post(`/outlets/${id}/pause`);
	},
	FAILED: async (id, number) => {
		await world.link(id, number);
		await world.sim.fault('stream_error', { phone: number, conflict: 'replaced' });
	},
	TIMEOUT: async (id, number) => {
		await world.link(id, number);
		await world.sim.fault('close', { phone: number, when: 'login', times: -1 });
		await world.sim.fault('reset', { phone: number });
	},
};

before(async () => {
	world = await startWorld({ daemon: { webhooks: { allow_networks: '127.0.0.1/32', allow_http: 'yes' } } });
	await Promise.all(OUTLETS.map(async ([name, number, status]) => {
		ids[status] = await world.addOutlet(name, number);
		await into[status](ids[status], number);
		await world.waitStatus(ids[status], status);
	}));
	await world.addUser(ADMIN.name, 'ADMIN', PASSWORD);
	await world.addUser(USER.name, 'USER', PASSWORD, ids.CONNECTED);
	browser = await startBrowser(world);
});
after(async () => {
	await browser?.close();
	await world?.stop();
});

scenario('a wrong password is said, and kept out', async () => {
	const page = await browser.page();
	const login = new LoginPage(page);

	await login.open(world.base);
	await login.username.fill('ani');
	await login.password.fill('wrong');
	await login.submit.click();
	await login.problem.waitFor();
	assert.equal(new URL(page.url()).pathname, '/login');
	await browser.closePage(page, { expected: /401/ });
});

scenario('each role signs in and sees what it may', async () => {
	for (const [user, count, manages] of [[world.adminUser, 6, true], [ADMIN, 6, true], [USER, 1, false]]) {
		const page = await browser.page({ user });
		const board = new StatusPage(page);

		assert.equal(new URL(page.url()).pathname, '/outlet-status');
		await waitFor(async () => await board.rows.count() === count, 10_000, `${count} rows for ${user.name}`);
		const outlets = new OutletsPage(page);
		await outlets.open(world.base);
		await outlets.cards.first().waitFor();
		assert.equal(await outlets.cards.count(), count);
		assert.equal(await outlets.add.count() > 0, manages);
		await outlets.signOut();
		await page.goto(`${world.base}/outlets`);
		await page.getByTestId('login-form').waitFor();
		await browser.closePage(page, { expected: /401/ });
	}
});

scenario('the board shows the six statuses, from the database and live', async () => {
	for (const width of [1440, 390]) {
		const page = await browser.page({ user: ADMIN, width });
		const board = new StatusPage(page);

		await board.rows.first().waitFor();
		assert.equal(await board.total.innerText(), '6');
		assert.equal(await board.healthy.innerText(), '1');
		for (const [name, , status] of OUTLETS) {
			const row = board.row(name);
			await waitFor(async () => await row.database.getAttribute('data-status') === status
				&& await row.live.getAttribute('data-status') === status, 10_000, `${name} to be shown as ${status}`);
			assert.equal(await row.health.getAttribute('data-healthy'), String(status === 'CONNECTED'));
		}
		const reasons = await board.row('Toko Surabaya').element.locator('[data-reason]').evaluateAll((all) => all.map((e) => e.dataset.reason));
		assert.deepEqual([...new Set(reasons)].sort(), ['db_status', 'live_status', 'no_user_id', 'socket_closed']);
		await board.filter('PAUSED');
		assert.equal(await board.rows.count(), 1);
		await board.filter('all');
		await board.search.fill('denpasar');
		await waitFor(async () => await board.rows.count() === 1, 5000, 'the search to find one');
		await browser.closePage(page);
	}
});

scenario('changes show by themselves', async () => {
	const page = await browser.page({ user: ADMIN });
	const board = new StatusPage(page);
	const row = board.row('Toko Medan');

	await board.rows.first().waitFor();
	await waitFor(async () => await board.freshness.getAttribute('data-mode') === 'live', 10_000, 'the stream of events');
	await world.admin.post(`/outlets/${ids.PAUSED}/resume`);
	await waitFor(async () => await row.live.getAttribute('data-status') === 'CONNECTED', 10_000, 'CONNECTED');
	await world.admin.post(`/outlets/${ids.PAUSED}/pause`);
	await waitFor(async () => await row.live.getAttribute('data-status') === 'PAUSED', 10_000, 'PAUSED');
	await board.refresh.click();
	await browser.closePage(page);
});

scenario('an outlet is added, linked by QR in its dialog, which closes by itself, paused and logged out', async () => {
	const page = await browser.page({ user: ADMIN });
	const outlets = new OutletsPage(page);
	const number = '628510000009';

	await outlets.open(world.base);
	await outlets.addOutlet('Toko Bogor', '0851-0000-009');
	const card = outlets.card('Toko Bogor');
	await card.connect.click();
	await outlets.qr.shown();
	const id = await card.element.getAttribute('data-outlet-id');
	const { qr } = await world.qr(id);
	await world.sim.scan(qr, number, { pushName: 'Galaxy' });
	await outlets.qr.closedByItself(10_000);
	await waitFor(async () => await card.status.first().getAttribute('data-status') === 'CONNECTED', 10_000, 'CONNECTED');
	await outlets.command('Toko Bogor', 'disconnect');
	await waitFor(async () => await card.status.first().getAttribute('data-status') === 'DISCONNECTED', 10_000, 'DISCONNECTED');
	await outlets.command('Toko Bogor', 'remove');
	await card.element.waitFor({ state: 'detached' });
	await browser.closePage(page, { expected: /404/ });
});

scenario('an outlet is linked by a code: from QR to code, copied, renewed, looked at anew; the dialog closes by itself', async () => {
	const page = await browser.page({ user: ADMIN });
	const outlets = new OutletsPage(page);
	const { qr } = outlets;
	const number = '628510000010';
	const id = await world.addOutlet('Toko Depok', number);

	await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
	await outlets.open(world.base);
	const card = outlets.card('Toko Depok');
	await card.connect.click();
	await qr.shown();
	await qr.byCode.click();
	const first = await qr.codeShown();
	assert.equal(first, (await world.admin.get(`/outlets/${id}/pairing-code`)).code);
	assert.match(await qr.countdown.innerText(), /\d/);
	await qr.copy.click();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()), first);
	await world.sim.fault('code_refresh');
	const second = await qr.codeShown(first);
	await qr.close.click();
	// Who opens it again sees the same code, not a QR in its place.
	await card.connect.click();
	assert.equal(await qr.codeShown(), second);
	await qr.byQr.click();
	await qr.shown();
	await qr.byCode.click();
	const third = await qr.codeShown(second);
	await assert.rejects(world.sim.typeCode(number, second === third ? '' : second), /the code is wrong/);
	await world.sim.typeCode(number, third);
	await qr.closedByItself(10_000);
	await waitFor(async () => await card.status.first().getAttribute('data-status') === 'CONNECTED', 10_000, 'CONNECTED');
	await outlets.command('Toko Depok', 'remove');
	await card.element.waitFor({ state: 'detached' });
	await browser.closePage(page, { expected: /404/ });
});

scenario('an account that demands a passkey: the line for a console, its answer given in the dialog, wrongly and rightly, and the codes compared', async () => {
	const page = await browser.page({ user: ADMIN });
	const outlets = new OutletsPage(page);
	const { qr } = outlets;
	const { passkey } = qr;
	const number = '628510000012';

	await world.addOutlet('Toko Kunci', number);
	await world.sim.setPhone(number, { passkey: 'demanded' });
	await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
	await outlets.open(world.base);
	await outlets.card('Toko Kunci').connect.click();
	await qr.byCode.click();
	await world.sim.typeCode(number, await qr.codeShown());
	await passkey.copy.click();
	const line = await page.evaluate(() => navigator.clipboard.readText());
	const options = JSON.parse(/parseRequestOptionsFromJSON\((\{.*\})\)\}\)\)\)$/.exec(line)[1]);
	for (const [text, words] of [['nothing', /bukan jawaban dari peramban/], [JSON.stringify(await world.sim.passkey(number, options, 'origin')), /di situs lain/]]) {
		await passkey.answer.fill(text);
		await passkey.give.click();
		await qr.element.getByText(words).waitFor();
	}
	// Who opens it again finds it waiting.
	await qr.close.click();
	await outlets.card('Toko Kunci').connect.click();
	await passkey.answer.fill(JSON.stringify(await world.sim.passkey(number, options)));
	await passkey.give.click();
	await passkey.code.waitFor();
	assert.equal(await passkey.code.innerText(), (await world.sim.phone(number)).passkeyCode);
	await passkey.same.click();
	await qr.closedByItself(30_000);
	await outlets.command('Toko Kunci', 'remove');
	await outlets.card('Toko Kunci').element.waitFor({ state: 'detached' });
	await browser.closePage(page, { expected: /404|422/ });
});

scenario('a code that is refused is explained in the dialog; a QR is had instead', async () => {
	const number = '628510000011';
	const id = await world.addOutlet('Toko Bekasi', number);

	for (const [lang, words] of [['id', /Terlalu banyak kode/], ['en', /Too many pairing codes/]]) {
		const page = await browser.page({ user: ADMIN, lang });
		const outlets = new OutletsPage(page);

		await world.sim.fault('code_error', { phone: number, error: 429 });
		await outlets.open(world.base);
		await outlets.card('Toko Bekasi').connect.click();
		await outlets.qr.byCode.click();
		await outlets.qr.retry.waitFor();
		assert.match(await outlets.qr.element.innerText(), words);
		await outlets.qr.byQr.click();
		await outlets.qr.shown();
		await outlets.qr.close.click();
		await browser.closePage(page, { expected: /404/ });
	}
	await world.admin.delete(`/outlets/${id}`);
});

scenario('a QR code that has run out is renewed in the dialog', async () => {
	const page = await browser.page({ user: ADMIN });
	const outlets = new OutletsPage(page);

	await outlets.open(world.base);
	await outlets.card('Toko Bandung').connect.click();
	await outlets.qr.shown();
	const first = await outlets.qr.image.getAttribute('src');
	const before = await world.admin.get(`/outlets/${ids.CONNECTING}/qr`);
	await world.sim.fault('qr_expire');
	await waitFor(async () => (await world.admin.get(`/outlets/${ids.CONNECTING}/qr`)).qr !== before.qr, 15_000, 'another code');
	await outlets.qr.shown();
	assert.ok(first);
	await outlets.qr.close.click();
	await browser.closePage(page, { expected: /404/ });
});

scenario('a blast is written, previewed, sent, and seen to its end', async () => {
	const page = await browser.page({ user: ADMIN });
	const blast = new BlastPage(page);
	const list = numbers(12, 51);

	await blast.open(world.base);
	await blast.name.fill('Promo Sabtu');
	assert.equal(await blast.pick('Toko Surabaya').isDisabled(), true);
	await blast.pick('Toko Jakarta').check();
	await blast.recipients.fill(['nama,telepon', ...list.map((phone, i) => `Budi ${i},${phone}`)].join('\n'));
	await blast.message.fill('Halo {{name|Kakak}}, promo hari ini!');
	await blast.preview.click();
	await blast.send.waitFor();
	assert.equal(await blast.previewed('valid'), 12);
	assert.match(await blast.samples.first().innerText(), /Halo Budi 0, promo hari ini!/);
	const progress = await blast.sendPreviewed();
	await progress.reaches('COMPLETED', 30_000);
	await waitFor(async () => await progress.count('delivered') === 12, 10_000, '12 delivered');
	await progress.recipient(list[3]).waitFor();
	const messages = (await world.sim.messages({ to: list[3], wait: 5, count: 1 }));
	assert.equal(messages[0].text, 'Halo Budi 3, promo hari ini!');
	await blast.open(world.base);
	await blast.history.filter({ hasText: 'Promo Sabtu' }).waitFor();
	await browser.closePage(page);
});

scenario('recipients from a CSV file; bad rows are shown', async () => {
	const page = await browser.page({ user: USER });
	const blast = new BlastPage(page);

	await blast.open(world.base);
	await blast.chooseFile('daftar.csv', 'phone,name,kode\n081285100001,Siti,A1\nbukan nomor,X,A2\n081285100002,"Budi, S.",A3\n');
	await blast.badRows.first().waitFor();
	assert.equal(await blast.badRows.count(), 1);
	await blast.message.fill('Kode {{kode}} untuk {{name}}');
	await blast.preview.click();
	await blast.send.waitFor();
	assert.equal(await blast.previewed('valid'), 2);
	const progress = await blast.sendPreviewed();
	await progress.reaches('COMPLETED', 30_000);
	const [message] = await world.sim.messages({ to: '6281285100002', wait: 5, count: 1 });
	assert.equal(message.text, 'Kode A3 untuk Budi, S.');
	await browser.closePage(page);
});

scenario('Indonesian and English', async () => {
	const page = await browser.page({ user: ADMIN });
	const board = new StatusPage(page);
	const words = async () => (await board.row('Toko Jakarta').element.innerText());

	await board.rows.first().waitFor();
	await board.setLanguage('id');
	assert.match(await words(), /Terhubung/);
	assert.equal(await page.locator('html').getAttribute('lang'), 'id');
	await board.setLanguage('en');
	await waitFor(async () => /Connected/i.test(await words()) && !/Terhubung/.test(await words()), 5000, 'English');
	assert.equal(await page.locator('html').getAttribute('lang'), 'en');
	await page.reload();
	await board.rows.first().waitFor();
	assert.equal(await page.locator('html').getAttribute('lang'), 'en');
	await browser.closePage(page);
});

scenario('banners: gateway away, daemon away, and gone when they are back', async () => {
	const page = await browser.page({ user: ADMIN });
	const shell = new Shell(page);
	const board = new StatusPage(page);

	await board.rows.first().waitFor();
	await world.apigw.stop();
	await shell.offlineBanner.waitFor({ timeout: 25_000 });
	assert.equal(await board.rows.count(), 6); // what was known stays in sight
	world.apigw.start();
	await world.ready();
	await shell.offlineBanner.waitFor({ state: 'detached', timeout: 25_000 });

	await world.waconnd.stop();
	await shell.daemonBanner.waitFor({ timeout: 25_000 });
	await world.startDaemon();
	await world.ready();
	await shell.daemonBanner.waitFor({ state: 'detached', timeout: 25_000 });
	await world.waitStatus(ids.CONNECTED, 'CONNECTED', 20_000);
	await browser.closePage(page, { expected: /50[234]|ERR_|Failed to load/ });
});

/** What the page fetches as code before it shows anything, compressed. */
async function codeSize(page) {
	const urls = await page.evaluate(() => [...document.querySelectorAll('script[src], link[rel="modulepreload"]')].map((e) => e.src || e.href));
	const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));

	return texts.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);
}

scenario('a webhook is made, its secret shown once, tested, its deliveries looked at, switched off and removed', async () => {
	const page = await browser.page({ user: ADMIN });
	const webhooks = new WebhooksPage(page);
	const receiver = await new Receiver().start();
	const findings = [];

	await new StatusPage(page).open(world.base);
	await webhooks.open();
	receiver.secrets.set('/crm', await webhooks.addWebhook(receiver.url('/crm'), 'CRM'));
	findings.push(...await seriousFindings(page));
	await page.getByTestId('webhook-secret-kept').click();
	assert.equal(await webhooks.cards.count(), 1);
	assert.ok(!(await page.content()).includes('whsec_'));
	await page.getByTestId('webhook-test').click();
	await receiver.wait('/crm', (e) => e.type === 'webhook.test', 'the test');
	await webhooks.toasts.getByText('204').waitFor();
	await browser.picture(page, 'webhooks', VIEWS[0]);
	findings.push(...await seriousFindings(page));
	await webhooks.choose('CRM', 'deliveries');
	await waitFor(async () => await webhooks.deliveries.first().getAttribute('data-status') === 'DELIVERED', 10_000, 'DELIVERED');
	findings.push(...await seriousFindings(page));
	await page.getByTestId('redeliver').click();
	await waitFor(() => receiver.received.length === 2, 10_000, 'it once more');
	await page.getByTestId('dialog-close').click();
	await webhooks.choose('CRM', 'switch');
	await waitFor(async () => !(await world.admin.get('/webhooks')).webhooks[0].isActive, 10_000, 'it to be off');
	await webhooks.choose('CRM', 'remove');
	await page.getByTestId('confirm-yes').click();
	await webhooks.cards.first().waitFor({ state: 'detached' });
	assert.deepEqual(findings, []);
	assert.deepEqual(receiver.wrong, []);
	await receiver.stop();
	await browser.closePage(page);
});

scenario('the board needs little code, and pages do not jump while they load', async () => {
	const page = await browser.page({ user: ADMIN });

	const bytes = await codeSize(page);
	assert.ok(bytes > 1000 && bytes <= 40_000, `${bytes} bytes of code`);
	await page.addInitScript(watchShifts);
	for (const [path, until] of [['/outlet-status', 'outlet-row'], ['/outlets', 'outlet-card'], ['/blast', 'blast-history']]) {
		await page.goto(`${world.base}${path}`);
		await page.getByTestId(until).first().waitFor();
		await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
		const shift = await page.evaluate(() => window.shift);
		assert.ok(shift <= 0.01, `${path} moved by ${shift}`);
	}
	await browser.closePage(page);
});

scenario('a page whose code cannot be fetched says so and offers to try again', async () => {
	const page = await browser.page({ user: ADMIN });

	await page.route('**/assets/pages-*.js', (route) => route.abort());
	await page.goto(`${world.base}/blast`);
	const retry = page.getByRole('alert').getByRole('button');
	await retry.waitFor();
	await page.unroute('**/assets/pages-*.js');
	await retry.click();
	await page.getByTestId('blast-form').waitFor();
	await browser.closePage(page, { expected: /Failed to load|ERR_FAILED/ });
});

scenario('pictures of every page, and what axe finds in them', async (t) => {
	const findings = [];
	const look = async (page, name, view) => {
		await browser.picture(page, name, view);
		findings.push(...(await seriousFindings(page)).map((f) => `${name} ${view.width} ${view.theme}: ${f}`));
		if (await overflows(page) > 0)
			findings.push(`${name} ${view.width} ${view.theme}: scrolls sideways`);
	};

	for (const [i, view] of VIEWS.entries()) {
		await world.admin.post(`/outlets/${ids.DISCONNECTED}/disconnect`);
		await world.admin.post(`/outlets/${ids.CONNECTING}/connect`, { method: 'qr' }).catch(() => {}); // it may be connecting still
		for (const [, , status] of OUTLETS)
			await world.waitStatus(ids[status], status, 30_000);
		const stranger = await browser.page(view);
		await new LoginPage(stranger).open(world.base);
		await look(stranger, 'login', view);
		await browser.closePage(stranger, { expected: /401/ });

		const page = await browser.page({ ...view, user: ADMIN });
		const board = new StatusPage(page);
		await board.open(world.base);
		await look(page, 'status', view);
		const outlets = new OutletsPage(page);
		await outlets.open(world.base);
		await outlets.cards.first().waitFor();
		await look(page, 'outlets', view);
		await outlets.card('Toko Surabaya').connect.click();
		await new QrDialog(page).shown();
		await look(page, 'qr', view);
		await outlets.qr.byCode.click();
		await outlets.qr.codeShown();
		await look(page, 'code', view);
		await outlets.qr.byQr.click();
		await outlets.qr.shown();
		await outlets.qr.close.click();
		const blast = new BlastPage(page);
		await blast.open(world.base);
		await blast.pick('Toko Jakarta').check();
		await blast.recipients.fill(numbers(3, 52 + i).join('\n'));
		await blast.message.fill('Halo {{name|Kakak}}, ada promo akhir pekan! ☕');
		await blast.preview.click();
		await blast.send.waitFor();
		await look(page, 'blast', view);
		const progress = await blast.sendPreviewed();
		await progress.reaches('COMPLETED', 20_000);
		await look(page, 'progress', view);
		await browser.closePage(page, { expected: /404/ });
	}
	t.diagnostic(`pictures: ${browser.pictures}`);
	assert.deepEqual(findings, []);
});
