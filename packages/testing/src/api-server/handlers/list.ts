/** GET of a collection: the present, a snapshot, or the next page of one. */
import { badRequest, expired, failure } from '../../object/status.js';
import type { StatusError } from '../../object/status.js';
import { keyOf } from '../collection.js';
import type { Collection, Stored } from '../collection.js';
import { continueExpired, decodeContinue, encodeContinue } from '../continue-token.js';
import type { Continuation } from '../continue-token.js';
import { jsonResponse } from '../http-message.js';
import type { ApiRequest, ApiResponse } from '../http-message.js';
import type { Kernel } from '../kernel.js';
import { parseListOptions } from '../list-options.js';
import type { ListOptions } from '../list-options.js';
import { presentList } from '../present.js';
import type { Page } from '../present.js';
import type { ResourceRequest } from '../request-info.js';
import type { Resource } from '../resource.js';
import { parseSelection } from '../selection.js';
import type { Selection } from '../selection.js';

/** How long a request waits for a revision that is not reached yet. */
const versionPatience = 3000;

interface Reading {
  readonly items: readonly Stored[];
  readonly revision: number;
  readonly start: string;
}

export async function list(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
): Promise<ApiResponse> {
  const options = parseListOptions(request, false);
  const page = await readPage(kernel, resource, options, target.namespace);
  if ('token' in page) return expiredToken(request, page.error, page.token);
  return presentList(request, resource, page, kernel.environment.now());
}

/** What a list with these options shows; or why its continue token no longer holds, and one that does. */
export async function readPage(
  kernel: Kernel,
  resource: Resource,
  options: ListOptions,
  namespace: string,
): Promise<Page | ReturnType<typeof continueExpired>> {
  const selection = parseSelection(resource, options);
  await assertReached(kernel, options.continueToken === '' ? options.resourceVersion : '');
  const collection = kernel.storage.collection(resource.definition.storedAs);
  const reading = read(kernel, collection, options, namespace);
  if ('token' in reading) return reading;
  const limit = options.resourceVersion === '0' ? 0 : options.limit;
  return pageOf(resource, reading, { selection, namespace, limit });
}

/** @throws StatusError 504 after a while if the server never gets there, 400 for a version that is no number */
export async function assertReached(kernel: Kernel, resourceVersion: string): Promise<void> {
  if (resourceVersion === '' || resourceVersion === '0') return;
  if (!/^\d+$/.test(resourceVersion))
    throw badRequest(`invalid resource version: ${noNumber(resourceVersion)}`);
  const wanted = Number(resourceVersion);
  if (wanted <= kernel.storage.revision || (await reached(kernel, wanted))) return;
  throw failure({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: Too large resource version: ${resourceVersion}, current: ${kernel.storage.revision}`,
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });
}

/** What is said of a resourceVersion that is no number. */
export function noNumber(resourceVersion: string): string {
  const quoted = JSON.stringify(resourceVersion);
  return `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: invalid syntax`;
}

async function reached({ storage, environment }: Kernel, wanted: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (result: boolean): void => {
      stop();
      cancel();
      resolve(result);
    };
    const cancel = environment.after(versionPatience, () => settle(false));
    const stop = storage.onChange(() => {
      if (storage.revision >= wanted) settle(true);
    });
  });
}

function read(
  { storage }: Kernel,
  collection: Collection,
  options: ListOptions,
  namespace: string,
): Reading | ReturnType<typeof continueExpired> {
  if (options.continueToken !== '') return goOn(storage.revision, collection, options, namespace);
  const { resourceVersion, match, limit } = options;
  const exact =
    match === 'Exact' || (match === '' && limit > 0 && resourceVersion !== '' && resourceVersion !== '0');
  if (!exact) return { items: collection.list(namespace), revision: storage.revision, start: '' };
  const revision = Number(resourceVersion);
  const items = collection.listAt(revision);
  if (items === undefined) throw expired('The resourceVersion for the provided list is too old.');
  return { items: inNamespace(items, namespace), revision, start: '' };
}

function goOn(
  current: number,
  collection: Collection,
  { continueToken, resourceVersion }: ListOptions,
  namespace: string,
): Reading | ReturnType<typeof continueExpired> {
  const token = decodeContinue(continueToken);
  if (resourceVersion !== '' && resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const revision = token.revision < 0 ? current : token.revision;
  const items = collection.listAt(revision);
  if (items === undefined) return continueExpired(token.start);
  return { items: inNamespace(items, namespace), revision, start: startOf(token, namespace) };
}

/** Tokens hold the key below the place that is listed, as its own items see it. */
function startOf({ start }: Continuation, namespace: string): string {
  return namespace === '' ? start : `${namespace}/${start}`;
}

function inNamespace(items: readonly Stored[], namespace: string): readonly Stored[] {
  return namespace === '' ? items : items.filter((stored) => stored.namespace === namespace);
}

interface PageRequest {
  readonly selection: Selection;
  readonly namespace: string;
  /** 0 for no limit. */
  readonly limit: number;
}

function pageOf(
  resource: Resource,
  { items, revision, start }: Reading,
  { selection, namespace, limit }: PageRequest,
): Page {
  const { name } = selection;
  const known = name === undefined ? items : items.filter((stored) => stored.name === name);
  const from = start === '' ? known : items.filter((stored) => keyOf(stored) >= start);
  const selected = selection.everything
    ? from
    : from.filter((stored) => selection.matches(resource.view(stored)));
  const resourceVersion = String(revision);
  const page = limit === 0 ? selected : selected.slice(0, limit);
  const last = page.at(-1);
  // Whether any of what follows a full page matches is not looked at before it is asked for.
  const isFull = limit > 0 && page.length === limit;
  if (!isFull || last === from.at(-1)) return { items: page, resourceVersion };
  return {
    items: page,
    resourceVersion,
    continueToken: encodeContinue(revision, last === undefined ? '' : keyWithin(last, namespace)),
    // How many more match a selector is not known without looking.
    ...(selection.everything ? { remaining: selected.length - limit } : {}),
  };
}

/** A key as it reads below the place that is listed. */
function keyWithin(stored: Stored, namespace: string): string {
  return namespace === '' ? keyOf(stored) : stored.name;
}

export function expiredToken(request: ApiRequest, error: StatusError, token: string): ApiResponse {
  return jsonResponse(request, 410, { ...error.status, metadata: { continue: token } });
}
