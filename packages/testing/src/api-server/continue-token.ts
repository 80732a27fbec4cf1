/** The token with which a list goes on: the revision it reads, and the key it goes on after. */
import { JsonSyntaxError, readJson } from '../object/json-text.js';
import { isJsonArray, isJsonObject } from '../object/json.js';
import { goTypeName } from '../object/merge-patch.js';
import { badRequest, failure } from '../object/status.js';
import type { StatusError } from '../object/status.js';

export interface Continuation {
  /** -1 goes on in what is stored now, however old the first page was. */
  readonly revision: number;
  /** The first key that may appear. */
  readonly start: string;
}

const version = 'meta.k8s.io/v1';

/** `after` is the last key of the page before. */
export function encodeContinue(revision: number, after: string): string {
  return encode({ v: version, rv: revision, start: `${after}\u0000` });
}

function encode(token: object): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** @throws StatusError 400 */
export function decodeContinue(token: string): Continuation {
  const { v, rv, start } = parse(Buffer.from(token, 'base64url').toString('latin1'));
  if (v !== version)
    throw badToken(`server does not recognize this encoded version ${typeof v === 'string' ? v : ''}`);
  if (typeof start !== 'string' || start === '')
    throw badToken('encoded start key empty (version meta.k8s.io/v1)');
  if (typeof rv !== 'number' || rv === 0)
    throw badToken('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  return { revision: rv, start: start.replace(/^\//, '') };
}

interface Token {
  readonly v?: unknown;
  readonly rv?: unknown;
  readonly start?: unknown;
}

function parse(text: string): Token {
  try {
    const { value } = readJson(text, { encoding: 'latin1' });
    if (value === null) return {};
    if (isJsonObject(value)) return value;
    const type = isJsonArray(value) ? 'array' : goTypeName(value);
    throw badToken(`json: cannot unmarshal ${type} into Go value of type storage.continueToken`);
  } catch (error) {
    throw error instanceof JsonSyntaxError ? badToken(error.message) : error;
  }
}

function badToken(cause: string): StatusError {
  return badRequest(`invalid continue token: continue key is not valid: ${cause}`);
}

const tooOld =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted ' +
  'between the time the first chunk was returned and now may show up in the list.';

/** 410, with a token that goes on inconsistently. */
export function continueExpired(start: string): { readonly error: StatusError; readonly token: string } {
  return {
    error: failure({ code: 410, reason: 'Expired', message: tooOld }),
    token: encode({ v: version, rv: -1, start }),
  };
}
