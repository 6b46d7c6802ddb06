/* SPDX-License-Identifier: GPL-3.0-or-later */
import { formatPieces, type Piece } from '../lib/template.ts';
import { Icon } from '../ui/icons.tsx';

function styled(piece: Piece, key: number) {
	switch (piece.style) {
		case 'bold':
			return <strong key={key}>{piece.text}</strong>;
		case 'italic':
			return <em key={key}>{piece.text}</em>;
		case 'strike':
			return <s key={key}>{piece.text}</s>;
		default:
			return piece.text;
	}
}

/** A message as the recipient's phone would show it. */
export function Bubble({ text, empty }: { text: string; empty?: string }) {
	return (
		<div class={`bubble${text === '' ? ' is-empty' : ''}`} dir="auto" data-testid="bubble">
			<p>{text === '' ? empty : formatPieces(text).map(styled)}</p>
			<span class="bubble-ticks">
				<Icon name="checks" size={15} />
			</span>
		</div>
	);
}
