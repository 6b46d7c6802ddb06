/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pages as a person uses them, for tests in a browser (playwright): what can be seen and done, by whatever language the page is in.
 * Waits are those of playwright's locators; nothing here asserts.
 */

const byName = (locator, name) => locator.filter({ hasText: name });

export class LoginPage {
	constructor(page) {
		this.page = page;
		this.form = page.getByTestId('login-form');
		this.username = page.getByTestId('login-username');
		this.password = page.getByTestId('login-password');
		this.submit = page.getByTestId('login-submit');
		this.problem = this.form.getByRole('alert');
	}

	async open(base) {
		await this.page.goto(`${base}/login`);
		await this.form.waitFor();
	}

	/** Ends on the page that was wanted first, or on the board. */
	async signIn(username, password) {
		await this.username.fill(username);
		await this.password.fill(password);
		await this.submit.click();
		await this.page.getByTestId('user-menu').waitFor();
	}
}

/** What every page of a signed-in user has. */
export class Shell {
	constructor(page) {
		this.page = page;
		this.refresh = page.getByTestId('refresh');
		this.freshness = page.getByTestId('last-refresh'); // data-mode: live, polling, connecting
		this.toasts = page.getByTestId('toasts');
		this.offlineBanner = page.getByTestId('banner-offline');
		this.daemonBanner = page.getByTestId('banner-daemon');
		this.staleBanner = page.getByTestId('banner-stale');
	}

	async signOut() {
		await this.page.getByTestId('user-menu').click();
		await this.page.locator('[data-action="logout"]').click();
		await this.page.getByTestId('login-form').waitFor();
	}

	/** "id" or "en". */
	async setLanguage(lang) {
		await this.page.locator(`[data-testid="lang"] [data-lang="${lang}"]`).click();
	}

	/** "system", "light" or "dark". */
	async setTheme(theme) {
		await this.page.getByTestId('theme').click();
		await this.page.locator(`[data-action="${theme}"]`).click();
	}
}

export class StatusPage extends Shell {
	constructor(page) {
		super(page);
		this.rows = page.getByTestId('outlet-row'); // table rows, or cards on a narrow screen
		this.total = page.locator('[data-testid="figure-total"] .figure-value');
		this.healthy = page.locator('[data-testid="figure-healthy"] .figure-value');
		this.attention = page.locator('[data-testid="figure-attention"] .figure-value');
		this.search = page.getByTestId('search');
	}

	async open(base) {
		await this.page.goto(`${base}/outlet-status`);
		await this.rows.first().waitFor();
	}

	row(name) {
		const row = byName(this.rows, name);
		return {
			element: row,
			database: row.getByTestId('status-db').locator('[data-status]'),
			live: row.getByTestId('status-live').locator('[data-status]'),
			health: row.getByTestId('health'), // data-healthy; its reasons: [data-reason]
			nextRetry: row.getByTestId('next-retry'),
			connect: row.getByTestId('row-connect'),
			showQr: row.getByTestId('row-showQr'),
			resume: row.getByTestId('row-resume'),
		};
	}

	/** "all", "healthy", "attention", or a status. */
	async filter(key) {
		await this.page.locator(`[data-filter="${key}"]`).click();
	}
}

export class QrDialog {
	constructor(page) {
		this.element = page.getByTestId('qr-modal');
		this.image = page.getByTestId('qr-image'); // data-sequence
		this.countdown = page.getByTestId('qr-countdown');
		this.byQr = page.getByTestId('link-by-qr');
		this.byCode = page.getByTestId('link-by-code');
		this.code = page.getByTestId('pairing-code');
		this.copy = page.getByTestId('pairing-code-copy');
		this.retry = page.getByTestId('qr-retry');
		this.close = this.element.getByTestId('dialog-close');
		this.passkey = {
			copy: page.getByTestId('passkey-copy'),
			answer: page.getByTestId('passkey-answer'),
			give: page.getByTestId('passkey-give'),
			code: page.getByTestId('passkey-code'),
			same: page.getByTestId('passkey-same'),
		};
	}

	async shown() {
		await this.image.waitFor();
		await this.image.evaluate((image) => image.decode());
	}

	/** The code to type, once there is one; another than `before`. */
	async codeShown(before = '') {
		await this.code.filter({ hasNotText: before || /^$/, hasText: /^\w{4}-\w{4}$/ }).waitFor();
		return this.code.innerText();
	}

	async closedByItself(timeout) {
		await this.element.waitFor({ state: 'detached', timeout });
	}
}

