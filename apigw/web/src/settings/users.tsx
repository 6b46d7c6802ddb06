/* SPDX-License-Identifier: GPL-3.0-or-later */
/* users: who may sign in; the SUPERADMIN's. */
import { useState } from 'preact/hooks';
import type { Role } from '../api/types.ts';
import { useT } from '../i18n/index.ts';
import { useSettled } from '../lib/hooks.ts';
import { useList } from '../lib/list.ts';
import { useStatuses } from '../live/statuses.ts';
import { FormDialog, Listing, OutletField, Search, StackTable, useFieldText } from '../manage/parts.tsx';
import { Button, Empty, Nothing, ShortTime } from '../ui/basic.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Field, TextField } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { Menu } from '../ui/menu.tsx';
import { toast } from '../ui/toast.tsx';
import { useUser } from '../user.ts';
import { PASSWORD_MIN } from './account.tsx';
import { type Account, userAdd, userEdit, type UserFields, userList, userRemove } from './calls.ts';
import { useWords } from './words.ts';

const ROLES: readonly Role[] = ['USER', 'ADMIN', 'SUPERADMIN'];

interface Draft {
	username: string;
	role: Role;
	outletId: string;
	password: string;
}

function isComplete(draft: Draft, isNew: boolean): boolean {
	const password = draft.password.length >= PASSWORD_MIN || (!isNew && draft.password === '');
	return draft.username.trim() !== '' && password && (draft.role !== 'USER' || draft.outletId !== '');
}

/** Of one who exists only what is another now. */
function fieldsOf(draft: Draft, user: Account | null): Partial<UserFields> {
	const outletId = draft.role === 'USER' ? draft.outletId : undefined;
	return {
		...(draft.username.trim() !== user?.username ? { username: draft.username.trim() } : {}),
		...(draft.role !== user?.role ? { role: draft.role } : {}),
		...(outletId !== undefined && outletId !== user?.outletId ? { outletId } : {}),
		...(draft.password === '' ? {} : { password: draft.password }),
	};
}

function Fields({
	draft,
	change,
	isNew,
	failure,
	tried,
}: {
	draft: Draft;
	change: (part: Partial<Draft>) => void;
	isNew: boolean;
	failure: unknown;
	tried: boolean;
}) {
	const t = useT();
	const w = useWords();
	const fieldText = useFieldText(failure);
	const short = draft.password.length < PASSWORD_MIN && (isNew || draft.password !== '');
	return (
		<>
			<TextField
				label={w.username}
				hint={w.usernameHint}
				value={draft.username}
				onValue={(username) => change({ username })}
				maxLength={64}
				autofocus
				autocomplete="off"
				autocapitalize="none"
				spellcheck={false}
				error={tried && draft.username.trim() === '' ? t.app.required : fieldText('username', w.usernameBad)}
				data-testid="user-name"
			/>
			<Field label={w.role} hint={w.roleHint[draft.role]} error={fieldText('role')}>
				{(ids) => (
					<select
						{...ids}
						class="input"
						value={draft.role}
						onChange={(event) => change({ role: event.currentTarget.value as Role })}
						data-testid="user-role"
					>
						{ROLES.map((role) => (
							<option key={role} value={role}>
								{t.app.role[role]}
							</option>
						))}
					</select>
				)}
			</Field>
			{draft.role === 'USER' && (
				<OutletField
					label={w.outlet}
					none={w.chooseOutlet}
					value={draft.outletId}
					error={tried && draft.outletId === '' ? w.userOutletNeeded : fieldText('outletId')}
					onValue={(outletId) => change({ outletId })}
					testid="user-outlet"
				/>
			)}
			<TextField
				label={isNew ? w.userPassword : w.userPasswordEdit}
				hint={isNew ? w.passwordHint : w.userPasswordKeep}
				type="password"
				autocomplete="new-password"
				value={draft.password}
				onValue={(password) => change({ password })}
				error={tried && short ? w.passwordShort : fieldText('password', w.passwordShort)}
				data-testid="user-password"
			/>
		</>
	);
}

