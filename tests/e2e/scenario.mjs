/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A test that shows, when it fails, what the programs of its worlds logged meanwhile. */
import { test } from 'node:test';

import { holdAnswers } from './client.mjs';
import { assertDescribed } from './description.mjs';
import { worlds } from './world.mjs';

holdAnswers(assertDescribed);

/* Asked to stop: what program.mjs and cluster.mjs do at the exit is done, too. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.once(signal, () => process.exit(1));

const TIMEOUT_MS = process.env.FAULTS === 'long' ? 900_000 : 120_000; // make faults does more of everything

export function scenario(name, options, fn = options) {
	const given = typeof options === 'function' ? {} : options;

	return test(name, { timeout: TIMEOUT_MS, ...given }, async (t) => {
		const marks = new Map([...worlds].map((world) => [world, world.mark()]));

		try {
			await fn(t);
		} catch (error) {
			for (const world of worlds) {
				world.failed = true;
				console.error(`==== "${name}" failed; meanwhile:\n${world.logs(marks.get(world))}`);
			}
			throw error;
		}
	});
}
