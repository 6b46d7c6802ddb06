/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One program under test: started, watched, stopped by its process id. What it printed is kept in a file. An end that nobody
 * asked for, a status other than 0 and a sanitizer's report are failures that its world reports.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import readline from 'node:readline';

import { within } from './wait.mjs';

const STOP_MS = 20_000;
const SANITIZER = /ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer/;
const SANITIZER_OPTIONS = {
	ASAN_OPTIONS: 'exitcode=99:detect_leaks=1:handle_abort=1',
	LSAN_OPTIONS: 'exitcode=99',
	UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
};

/* Whatever ends this process ends what it started. */
const running = new Set();
process.on('exit', () => {
	for (const program of running)
		program.child.kill('SIGKILL');
});

export class Program {
	/** @param {{name: string, command: string, args?: string[], log: string, env?: object}} options */
	constructor({ name, command, args = [], log, env = {} }) {
		this.name = name;
		this.command = command;
		this.args = args;
		this.log = log;
		this.env = env;
		this.failures = [];
		this.scanned = 0; // bytes of the log that were looked through
		this.child = null;
	}

	get running() {
		return this.child !== null;
	}

	get pid() {
		return this.child?.pid;
	}

	/** onLine: called with each line of stdout, which then goes to the log as well. */
	start(onLine = null) {
		if (this.running)
			throw new Error(`${this.name} runs already`);
		const log = fs.openSync(this.log, 'a');
		// However this process ends, what it started ends with it.
		const child = spawn('setpriv', ['--pdeathsig', 'TERM', this.command, ...this.args], {
			stdio: ['ignore', onLine ? 'pipe' : log, log],
			env: { ...SANITIZER_OPTIONS, ...process.env, ...this.env },
			detached: true, // Ctrl-C in a terminal is for this process, which then stops it
		});

		this.child = child;
		this.expected = false;
		running.add(this);
		if (onLine)
			readline.createInterface({ input: child.stdout }).on('line', (line) => {
				fs.appendFileSync(this.log, `${line}\n`);
				onLine(line);
			});
		this.ended = new Promise((resolve) => {
			const end = (how) => {
				if (this.child !== child)
					return;
				this.child = null;
				running.delete(this);
				fs.closeSync(log);
				if (!this.expected)
					this.failures.push(`${this.name} (pid ${child.pid}) ended by itself: ${how}`);
				resolve(how);
			};
			child.on('error', (error) => end(error.message));
			child.on('exit', (code, signal) => end(signal ?? code));
		});
	}

	/** SIGTERM; it must end with status 0. */
	async stop() {
		if (!this.running)
			return;
		const { pid } = this;

		this.expected = true;
		this.child.kill('SIGTERM');
		try {
			const how = await within(this.ended, STOP_MS, `${this.name} to stop`);
			if (how !== 0)
				this.failures.push(`${this.name} (pid ${pid}) ended with ${how} after SIGTERM`);
		} catch (error) {
			this.failures.push(error.message);
			await this.kill();
		}
	}

	/** kill -9, as a crash would. */
	async kill() {
		if (!this.running)
			return;
		this.expected = true;
		this.child.kill('SIGKILL');
		await this.ended;
	}

	/** It is meant to end by itself: how it did, a status or a signal. */
	ends() {
		this.expected = true;
		return this.ended;
	}

	signal(name) {
		this.child.kill(name);
	}

	/** Where the log ends now. */
	mark() {
		return fs.existsSync(this.log) ? fs.statSync(this.log).size : 0;
	}

	logSince(mark, max = 20_000) {
		if (!fs.existsSync(this.log))
			return '';
		const text = fs.readFileSync(this.log).subarray(mark).toString();
		return text.length > max ? `…\n${text.slice(-max)}` : text;
	}

	/** What went wrong since the last time this was asked. */
	takeFailures() {
		const text = this.logSince(this.scanned, Infinity);
		const failures = this.failures.splice(0);

		this.scanned = this.mark();
		if (SANITIZER.test(text)) {
			const from = text.search(SANITIZER);
			failures.push(`${this.name}: ${text.slice(Math.max(0, from - 200), from + 6000)}`);
		}
		return failures;
	}
}