export class OutletsPage extends Shell {
	constructor(page) {
		super(page);
		this.cards = page.getByTestId('outlet-card');
		this.add = page.getByTestId('outlet-add');
		this.qr = new QrDialog(page);
	}

	async open(base) {
		await this.page.goto(`${base}/outlets`);
		await this.page.locator('main h1').waitFor();
	}

	card(name) {
		const card = byName(this.cards, name);
		return {
			element: card,
			status: card.locator('[data-status]'),
			connect: card.getByTestId('outlet-connect'),
			reconnect: card.getByTestId('outlet-reconnect'),
			resume: card.getByTestId('outlet-resume'),
			pause: card.getByTestId('outlet-pause'),
			more: card.getByTestId('outlet-more'),
			lastError: card.getByTestId('last-error'), // data-code
		};
	}

	/** From the menu of a card. */
	async choose(name, action) {
		await this.card(name).more.click();
		await this.page.locator(`[data-action="${action}"]`).click();
	}

	/** From the menu of a card: "pause", "disconnect", "logout" or "remove"; the question is answered with yes. */
	async command(name, action) {
		await this.choose(name, action);
		await this.page.getByTestId('confirm-yes').click();
		await this.page.getByTestId('confirm').waitFor({ state: 'detached' });
	}

	async addOutlet(name, number) {
		await this.add.click();
		await this.page.getByTestId('outlet-name').fill(name);
		await this.page.getByTestId('outlet-number').fill(number);
		await this.page.getByTestId('outlet-save').click();
		await this.page.getByTestId('outlet-form').waitFor({ state: 'detached' });
	}
}

export class WebhooksPage extends Shell {
	constructor(page) {
		super(page);
		this.cards = page.getByTestId('webhook-card');
		this.add = page.getByTestId('webhook-add');
		this.secret = page.getByTestId('webhook-secret');
		this.deliveries = page.getByTestId('delivery'); // data-status
	}

	/** By the menu of the user. */
	async open() {
		await this.page.getByTestId('user-menu').click();
		await this.page.locator('[data-action="webhooks"]').click();
		await this.add.waitFor();
	}

	/** Answers the secret, which is shown. */
	async addWebhook(url, description) {
		await this.add.click();
		await this.page.getByTestId('webhook-url').fill(url);
		await this.page.getByTestId('webhook-description').fill(description);
		await this.page.getByTestId('webhook-save').click();
		await this.secret.waitFor();
		return this.secret.innerText();
	}

	/** From the menu of a card: "deliveries", "edit", "switch", "rotate" or "remove". */
	async choose(description, action) {
		await byName(this.cards, description).getByTestId('webhook-more').click();
		await this.page.locator(`[data-action="${action}"]`).click();
	}
}

export class ContactsPage extends Shell {
	constructor(page) {
		super(page);
		this.rows = page.getByTestId('contact-row'); // data-phone
		this.outlet = page.getByTestId('contact-outlet');
		this.search = page.getByTestId('contact-search');
		this.add = page.getByTestId('contact-add');
		this.badRows = page.getByTestId('import-bad'); // data-line
		this.optOuts = page.getByTestId('opt-out-row'); // data-phone
	}

	async open(base, query = '') {
		await this.page.goto(`${base}/contacts${query}`);
		await this.page.getByTestId('tab-opt-outs').waitFor();
	}

	row(phone) {
		return this.page.locator(`[data-testid="contact-row"][data-phone="${phone}"]`);
	}

	/** Fills in what is given and saves. */
	async save({ phone, name, tags, vars }) {
		for (const [field, value] of Object.entries({ phone, name, tags, vars }))
			if (value !== undefined)
				await this.page.getByTestId(`contact-${field}`).fill(value);
		await this.page.getByTestId('contact-form-save').click();
		await this.page.getByTestId('contact-form').waitFor({ state: 'detached' });
	}

	/** From the menu of a row: "edit" or "remove". */
	async choose(phone, action) {
		await this.row(phone).getByTestId('contact-more').click();
		await this.page.locator(`[data-action="${action}"]`).click();
	}

	/** Answers when what became of the rows is shown. */
	async importFile(text) {
		await this.page.getByTestId('contact-import-open').click();
		await this.page.getByTestId('import-file').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
		await this.page.getByTestId('contact-import-save').click();
		await this.page.getByTestId('import-done').waitFor();
	}
}

export class SettingsPage extends Shell {
	async open(base, tab = 'account') {
		await this.page.goto(`${base}/settings${tab === 'account' ? '' : `?tab=${tab}`}`);
		await this.page.getByTestId(`tab-${tab}`).waitFor();
	}

