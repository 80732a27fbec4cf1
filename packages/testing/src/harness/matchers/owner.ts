import {
  failure,
  type Fields,
  fieldsAt,
  listAt,
  type Match,
  type Matching,
  objectIn,
  word,
} from './matching.js';

export interface OwnershipOptions {
  /** Whether the owner must be the one that controls the object. @defaultValue false */
  readonly controller?: boolean;
}

/** Whether an owner reference of the object leads to `owner`: the same uid, name and kind, and a namespace from which it may own. */
export function toBeOwnedBy(
  this: Matching,
  received: unknown,
  owner: unknown,
  { controller = false }: OwnershipOptions = {},
): Match {
  const object = objectIn(received, 'toBeOwnedBy', 'a Kubernetes object');
  const expected = objectIn(owner, 'toBeOwnedBy', 'a Kubernetes object as the owner');
  const references = listAt(fieldsAt(object, 'metadata'), 'ownerReferences');
  const leading = references.filter((reference) => leadsTo(reference, expected));
  const stranger = otherNamespace(object, expected);
  const pass = !stranger && leading.some((reference) => !controller || reference['controller'] === true);
  const lines = [
    `Expected owner: ${this.isNot ? 'not ' : ''}${this.utils.printExpected(named(expected) + (controller ? ', as its controller' : ''))}`,
    `Received owners:${references.length === 0 ? ' none' : ''}`,
    ...references.map((reference) => `  ${this.utils.printReceived(told(reference))}`),
    ...(stranger && leading.length > 0 ? [stranger] : []),
  ];
  return { pass, message: failure(this, { name: 'toBeOwnedBy', call: 'owner' }, lines) };
}

function leadsTo(reference: Fields, owner: Fields): boolean {
  const { uid, name } = fieldsAt(owner, 'metadata');
  // Items of a list come without kind and apiVersion.
  const same = (key: 'kind' | 'apiVersion'): boolean =>
    owner[key] === undefined || reference[key] === owner[key];
  return (
    uid !== undefined &&
    reference['uid'] === uid &&
    reference['name'] === name &&
    same('kind') &&
    same('apiVersion')
  );
}

/** Why the reference leads nowhere although it names the owner. */
function otherNamespace(object: Fields, owner: Fields): string | undefined {
  const from = fieldsAt(owner, 'metadata')['namespace'];
  const to = fieldsAt(object, 'metadata')['namespace'];
  if (from === undefined || from === to) return undefined;
  return `The owner lives in namespace ${word(from)}: the garbage collector would delete the object.`;
}

function named(owner: Fields): string {
  const { name, uid } = fieldsAt(owner, 'metadata');
  return `${word(owner['kind'])} ${word(name)} (${uid === undefined ? 'without a uid' : word(uid)})`.trim();
}

function told(reference: Fields): string {
  const role = reference['controller'] === true ? ', its controller' : '';
  return `${word(reference['kind'])} ${word(reference['name'])} (${word(reference['uid'])})${role}`;
}
