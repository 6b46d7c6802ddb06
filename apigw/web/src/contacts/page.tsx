/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page: the contacts of one outlet at a time, and the numbers that opted out. */
import { useState } from 'preact/hooks';
import type { OutletStatus } from '../api/types.ts';
import { useT } from '../i18n/index.ts';
import { useSettled, useTitle } from '../lib/hooks.ts';
import { useList } from '../lib/list.ts';
import { normalisePhone } from '../lib/phone.ts';
import { useStatuses } from '../live/statuses.ts';
import { Listing, Search, StackTable, Tabs } from '../manage/parts.tsx';
import { navigate, useLocation } from '../router.ts';
import { Button, Empty, Nothing, PageHead, PhoneNumber, ShortTime, Skeleton } from '../ui/basic.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icons.tsx';
import { Menu } from '../ui/menu.tsx';
import { toast } from '../ui/toast.tsx';
import { type Contact, contactList, contactRemove } from './calls.ts';
import { ContactForm, ImportDialog } from './form.tsx';
import { OptOuts } from './opt-outs.tsx';
import { useWords } from './words.ts';

const HERE = '/contacts';

function who(contact: Contact): string {
	return contact.name ?? `+${contact.phone}`;
}

function Row({
	contact,
	onTag,
	onEdit,
	onRemove,
}: {
	contact: Contact;
	onTag: (tag: string) => void;
	onEdit: () => void;
	onRemove: () => void;
}) {
	const w = useWords();
	const vars = Object.entries(contact.vars);
	return (
		<tr data-testid="contact-row" data-phone={contact.phone}>
			<th scope="row" data-label={w.name}>
				{contact.name === null ? <Nothing /> : <strong>{contact.name}</strong>}
			</th>
			<td data-label={w.phone}>
				<PhoneNumber digits={contact.phone} />
			</td>
			<td data-label={w.tags}>
				{contact.tags.length === 0 ? (
					<Nothing />
				) : (
					<span class="chips">
						{contact.tags.map((tag) => (
							<button
								key={tag}
								type="button"
								class="chip chip-small"
								title={w.onlyTag(tag)}
								onClick={() => onTag(tag)}
							>
								{tag}
							</button>
						))}
					</span>
				)}
			</td>
			<td data-label={w.vars} class="cell-vars">
				{vars.length === 0 ? (
					<Nothing />
				) : (
					vars.map(([name, value]) => (
						<span key={name} class="small">
							<code>{name}</code> {value}
						</span>
					))
				)}
			</td>
			<td data-label={w.changed}>
				<ShortTime time={contact.updatedAt} />
			</td>
			<td class="cell-action">
				<Menu
					label={w.more(who(contact))}
					testid="contact-more"
					button={<Icon name="more" />}
					items={[
						{ key: 'edit', label: w.edit, icon: 'edit', onSelect: onEdit },
						{ key: 'remove', label: w.remove, icon: 'trash', danger: true, onSelect: onRemove },
					]}
				/>
			</td>
		</tr>
	);
}

type Open = { what: 'form'; contact: Contact | null } | { what: 'remove'; contact: Contact } | { what: 'import' };

function Dialogs({
	outlet,
	open,
	onClose,
	again,
}: {
	outlet: OutletStatus;
	open: Open | null;
	onClose: () => void;
	again: () => Promise<void>;
}) {
	const w = useWords();
	if (open === null) return null;
	if (open.what === 'import') {
		return (
			<ImportDialog
				outletId={outlet.outletId}
				outletName={outlet.outlet.name}
				onImported={() => void again()}
				onClose={onClose}
			/>
		);
	}
	const { contact } = open;
	if (open.what === 'form') {
		const saved = (): void => {
			onClose();
			void again();
		};
		return <ContactForm outletId={outlet.outletId} contact={contact} onSaved={saved} onClose={onClose} />;
	}
	const remove = async (): Promise<void> => {
		await contactRemove(outlet.outletId, open.contact.phone);
		onClose();
		toast(w.removed(who(open.contact)));
		await again();
	};
	return (
		<Confirm
			title={w.removeTitle(who(open.contact))}
			text={w.removeText}
			action={w.remove}
			danger
			onConfirm={remove}
			onClose={onClose}
		/>
	);
}