	/** The parts that are offered. */
	async tabs() {
		await this.page.getByTestId('tab-account').waitFor();
		return this.page.locator('[data-testid^="tab-"]').evaluateAll((all) => all.map((tab) => tab.dataset.testid.slice(4)));
	}

	/** Answers the token's text, which is shown once. */
	async makeToken(name, scope) {
		await this.page.getByTestId('token-add').click();
		await this.page.getByTestId('token-name').fill(name);
		await this.page.getByTestId('token-scoped').check();
		await this.page.getByTestId(`scope-${scope}`).check();
		await this.page.getByTestId('token-form-save').click();
		return this.page.getByTestId('token-text').innerText();
	}

	async changePassword(now, next) {
		await this.page.getByTestId('password-now').fill(now);
		await this.page.getByTestId('password-new').fill(next);
		await this.page.getByTestId('password-again').fill(next);
		await this.page.getByTestId('password-save').click();
	}

	row(kind, name) {
		return byName(this.page.getByTestId(`${kind}-row`), name);
	}
}

export class BlastPage extends Shell {
	constructor(page) {
		super(page);
		this.form = page.getByTestId('blast-form');
		this.name = page.getByTestId('blast-name');
		this.allOutlets = page.getByTestId('blast-all-outlets');
		this.picks = page.getByTestId('pick-outlet'); // data-healthy
		this.recipients = page.getByTestId('blast-recipients');
		this.file = page.getByTestId('blast-file');
		this.badRows = page.getByTestId('blast-bad-rows').locator('li');
		this.message = page.getByTestId('blast-message');
		this.perMinute = page.getByTestId('blast-per-minute');
		this.preview = page.getByTestId('blast-preview');
		this.send = page.getByTestId('blast-send');
		this.samples = page.getByTestId('preview-samples').getByTestId('bubble');
		this.history = page.getByTestId('blast-row');
	}

	async open(base) {
		await this.page.goto(`${base}/blast`);
		await this.form.waitFor();
	}

	pick(name) {
		return byName(this.picks, name).locator('input');
	}

	async chooseFile(name, text) {
		await this.page.getByTestId('blast-source-file').click();
		await this.file.setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
	}

	/** One of total, valid, invalid, duplicates, opted-out, as a number. */
	async previewed(figure) {
		const text = await this.page.getByTestId(`preview-${figure}`).locator('dd').innerText();
		return Number(text.replace(/\D/g, ''));
	}

	/** Ends on the blast's own page. */
	async sendPreviewed() {
		await this.send.click();
		await this.page.getByTestId('blast-progress').waitFor();
		return new ProgressPage(this.page);
	}
}

export class ProgressPage extends Shell {
	constructor(page) {
		super(page);
		this.status = page.getByTestId('blast-status'); // data-status
		this.done = page.getByTestId('blast-done');
		this.rate = page.getByTestId('blast-rate');
		this.eta = page.getByTestId('blast-eta');
		this.pause = page.getByTestId('blast-pause');
		this.resume = page.getByTestId('blast-resume');
		this.cancel = page.getByTestId('blast-cancel');
		this.recipients = page.getByTestId('recipient-row'); // data-phone
		this.replies = page.getByTestId('reply-row');
		this.retry = page.getByTestId('blast-retry');
		this.report = page.getByTestId('blast-report');
		this.search = page.getByTestId('recipient-search');
		this.filter = page.getByTestId('recipient-filter');
	}

	async open(base, id) {
		await this.page.goto(`${base}/blasts/${id}`);
		await this.page.getByTestId('blast-progress').waitFor();
	}

	/** What one outlet has of it. */
	part(outletId) {
		const row = this.page.locator(`[data-testid="part-row"][data-outlet-id="${outletId}"]`);
		return {
			element: row, // data-paused
			queued: row.getByTestId('part-queued'),
			pause: row.getByTestId('part-pause'),
			resume: row.getByTestId('part-resume'),
			move: row.getByTestId('part-move'),
			reason: row.getByTestId('part-paused'),
		};
	}

	get id() {
		return decodeURIComponent(new URL(this.page.url()).pathname.split('/').at(-1));
	}

	/** One of queued, sending, sent, delivered, read, failed, skipped, cancelled, as a number. */
	async count(name) {
		const text = await this.page.getByTestId(`count-${name}`).locator('strong').innerText();
		return Number(text.replace(/\D/g, ''));
	}

	/** Waits until the blast reads as this. */
	async reaches(status, timeout) {
		await this.page.locator(`[data-testid="blast-status"][data-status="${status}"]`).waitFor({ timeout });
	}

	recipient(phone) {
		return this.page.locator(`[data-testid="recipient-row"][data-phone="${phone}"]`);
	}
}
