/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pages of contacts and settings in Chromium, by each role: what is offered, done and kept, in both languages, wide and narrow, what axe
 * finds, and that nothing jumps.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { scenario } from '../e2e/scenario.mjs';
import { waitFor } from '../e2e/wait.mjs';
import { startWorld } from '../e2e/world.mjs';
import { overflows, seriousFindings, startBrowser, watchShifts } from './browser.mjs';
import { BlastPage, ContactsPage, LoginPage, OutletsPage, SettingsPage, StatusPage } from './pages.mjs';

const PASSWORD = 'correct horse battery';
const ADMIN = { name: 'ani', password: PASSWORD };
const USER = { name: 'umar', password: PASSWORD };
const LOOKS = [
	{ width: 1440, theme: 'light', lang: 'id' },
	{ width: 390, height: 844, theme: 'dark', lang: 'en' },
];

let world;
let browser;
let jakarta;
let bandung;
before(async () => {
	world = await startWorld();
	jakarta = await world.addOutlet('Toko Jakarta', '628510000001');
	bandung = await world.addOutlet('Toko Bandung', '628510000002');
	await world.addUser(ADMIN.name, 'ADMIN', PASSWORD);
	await world.addUser(USER.name, 'USER', PASSWORD, jakarta);
	browser = await startBrowser(world);
});
after(async () => {
	await browser?.close();
	await world?.stop();
});

const contacts = async (outlet) => (await world.admin.get(`/outlets/${outlet}/contacts`)).contacts;

scenario('a contact is added, changed, found by name, number and tag, and deleted', async () => {
	const page = await browser.page({ user: ADMIN });
	const own = new ContactsPage(page);

	await page.getByTestId('user-menu').waitFor();
	await page.locator('.nav a[href="/contacts"]').click();
	await own.outlet.selectOption(bandung);
	await own.add.click();
	await page.getByTestId('contact-form-save').click();
	await page.locator('.has-error').waitFor(); // no number yet
	await own.save({ phone: '0812 3456 7890', name: 'Budi', tags: 'vip, jakarta', vars: 'kode = A1' });
	await own.row('6281234567890').waitFor();
	await own.add.click();
	await own.save({ phone: '+62 812-3456-7891', name: 'Sari', tags: 'vip' });
	await waitFor(async () => await own.rows.count() === 2, 10_000, 'two contacts');
	assert.deepEqual((await contacts(bandung)).find((c) => c.name === 'Budi').vars, { kode: 'A1' });
	assert.deepEqual(await contacts(jakarta), []);

	await own.search.fill('0812-3456-7891');
	await waitFor(async () => await own.rows.count() === 1, 10_000, 'the number to be found');
	await own.search.fill('');
	await own.row('6281234567890').getByRole('button', { name: 'jakarta' }).click();
	await waitFor(async () => await own.rows.count() === 1, 10_000, 'the tag to be found');
	await page.getByTestId('contact-tag').click();
	await waitFor(async () => await own.rows.count() === 2, 10_000, 'all again');

	await own.choose('6281234567890', 'edit');
	await own.save({ name: 'Budi Santoso' });
	await own.row('6281234567890').getByText('Budi Santoso').waitFor();
	assert.deepEqual((await contacts(bandung)).find((c) => c.phone === '6281234567890').tags, ['vip', 'jakarta']);
	await own.choose('6281234567890', 'remove');
	await page.getByTestId('confirm-yes').click();
	await own.row('6281234567890').waitFor({ state: 'detached' });
	assert.equal((await contacts(bandung)).length, 1);
	await browser.closePage(page);
});

scenario('a table is imported; bad rows are told by line', async () => {
	const page = await browser.page({ user: USER });
	const own = new ContactsPage(page);

	await own.open(world.base);
	await own.add.waitFor();
	assert.equal(await own.outlet.count(), 0); // a USER has one
	await own.importFile('No. HP,Nama,Kode Promo\n081234567891,Ani,A2\nno number,Umar,A3\n081234567892,Sari,A4\n');
	assert.equal(await own.badRows.count(), 1);
	assert.equal(await own.badRows.first().getAttribute('data-line'), '3');
	assert.match(await own.badRows.first().innerText(), /bukan nomor telepon.*no number/);
	assert.deepEqual(await seriousFindings(page), []);
	await page.getByTestId('import-close').click();
	await own.row('6281234567892').waitFor();
	assert.equal((await contacts(jakarta)).find((c) => c.name === 'Ani').vars.kode_promo, 'A2');
	await browser.closePage(page);
});

