/** Sets of fields of an object, as managedFields entries hold them (`fieldsV1`). */
import { compareBytes, goJson } from './go-format.js';
import { isJsonObject } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';

/**
 * One step of a path in its wire form: `f:name`, `k:{"name":"a"}`, `v:"x"` or `i:0`.
 * The JSON in it is canonical, so equal steps are equal strings.
 */
export type PathStep = string;

/** `members` are in the set themselves; `children` lead to fields below that are. */
export interface FieldSet {
  readonly members: ReadonlySet<PathStep>;
  readonly children: ReadonlyMap<PathStep, FieldSet>;
}

export const emptySet: FieldSet = { members: new Set(), children: new Map() };

export const fieldStep = (name: string): PathStep => `f:${name}`;
export const keyStep = (keys: JsonObject): PathStep => `k:${goJson(keys)}`;
export const valueStep = (value: Json): PathStep => `v:${goJson(value)}`;

export function isEmpty(set: FieldSet): boolean {
  return set.members.size === 0 && [...set.children.values()].every(isEmpty);
}

/** Collects paths; the whole object, the empty path, is never a member. */
export class FieldSetBuilder {
  readonly #members = new Set<PathStep>();
  readonly #children = new Map<PathStep, FieldSetBuilder>();

  insert(path: readonly PathStep[]): void {
    const [step, ...rest] = path;
    if (step === undefined) return;
    if (rest.length === 0) this.#members.add(step);
    else this.#descend(step).insert(rest);
  }

  build(): FieldSet {
    return { members: this.#members, children: mapValues(this.#children, (child) => child.build()) };
  }

  #descend(step: PathStep): FieldSetBuilder {
    const child = this.#children.get(step) ?? new FieldSetBuilder();
    this.#children.set(step, child);
    return child;
  }
}

export function setOf(...paths: readonly (readonly string[])[]): FieldSet {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.insert(path.map(fieldStep));
  return builder.build();
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map(a.children);
  for (const [step, child] of b.children) {
    const other = children.get(step);
    children.set(step, other === undefined ? child : union(other, child));
  }
  return { members: new Set([...a.members, ...b.members]), children };
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return {
    members: new Set([...a.members].filter((step) => b.members.has(step))),
    children: keepChildren(a, (child, step) => intersection(child, b.children.get(step) ?? emptySet)),
  };
}

/** What is in `a` and not in `b`; a member of `b` does not take fields below it along. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return {
    members: new Set([...a.members].filter((step) => !b.members.has(step))),
    children: keepChildren(a, (child, step) => {
      const other = b.children.get(step);
      return other === undefined ? child : difference(child, other);
    }),
  };
}

/** As {@link difference}, but a member of `b` takes everything below it along. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return {
    members: new Set([...a.members].filter((step) => !b.members.has(step))),
    children: keepChildren(a, (child, step) => {
      if (b.members.has(step)) return emptySet;
      const other = b.children.get(step);
      return other === undefined ? child : recursiveDifference(child, other);
    }),
  };
}

function keepChildren(
  set: FieldSet,
  change: (child: FieldSet, step: PathStep) => FieldSet,
): ReadonlyMap<PathStep, FieldSet> {
  const children = new Map<PathStep, FieldSet>();
  for (const [step, child] of set.children) {
    const changed = change(child, step);
    if (!isEmpty(changed)) children.set(step, changed);
  }
  return children;
}

/** All paths in the set, parents before what is below them, in the server's order. */
export function* paths(set: FieldSet, prefix: readonly PathStep[] = []): Generator<readonly PathStep[]> {
  for (const step of [...set.members].sort(compareSteps)) yield [...prefix, step];
  for (const step of [...set.children.keys()].sort(compareSteps)) {
    const child = set.children.get(step);
    if (child !== undefined) yield* paths(child, [...prefix, step]);
  }
}

/** A path as conflicts print it: `.spec.containers[name="a"].image`. */
export function formatPath(path: readonly PathStep[]): string {
  return path.map(formatStep).join('');
}

export function formatStep(step: PathStep): string {
  const body = step.slice(2);
  switch (step.charAt(0)) {
    case 'k': {
      const keys = Object.entries(JSON.parse(body) as JsonObject);
      return `[${keys.map(([name, value]) => `${name}=${goJson(value)}`).join(',')}]`;
    }
    case 'v':
      return `[=${body}]`;
    case 'i':
      return `[${body}]`;
    default:
      return `.${body}`;
  }
}

/** The `fieldsV1` of a set. */
export function encodeFieldSet(set: FieldSet): JsonObject {
  const encoded: MutableJsonObject = {};
  for (const step of [...new Set([...set.members, ...set.children.keys()])].sort(compareSteps)) {
    const child = set.children.get(step);
    const below = child === undefined ? {} : encodeFieldSet(child);
    const both = child !== undefined && set.members.has(step);
    encoded[step] = both ? { '.': {}, ...below } : below;
  }
  return encoded;
}

/**
 * Reads a `fieldsV1`; a step without anything below it is a member.
 *
 * @throws Error if a step is in no form that this file knows
 */
export function decodeFieldSet(encoded: JsonObject): FieldSet {
  const members = new Set<PathStep>();
  const children = new Map<PathStep, FieldSet>();
  for (const [key, value] of Object.entries(encoded)) {
    if (key === '.') continue;
    const step = canonical(key);
    const below = isJsonObject(value) ? value : {};
    if (Object.keys(below).length === 0 || Object.hasOwn(below, '.')) members.add(step);
    const child = decodeFieldSet(below);
    if (!isEmpty(child)) children.set(step, child);
  }
  return { members, children };
}

function canonical(key: string): PathStep {
  const body = key.slice(2);
  if (key.startsWith('f:') || key.startsWith('i:')) return key;
  if (key.startsWith('k:')) return keyStep(JSON.parse(body) as JsonObject);
  if (key.startsWith('v:')) return valueStep(JSON.parse(body) as Json);
  throw new Error(`${JSON.stringify(key)} is no step of a field path: expected f:, k:, v: or i: in front`);
}

const order = 'fkvi';

function compareSteps(a: PathStep, b: PathStep): number {
  const rank = order.indexOf(a.charAt(0)) - order.indexOf(b.charAt(0));
  return rank === 0 ? compareBytes(a, b) : rank;
}

function mapValues<K, A, B>(map: ReadonlyMap<K, A>, change: (value: A) => B): ReadonlyMap<K, B> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}
