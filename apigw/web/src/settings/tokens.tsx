/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokens: what programs sign in with. A token's text is shown once and kept nowhere. */
import { useState } from 'preact/hooks';
import type { Role } from '../api/types.ts';
import { useT } from '../i18n/index.ts';
import { copyText } from '../lib/clipboard.ts';
import { useList } from '../lib/list.ts';
import { useStatuses } from '../live/statuses.ts';
import { FormDialog, Listing, OutletField, StackTable, useFieldText } from '../manage/parts.tsx';
import { Button, Empty, Notice, RelativeTime, ShortTime } from '../ui/basic.tsx';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { Checkbox, Field, TextField } from '../ui/field.tsx';
import { toast } from '../ui/toast.tsx';
import { useUser } from '../user.ts';
import { type ApiToken, tokenAdd, tokenList, tokenRevoke } from './calls.ts';
import { useWords } from './words.ts';

const DAY_S = 86_400;
const TERMS = ['90', '30', '365', '0'] as const;
const SCOPES: Record<Role, string[]> = {
	USER: [
		'status:read outlets:read outlets:write messages:read messages:write contacts:read contacts:write opt-outs:read',
		'opt-outs:write templates:read templates:write media:read media:write blast:read blast:write events:read tokens:read',
	],
	ADMIN: ['webhooks:read webhooks:write metrics:read settings:read settings:write'],
	SUPERADMIN: ['users:read users:write audit:read'],
};

function scopesOf(role: Role): string[] {
	const roles: Role[] = role === 'USER' ? ['USER'] : role === 'ADMIN' ? ['USER', 'ADMIN'] : ['USER', 'ADMIN', 'SUPERADMIN'];
	return roles.flatMap((each) => SCOPES[each].flatMap((line) => line.split(' ')));
}

function ScopeChoice({
	chosen,
	onChange,
	wrong,
}: {
	chosen: string[];
	onChange: (chosen: string[]) => void;
	wrong: boolean;
}) {
	const w = useWords();
	const { role } = useUser();
	return (
		<fieldset class={`fieldset${wrong ? ' has-error' : ''}`}>
			<legend>{w.tokenScopes}</legend>
			<div class="scopes">
				{scopesOf(role).map((scope) => (
					<Checkbox
						key={scope}
						label={<code>{scope}</code>}
						checked={chosen.includes(scope)}
						onChange={(on) => onChange(on ? [...chosen, scope] : chosen.filter((each) => each !== scope))}
						data-testid={`scope-${scope}`}
					/>
				))}
			</div>
			{wrong && <p class="error">{w.tokenNoScope}</p>}
		</fieldset>
	);
}

function TokenForm({ onMade, onClose }: { onMade: (token: string | null) => void; onClose: () => void }) {
	const w = useWords();
	const [draft, setDraft] = useState({ name: '', term: '90', outletId: '', scoped: false, scopes: [] as string[] });
	const change = (part: Partial<typeof draft>): void => setDraft((old) => ({ ...old, ...part }));
	const save = async (): Promise<boolean> => {
		if (draft.name.trim() === '' || (draft.scoped && draft.scopes.length === 0)) return false;
		const { token } = await tokenAdd({
			name: draft.name.trim(),
			...(draft.term === '0' ? {} : { expiresInSeconds: Number(draft.term) * DAY_S }),
			...(draft.scoped ? { scopes: draft.scopes } : {}),
			...(draft.outletId === '' ? {} : { outletId: draft.outletId }),
		});
		onMade(token);
		return true;
	};
	return (
		<FormDialog title={w.tokenAdd} action={w.tokenAdd} onSave={save} onClose={onClose} testid="token-form">
			{(failure, tried) => <TokenFields draft={draft} change={change} failure={failure} tried={tried} />}
		</FormDialog>
	);
}

interface TokenDraft {
	name: string;
	term: string;
	outletId: string;
	scoped: boolean;
	scopes: string[];
}

function TokenFields({
	draft,
	change,
	failure,
	tried,
}: {
	draft: TokenDraft;
	change: (part: Partial<TokenDraft>) => void;
	failure: unknown;
	tried: boolean;
}) {
	const t = useT();
	const w = useWords();
	const user = useUser();
	const fieldText = useFieldText(failure);
	return (
		<>
			<TextField
				label={w.tokenName}
				hint={w.tokenNameHint}
				value={draft.name}
				onValue={(name) => change({ name })}
				maxLength={64}
				autofocus
				error={tried && draft.name.trim() === '' ? t.app.required : fieldText('name')}
				data-testid="token-name"
			/>
			<Field label={w.tokenExpires}>
				{(ids) => (
					<select
						{...ids}
						class="input"
						value={draft.term}
						onChange={(event) => change({ term: event.currentTarget.value })}
						data-testid="token-term"
					>
						{TERMS.map((term) => (
							<option key={term} value={term}>
								{w.tokenTerms[term]}
							</option>
						))}
					</select>
				)}
			</Field>
			{user.role !== 'USER' && (
				<OutletField
					label={w.tokenFor}
					none={w.allOutlets}
					value={draft.outletId}
					error={fieldText('outletId')}
					onValue={(outletId) => change({ outletId })}
					testid="token-outlet"
				/>
			)}
			<Checkbox
				label={w.tokenScoped}
				hint={w.tokenScopedHint}
				checked={draft.scoped}
				onChange={(scoped) => change({ scoped })}
				data-testid="token-scoped"
			/>
			{draft.scoped && (
				<ScopeChoice
					chosen={draft.scopes}
					onChange={(scopes) => change({ scopes })}
					wrong={tried && draft.scopes.length === 0}
				/>
			)}
		</>
	);
}

