/* SPDX-License-Identifier: GPL-3.0-or-later */
/* menu: a button that opens a list of actions; arrow keys, Home, End and Escape as everywhere. */
import type { ComponentChildren, TargetedKeyboardEvent } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from './icons.tsx';

export interface MenuItem {
	key: string;
	label: string;
	icon?: IconName;
	danger?: boolean;
	/** Of a choice: whether this one is chosen. */
	checked?: boolean;
	onSelect: () => void;
}

interface MenuProps {
	label: string;
	button: ComponentChildren;
	buttonClass?: string;
	items: (MenuItem | 'line')[];
	head?: ComponentChildren;
	testid?: string;
}

function itemsOf(list: HTMLElement): HTMLElement[] {
	return [...list.querySelectorAll<HTMLElement>('[role^="menuitem"]')];
}

export function Menu({ label, button, buttonClass = 'icon-button', items, head, testid }: MenuProps) {
	const id = useId();
	const [open, setOpen] = useState(false);
	const box = useRef<HTMLDivElement>(null);
	const trigger = useRef<HTMLButtonElement>(null);
	const list = useRef<HTMLDivElement>(null);

	useEffect(() => {
		if (!open) return;
		if (list.current) itemsOf(list.current)[0]?.focus();
		const outside = (event: Event): void => {
			if (!box.current?.contains(event.target as Node)) setOpen(false);
		};
		document.addEventListener('pointerdown', outside);
		return () => document.removeEventListener('pointerdown', outside);
	}, [open]);

	const close = (): void => {
		setOpen(false);
		trigger.current?.focus();
	};
	const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>): void => {
		const all = itemsOf(event.currentTarget);
		const at = all.indexOf(document.activeElement as HTMLElement);
		const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
		const next = to[event.key];
		if (event.key === 'Escape') close();
		else if (event.key === 'Tab') setOpen(false);
		else if (next !== undefined) all.at(next % all.length)?.focus();
		if (event.key === 'Escape' || next !== undefined) {
			event.preventDefault();
			event.stopPropagation();
		}
	};

	return (
		<div class="menu" ref={box}>
			<button
				ref={trigger}
				type="button"
				class={buttonClass}
				aria-label={label}
				title={label}
				aria-haspopup="menu"
				aria-expanded={open}
				aria-controls={open ? id : undefined}
				data-testid={testid}
				onClick={() => setOpen(!open)}
			>
				{button}
			</button>
			{open && (
				<div class="menu-list" id={id}>
					{head}
					<div role="menu" aria-label={label} ref={list} onKeyDown={onKeyDown}>
						{items.map((item, index) =>
							item === 'line' ? (
								<hr key={`line${index}`} />
							) : (
								<button
									key={item.key}
									type="button"
									class={`menu-item${item.danger ? ' is-danger' : ''}`}
									role={item.checked === undefined ? 'menuitem' : 'menuitemradio'}
									aria-checked={item.checked}
									data-action={item.key}
									tabIndex={-1}
									onClick={() => {
										close();
										item.onSelect();
									}}
								>
									{item.icon && <Icon name={item.icon} />}
									<span>{item.label}</span>
									{item.checked && <Icon name="check" size={16} />}
								</button>
							),
						)}
					</div>
				</div>
			)}
		</div>
	);
}
