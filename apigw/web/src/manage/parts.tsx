/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts: what the pages of contacts and settings share: a list with its states, a dialog with a form, a search, tabs. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../api/client.ts';
import { type Messages, useLang, useT } from '../i18n/index.ts';
import { fieldText, problemText } from '../i18n/problem.ts';
import type { List } from '../lib/list.ts';
import { useStatuses } from '../live/statuses.ts';
import { Button, Notice, Skeleton } from '../ui/basic.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { problems } from './words.ts';

/** As problemText, with the words of what happens on these pages alone. */
export function useProblemText(own: Record<string, string> = {}): (error: unknown) => string {
	const t = useT();
	const words = { ...problems[useLang()].code, ...own };
	return (error) => (error instanceof Problem && words[error.code]) || problemText(error, t);
}

/** What is wrong with a field; its own words (`own`) stand before those that hold for every field. */
export function useFieldText(error: unknown): (field: string, own?: string) => string | null {
	const t: Messages = useT();
	const words = problems[useLang()].field;
	return (field, own) => {
		if (!(error instanceof Problem)) return null;
		const found = error.errors.find((each) => each.field === field || each.field.startsWith(`${field}.`));
		if (found === undefined) return null;
		return own ?? words[found.code] ?? fieldText(error, found.field, t);
	};
}

/** `words`: of failures that only one form meets. */
export function Failure({ error, words = {} }: { error: unknown; words?: Record<string, string> }) {
	const text = useProblemText(words);
	if (error === null) return null;
	return (
		<Notice kind="bad" role="alert">
			{text(error)}
		</Notice>
	);
}

/** The banner over every page says so already, and that it mends itself. */
function isTold(error: unknown): boolean {
	return error instanceof Problem && (error.status === 0 || error.status >= 502);
}

export function Listing<T>({
	list,
	empty,
	children,
}: {
	list: List<T>;
	empty: ComponentChildren;
	children: (rows: T[]) => ComponentChildren;
}) {
	const t = useT();
	return (
		<>
			{!isTold(list.failure) && <Failure error={list.failure} />}
			{list.rows === null && (list.failure === null || isTold(list.failure)) && <Skeleton rows={6} />}
			{list.rows !== null && (list.rows.length === 0 ? empty : children(list.rows))}
			{list.more && (
				<div class="list-foot">
					<Button busy={list.loading} onClick={list.readMore} data-testid="list-more">
						{t.app.loadMore}
					</Button>
				</div>
			)}
		</>
	);
}

/** A table that becomes cards where it is narrow; each cell says there what it is (`data-label`). */
export function StackTable({ caption, heads, children }: { caption: string; heads: string[]; children: ComponentChildren }) {
	return (
		<div class="table-box">
			<table class="table table-stack">
				<caption class="sr-only">{caption}</caption>
				<thead>
					<tr>
						{heads.map((head) => (
							<th key={head} scope="col">
								{head}
							</th>
						))}
					</tr>
				</thead>
				<tbody>{children}</tbody>
			</table>
		</div>
	);
}

export function Search({
	label,
	value,
	onValue,
	testid,
}: {
	label: string;
	value: string;
	onValue: (value: string) => void;
	testid: string;
}) {
	return (
		<div class="search">
			<Icon name="search" />
			<input
				class="input"
				type="search"
				aria-label={label}
				placeholder={label}
				value={value}
				onInput={(event) => onValue(event.currentTarget.value)}
				data-testid={testid}
			/>
		</div>
	);
}

/** One outlet by name; `none` stands for "". */
export function OutletField({
	label,
	none,
	value,
	error,
	onValue,
	testid,
}: {
	label: string;
	none: string;
	value: string;
	error: string | null;
	onValue: (value: string) => void;
	testid: string;
}) {
	const { list } = useStatuses();
	return (
		<Field label={label} error={error}>
			{(ids) => (
				<select
					{...ids}
					class="input"
					value={value}
					onChange={(event) => onValue(event.currentTarget.value)}
					data-testid={testid}
				>
					<option value="">{none}</option>
					{list.map((each) => (
						<option key={each.outletId} value={each.outletId}>
							{each.outlet.name}
						</option>
					))}
				</select>
			)}
		</Field>
	);
}

/** Parts of a page, each with an address of its own. */
export function Tabs({
	label,
	tabs,
	current,
}: {
	label: string;
	tabs: { key: string; href: string; label: string }[];
	current: string;
}) {
	const bar = useRef<HTMLElement>(null);

	// Where they do not all fit, the current one is in sight.
	useEffect(() => {
		const tab = bar.current?.querySelector<HTMLElement>('[aria-current]');
		if (bar.current && tab) bar.current.scrollLeft = tab.offsetLeft - bar.current.offsetLeft - 40;
	}, [current]);
	return (
		<nav class="tabs" aria-label={label} ref={bar}>
			{tabs.map((tab) => (
				<a
					key={tab.key}
					href={tab.href}
					aria-current={tab.key === current ? 'page' : undefined}
					data-testid={`tab-${tab.key}`}
				>
					{tab.label}
				</a>
			))}
		</nav>
	);
}

/** A form in a dialog. `onSave` gives false where something is to be mended first; what it throws is shown and handed to `children`. */
export function FormDialog({
	title,
	action,
	onSave,
	onClose,
	children,
	words = {},
	testid,
}: {
	title: string;
	action: string;
	/** Of failures that only this form meets. */
	words?: Record<string, string>;
	onSave: () => Promise<boolean>;
	onClose: () => void;
	children: (failure: unknown, tried: boolean) => ComponentChildren;
	testid: string;
}) {
	const t = useT();
	const [busy, setBusy] = useState(false);
	const [tried, setTried] = useState(false);
	const [failure, setFailure] = useState<unknown>(null);
	const submit = async (event: Event): Promise<void> => {
		event.preventDefault();
		setTried(true);
		setFailure(null);
		setBusy(true);
		try {
			if (await onSave()) return;
		} catch (error) {
			setFailure(error);
		}
		setBusy(false);
	};
	return (
		<Dialog title={title} onClose={onClose} data-testid={testid}>
			<Failure error={failure} words={words} />
			<form onSubmit={(event) => void submit(event)} noValidate>
				{children(failure, tried)}
				<div class="dialog-actions">
					<Button onClick={onClose}>{t.app.cancel}</Button>
					<Button kind="primary" type="submit" busy={busy} data-testid={`${testid}-save`}>
						{action}
					</Button>
				</div>
			</form>
		</Dialog>
	);
}
