import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Block, ByteStore } from './byte-store.js';

const SLAB = 100;

function add(store: ByteStore, text: string): Block {
  const bytes = Buffer.from(text);
  return store.add(bytes.length, (target, offset) => bytes.copy(target, offset));
}

test('whatever is added and freed, each block keeps its bytes, and not much more memory is held than is used', () => {
  const step = fc.oneof(
    fc.record({ add: fc.string({ unit: 'grapheme', maxLength: 30 }) }),
    fc.record({ free: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const store = new ByteStore(SLAB);
      const kept: { block: Block; text: string }[] = [];
      for (const each of steps) {
        if ('add' in each) kept.push({ block: add(store, each.add), text: each.add });
        else if (kept.length > 0) {
          const [freed] = kept.splice(each.free % kept.length, 1);
          if (freed) store.free(freed.block);
        }
        for (const { block, text } of kept) expect(block.text()).toBe(text);
        expect(store.used).toBe(kept.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0));
        // Three quarters of three quarters, and two slabs that are current or spare.
        expect(store.capacity).toBeLessThanOrEqual(store.used / 0.75 / 0.75 + 2 * SLAB);
      }
    }),
    { numRuns: 300 },
  );
});

test('one block that changes again and again leaves no slabs behind', () => {
  const store = new ByteStore(SLAB);
  add(store, 'stays');
  let block = add(store, 'changes');
  for (let time = 0; time < 1000; time++) {
    const next = add(store, 'changes');
    store.free(block);
    block = next;
  }
  expect(store.capacity).toBeLessThanOrEqual(2 * SLAB);
});

test('a block that was freed can be freed again, but not read', () => {
  const store = new ByteStore(SLAB);
  const block = add(store, 'gone');
  store.free(block);
  store.free(block);
  expect(store.used).toBe(0);
  expect(() => block.text()).toThrow('freed');
});
