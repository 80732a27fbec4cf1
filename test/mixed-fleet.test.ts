import { describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../bench/mixed-fleet.mjs', import.meta.url));
const BUILDER = fileURLToPath(new URL('../tools/client-go-replica/build.mjs', import.meta.url));
const HANDOVERS = 12;

interface Overlap {
  readonly what: string;
  readonly who: string;
  readonly holder?: string;
}

interface Report {
  readonly handovers: number;
  readonly groups: readonly { readonly name: string; readonly count: number }[];
  /** How many writes of leaders were judged. */
  readonly writes: number;
  readonly notReleased: readonly string[];
  readonly overlaps: { readonly ours: readonly Overlap[]; readonly clientGo: readonly Overlap[] };
}

/** Not built here: that takes a Go toolchain and, the first time, a minute. */
const built = spawnSync(process.execPath, [BUILDER, '--cached'], { encoding: 'utf8' });
if (built.status !== 0) process.stderr.write(`The mixed fleet is not tested here. ${built.stderr}`);
const withClientGo = built.status === 0 ? describe : describe.skip;

/** Handovers between an Incumbent and a client-go replica on one Lease, and the judgement of the order of their writes. */
async function handOver(kinds: string, handovers: number): Promise<Report> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'mixed-fleet-'));
  try {
    const json = path.join(folder, 'report.json');
    const server = process.env['INCUMBENT_TEST_SERVER'] ?? 'embedded';
    const words = [
      PROGRAM,
      '--kinds',
      kinds,
      '--handovers',
      `${handovers}`,
      '--server',
      server,
      '--json',
      json,
    ];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    const errors = text(child.stderr);
    const [code] = (await once(child, 'close')) as [number | null];
    // 1: our side was at fault, which the report tells better.
    if (code !== 0 && code !== 1) throw new Error(`the fleet ended with ${code}: ${await errors}`);
    return JSON.parse(await readFile(json, 'utf8')) as Report;
  } finally {
    await rm(folder, { recursive: true });
  }
}

withClientGo('an Incumbent replica and a client-go replica on one Lease', () => {
  test('take over from each other after crashes and stops, and ours never writes out of its turn', async () => {
    const report = await handOver('crash,release', HANDOVERS);
    expect(report.handovers).toBe(HANDOVERS);
    expect(report.groups.map(({ name }) => name)).toEqual([
      'crash, client-go to ours',
      'crash, ours to client-go',
      'release, client-go to ours',
      'release, ours to client-go',
    ]);
    expect(report.writes).toBeGreaterThan(HANDOVERS);
    expect(report.overlaps.ours).toEqual([]);
    expect(report.notReleased).toEqual([]);
  }, 180_000);

  test('when both are frozen until the other leads, client-go writes out of its turn and ours does not', async () => {
    const report = await handOver('pause', 6);
    expect(report.overlaps.ours).toEqual([]);
    expect(report.overlaps.clientGo).not.toEqual([]);
    expect(new Set(report.overlaps.clientGo.map(({ what }) => what))).toEqual(
      new Set(['wrote after its successor had acquired']),
    );
  }, 180_000);
});
