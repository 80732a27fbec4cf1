/** What a run left behind, without what may differ from run to run. */
import type { KubernetesObject } from '@incumbent/core';
import type { JournalEntry } from '../api-server/journal.js';

type AnyObject = KubernetesObject & Record<string, unknown>;

/** Objects by kind and name; those with generated names as lists, whatever the names are. */
export type FinalState = Readonly<Record<string, unknown>>;

/** Written by no operator, or remarks on what happens. */
const BESIDE = new Set(['events', 'namespaces', 'customresourcedefinitions', 'leases', 'serviceaccounts']);
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

export function finalState(
  journal: readonly JournalEntry[],
  ignore: (object: AnyObject) => unknown = (object) => object,
): FinalState {
  const objects = new Map<string, AnyObject>();
  for (const entry of journal) {
    const key = [entry.resource, entry.group, entry.namespace, entry.name].join('/');
    if (BESIDE.has(entry.resource)) continue;
    if (entry.removed) objects.delete(key);
    else objects.set(key, entry.object as unknown as AnyObject);
  }
  const names = aliases([...objects.values()]);
  const state: Record<string, unknown> = {};
  for (const object of objects.values()) {
    const { kind, metadata } = object;
    const settled = JSON.parse(renamed(JSON.stringify(ignore(stable(object))), names)) as unknown;
    const name = `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.generateName ?? metadata.name}`;
    if (!metadata.generateName) state[name] = settled;
    else state[`${name}*`] = [...((state[`${name}*`] as unknown[] | undefined) ?? []), settled];
  }
  return state;
}

/** Text that stands for uids and generated names. */
function aliases(objects: readonly AnyObject[]): [string, string][] {
  return objects.flatMap(({ kind, metadata: { uid, name, generateName } }): [string, string][] => [
    [uid, `<uid of ${kind} ${generateName ?? name}>`],
    ...(generateName ? [[name, `${generateName}*`] as [string, string]] : []),
  ]);
}

function renamed(text: string, names: readonly [string, string][]): string {
  const plain = text.replaceAll(TIME, '<time>');
  return names.reduce((result, [name, alias]) => result.replaceAll(name, alias), plain);
}

function stable(object: AnyObject): AnyObject {
  const { uid: _u, resourceVersion: _r, managedFields: _m, generation, ...metadata } = object.metadata;
  const relative = JSON.stringify({ ...object, metadata }, (key, value: unknown) =>
    key === 'observedGeneration' ? (value === generation ? '<current>' : '<older>') : value,
  );
  return JSON.parse(relative) as AnyObject;
}

/** Each difference as `path: wanted → got`. */
export function differences(wanted: unknown, got: unknown, path = ''): string[] {
  if (isTree(wanted) && isTree(got)) {
    const keys = new Set([...Object.keys(wanted), ...Object.keys(got)]);
    return [...keys].flatMap((key) => differences(wanted[key], got[key], path ? `${path}.${key}` : key));
  }
  const [before, after] = [JSON.stringify(wanted), JSON.stringify(got)];
  return before === after ? [] : [`${path}: ${before ?? 'absent'} → ${after ?? 'absent'}`];
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
