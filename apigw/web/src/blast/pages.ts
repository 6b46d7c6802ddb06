/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pages: the blasts' pages in one piece, fetched apart from the rest (ui/later.tsx). */
export { BlastPage } from '../pages/blast.tsx';
export { ProgressPage } from '../pages/progress.tsx';