function UserForm({ user, onSaved, onClose }: { user: Account | null; onSaved: () => void; onClose: () => void }) {
	const t = useT();
	const w = useWords();
	const [draft, setDraft] = useState<Draft>({
		username: user?.username ?? '',
		role: user?.role ?? 'USER',
		outletId: user?.outletId ?? '',
		password: '',
	});
	const save = async (): Promise<boolean> => {
		if (!isComplete(draft, user === null)) return false;
		const fields = fieldsOf(draft, user);
		if (user === null) await userAdd(fields as UserFields);
		else if (Object.keys(fields).length > 0) await userEdit(user.id, fields);
		toast(w.userSaved(draft.username.trim()));
		onSaved();
		return true;
	};
	return (
		<FormDialog
			title={user === null ? w.userAdd : w.userEditTitle(user.username)}
			action={t.app.save}
			onSave={save}
			onClose={onClose}
			testid="user-form"
		>
			{(failure, tried) => (
				<Fields
					draft={draft}
					change={(part) => setDraft((old) => ({ ...old, ...part }))}
					isNew={user === null}
					failure={failure}
					tried={tried}
				/>
			)}
		</FormDialog>
	);
}

type Open = { what: 'form'; user: Account | null } | { what: 'remove'; user: Account };

function Row({ user, show }: { user: Account; show: (open: Open) => void }) {
	const t = useT();
	const w = useWords();
	const { byId } = useStatuses();
	const isMe = useUser().id === user.id;
	return (
		<tr data-testid="user-row">
			<th scope="row" data-label={w.username}>
				<span>
					<strong>{user.username}</strong> {isMe && <span class="tag">{w.userYou}</span>}
				</span>
			</th>
			<td data-label={w.role}>{t.app.role[user.role]}</td>
			<td data-label={w.outlet}>
				{user.outletId !== null ? (
					(byId.get(user.outletId)?.outlet.name ?? w.gone)
				) : user.role === 'USER' ? (
					<Nothing />
				) : (
					w.allOutlets
				)}
			</td>
			<td data-label={w.userSince}>
				<ShortTime time={user.createdAt} />
			</td>
			<td class="cell-action">
				<Menu
					label={w.more(user.username)}
					testid="user-more"
					button={<Icon name="more" />}
					items={[
						{ key: 'edit', label: w.userEdit, icon: 'edit', onSelect: () => show({ what: 'form', user }) },
						...(isMe
							? []
							: [
									{
										key: 'remove',
										label: w.userRemove,
										icon: 'trash' as const,
										danger: true,
										onSelect: () => show({ what: 'remove', user }),
									},
								]),
					]}
				/>
			</td>
		</tr>
	);
}

export function Users() {
	const w = useWords();
	const [text, setText] = useState('');
	const q = useSettled(text.trim(), 300);
	const list = useList(`users ${q}`, (limit, cursor) => userList(q, limit, cursor));
	const [open, show] = useState<Open | null>(null);
	const remove = async (user: Account): Promise<void> => {
		await userRemove(user.id);
		show(null);
		toast(w.userRemoved(user.username));
		await list.again();
	};
	return (
		<section aria-label={w.users}>
			<p class="lead">{w.usersLead}</p>
			<div class="toolbar">
				<Search label={w.userSearch} value={text} onValue={setText} testid="user-search" />
				<span class="toolbar-end">
					<Button
						kind="primary"
						icon="plus"
						onClick={() => show({ what: 'form', user: null })}
						data-testid="user-add"
					>
						{w.userAdd}
					</Button>
				</span>
			</div>
			<Listing list={list} empty={<Empty icon="search" title={w.noMatch} />}>
				{(rows) => (
					<StackTable caption={w.users} heads={[w.username, w.role, w.outlet, w.userSince, w.actions]}>
						{rows.map((user) => (
							<Row key={user.id} user={user} show={show} />
						))}
					</StackTable>
				)}
			</Listing>
			{open?.what === 'form' && (
				<UserForm
					user={open.user}
					onSaved={() => {
						show(null);
						void list.again();
					}}
					onClose={() => show(null)}
				/>
			)}
			{open?.what === 'remove' && (
				<Confirm
					title={w.userRemoveTitle(open.user.username)}
					text={w.userRemoveText}
					action={w.userRemove}
					danger
					onConfirm={() => remove(open.user)}
					onClose={() => show(null)}
				/>
			)}
		</section>
	);
}
