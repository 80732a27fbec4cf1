import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ConfigMap } from '../api/built-in.js';
import { decodeRest, encode, EncodedObject } from './encoded-object.js';
import { ListScanner } from './list-scanner.js';
import { watchEvents } from './watch-stream.js';

/** What JSON can be made hard to read with: quotes, backslashes, brackets, several bytes a character, names that mean something elsewhere. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', 'ü', '🦊', 'a', '\n'), { maxLength: 80 })
    .map((all) => all.join('')),
  fc.constantFrom('metadata', 'managedFields', '"managedFields":[', 'items', '"items":[', '\\'),
);
// No backslashes: JSON.parse of Node 24.21 takes the name "\n" for "\\" once an object has had that one.
const name = fc
  .oneof(text, fc.constantFrom('metadata', 'managedFields', 'items', 'data'))
  .filter((each) => each !== '__proto__' && !each.includes('\\'));
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.constantFrom(null, true, false),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(name, tie('any'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any;
const managed = fc.option(fc.array(value, { maxLength: 2 }), { nil: undefined });

const item = fc
  .record({
    labels: fc.dictionary(name, text, { maxKeys: 3, noNullPrototype: true }),
    managed,
    rest: fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }),
    order: fc.nat(3),
  })
  .map(({ labels, managed: managedFields, rest, order }) => {
    const { metadata: _, ...others } = rest;
    const fields = managedFields && { managedFields };
    const metadata =
      order % 2 === 0
        ? { name: 'a', resourceVersion: '1', labels, ...fields }
        : { ...fields, labels, name: 'a', resourceVersion: '1' };
    const object = order < 2 ? { metadata, ...others } : { ...others, metadata };
    const { managedFields: __, ...sane } = metadata as { managedFields?: unknown };
    const typed = { apiVersion: 'v1', kind: 'ConfigMap' };
    return { object, whole: { ...object, ...typed }, sane: { ...object, metadata: sane, ...typed } };
  });

function chunked(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 })), {
  minLength: 1,
  maxLength: 5,
});
const blank = fc.constantFrom(undefined, 1);
const json = (object: unknown): string => JSON.stringify(object);

describe('a list that arrives in chunks', () => {
  test('is split into its items, wherever the chunks end, and whatever is in them', () => {
    const property = fc.property(
      fc.array(item, { maxLength: 5 }),
      sizes,
      blank,
      fc.boolean(),
      (items, cuts, indent, isFirst) => {
        const envelope = { kind: 'ConfigMapList', metadata: { resourceVersion: '7', continue: 'ü"]}' } };
        const objects = items.map(({ object }) => object);
        const list = isFirst ? { ...envelope, items: objects } : { items: objects, ...envelope };
        const scanner = new ListScanner();
        const found = chunked(Buffer.from(JSON.stringify(list, null, indent)), cuts).flatMap((chunk) =>
          scanner.push(chunk).map((extent) => new EncodedObject(extent, ConfigMap)),
        );
        expect(found.map(({ object }) => json(object))).toEqual(items.map(({ sane }) => json(sane)));
        expect(found.map((each) => json(each.whole()))).toEqual(items.map(({ whole }) => json(whole)));
        expect(scanner.end()).toMatchObject(envelope);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  test('keeps of an item what gives the item again together with its metadata', () => {
    const property = fc.property(item, ({ object, sane }) => {
      const encoded = encode(object as never, ConfigMap);
      const target = Buffer.alloc(encoded.restLength + 3, '!');
      encoded.copyRest(target, 3);
      const rest = target.toString('utf8', 3);
      expect(decodeRest(rest, encoded.metadata, ConfigMap)).toEqual(sane);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test.each([
    ['is not JSON', '<html>'],
    ['is empty', ''],
    ['was cut within an item', '{"metadata":{"resourceVersion":"1"},"items":[{"a":'],
    ['was cut after its items', '{"metadata":{"resourceVersion":"1"},"items":[{"a":1}]'],
    ['has no version', '{"metadata":{},"items":[]}'],
    ['has what are no objects', '{"metadata":{"resourceVersion":"1"},"items":[1]}'],
    ['is another thing', '[]'],
    ['is nothing', 'null'],
  ])('is refused when it %s', (_, body) => {
    const scanner = new ListScanner();
    scanner.push(Buffer.from(body));
    expect(() => scanner.end()).toThrow(/JSON|list/);
  });

  test('may have no items at all', () => {
    const scanner = new ListScanner();
    expect(scanner.push(Buffer.from('{"metadata":{"resourceVersion":"1"},"items":null}'))).toEqual([]);
    expect(scanner.end().metadata.resourceVersion).toBe('1');
  });
});

describe('the events of a watch', () => {
  const bodyOf = async function* (chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
    for (const chunk of chunks) yield await Promise.resolve(chunk);
  };

  test('come as they were sent, wherever the chunks end', async () => {
    const property = fc.asyncProperty(
      fc.array(item, { maxLength: 5 }),
      sizes,
      fc.boolean(),
      async (items, cuts, isOdd) => {
        const line = (object: unknown): string =>
          isOdd ? json({ object, type: 'ADDED' }) : json({ type: 'ADDED', object });
        const body = items.map(({ object }) => `${line(object)}\n`).join('');
        const told: string[] = [];
        for await (const events of watchEvents(
          'WATCH',
          ConfigMap,
          bodyOf(chunked(Buffer.from(body), cuts)),
        )) {
          for (const event of events) told.push(event.type === 'BOOKMARK' ? '' : json(event.object.object));
        }
        expect(told).toEqual(items.map(({ sane }) => json(sane)));
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });

  test('before one that is none are told, then it fails', async () => {
    const sound = '{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n';
    for (const broken of [
      '{"type":"ADDED","object":{"metadata":{"name":"a"},"data":nope}}\n',
      '<html>\n',
      '{"type":"ADDED","object":{]}\n',
    ]) {
      const events = watchEvents('WATCH', ConfigMap, bodyOf([Buffer.from(sound + broken)]))[
        Symbol.asyncIterator
      ]();
      expect((await events.next()).value).toMatchObject([{ type: 'ADDED' }]);
      await expect(events.next()).rejects.toMatchObject({ code: 'REQUEST_FAILED' });
    }
  });
});
