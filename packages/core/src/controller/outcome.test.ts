import { describe, expect, test } from '@jest/globals';
import { ApiError } from '../api/errors.js';
import type { DeepReadonly, KubernetesObject, ObjectMeta } from '../api/object.js';
import { AuthorityLostError } from '../leadership/authority.js';
import { describe as fieldsOf, isProgrammingError, outcomeOf, type Settled } from './outcome.js';
import {
  allOf,
  annotationsChanged,
  anyOf,
  changed,
  contentChanges,
  deletionChanged,
  generationChanged,
  labelsChanged,
  not,
  onUpdate,
  resourceVersionChanged,
  userChanges,
} from './predicate.js';
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
    [
      'true',
      { result: true },
      { kind: 'retry', error: expect.objectContaining({ code: 'RESULT_INVALID' }), after: undefined },
    ],
    ['a conflict', { error: conflict }, { kind: 'conflict', error: conflict }],
    ['an object that exists already', { error: exists }, { kind: 'retry', error: exists, after: undefined }],
    ['a busy server', { error: busy }, { kind: 'retry', error: busy, after: 3000 }],
    ['a lost right', { error: new AuthorityLostError('lost') }, { kind: 'abandoned' }],
  ])('%s', (_, settled, outcome) => {
    expect(outcomeOf(settled as Settled, { ended: false })).toEqual(outcome);
    expect(outcomeOf(settled as Settled, { ended: true })).toEqual({ kind: 'abandoned' });
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
  type AnyThing = KubernetesObject & { data?: unknown; status?: unknown };
  type Thing = DeepReadonly<AnyThing>;
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

  test.each([
    ['generation', generationChanged, thing({ generation: 2 }, { status: 1 }), true],
    ['generation', generationChanged, thing({ generation: 1, labels: { a: 'b' } }, { status: 2 }), false],
    ['labels', labelsChanged, thing({ generation: 1, labels: { a: 'b' } }), true],
    ['labels', labelsChanged, thing({ generation: 2, annotations: { a: 'b' } }), false],
    ['annotations', annotationsChanged, thing({ generation: 1, annotations: { a: 'b' } }), true],
    ['annotations', annotationsChanged, thing({ generation: 2, labels: { a: 'b' } }), false],
    ['deletion', deletionChanged, thing({ generation: 1, deletionTimestamp: 'now' }), true],
    ['deletion', deletionChanged, thing({ generation: 2 }), false],
    ['version', resourceVersionChanged, thing({ generation: 1, resourceVersion: '2' }), true],
    ['version', resourceVersionChanged, thing({ generation: 1 }), false],
    ['a part', changed<AnyThing>(({ data }) => data), thing({ generation: 1 }, { data: { a: [1] } }), true],
    ['a part', changed<AnyThing>(({ data }) => data), thing({ generation: 2 }, { status: 1 }), false],
  ])('on %s: %#', (_, predicate, after, passes) => {
    const change = updated(thing({ generation: 1 }, { status: 1 }), after);
    expect(predicate(change)).toBe(passes);
    expect(not(predicate)(change)).toBe(!passes);
    const reborn = updated(thing({ generation: 1 }, { status: 1 }), {
      ...after,
      metadata: { ...after.metadata, uid: 'v' },
    });
    expect(predicate(reborn)).toBe(true);
    for (const type of ['added', 'deleted'] as const)
      expect([predicate({ type, object: after }), not(predicate)({ type, object: after })]).toEqual([
        true,
        true,
      ]);
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
