/** The query parameters of writes and lists, read and checked. */
import {
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '../object/field-error.js';
import type { FieldError } from '../object/field-error.js';
import { badRequest, invalid } from '../object/status.js';
import type { ApiRequest } from './http-message.js';
import { userAgentOf } from './http-message.js';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
}

const longestManager = 128;

/** @throws StatusError 422 for a value that no server knows; `kind` is CreateOptions, UpdateOptions or PatchOptions */
export function parseWriteOptions(request: ApiRequest, kind: string): WriteOptions {
  const { query } = request;
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  const validation = query.get('fieldValidation') ?? '';
  const errors: FieldError[] = [
    ...(dryRun.every((value) => value === 'All') ? [] : [fieldNotSupported('dryRun', dryRun, ['All'])]),
    ...(['', 'Ignore', 'Strict', 'Warn'].includes(validation)
      ? []
      : [fieldNotSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn'])]),
    ...managerErrors(query.get('fieldManager') ?? ''),
  ];
  assertOptions(kind, errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager: (query.get('fieldManager') || managerOf(userAgentOf(request))).slice(0, longestManager),
    fieldValidation: validation === '' ? 'Warn' : (validation as FieldValidation),
  };
}

function managerErrors(manager: string): readonly FieldError[] {
  if (Buffer.byteLength(manager) > longestManager) return [fieldTooLong('fieldManager', longestManager)];
  const at = Array.from(manager).findIndex((character) => /\p{C}/u.test(character));
  if (at < 0) return [];
  const code = manager.codePointAt(at)?.toString(16).toUpperCase().padStart(4, '0');
  return [fieldInvalid('fieldManager', manager, `invalid character U+${code} (at position ${at})`)];
}

/** `kubectl/v1.37 (linux)` manages as `kubectl`. */
function managerOf(userAgent: string): string {
  return /^[^/]*/.exec(userAgent)?.[0] ?? '';
}

/** @throws StatusError 422 */
export function assertOptions(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors);
}

/** @throws StatusError 422: only an apply may be forced, and an apply says who applies */
export function parseForce({ query }: ApiRequest, isApply: boolean): boolean {
  const force = query.get('force');
  if (isApply && (query.get('fieldManager') ?? '') === '') {
    assertOptions('PatchOptions', [fieldRequired('fieldManager', 'is required for apply patch')]);
  }
  if (!isApply && force !== null) {
    assertOptions('PatchOptions', [fieldForbidden('force', 'may not be specified for non-apply patch')]);
  }
  return isTrue(force);
}

/** Any value but `false` and `0` means yes. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}

/** @throws StatusError 400 */
export function parseInteger(value: string | null): number | undefined {
  if (value === null || value === '') return undefined;
  if (/^[+-]?\d+$/.test(value)) return Number(value);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
}