scenario('opt-outs: added in a bunch, found, taken back', async () => {
	const page = await browser.page({ user: ADMIN, lang: 'en' });
	const own = new ContactsPage(page);

	await own.open(world.base);
	await page.getByTestId('tab-opt-outs').click();
	await page.getByTestId('opt-out-add').click();
	await page.getByTestId('opt-out-numbers').fill('0812 9999 0001\nnobody');
	await page.getByTestId('opt-out-form-save').click();
	await page.getByText('Not a phone number: nobody').waitFor();
	await page.getByTestId('opt-out-numbers').fill('0812 9999 0001\n0812 9999 0002');
	await page.getByTestId('opt-out-form-save').click();
	await waitFor(async () => await own.optOuts.count() === 2, 10_000, 'two numbers');
	await page.getByTestId('opt-out-search').fill('0812-9999-0002');
	await waitFor(async () => await own.optOuts.count() === 1, 10_000, 'one to be found');
	await page.getByTestId('opt-out-take').click();
	await page.getByTestId('confirm-yes').click();
	await own.optOuts.first().waitFor({ state: 'detached' });
	assert.deepEqual((await world.admin.get('/opt-outs')).optOuts.map((o) => o.phone), ['6281299990001']);
	await browser.closePage(page);
});

scenario('each role is offered the settings that it may see', async () => {
	const all = ['account', 'tokens', 'templates', 'rules', 'users', 'audit', 'webhooks'];

	for (const [user, tabs] of [
		[USER, ['account', 'tokens', 'templates']],
		[ADMIN, ['account', 'tokens', 'templates', 'rules', 'webhooks']],
		[world.adminUser, all],
	]) {
		const page = await browser.page({ user });
		const settings = new SettingsPage(page);

		await page.getByTestId('user-menu').click();
		await page.locator('[data-action="settings"]').click();
		assert.deepEqual(await settings.tabs(), tabs, user.name);
		// By its address alone, what is not offered is the account's page.
		await page.goto(`${world.base}/settings?tab=audit`);
		assert.equal(await page.locator('[data-testid="tab-account"][aria-current]').or(page.getByTestId('audit-search')).first()
			.getAttribute('data-testid'), tabs.includes('audit') ? 'audit-search' : 'tab-account');
		await page.goto(`${world.base}/webhooks`);
		await page.getByTestId('webhook-add').or(page.locator('.empty h1')).first().waitFor();
		assert.equal(await page.getByTestId('webhook-add').count(), tabs.includes('webhooks') ? 1 : 0);
		await browser.closePage(page);
	}
});

scenario('one changes the own password, and signs in with it', async () => {
	const person = { name: 'wati', password: PASSWORD };
	await world.addUser(person.name, 'USER', person.password, bandung);
	const page = await browser.page({ user: person, lang: 'en' });
	const settings = new SettingsPage(page);

	await settings.open(world.base);
	await settings.changePassword('not this one', 'another horse');
	await page.getByText('This is not your password.').waitFor();
	await settings.changePassword(PASSWORD, 'another horse');
	await settings.toasts.getByText('Password changed.').waitFor();
	await settings.signOut();
	await new LoginPage(page).signIn(person.name, 'another horse');
	await browser.closePage(page, { expected: /422|401/ });
});

