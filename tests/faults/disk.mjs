/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small file system in memory, to be filled and freed; only root may mount one. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const PIECE = 4096;
const mounted = new Set();
process.on('exit', () => {
	for (const disk of mounted)
		disk.unmount();
});

export class SmallDisk {
	static possible = process.getuid() === 0;

	/** Mounted at a new directory; owned by whom `like` belongs to. */
	constructor(mib, like) {
		const { uid, gid } = fs.statSync(like);

		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'wcdisk-'));
		execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=700,uid=${uid},gid=${gid}`, 'tmpfs', this.dir]);
		mounted.add(this);
	}

	/** Not a byte is left, until free(). */
	fill() {
		const file = fs.openSync(path.join(this.dir, 'ballast'), 'a');

		try {
			for (let size = 1 << 20; size >= PIECE;) {
				try {
					fs.writeSync(file, Buffer.alloc(size));
				} catch (error) {
					if (error.code !== 'ENOSPC')
						throw error;
					size /= 2;
				}
			}
		} finally {
			fs.closeSync(file);
		}
	}

	free() {
		fs.rmSync(path.join(this.dir, 'ballast'), { force: true });
	}

	unmount() {
		mounted.delete(this);
		spawnSync('umount', ['-l', this.dir], { stdio: 'ignore' });
		fs.rmdirSync(this.dir);
	}
}
