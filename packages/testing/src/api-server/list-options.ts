/** What a list or a watch asks for: which objects, as of when, how many. */
import { fieldForbidden, fieldNotSupported } from '../object/field-error.js';
import type { FieldError } from '../object/field-error.js';
import { parseFieldSelector, parseLabelSelector } from '../object/selectors.js';
import type { ApiRequest } from './http-message.js';
import { assertOptions, isTrue, parseInteger } from './options.js';

export type VersionMatch = '' | 'Exact' | 'NotOlderThan';

export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** 0 for no limit. */
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly match: VersionMatch;
  readonly timeoutSeconds: number | undefined;
  readonly bookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}

/** @throws StatusError 422 for options that contradict each other, 400 for numbers that are none */
export function parseListOptions({ query }: ApiRequest, watching: boolean): ListOptions {
  const initial = query.get('sendInitialEvents');
  const options: ListOptions = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: Math.max(0, parseInteger(query.get('limit')) ?? 0),
    continueToken: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    match: (query.get('resourceVersionMatch') ?? '') as VersionMatch,
    timeoutSeconds: parseInteger(query.get('timeoutSeconds')),
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: initial === null ? undefined : isTrue(initial),
  };
  parseLabelSelector(options.labelSelector);
  parseFieldSelector(options.fieldSelector);
  assertOptions('ListOptions', watching ? watchErrors(options) : listErrors(options));
  return options;
}

const field = 'resourceVersionMatch';

function watchErrors({ match, sendInitialEvents, continueToken }: ListOptions): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (continueToken !== '') {
    errors.push(fieldForbidden(field, `${field} is forbidden when continue is provided`));
  }
  if (match !== '' && sendInitialEvents === undefined) {
    errors.push(
      fieldForbidden(field, `${field} is forbidden for watch unless sendInitialEvents is provided`),
    );
  }
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    errors.push(fieldForbidden(field, `sendInitialEvents requires setting ${field} to NotOlderThan`));
  }
  if (match !== '' && match !== 'NotOlderThan')
    errors.push(fieldNotSupported(field, match, ['NotOlderThan']));
  return errors;
}

function listErrors({
  match,
  resourceVersion,
  continueToken,
  sendInitialEvents,
}: ListOptions): readonly FieldError[] {
  const unwanted =
    sendInitialEvents === undefined
      ? []
      : [fieldForbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list')];
  if (match === '') return unwanted;
  const errors: FieldError[] = [];
  if (resourceVersion === '') {
    errors.push(fieldForbidden(field, `${field} is forbidden unless resourceVersion is provided`));
  }
  if (continueToken !== '') {
    errors.push(fieldForbidden(field, `${field} is forbidden when continue is provided`));
  }
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    errors.push(fieldNotSupported(field, match, ['Exact', 'NotOlderThan', '']));
  }
  if (match === 'Exact' && resourceVersion === '0') {
    errors.push(fieldForbidden(field, `${field} "exact" is forbidden for resourceVersion "0"`));
  }
  return [...errors, ...unwanted];
}