scenario('a token is made, shown once, works for what it is for, and is revoked', async () => {
	const page = await browser.page({ user: USER });
	const settings = new SettingsPage(page);

	await settings.open(world.base, 'tokens');
	const text = await settings.makeToken('n8n', 'status:read');
	assert.deepEqual(await seriousFindings(page), []);
	await page.getByTestId('token-kept').click();
	assert.ok(!(await page.content()).includes(text));
	assert.equal((await world.api(text).get('/outlets/status')).count, 1);
	await world.api(text).refused(403, 'scope_missing', 'GET', `/outlets/${jakarta}/contacts`);
	await settings.row('token', 'n8n').getByTestId('token-revoke').click();
	await page.getByTestId('confirm-yes').click();
	await settings.row('token', 'n8n').waitFor({ state: 'detached' });
	await world.api(text).refused(401, 'unauthenticated', 'GET', '/outlets/status');
	await browser.closePage(page);
});

scenario('templates: a USER keeps those of its outlet and only reads those for all', async () => {
	await world.admin.post('/templates', { name: 'Untuk semua', text: 'Halo {{name|Kakak}}' });
	const page = await browser.page({ user: USER });
	const settings = new SettingsPage(page);

	await settings.open(world.base, 'templates');
	await settings.row('template', 'Untuk semua').waitFor();
	assert.equal(await page.getByTestId('template-more').count(), 0);
	await page.getByTestId('template-add').click();
	assert.equal(await page.getByTestId('template-outlet').count(), 0);
	await page.getByTestId('template-name').fill('Promo');
	await page.getByTestId('template-text').fill('Diskon hari ini');
	await page.getByTestId('template-form-save').click();
	await settings.row('template', 'Promo').getByTestId('template-more').click();
	await page.locator('[data-action="edit"]').click();
	await page.getByTestId('template-text').fill('Diskon besok');
	await page.getByTestId('template-form-save').click();
	await settings.row('template', 'Diskon besok').waitFor();
	const { templates } = await world.admin.get('/templates');
	assert.equal(templates.find((t) => t.name === 'Promo').outletId, jakarta);
	await browser.closePage(page);
});

