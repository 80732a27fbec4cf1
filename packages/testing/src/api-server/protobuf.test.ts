import { describe, expect, test } from '@jest/globals';
import { decodeProtobuf } from './protobuf.js';

const bytes = (...parts: readonly (Buffer | string | number)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))));

/** A length-delimited field; all of these are shorter than 128 bytes. */
const field = (number: number, content: Buffer | string): Buffer =>
  bytes((number << 3) | 2, Buffer.byteLength(content), content);
const number = (position: number, value: number): Buffer => bytes(position << 3, value);

function envelope(apiVersion: string, kind: string, raw: Buffer): Buffer {
  return bytes('k8s\0', field(1, bytes(field(1, apiVersion), field(2, kind))), field(2, raw));
}

describe('a protobuf body', () => {
  test('is read as the object that it is', () => {
    const metadata = bytes(field(1, 'a'), field(11, bytes(field(1, 'k'), field(2, 'v'))));
    const data = bytes(field(1, 'x'), field(2, 'y'));
    expect(decodeProtobuf(envelope('v1', 'ConfigMap', bytes(field(1, metadata), field(2, data))))).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', labels: { k: 'v' } },
      data: { x: 'y' },
    });
  });

  test('keeps empty values that were set, and drops those that say nothing', () => {
    const time = bytes(number(1, 5), number(2, 0));
    const spec = bytes(field(1, ''), number(2, 1), field(4, time));
    const lease = envelope(
      'coordination.k8s.io/v1',
      'Lease',
      bytes(field(1, bytes(field(1, 'l'), field(4, ''))), field(2, spec)),
    );
    expect(decodeProtobuf(lease)).toMatchObject({
      metadata: { name: 'l' },
      spec: { holderIdentity: '', leaseDurationSeconds: 1, renewTime: '1970-01-01T00:00:05.000000Z' },
    });
    expect(decodeProtobuf(lease)['metadata']).not.toHaveProperty('selfLink');
  });

  test('puts inlined messages into their parent', () => {
    const volume = bytes(field(1, 'v'), field(2, field(2, bytes(field(1, '')))));
    const pod = envelope('v1', 'Pod', field(2, field(1, volume)));
    expect(decodeProtobuf(pod)).toMatchObject({ spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
  });

  test.each([
    ['no protobuf', Buffer.from('{}')],
    ['cut in the middle', envelope('v1', 'ConfigMap', field(1, 'abc')).subarray(0, -2)],
    ['of a kind that only JSON bodies may be of', envelope('example.com/v1', 'Widget', Buffer.alloc(0))],
  ])('that is %s is refused with 400', (_what, body) => {
    expect(() => decodeProtobuf(body)).toThrow(
      expect.objectContaining({ status: expect.objectContaining({ code: 400 }) }),
    );
  });
});
