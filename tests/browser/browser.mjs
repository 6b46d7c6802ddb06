/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Debian's Chromium, pages in it, what a page must never do (errors in its console, breaches of its policy, requests to elsewhere), axe, and
 * pictures for people to look at.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import axe from 'axe-core';
import { chromium } from 'playwright-core';

import { LoginPage } from './pages.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync'];
const DEADLINE_MS = 15_000;

export const VIEWS = [
	{ width: 1440, height: 900, theme: 'light' },
	{ width: 1440, height: 900, theme: 'dark' },
	{ width: 390, height: 844, theme: 'light' },
	{ width: 390, height: 844, theme: 'dark' },
];

export async function startBrowser(world) {
	const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
	return new Browser(browser, world);
}

class Browser {
	constructor(browser, world) {
		this.browser = browser;
		this.world = world;
		this.pictures = path.join(world.build, 'screens');
		fs.mkdirSync(this.pictures, { recursive: true });
	}

	/** A page in a context of its own. `user`: {name, password} who is signed in. */
	async page({ user = null, width = 1440, height = 900, theme = 'light', lang = null } = {}) {
		const context = await this.browser.newContext({ viewport: { width, height }, colorScheme: theme, locale: 'id-ID', timezoneId: 'Asia/Jakarta',
			reducedMotion: 'reduce' });
		const page = await context.newPage();

		page.setDefaultTimeout(DEADLINE_MS);
		page.troubles = [];
		page.on('console', (message) => {
			if (message.type() === 'error')
				page.troubles.push(`console: ${message.text()}`);
		});
		page.on('pageerror', (error) => page.troubles.push(`page: ${error.message}`));
		page.on('request', (request) => {
			if (!request.url().startsWith(this.world.base) && !/^(data|blob):/.test(request.url()))
				page.troubles.push(`request to elsewhere: ${request.url()}`);
		});
		if (user !== null) {
			const login = new LoginPage(page);

			await login.open(this.world.base);
			if (lang !== null)
				await page.locator(`[data-testid="lang"] [data-lang="${lang}"]`).click();
			await login.signIn(user.name, user.password);
			page.troubles.length = 0; // a stranger is told 401
		}
		return page;
	}

	/** `expected`: troubles that a test brought about. */
	async closePage(page, { expected = null } = {}) {
		await page.context().close();
		assert.deepEqual(page.troubles.filter((t) => !expected?.test(t)), []);
	}

	/** Of the whole page, or, where a dialog covers it, of what can be seen. */
	async picture(page, name, { width, theme }) {
		const fullPage = await page.locator('dialog[open]').count() === 0;

		if (fullPage)
			await page.evaluate(() => window.scrollTo(0, 0));
		await page.screenshot({ path: path.join(this.pictures, `${name}-${width}-${theme}.png`), fullPage, animations: 'disabled' });
	}

	async close() {
		await this.browser.close();
	}
}

/** What axe finds serious or worse, as readable lines. */
export async function seriousFindings(page) {
	await page.evaluate(axe.source);
	const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));

	return violations.filter((v) => ['serious', 'critical'].includes(v.impact))
		.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary?.replace(/\s+/g, ' ')}`));
}

/** Does the page scroll sideways? It never should. */
export const overflows = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Runs in the page, before all else: adds up in window.shift by how much what one sees has moved by itself. */
export function watchShifts() {
	window.shift = 0;
	new PerformanceObserver((list) => {
		for (const entry of list.getEntries())
			if (!entry.hadRecentInput)
				window.shift += entry.value;
	}).observe({ type: 'layout-shift', buffered: true });
}
