/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One blast's page in Chromium: each outlet's part paused, resumed and moved, the failed ones sent again, the report, replies, by each role; and
 * a webhook of some outlets alone.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { numbers, startWorld } from '../e2e/world.mjs';
import { overflows, seriousFindings, startBrowser, watchShifts } from './browser.mjs';
import { ProgressPage, StatusPage, WebhooksPage } from './pages.mjs';

const PASSWORD = 'correct horse battery';
const ADMIN = { name: 'ani', password: PASSWORD };
const USER = { name: 'umar', password: PASSWORD };
const JAKARTA = '628510000001';
const SLOW = { perMinute: 1, jitter: 0, window: '00:00-24:00' };

let world;
let browser;
let jakarta;
let bandung;
before(async () => {
	world = await startWorld({ daemon: { webhooks: { allow_networks: '127.0.0.1/32', allow_http: 'yes' } } });
	[jakarta, bandung] = await Promise.all([world.linkedOutlet('Toko Jakarta', JAKARTA), world.linkedOutlet('Toko Bandung', '628510000002')]);
	await world.addOutlet('Toko Surabaya', '628510000003');
	await world.addUser(ADMIN.name, 'ADMIN', PASSWORD);
	await world.addUser(USER.name, 'USER', PASSWORD, jakarta);
	browser = await startBrowser(world);
});
after(async () => {
	await browser?.close();
	await world?.stop();
});

scenario('one outlet is paused and goes on; what waits there is given to another', async () => {
	const blast = await world.blast([jakarta, bandung], numbers(20, 91), 'in parts', { pace: SLOW });
	const page = await browser.page({ user: ADMIN });
	const progress = new ProgressPage(page);
	const [first, second] = [progress.part(jakarta), progress.part(bandung)];

	await progress.open(world.base, blast.id);
	await first.pause.click();
	await first.reason.getByText('Dijeda oleh operator').waitFor();
	await progress.reaches('RUNNING');
	await first.resume.click();
	await first.pause.waitFor();
	await world.admin.post(`/blasts/${blast.id}/pause`, { outletId: bandung }); // by another operator
	await second.resume.waitFor();

	await second.move.click();
	const targets = page.getByTestId('move-target');
	assert.equal(await targets.count(), 1); // Surabaya cannot send
	await page.getByTestId('move-form-save').click();
	await page.locator('.has-error').waitFor();
	await targets.check();
	assert.deepEqual(await seriousFindings(page), []);
	await page.getByTestId('move-form-save').click();
	await page.getByTestId('move-form').waitFor({ state: 'detached' });
	await waitFor(async () => await second.queued.innerText() === '0', 10_000, 'nobody to wait at the second');
	const parts = (await world.admin.get(`/blasts/${blast.id}/outlets`)).outlets;
	assert.equal(parts.find((p) => p.outletId === jakarta).counts.total, Number(await first.queued.innerText())
		+ parts.find((p) => p.outletId === jakarta).counts.total - parts.find((p) => p.outletId === jakarta).counts.queued);
	await world.admin.post(`/blasts/${blast.id}/cancel`);
	await progress.reaches('CANCELLED');
	assert.equal(await page.getByTestId('part-move').count(), 0);
	await browser.closePage(page);
});

scenario('a USER pauses its own part, and moves nothing', async () => {
	const blast = await world.blast([jakarta], numbers(5, 92), 'mine', { pace: SLOW });
	const page = await browser.page({ user: USER });
	const progress = new ProgressPage(page);
	const part = progress.part(jakarta);

	await progress.open(world.base, blast.id);
	await part.pause.waitFor();
	assert.equal(await part.move.count(), 0);
	await world.admin.post(`/blasts/${blast.id}/cancel`);
	await progress.reaches('CANCELLED');
	await browser.closePage(page);
});

scenario('a failed one is sent again; the report is had; a reply shows by itself', async () => {
	const [absent, there] = numbers(2, 93);
	await world.sim.setPhone(absent, { registered: false });
	const blast = await world.blast([jakarta], [absent, there], 'Ada promo');
	const page = await browser.page({ user: ADMIN, lang: 'en' });
	const progress = new ProgressPage(page);

	await progress.open(world.base, blast.id);
	await progress.reaches('COMPLETED', 30_000);
	await progress.retry.waitFor();
	await world.sim.setPhone(absent, { registered: true });
	await progress.retry.click();
	await page.getByText('1 failed recipient queued again').waitFor();
	await page.getByTestId('confirm-yes').click();
	await progress.retry.waitFor({ state: 'detached' });
	await world.waitBlast(blast.id, (b) => b.counts.delivered + b.counts.read === 2);

	await world.sim.send(there, JAKARTA, 'masih ada?');
	await progress.replies.getByText('masih ada?').waitFor({ timeout: 30_000 });
	assert.equal(await page.getByTestId('blast-reply-count').innerText(), '1');
	const [download] = await Promise.all([page.waitForEvent('download'), progress.report.click()]);
	assert.match(fs.readFileSync(await download.path(), 'utf8'), new RegExp(`${there},`));
	assert.deepEqual(await seriousFindings(page), []);
	await browser.closePage(page);
});

scenario('a blast at its outlets, narrow and dark: nothing scrolls sideways or jumps', async () => {
	const blast = await world.blast([jakarta, bandung], numbers(10, 94), 'looked at', { pace: SLOW });
	const findings = [];

	for (const look of [{ width: 1440, theme: 'light', lang: 'id' }, { width: 390, height: 844, theme: 'dark', lang: 'en' }]) {
		const page = await browser.page({ user: ADMIN, ...look });
		const progress = new ProgressPage(page);

		await new StatusPage(page).rows.first().waitFor();
		await page.addInitScript(watchShifts);
		await progress.open(world.base, blast.id);
		await progress.part(bandung).pause.waitFor();
		await progress.recipients.first().waitFor();
		const shift = await page.evaluate(() => window.shift);
		if (shift > 0.03) // its figures move while it runs
			findings.push(`${look.width}: moved by ${shift}`);
		if (await overflows(page) > 0)
			findings.push(`${look.width}: scrolls sideways`);
		findings.push(...(await seriousFindings(page)).map((f) => `${look.width}: ${f}`));
		await browser.picture(page, 'parts', look);
		await browser.closePage(page);
	}
	await world.admin.post(`/blasts/${blast.id}/cancel`);
	assert.deepEqual(findings, []);
});

scenario('a webhook of one outlet', async () => {
	const page = await browser.page({ user: ADMIN });
	const webhooks = new WebhooksPage(page);

	await new StatusPage(page).open(world.base);
	await webhooks.open();
	await webhooks.add.click();
	await page.getByTestId('webhook-url').fill('http://127.0.0.1:1025/crm');
	await page.getByTestId('webhook-description').fill('CRM');
	await page.getByTestId('webhook-all-outlets').uncheck();
	await page.getByTestId('webhook-save').click();
	await page.locator('.has-error').waitFor(); // none is chosen
	await page.getByLabel('Toko Bandung').check();
	await page.getByTestId('webhook-save').click();
	await page.getByTestId('webhook-secret-kept').click();
	assert.equal(await page.getByTestId('webhook-outlets').innerText(), 'Toko Bandung');
	assert.deepEqual((await world.admin.get('/webhooks')).webhooks[0].outletIds, [bandung]);
	await browser.closePage(page);
});
