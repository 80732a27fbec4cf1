import { describe, expect, test } from '@jest/globals';
import { ApiError } from '../api/errors.js';
import type { DeepReadonly, KubernetesObject, ObjectMeta } from '../api/object.js';
import { AuthorityLostError } from '../leadership/authority.js';
import { describe as fieldsOf, isProgrammingError, outcomeOf } from './outcome.js';
import { allOf, anyOf, contentChanges, onUpdate, userChanges } from './predicate.js';
import { requeueAfter, RetryError, TerminalError } from './reconciler.js';

describe('the outcome of', () => {
  const plain = new Error('no luck');
  const terminal = new TerminalError('never');
  const conflict = new ApiError('PUT', 409, { reason: 'Conflict' });
  const exists = new ApiError('POST', 409, { reason: 'AlreadyExists' });
  const busy = new ApiError('PUT', 429, {}, 3000);
  const later = new RetryError('later', { after: '2s' });

  test.each([
    ['nothing', { result: undefined }, { kind: 'done' }],
    ['requeueAfter', { result: requeueAfter('2s') }, { kind: 'requeueAfter', delay: 2000 }],
    ['an error', { error: plain }, { kind: 'retry', error: plain, after: undefined }],
    ['undefined, thrown', { error: undefined }, { kind: 'retry', error: undefined, after: undefined }],
    ['a TerminalError', { error: terminal }, { kind: 'terminal', error: terminal }],
    ['a RetryError', { error: later }, { kind: 'retry', error: later, after: 2000 }],
    ['a conflict', { error: conflict }, { kind: 'conflict', error: conflict }],
    ['an object that exists already', { error: exists }, { kind: 'retry', error: exists, after: undefined }],
    ['a busy server', { error: busy }, { kind: 'retry', error: busy, after: 3000 }],
    ['a lost right', { error: new AuthorityLostError('lost') }, { kind: 'abandoned' }],
  ])('%s', (_, settled, outcome) => {
    expect(outcomeOf(settled, false)).toEqual(outcome);
    expect(outcomeOf(settled, true)).toEqual({ kind: 'abandoned' });
  });

  test('a delay that is none is refused where it is written', () => {
    expect(() => requeueAfter('soon' as never)).toThrow('not a duration');
    expect(() => requeueAfter(-1)).toThrow('not a duration');
    expect(() => new RetryError('later', { after: Number.NaN })).toThrow('not a duration');
  });
});

test('a slip in the program is told from a failure of the world', () => {
  expect(isProgrammingError(new TypeError('x is not a function'))).toBe(true);
  expect(isProgrammingError(new ReferenceError('x'))).toBe(true);
  expect(isProgrammingError('text')).toBe(true);
  expect(isProgrammingError(new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') }))).toBe(false);
  expect(isProgrammingError(new Error('no luck'))).toBe(false);
});

test("the API server's answers are logged without a stack, other errors with", () => {
  const error = new Error('no luck');
  expect(fieldsOf(error)).toEqual({ err: error });
  expect(fieldsOf(new ApiError('GET x', 403, { reason: 'Forbidden', message: 'no' }))).toEqual({
    error: 'GET x: no (403 Forbidden)',
    reason: 'Forbidden',
  });
});

describe('a predicate', () => {
  type Thing = DeepReadonly<KubernetesObject & { data?: unknown; status?: unknown }>;
  const thing = (meta: Partial<ObjectMeta> = {}, body: object = {}): Thing => ({
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '', ...meta },
    ...body,
  });
  const updated = (before: Thing, after: Thing) => ({ type: 'updated', before, after }) as const;

  test('of a kind without generation looks at everything but the status', () => {
    const changes = userChanges();
    expect(changes(updated(thing({}, { data: 1 }), thing({ resourceVersion: '2' }, { data: 2 })))).toBe(true);
    expect(
      changes(updated(thing({}, { data: 1 }), thing({ resourceVersion: '2' }, { data: 1, status: 2 }))),
    ).toBe(false);
  });

  test('lets an object pass that took the place of another', () => {
    const change = updated(thing({ generation: 1 }), thing({ generation: 1, uid: 'v' }));
    expect([userChanges()(change), contentChanges(change)]).toEqual([true, true]);
  });

  test('ignores the own finalizer, and no other', () => {
    const change = (finalizer: string) =>
      updated(thing({ generation: 1 }), thing({ generation: 1, finalizers: [finalizer] }));
    expect(userChanges('a.dev/own')(change('a.dev/own'))).toBe(false);
    expect(userChanges('a.dev/own')(change('b.dev/other'))).toBe(true);
  });

  test('can be combined', () => {
    const yes = onUpdate(() => true);
    const no = onUpdate(() => false);
    const change = updated(thing(), thing());
    expect([
      anyOf(no, yes)(change),
      anyOf(no)(change),
      allOf(yes, no)(change),
      allOf(yes, yes)(change),
    ]).toEqual([true, false, false, true]);
    expect(no({ type: 'deleted', object: thing() })).toBe(true);
  });
});
