import { describe, expect, test } from '@jest/globals';
import { MicroTime, type TypedLease, type TypedLeaseSpec } from '@incumbent/election';
import { formatAge } from '../terminal/age.js';
import { type Output, paintFor } from '../terminal/output.js';
import { LeaseBook } from './lease-book.js';
import { cellsOf, stateOf } from './lease-row.js';
import { documentOf, tableOf } from './lease-text.js';
import { LinesView, ScreenView } from './watch-views.js';

const NOW = new Date('2026-01-01T00:10:00Z');
const ago = (seconds: number): MicroTime => MicroTime.from(new Date(NOW.getTime() - seconds * 1000));
const plain = paintFor({ write: () => true }, {});

function lease(name: string, spec: TypedLeaseSpec | undefined, version = '1'): TypedLease {
  const metadata = {
    name,
    namespace: 'jobs',
    uid: name,
    resourceVersion: version,
    creationTimestamp: '2026-01-01T00:00:00Z',
    managedFields: [{}],
  };
  const known = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
  return spec ? { ...known, metadata, spec } : { ...known, metadata };
}

const held: TypedLeaseSpec = {
  holderIdentity: 'web-1',
  leaseDurationSeconds: 15,
  acquireTime: ago(300),
  renewTime: ago(4),
  leaseTransitions: 2,
};

/** A terminal, or a file, that keeps what is written to it. */
function output(options: Partial<Output> = {}): Output & { text: string } {
  const kept = { ...options, text: '', write: (text: string) => (kept.text += text) };
  return kept;
}

describe('the state of a lease', () => {
  test.each([
    ['held', held],
    ['expired', { ...held, renewTime: ago(16) }],
    ['expired', { ...held, leaseDurationSeconds: 0 }],
    ['released', { ...held, holderIdentity: '' }],
    ['released', {}],
    ['released', undefined],
  ] as const)('is %s by the times its holder wrote', (state, spec) => {
    expect(stateOf(lease('one', spec), NOW)).toBe(state);
  });
});

describe('the table', () => {
  test('lines up, has the namespace where there are several, and more where it is wide', () => {
    const leases = [lease('mailer', held), lease('idle', { leaseTransitions: 1, holderIdentity: '' })];
    expect(tableOf(leases, NOW, { namespace: true, wide: true, paint: plain })).toBe(
      [
        'NAMESPACE   NAME     HOLDER   STATE      AGE   HELD SINCE   TRANSITIONS   RENEWED   DURATION   STRATEGY   PREFERRED HOLDER',
        'jobs        mailer   web-1    held       10m   5m           2             4s        15s',
        'jobs        idle              released   10m                1',
        '',
      ].join('\n'),
    );
  });

  test('is coloured on a terminal, and not with NO_COLOR or in a file; colours do not move columns', () => {
    const [terminal, file] = [output({ isTTY: true }), output()];
    const options = { namespace: false, wide: false };
    const table = (paint: typeof plain): string =>
      tableOf([lease('mailer', held)], NOW, { ...options, paint });
    const coloured = table(paintFor(terminal, {}));
    expect(coloured).toContain('\u001b[32mheld\u001b[39m');
    // oxlint-disable-next-line no-control-regex
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(table(plain));
    for (const paint of [
      paintFor(file, {}),
      paintFor(terminal, { NO_COLOR: '1' }),
      paintFor(terminal, { TERM: 'dumb' }),
    ])
      expect(table(paint)).toBe(table(plain));
  });

  test('shows nothing negative for a clock that runs before ours', () => {
    const cells = cellsOf(lease('mailer', { ...held, renewTime: ago(-5) }), NOW, {
      namespace: false,
      wide: false,
    });
    expect(cells.at(-1)?.text).toBe('0s');
  });

  test.each([
    [0, '0s'],
    [119_999, '119s'],
    [120_000, '2m'],
    [312_000, '5m12s'],
    [600_000, '10m'],
    [10_799_000, '179m'],
    [10_860_000, '3h1m'],
    [28_800_000, '8h'],
    [172_800_000, '2d'],
    [180_000_000, '2d2h'],
    [691_200_000, '8d'],
  ])('%d ms are %s, as kubectl says it', (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });
});

test('documents have the Lease as on the wire, six digits and all, without managedFields', () => {
  const document = JSON.parse(documentOf([lease('mailer', held)], 'json', true)) as Record<string, unknown>;
  expect(document).toMatchObject({ kind: 'Lease', spec: { renewTime: '2026-01-01T00:09:56.000000Z' } });
  expect(document['metadata']).not.toHaveProperty('managedFields');
  expect(documentOf([], 'yaml', false)).toContain('kind: List');
});

describe('what a watch tells', () => {
  const replaced = (...items: TypedLease[]) => ({ type: 'replaced', items, resourceVersion: '1' }) as const;

  test('a new list is told as its differences from what was known', () => {
    const book = new LeaseBook();
    book.take(replaced(lease('a', held), lease('b', held), lease('c', held)));
    const changes = book.take(replaced(lease('a', held), lease('b', held, '2'), lease('d', held)));
    expect(changes.map(({ type, lease: { metadata } }) => [type, metadata.name])).toEqual([
      ['DELETED', 'c'],
      ['MODIFIED', 'b'],
      ['ADDED', 'd'],
    ]);
    expect(book.leases.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'd']);
  });

  test('lines tell of holders, terms and states, not of renewals; time alone can expire a lease', () => {
    const file = output();
    const view = new LinesView({ namespace: false, wide: false, paint: plain, output: file });
    const later = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000);
    view.update([], [], NOW);
    view.update([lease('a', held)], [], NOW);
    view.update([lease('a', { ...held, renewTime: ago(0) })], [], later(5));
    view.update([lease('a', { ...held, renewTime: ago(0) })], [], later(16));
    view.update([lease('a', { ...held, renewTime: ago(0), leaseTransitions: 3 })], [], later(17));
    expect(file.text.split('\n').map((line) => line.split(/ +/).slice(0, 3).join(' '))).toEqual([
      'NAME HOLDER STATE',
      'a web-1 held',
      'a web-1 expired',
      'a web-1 expired',
      '',
    ]);
  });

  test('a screen holds as many rows as it has room for, and leaves the last table behind', () => {
    const terminal = output({ isTTY: true, rows: 4 });
    const view = new ScreenView({ namespace: false, wide: false, paint: plain, output: terminal });
    const leases = ['a', 'b', 'c', 'd'].map((name) => lease(name, held));
    view.update(leases, [], NOW);
    expect(terminal.text).toContain('... and 3 more');
    expect(terminal.text.split('\n')).toHaveLength(4);
    view.end();
    const left = terminal.text.split('\u001b[?1049l').at(-1);
    expect(left).toMatch(/^NAME[^]*\nd +web-1.*\n$/);
  });
});
