/** Errors about one field of an object, worded and typed as the server's causes are. */
import { goJson, goNumber, goQuote } from './go-format.js';
import type { Json } from './json.js';

export type FieldErrorReason =
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueInvalid'
  | 'FieldValueNotFound'
  | 'FieldValueNotSupported'
  | 'FieldValueRequired'
  | 'FieldValueTooFew'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTooShort'
  | 'FieldValueTypeInvalid'
  | 'FieldManagerConflict'
  | 'InternalError';

/** What is wrong with one field; `message` is without the field's path, as in a Status cause. */
export interface FieldError {
  readonly reason: FieldErrorReason;
  readonly field: string;
  readonly message: string;
}

export const fieldRequired = (field: string, detail = ''): FieldError => ({
  reason: 'FieldValueRequired',
  field,
  message: join('Required value', detail),
});

export const fieldForbidden = (field: string, detail: string): FieldError => ({
  reason: 'FieldValueForbidden',
  field,
  message: join('Forbidden', detail),
});

export const fieldInvalid = (field: string, value: Json, detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  message: join(`Invalid value: ${printBadValue(value)}`, detail),
});

export const fieldTypeInvalid = (field: string, value: Json, detail: string): FieldError => ({
  reason: 'FieldValueTypeInvalid',
  field,
  message: join(`Invalid value: ${printBadValue(value)}`, detail),
});

export const fieldDuplicate = (field: string, value: Json): FieldError => ({
  reason: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${printBadValue(value)}`,
});

export const fieldNotFound = (field: string, value: Json): FieldError => ({
  reason: 'FieldValueNotFound',
  field,
  message: `Not found: ${printBadValue(value)}`,
});

export const fieldNotSupported = (field: string, value: Json, supported: readonly string[]): FieldError => ({
  reason: 'FieldValueNotSupported',
  field,
  message: join(
    `Unsupported value: ${printBadValue(value)}`,
    supported.length > 0 ? `supported values: ${supported.map(goQuote).join(', ')}` : '',
  ),
});

export const fieldTooLong = (field: string, maximum: number): FieldError => ({
  reason: 'FieldValueTooLong',
  field,
  message: `Too long: may not be more than ${maximum} ${maximum === 1 ? 'byte' : 'bytes'}`,
});

export const fieldTooMany = (field: string, actual: number, maximum: number): FieldError => ({
  reason: 'FieldValueTooMany',
  field,
  message: `Too many: ${actual}: must have at most ${maximum} ${maximum === 1 ? 'item' : 'items'}`,
});

/** The path and the message in one line, as they appear in the message of an Invalid status. */
export function formatFieldError({ field, message }: FieldError): string {
  return `${field === '' ? '<nil>' : field}: ${message}`;
}

function join(head: string, detail: string): string {
  return detail === '' ? head : `${head}: ${detail}`;
}

function printBadValue(value: Json): string {
  if (typeof value === 'number') return goNumber(value);
  return typeof value === 'string' ? goQuote(value) : goJson(value);
}