function Contacts({ outlet, outlets }: { outlet: OutletStatus; outlets: OutletStatus[] }) {
	const w = useWords();
	const [text, setText] = useState('');
	const [tag, setTag] = useState('');
	const [open, show] = useState<Open | null>(null);
	const typed = useSettled(text.trim(), 300);
	const q = normalisePhone(typed) ?? typed;
	const id = outlet.outletId;
	const list = useList(JSON.stringify([id, q, tag]), (limit, cursor) => contactList(id, { q, tag, limit, cursor }));
	const filtered = q !== '' || tag !== '';
	return (
		<section aria-label={w.contacts}>
			<div class="toolbar">
				{outlets.length > 1 && (
					<select
						class="input input-outlet"
						aria-label={w.outlet}
						value={id}
						onChange={(event) =>
							navigate(`${HERE}?outlet=${encodeURIComponent(event.currentTarget.value)}`, { replace: true })
						}
						data-testid="contact-outlet"
					>
						{outlets.map((each) => (
							<option key={each.outletId} value={each.outletId}>
								{each.outlet.name}
							</option>
						))}
					</select>
				)}
				<Search label={w.search} value={text} onValue={setText} testid="contact-search" />
				{tag !== '' && (
					<button
						type="button"
						class="chip"
						aria-pressed="true"
						aria-label={`${w.tag} ${tag}: ${w.allTags}`}
						onClick={() => setTag('')}
						data-testid="contact-tag"
					>
						{tag} <Icon name="close" size={14} />
					</button>
				)}
				<span class="toolbar-end">
					<Button icon="upload" onClick={() => show({ what: 'import' })} data-testid="contact-import-open">
						{w.importIt}
					</Button>
					<Button
						kind="primary"
						icon="plus"
						onClick={() => show({ what: 'form', contact: null })}
						data-testid="contact-add"
					>
						{w.add}
					</Button>
				</span>
			</div>
			<Listing
				list={list}
				empty={
					filtered ? (
						<Empty icon="search" title={w.noMatch} hint={w.noMatchHint} />
					) : (
						<Empty icon="user" title={w.empty} hint={w.emptyHint} />
					)
				}
			>
				{(rows) => (
					<StackTable
						caption={w.contacts}
						heads={[w.name, w.phone, w.tags, w.vars, w.changed, w.actions]}
					>
						{rows.map((contact) => (
							<Row
								key={contact.phone}
								contact={contact}
								onTag={setTag}
								onEdit={() => show({ what: 'form', contact })}
								onRemove={() => show({ what: 'remove', contact })}
							/>
						))}
					</StackTable>
				)}
			</Listing>
			<Dialogs outlet={outlet} open={open} onClose={() => show(null)} again={list.again} />
		</section>
	);
}

export function ContactsPage() {
	const t = useT();
	const w = useWords();
	const { loaded, list, byId } = useStatuses();
	const params = new URLSearchParams(useLocation().search);
	const optOuts = params.get('view') === 'opt-outs';
	const outlet = byId.get(params.get('outlet') ?? '') ?? list[0];

	useTitle(optOuts ? w.optOuts : t.app.contacts);
	return (
		<>
			<PageHead title={t.app.contacts} lead={w.lead} />
			<Tabs
				label={w.views}
				current={optOuts ? 'opt-outs' : 'contacts'}
				tabs={[
					{ key: 'contacts', href: HERE, label: w.contacts },
					{ key: 'opt-outs', href: `${HERE}?view=opt-outs`, label: w.optOuts },
				]}
			/>
			{optOuts ? (
				<OptOuts />
			) : outlet !== undefined ? (
				<Contacts key={outlet.outletId} outlet={outlet} outlets={list} />
			) : loaded ? (
				<Empty icon="store" title={w.noOutlet} hint={w.noOutletHint} />
			) : (
				<Skeleton rows={8} />
			)}
		</>
	);
}
