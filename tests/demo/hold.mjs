/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What keeps a started set of programs up until somebody says stop. A program that ends by itself is started again, as an init
 * system would, unless it does so time after time.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 500;
const RESTARTS = 5; // within
const RESTARTS_MS = 60_000;

/** Settles when Ctrl-C, SIGTERM or SIGHUP comes, or whoever started this process is gone. A second signal ends it at once. */
export function askedToStop() {
	return new Promise((resolve) => {
		const parent = process.ppid;
		let asked = false;

		for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
			process.on(signal, () => {
				if (asked)
					process.exit(1);
				asked = true;
				resolve(signal);
			});
		setInterval(() => {
			if (process.ppid !== parent)
				resolve('orphaned');
		}, LOOK_MS).unref();
	});
}

/**
 * Watches the programs until `stop` settles.
 * @param {import('../e2e/program.mjs').Program[]} programs
 * @param {Promise<string>} stop
 * @param {() => any} every  called now and then
 */
export async function hold(programs, stop, every = () => {}) {
	const restarts = [];
	let stopped = false;

	stop.then(() => { stopped = true; });
	while (!stopped) {
		await Promise.race([stop, sleep(LOOK_MS)]);
		for (const program of programs.filter((p) => !p.running && !stopped)) {
			restarts.push(Date.now());
			if (restarts.filter((t) => t > Date.now() - RESTARTS_MS).length > RESTARTS)
				throw new Error(`${program.name} ends again and again: ${program.log}`);
			console.log(`${program.takeFailures().join('; ')}: started again`);
			program.start();
		}
		await Promise.resolve(every()).catch(() => {}); // what is down now answers the next time
	}
}
