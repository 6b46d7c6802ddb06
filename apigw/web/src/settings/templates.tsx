/* SPDX-License-Identifier: GPL-3.0-or-later */
/* templates: texts to use again. A USER changes those of its outlet; those for all are the administrators'. */
import { useState } from 'preact/hooks';
import { useT } from '../i18n/index.ts';
import { useList } from '../lib/list.ts';
import { useStatuses } from '../live/statuses.ts';
import { FormDialog, Listing, OutletField, StackTable, useFieldText } from '../manage/parts.tsx';
import { Button, Empty, ShortTime } from '../ui/basic.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Field, TextField } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { Menu } from '../ui/menu.tsx';
import { toast } from '../ui/toast.tsx';
import { useUser } from '../user.ts';
import { type Template, templateAdd, templateEdit, templateList, templateRemove } from './calls.ts';
import { useWords } from './words.ts';

const TEXT_MAX = 4096;

interface Draft {
	name: string;
	text: string;
	outletId: string;
}

function Fields({
	draft,
	change,
	chooses,
	failure,
	tried,
}: {
	draft: Draft;
	change: (part: Partial<Draft>) => void;
	chooses: boolean;
	failure: unknown;
	tried: boolean;
}) {
	const t = useT();
	const w = useWords();
	const fieldText = useFieldText(failure);
	const missing = (value: string): string | null => (tried && value.trim() === '' ? t.app.required : null);
	return (
		<>
			<TextField
				label={w.templateName}
				value={draft.name}
				onValue={(name) => change({ name })}
				maxLength={100}
				autofocus
				error={missing(draft.name) ?? fieldText('name')}
				data-testid="template-name"
			/>
			<Field label={w.templateText} hint={w.templateTextHint} error={missing(draft.text) ?? fieldText('text')}>
				{(ids) => (
					<textarea
						{...ids}
						class="input"
						rows={6}
						maxLength={TEXT_MAX}
						value={draft.text}
						onInput={(event) => change({ text: event.currentTarget.value })}
						data-testid="template-text"
					/>
				)}
			</Field>
			{chooses && (
				<OutletField
					label={w.templateFor}
					none={w.allOutlets}
					value={draft.outletId}
					error={fieldText('outletId')}
					onValue={(outletId) => change({ outletId })}
					testid="template-outlet"
				/>
			)}
		</>
	);
}

function TemplateForm({
	template,
	onSaved,
	onClose,
}: {
	template: Template | null;
	onSaved: () => void;
	onClose: () => void;
}) {
	const t = useT();
	const w = useWords();
	const user = useUser();
	const [draft, setDraft] = useState<Draft>({ name: template?.name ?? '', text: template?.text ?? '', outletId: '' });
	const save = async (): Promise<boolean> => {
		const name = draft.name.trim();
		if (name === '' || draft.text.trim() === '') return false;
		const outletId = user.outletId ?? draft.outletId;
		if (template === null) await templateAdd({ name, text: draft.text, ...(outletId === '' ? {} : { outletId }) });
		else await templateEdit(template.id, { name, text: draft.text });
		toast(w.templateSaved(name));
		onSaved();
		return true;
	};
	return (
		<FormDialog
			title={template === null ? w.templateAdd : w.templateEditTitle}
			action={t.app.save}
			onSave={save}
			onClose={onClose}
			testid="template-form"
		>
			{(failure, tried) => (
				<Fields
					draft={draft}
					change={(part) => setDraft((old) => ({ ...old, ...part }))}
					chooses={template === null && user.role !== 'USER'}
					failure={failure}
					tried={tried}
				/>
			)}
		</FormDialog>
	);
}

type Open = { what: 'form'; template: Template | null } | { what: 'remove'; template: Template };

function Row({ template, show }: { template: Template; show: (open: Open) => void }) {
	const w = useWords();
	const user = useUser();
	const { byId } = useStatuses();
	const mayChange = user.role !== 'USER' || template.outletId === user.outletId;
	return (
		<tr data-testid="template-row">
			<th scope="row" data-label={w.templateName}>
				<strong>{template.name}</strong>
			</th>
			<td data-label={w.templateText}>
				<span class="settings-text">{template.text}</span>
			</td>
			<td data-label={w.templateFor}>
				{template.outletId === null ? w.allOutlets : (byId.get(template.outletId)?.outlet.name ?? w.gone)}
			</td>
			<td data-label={w.changed}>
				<ShortTime time={template.updatedAt} />
			</td>
			<td class="cell-action">
				{mayChange && (
					<Menu
						label={w.more(template.name)}
						testid="template-more"
						button={<Icon name="more" />}
						items={[
							{
								key: 'edit',
								label: w.templateEdit,
								icon: 'edit',
								onSelect: () => show({ what: 'form', template }),
							},
							{
								key: 'remove',
								label: w.templateRemove,
								icon: 'trash',
								danger: true,
								onSelect: () => show({ what: 'remove', template }),
							},
						]}
					/>
				)}
			</td>
		</tr>
	);
}

export function Templates() {
	const w = useWords();
	const list = useList('templates', (limit, cursor) => templateList('', limit, cursor));
	const [open, show] = useState<Open | null>(null);
	const remove = async (template: Template): Promise<void> => {
		await templateRemove(template.id);
		show(null);
		toast(w.templateRemoved(template.name));
		await list.again();
	};
	return (
		<section aria-label={w.templates}>
			<div class="toolbar">
				<p class="lead">{w.templatesLead}</p>
				<span class="toolbar-end">
					<Button
						kind="primary"
						icon="plus"
						onClick={() => show({ what: 'form', template: null })}
						data-testid="template-add"
					>
						{w.templateAdd}
					</Button>
				</span>
			</div>
			<Listing list={list} empty={<Empty icon="file" title={w.templateEmpty} hint={w.templateEmptyHint} />}>
				{(rows) => (
					<StackTable
						caption={w.templates}
						heads={[w.templateName, w.templateText, w.templateFor, w.changed, w.actions]}
					>
						{rows.map((template) => (
							<Row key={template.id} template={template} show={show} />
						))}
					</StackTable>
				)}
			</Listing>
			{open?.what === 'form' && (
				<TemplateForm
					template={open.template}
					onSaved={() => {
						show(null);
						void list.again();
					}}
					onClose={() => show(null)}
				/>
			)}
			{open?.what === 'remove' && (
				<Confirm
					title={w.templateRemoveTitle(open.template.name)}
					text={w.templateRemoveText}
					action={w.templateRemove}
					danger
					onConfirm={() => remove(open.template)}
					onClose={() => show(null)}
				/>
			)}
		</section>
	);
}
