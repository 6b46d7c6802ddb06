/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel says of a process, and tables of it. Times are seconds, memory KiB. */
import fs from 'node:fs';

/** CPU time of a process so far, of all threads that it has now: to the nanosecond, where /proc/PID/stat counts ticks and misses what is short. */
export function cpu(pid) {
	const threads = fs.readdirSync(`/proc/${pid}/task`);

	return threads.reduce((sum, tid) => sum + Number(fs.readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e9;
}

const status = (pid, key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

export const rss = (pid) => status(pid, 'VmRSS');
export const peak = (pid) => status(pid, 'VmHWM');
/** From here on the peak is counted anew: hashing a password at the start took its own. */
export const forgetPeak = (pid) => fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');

/** Runs fn; answers what it cost: wall time, and CPU of each process {name: pid}. */
export async function cost(pids, fn) {
	const before = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpu(pid)]));
	const start = process.hrtime.bigint();
	const result = await fn();
	const wall = Number(process.hrtime.bigint() - start) / 1e9;

	return { result, wall, cpu: Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpu(pid) - before[name]])) };
}

export const round = (x, digits = 3) => (Number.isFinite(x) ? String(Number(x.toPrecision(digits))) : '–');
export const times = (a, b) => (b > 0 ? `${round(a / b, 2)}×` : '–');

/** Says it to who watches, and keeps it in the file of BENCH_OUT where there is one. */
export function say(text) {
	process.stdout.write(text);
	if (process.env.BENCH_OUT)
		fs.appendFileSync(process.env.BENCH_OUT, text);
}

/** A table in Markdown, so that it can stand in docs/benchmarks.md as it is. */
export function table(title, head, rows) {
	const line = (cells) => `| ${cells.join(' | ')} |`;

	say(`\n## ${title}\n\n${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`);
}

/** Works through a list, `width` at a time. */
export async function each(list, width, fn) {
	let next = 0;

	await Promise.all(Array.from({ length: Math.min(width, list.length) }, async () => {
		while (next < list.length) {
			const i = next++;
			await fn(list[i], i);
		}
	}));
}
