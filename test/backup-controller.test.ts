import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControlPlane } from '@incumbent/testing';

const DEMO = fileURLToPath(
  new URL('../packages/examples/dist/backup-controller/demo/main.js', import.meta.url),
);

interface Summary {
  readonly replicas: number;
  readonly handovers: readonly {
    readonly kind: string;
    readonly ms: number;
    readonly drainMs?: number;
    readonly from: string;
    readonly to: string;
    readonly term: number;
  }[];
  readonly backups: {
    readonly succeeded: number;
    readonly missed: number;
    readonly duplicated: number;
    readonly failed: number;
  };
  readonly archives: readonly {
    readonly path: string;
    readonly term: number;
    readonly sha256: string;
    readonly intact: boolean;
  }[];
}

/** On the embedded server, which the main job starts itself, or on a real one. */
const onRealServer = process.env['INCUMBENT_TEST_SERVER'] === 'real';

let scratch: string;
let controlPlane: ControlPlane | undefined;
const cluster: string[] = [];
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'main-job-'));
  if (!onRealServer) return;
  controlPlane = await ControlPlane.start({ controllerManager: true });
  await controlPlane.writeKubeconfig(path.join(scratch, 'kubeconfig'));
  cluster.push('--kubeconfig', path.join(scratch, 'kubeconfig'));
}, 60_000);
afterAll(async () => {
  await controlPlane?.stop();
  await rm(scratch, { recursive: true });
});

/** Runs the main job, and returns what it printed as JSON lines. */
async function run(
  ...args: string[]
): Promise<{ code: number | null; lines: Record<string, unknown>[]; errors: string }> {
  const child = spawn(process.execPath, [DEMO, '--json', ...cluster, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: scratch },
  });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, lines, errors };
}

describe('three replicas of the backup-controller, as processes', () => {
  test('lose their leader to a crash and to a graceful stop, and neither miss, repeat nor break a backup', async () => {
    const { code, lines, errors } = await run(
      '--duration',
      '20s',
      '--kill-leader-at',
      '4s',
      '--stop-leader-at',
      '12s',
    );
    const summary = lines.at(-1) as unknown as Summary;
    expect(errors).toMatch(onRealServer ? /^In the cluster of/ : /^$/);
    expect(code).toBe(0);
    expect(summary.handovers.map(({ kind, term }) => ({ kind, term }))).toEqual([
      { kind: 'crash', term: 1 },
      { kind: 'graceful', term: 2 },
    ]);
    const [crash, graceful] = summary.handovers;
    expect(crash?.from).not.toBe(crash?.to);
    expect(graceful?.from).toBe(crash?.to);
    expect(summary.backups).toMatchObject({ missed: 0, duplicated: 0, failed: 0 });
    expect(summary.archives.length).toBeGreaterThanOrEqual(summary.backups.succeeded);
    expect(new Set(summary.archives.map(({ term }) => term)).size).toBeGreaterThan(1);
    for (const { path: file, intact, sha256 } of summary.archives) {
      expect({ intact, sha256 }).toEqual({ intact: true, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
      expect(existsSync(file)).toBe(true);
    }
  }, 90_000);

  test('a paused leader is replaced, and its return does no harm', async () => {
    const { code, lines } = await run('--duration', '22s', '--pause-leader-at', '3s');
    const summary = lines.at(-1) as unknown as Summary;
    expect(summary.handovers).toHaveLength(1);
    expect(summary.backups).toMatchObject({ missed: 0, duplicated: 0 });
    expect(lines.some(({ event }) => event === 'resume')).toBe(true);
    expect(code).toBe(0);
  }, 90_000);

  test('a wrong command line is one clear line and exit status 2', async () => {
    const child = spawn(process.execPath, [DEMO, '--duration', 'soon'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(2);
    expect(errors).toMatch(/^--duration takes a time such as 12s/);
  });
});
