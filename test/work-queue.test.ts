import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControlPlane } from '@incumbent/testing';

const DEMO = fileURLToPath(new URL('../packages/examples/dist/work-queue/demo/main.js', import.meta.url));

interface Summary {
  readonly items: number;
  readonly done: number;
  readonly lost: number;
  readonly wrong: number;
  readonly countedTwice: number;
  readonly reassigned: number;
  readonly kills: readonly { readonly pod: string; readonly role: string; readonly working: number }[];
  readonly leaders: readonly string[];
  readonly ok: boolean;
}

/** On the embedded server, which the example starts itself, or on a real one. */
const onRealServer = process.env['INCUMBENT_TEST_SERVER'] === 'real';

let scratch: string;
let controlPlane: ControlPlane | undefined;
const cluster: string[] = [];
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'work-queue-'));
  if (!onRealServer) return;
  controlPlane = await ControlPlane.start();
  const kubeconfig = path.join(scratch, 'kubeconfig');
  await controlPlane.writeKubeconfig(kubeconfig);
  cluster.push('--kubeconfig', kubeconfig);
}, 60_000);
afterAll(async () => {
  await controlPlane?.stop();
  await rm(scratch, { recursive: true });
});

async function run(...args: string[]): Promise<{ code: number | null; output: string; errors: string }> {
  const child = spawn(process.execPath, [DEMO, ...cluster, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: scratch },
  });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output, errors };
}

describe('four processes that share the hashing of files', () => {
  test('lose a member and then their leader, and every item is done, right, and counted once', async () => {
    const { code, output, errors } = await run('--json', '--items', '250');
    expect(errors).toBe('');
    const summary = JSON.parse(output) as Summary;
    expect(summary).toMatchObject({ items: 250, done: 250, lost: 0, wrong: 0, countedTwice: 0, ok: true });
    expect(summary.kills.map(({ role }) => role)).toEqual(['member', 'leader']);
    expect(summary.leaders.length).toBeGreaterThan(1);
    expect(summary.leaders[0]).toBe(summary.kills[1]?.pod);
    const orphaned = summary.kills.reduce((sum, { working }) => sum + working, 0);
    expect(orphaned).toBeGreaterThan(0);
    expect(summary.reassigned).toBeGreaterThan(0);
    expect(code).toBe(0);
    expect((await readdir(scratch)).filter((name) => name.startsWith('incumbent-'))).toEqual([]);
  }, 120_000);

  test('a wrong command line is one clear line and exit status 2', async () => {
    const { code, errors } = await run('--items', 'many');
    expect(errors).toMatch(/^--items takes a number from 1 to 100000, not "many"\./);
    expect(code).toBe(2);
  });
});