scenario('a template is put into a blast; a variable with a default is no cause for a warning', async () => {
	await world.admin.post('/templates', { name: 'Salam', text: 'Selamat pagi {{name|Kakak}}, {{kode}}' });
	const page = await browser.page({ user: ADMIN });
	const blast = new BlastPage(page);

	await blast.open(world.base);
	await blast.recipients.fill('0812 3456 7890');
	await page.getByTestId('blast-template').selectOption({ label: 'Salam' });
	assert.equal(await blast.message.inputValue(), 'Selamat pagi {{name|Kakak}}, {{kode}}');
	const warning = page.getByTestId('blast-missing-variables');
	await warning.getByText('{{kode}}').waitFor();
	assert.doesNotMatch(await warning.innerText(), /penerima: \{\{name/);
	await browser.closePage(page);
});

scenario('the rules of blasts are read and changed', async () => {
	const page = await browser.page({ user: ADMIN, lang: 'en' });
	const settings = new SettingsPage(page);

	await settings.open(world.base, 'rules');
	await page.getByTestId('rules-optOutWords').fill('STOP, UNREG');
	await page.getByTestId('rules-failurePercent').fill('101');
	await page.getByText('Enter a number from 0 to 100.').waitFor();
	await page.getByTestId('rules-failurePercent').fill('40');
	await page.getByTestId('rules-optOutReply').fill('Baik.');
	await page.getByTestId('rules-save').click();
	await settings.toasts.getByText('Settings saved.').waitFor();
	const { settings: kept } = await world.admin.get('/settings');
	assert.deepEqual(kept.optOutWords, ['STOP', 'UNREG']);
	assert.equal(kept.optOutReply, 'Baik.');
	assert.equal(kept.autoPause.failurePercent, 40);
	await browser.closePage(page);
});

scenario('users are added, changed and deleted; the audit log tells of it', async () => {
	const page = await browser.page({ user: world.adminUser });
	const settings = new SettingsPage(page);

	await settings.open(world.base, 'users');
	await settings.row('user', 'Super admin').waitFor();
	await page.getByTestId('user-add').click();
	await page.getByTestId('user-name').fill('tono');
	await page.getByTestId('user-password').fill('tono and his horse');
	await page.getByTestId('user-form-save').click();
	await page.locator('.has-error').waitFor(); // a USER needs an outlet
	await page.getByTestId('user-outlet').selectOption(bandung);
	await page.getByTestId('user-form-save').click();
	await settings.row('user', 'tono').getByText('Toko Bandung').waitFor();
	await settings.row('user', 'tono').getByTestId('user-more').click();
	await page.locator('[data-action="edit"]').click();
	await page.getByTestId('user-role').selectOption('ADMIN');
	await page.getByTestId('user-form-save').click();
	await page.getByTestId('user-form').waitFor({ state: 'detached' });
	assert.equal((await world.login('tono', 'tono and his horse').then((api) => api.get('/auth/me'))).user.role, 'ADMIN');
	await settings.row('user', 'tono').getByTestId('user-more').click();
	await page.locator('[data-action="remove"]').click();
	await page.getByTestId('confirm-yes').click();
	await settings.row('user', 'tono').waitFor({ state: 'detached' });

	await page.getByTestId('tab-audit').click();
	await page.getByTestId('audit-search').fill('tono');
	const actions = () => page.getByTestId('audit-row').evaluateAll((all) => all.map((row) => row.dataset.action));
	await waitFor(async () => (await actions()).join() === 'user_remove,login,user_edit,user_add', 10_000, 'what was done with him');
	assert.match(await page.getByTestId('audit-row').nth(2).innerText(), /Pengguna diubah/);
	await browser.closePage(page);
});

scenario('an outlet is given a warm-up, which the form shows day by day, and keeps the rest of its pace', async () => {
	await world.admin.patch(`/outlets/${bandung}`, { pace: { dailyCap: 400 } });
	const page = await browser.page({ user: ADMIN, lang: 'en' });
	const outlets = new OutletsPage(page);

	await outlets.open(world.base);
	await outlets.choose('Toko Bandung', 'edit');
	await page.getByTestId('outlet-warm-up').check();
	await page.getByTestId('outlet-warm-up-growth').fill('11');
	await page.getByText('Enter a number from 1.1 to 10.').waitFor();
	await page.getByTestId('outlet-warm-up-growth').fill('1,5');
	await page.getByText('50, 75, 112, 168, 253, 379').waitFor();
	await page.getByTestId('outlet-save').click();
	await page.getByTestId('outlet-form').waitFor({ state: 'detached' });
	assert.deepEqual((await world.admin.get(`/outlets/${bandung}`)).outlet.pace, { dailyCap: 400, warmUp: { start: 50, growth: 1.5 } });
	await outlets.choose('Toko Bandung', 'edit');
	await page.getByTestId('outlet-cap-today').waitFor();
	await page.getByTestId('outlet-warm-up').uncheck();
	await page.getByTestId('outlet-save').click();
	await page.getByTestId('outlet-form').waitFor({ state: 'detached' });
	assert.deepEqual((await world.admin.get(`/outlets/${bandung}`)).outlet.pace, { dailyCap: 400 });
	await browser.closePage(page);
});

scenario('every part, wide and narrow: what axe finds, that nothing scrolls sideways or jumps', async () => {
	const findings = [];
	const pages = [['contacts', '/contacts'], ['opt-outs', '/contacts?view=opt-outs'],
		...['account', 'tokens', 'templates', 'rules', 'users', 'audit'].map((tab) => [tab, `/settings?tab=${tab}`])];

	for (const look of LOOKS) {
		const page = await browser.page({ user: world.adminUser, ...look });
		await new StatusPage(page).rows.first().waitFor();
		await page.addInitScript(watchShifts);
		for (const [name, path] of pages) {
			await page.goto(world.base + path);
			await page.locator('.table, form, .empty').first().waitFor();
			await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
			const shift = await page.evaluate(() => window.shift);
			if (shift > 0.01)
				findings.push(`${name} ${look.width}: moved by ${shift}`);
			if (await overflows(page) > 0)
				findings.push(`${name} ${look.width}: scrolls sideways`);
			findings.push(...(await seriousFindings(page)).map((f) => `${name} ${look.width}: ${f}`));
			await browser.picture(page, name, look);
		}
		await browser.closePage(page);
	}
	assert.deepEqual(findings, []);
});