function TokenText({ token, onClose }: { token: string; onClose: () => void }) {
	const w = useWords();
	const copy = async (near: HTMLElement): Promise<void> => {
		if (await copyText(token, near)) toast(w.copied);
	};
	return (
		<Dialog title={w.tokenText} onClose={onClose} data-testid="token-dialog">
			<Notice kind="warn">{w.tokenOnce}</Notice>
			<output class="mono secret" data-testid="token-text">
				{token}
			</output>
			<div class="dialog-actions">
				<Button icon="copy" onClick={(event) => void copy(event.currentTarget)}>
					{w.copy}
				</Button>
				<Button kind="primary" onClick={onClose} data-testid="token-kept">
					{w.tokenKept}
				</Button>
			</div>
		</Dialog>
	);
}

function Row({ token, onRevoke }: { token: ApiToken; onRevoke: () => void }) {
	const w = useWords();
	const user = useUser();
	const { byId } = useStatuses();
	const outlet = token.outletId === null ? null : (byId.get(token.outletId)?.outlet.name ?? w.gone);
	return (
		<tr data-testid="token-row" data-token-id={token.id}>
			<th scope="row" data-label={w.tokenName}>
				<strong>{token.name}</strong>
			</th>
			{user.role === 'SUPERADMIN' && <td data-label={w.tokenOwner}>{token.user ?? '–'}</td>}
			<td data-label={w.tokenScopes} class="cell-vars">
				<span>{token.scopes === null ? w.tokenAll : token.scopes.join(', ')}</span>
				{outlet !== null && <span class="muted small">{outlet}</span>}
			</td>
			<td data-label={w.tokenUntil}>
				{token.expiresAt === null ? w.tokenForever : <ShortTime time={token.expiresAt} />}
			</td>
			<td data-label={w.tokenUsed}>
				{token.lastUsedAt === null ? w.tokenNever : <RelativeTime time={token.lastUsedAt} />}
			</td>
			<td class="cell-action">
				<Button
					small
					kind="danger"
					onClick={onRevoke}
					aria-label={`${w.tokenRevoke} ${token.name}`}
					data-testid="token-revoke"
				>
					{w.tokenRevoke}
				</Button>
			</td>
		</tr>
	);
}

export function Tokens() {
	const w = useWords();
	const superadmin = useUser().role === 'SUPERADMIN';
	const list = useList('tokens', tokenList);
	const [making, setMaking] = useState(false);
	const [made, setMade] = useState<string | null>(null);
	const [revoking, setRevoking] = useState<ApiToken | null>(null);
	const revoke = async (token: ApiToken): Promise<void> => {
		await tokenRevoke(token.id);
		setRevoking(null);
		toast(w.tokenRevoked(token.name));
		await list.again();
	};
	return (
		<section aria-label={w.tokens}>
			<div class="toolbar">
				<p class="lead">{w.tokensLead}</p>
				<span class="toolbar-end">
					<Button kind="primary" icon="plus" onClick={() => setMaking(true)} data-testid="token-add">
						{w.tokenAdd}
					</Button>
				</span>
			</div>
			<Listing list={list} empty={<Empty icon="sliders" title={w.tokenEmpty} hint={w.tokenEmptyHint} />}>
				{(rows) => (
					<StackTable
						caption={w.tokens}
						heads={[
							w.tokenName,
							...(superadmin ? [w.tokenOwner] : []),
							w.tokenScopes,
							w.tokenUntil,
							w.tokenUsed,
							w.actions,
						]}
					>
						{rows.map((token) => (
							<Row key={token.id} token={token} onRevoke={() => setRevoking(token)} />
						))}
					</StackTable>
				)}
			</Listing>
			{making && (
				<TokenForm
					onMade={(token) => {
						setMaking(false);
						setMade(token);
						void list.again();
					}}
					onClose={() => setMaking(false)}
				/>
			)}
			{made !== null && <TokenText token={made} onClose={() => setMade(null)} />}
			{revoking !== null && (
				<Confirm
					title={w.tokenRevokeTitle(revoking.name)}
					text={w.tokenRevokeText}
					action={w.tokenRevoke}
					danger
					onConfirm={() => revoke(revoking)}
					onClose={() => setRevoking(null)}
				/>
			)}
		</section>
	);
}
