/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client: one call of the REST interface. The session is the browser's cookie. Every failure comes out as a Problem, whether the
 * gateway said so or could not be reached; who listens to `onOutcome` learns of each call how it went (banners, expired sessions).
 */

export interface FieldError {
	field: string;
	code: string;
	detail: string;
}

export class Problem extends Error {
	readonly status: number;
	readonly code: string;
	readonly detail: string;
	readonly requestId: string | null;
	readonly errors: FieldError[];
	readonly retryAfter: number | null;

	constructor(p: {
		status: number;
		code: string;
		detail?: string;
		requestId?: string | null;
		errors?: FieldError[];
		retryAfter?: number | null;
	}) {
		super(p.code);
		this.status = p.status;
		this.code = p.code;
		this.detail = p.detail ?? '';
		this.requestId = p.requestId ?? null;
		this.errors = p.errors ?? [];
		this.retryAfter = p.retryAfter ?? null;
	}
}

const TIMEOUT_MS = 20_000;

type Outcome = 'ok' | Problem;
let outcomeListener: (outcome: Outcome) => void = () => {};

export function onOutcome(listener: (outcome: Outcome) => void): void {
	outcomeListener = listener;
}

export interface CallOptions {
	method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
	body?: unknown;
	/** A table, in place of a body in JSON. */
	csv?: string;
	headers?: Record<string, string>;
	timeoutMs?: number;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function problemOf(response: Response): Promise<Problem> {
	const retryAfter = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
	const base = {
		status: response.status,
		code: `http_${response.status}`,
		requestId: response.headers.get('X-Request-Id'),
		retryAfter: Number.isFinite(retryAfter) ? retryAfter : null,
	};
	const body: unknown = await response.json().catch(() => null);
	if (!isRecord(body)) return new Problem(base);
	return new Problem({
		...base,
		code: typeof body.code === 'string' ? body.code : base.code,
		detail: typeof body.detail === 'string' ? body.detail : '',
		requestId: typeof body.requestId === 'string' ? body.requestId : base.requestId,
		errors: Array.isArray(body.errors) ? (body.errors as FieldError[]) : [],
	});
}

/** What a call gives when the answer has the ETag that was asked with. */
export const NOT_MODIFIED = Symbol('304');

async function send(path: string, options: CallOptions): Promise<Response> {
	const headers: Record<string, string> = { Accept: 'application/json', ...options.headers };
	const init: RequestInit = {
		method: options.method ?? 'GET',
		headers,
		credentials: 'same-origin',
		cache: 'no-store',
		signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
	};
	if (init.method === 'POST' || init.method === 'PATCH') {
		headers['Content-Type'] = options.csv === undefined ? 'application/json' : 'text/csv';
		init.body = options.csv ?? JSON.stringify(options.body ?? {});
	}
	try {
		return await fetch(`/api${path}`, init);
	} catch (error) {
		const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
		throw new Problem({ status: 0, code: timedOut ? 'timeout' : 'network' });
	}
}

async function read(path: string, options: CallOptions): Promise<{ body: unknown; etag: string | null }> {
	const response = await send(path, options);
	if (response.status === 304) return { body: NOT_MODIFIED, etag: null };
	if (!response.ok) throw await problemOf(response);
	if (response.status === 204) return { body: null, etag: null };
	const body: unknown = await response.json().catch(() => {
		throw new Problem({ status: response.status, code: 'network' });
	});
	return { body, etag: response.headers.get('ETag') };
}

async function watched(path: string, options: CallOptions): Promise<{ body: unknown; etag: string | null }> {
	try {
		const answer = await read(path, options);
		outcomeListener('ok');
		return answer;
	} catch (error) {
		if (error instanceof Problem) outcomeListener(error);
		throw error;
	}
}

export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
	return (await watched(path, options)).body as T;
}

/** As call, but asks with an ETag and gives NOT_MODIFIED when nothing changed. */
export async function callIfChanged<T>(
	path: string,
	etag: string | null,
): Promise<{ body: T | typeof NOT_MODIFIED; etag: string | null }> {
	const answer = await watched(path, etag ? { headers: { 'If-None-Match': etag } } : {});
	return { body: answer.body as T | typeof NOT_MODIFIED, etag: answer.etag ?? etag };
}

export function query(values: Record<string, string | number | null | undefined>): string {
	const params = new URLSearchParams();
	for (const [key, value] of Object.entries(values)) {
		if (value !== null && value !== undefined && value !== '') params.set(key, String(value));
	}
	const text = params.toString();
	return text === '' ? '' : `?${text}`;
}
