/** `incumbent lock` and `incumbent lease` as processes, also called by kubectl, and the exit statuses that docs/cli.md promises. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client, Lease, connect } from '@incumbent/core/client';
import { testEnvironment } from '@incumbent/testing/jest';
import { parse } from 'yaml';
import { overlaps, runsIn } from './beats.js';
import { BEACON, IncumbentProcess, MAIN } from './incumbent-process.js';

const PATIENCE = { timeout: 30_000 };
const TEST_TIMEOUT = 90_000;
const QUICK = '--lease-duration 2s --renew-deadline 1.4s --renew-interval 350ms --retry-period 200ms'.split(
  ' ',
);

const environment = testEnvironment();
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function given() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'incumbent-command-'));
  ends.push(() => rm(folder, { recursive: true }));
  const namespace = await environment.namespace();
  const kubeconfig = await environment.kubeconfig({ namespace });
  const start = (...args: readonly string[]): IncumbentProcess => {
    const started = new IncumbentProcess(args, { KUBECONFIG: kubeconfig, NO_COLOR: '1' });
    ends.push(() => started.kill());
    return started;
  };
  const finished = (...args: readonly string[]) => start(...args).finished();
  const connection = await connect({ kubeconfig });
  ends.push(() => connection.close());
  const client = new Client(connection).unfenced();
  const key = { namespace, name: 'one' };
  const lease = () => client.get(Lease, key);
  /** A Lease as somebody writes it who is no elector. */
  const heldBySomebody = (leaseDurationSeconds: number, renewedAgo = 0) => {
    const time = `${new Date(Date.now() - renewedAgo).toISOString().slice(0, -1)}000Z`;
    const spec = { holderIdentity: 'somebody', leaseDurationSeconds, acquireTime: time, renewTime: time };
    return client.create(Lease, { metadata: key, spec: { ...spec, leaseTransitions: 3 } });
  };
  return { folder, namespace, kubeconfig, start, finished, client, lease, heldBySomebody };
}

describe('incumbent lock', () => {
  test(
    'of three that ask at once one runs at a time; each passes its command’s status on; the lock is free afterwards',
    async () => {
      const { folder, finished, lease } = await given();
      const file = path.join(folder, 'beats');
      const command = [process.execPath, BEACON, file, '--end-after', '100', '--exit', '4'];
      const all = await Promise.all(
        [1, 2, 3].map(() => finished('lock', '--lease', 'one', ...QUICK, '--', ...command)),
      );
      expect(all.map(({ status }) => status)).toEqual([4, 4, 4]);
      expect(runsIn(file)).toHaveLength(3);
      expect(overlaps(runsIn(file))).toEqual([]);
      expect((await lease()).spec?.holderIdentity).toBe('');
    },
    TEST_TIMEOUT,
  );

  test(
    'a lock that somebody holds: 124 with --try and after --timeout, 143 for SIGTERM while waiting; the sentence names the holder',
    async () => {
      const { start, finished, heldBySomebody, namespace } = await given();
      await heldBySomebody(3600);
      const line = ['--lease', `${namespace}/one`, '--', 'true'];
      const [tried, timedOut] = await Promise.all([
        finished('lock', '--try', ...line),
        finished('lock', '--timeout', '500ms', ...line),
      ]);
      expect([tried.status, timedOut.status]).toEqual([124, 124]);
      expect(tried.stderr).toMatch(/^incumbent: \S+\/one is held by somebody since .*\n$/);
      expect(timedOut.stderr).toMatch(
        /^incumbent: \S+\/one was not to be had within 500ms: held by somebody/,
      );
      // Who has connected is waiting.
      const proxy = await environment.faults();
      const config = await environment.kubeconfigThrough(proxy, { namespace });
      const waiting = start('lock', '--kubeconfig', config, ...line);
      await environment.eventually(() => expect(proxy.connections).toBeGreaterThan(0), PATIENCE);
      waiting.signal('SIGTERM');
      expect((await waiting.finished()).status).toBe(143);
    },
    TEST_TIMEOUT,
  );

  test(
    'a lock that is lost ends the command: 123',
    async () => {
      const { folder, start, client, namespace } = await given();
      const file = path.join(folder, 'beats');
      const locked = start(
        'lock',
        '--lease',
        'one',
        ...QUICK,
        '--',
        process.execPath,
        BEACON,
        file,
        '--ignore-sigterm',
      );
      await environment.eventually(() => expect(runsIn(file)).toHaveLength(1), PATIENCE);
      await client.delete(Lease, { namespace, name: 'one' });
      const { status, stderr } = await locked.finished();
      expect([status, stderr]).toEqual([
        123,
        expect.stringMatching(/was lost in term 0.*its Lease was deleted/),
      ]);
      expect(runsIn(file)[0]?.beats.filter(({ what }) => what === 'asked')).toHaveLength(1);
    },
    TEST_TIMEOUT,
  );

  test(
    'a handover that is asked for ends the command and gives the lock on',
    async () => {
      const { folder, start, finished } = await given();
      const file = path.join(folder, 'beats');
      const locked = start('lock', '--lease', 'one', '--', process.execPath, BEACON, file, '--exit', '8');
      await environment.eventually(() => expect(runsIn(file)).toHaveLength(1), PATIENCE);
      const released = await finished('lease', 'release', 'one', '--timeout', '20s');
      expect([released.status, released.stdout]).toEqual([
        0,
        expect.stringMatching(/one: \S+ has released it\.\n$/),
      ]);
      expect((await locked.finished()).status).toBe(8);
    },
    TEST_TIMEOUT,
  );
});

describe('incumbent lease', () => {
  test(
    'list and get show a table, wide, JSON and YAML; what is missing is said, with status 1',
    async () => {
      const { finished, heldBySomebody, namespace, client } = await given();
      await heldBySomebody(15, 3_600_000);
      await client.create(Lease, { metadata: { namespace, name: 'two', labels: { app: 'web' } } });
      const [table, wide, labelled, all, json, yaml, missing] = await Promise.all([
        finished('lease', 'list'),
        finished('lease', 'get', 'one', '-o', 'wide'),
        finished('lease', 'list', '-l', 'app=web', '-o', 'json'),
        finished('lease', 'list', '-A'),
        finished('lease', 'get', `${namespace}/one`, '-o', 'json'),
        finished('lease', 'list', '-n', namespace, '-o', 'yaml'),
        finished('lease', 'get', 'one', 'three'),
      ]);
      const lines = table.stdout.split('\n');
      expect(lines[0]).toBe('NAME   HOLDER     STATE      AGE   HELD SINCE   TRANSITIONS   RENEWED');
      expect(lines[1]).toMatch(/^one    somebody   expired    \d+s +60m +3 +60m$/);
      expect(lines[2]).toMatch(/^two +released +\d+s +0$/);
      expect(wide.stdout.split('\n')[1]).toMatch(/ 15s$/);
      const list = JSON.parse(labelled.stdout) as { kind: string; items: Lease[] };
      expect([list.kind, list.items.map(({ kind, metadata }) => [kind, metadata.name])]).toEqual([
        'List',
        [['Lease', 'two']],
      ]);
      expect(all.stdout).toMatch(new RegExp(`^NAMESPACE +NAME[^]*^${namespace} +one +somebody`, 'm'));
      expect(JSON.parse(json.stdout)).toMatchObject({
        apiVersion: 'coordination.k8s.io/v1',
        spec: { renewTime: expect.stringMatching(/\.\d{6}Z$/) },
      });
      expect(json.stdout).not.toContain('managedFields');
      expect((parse(yaml.stdout) as { items: Lease[] }).items.map(({ metadata }) => metadata.name)).toEqual([
        'one',
        'two',
      ]);
      expect([missing.status, missing.stdout]).toEqual([1, expect.stringContaining('somebody')]);
      expect(missing.stderr).toMatch(/^incumbent: There is no Lease \S+\/three: .*\n$/);
    },
    TEST_TIMEOUT,
  );

  test(
    'watch adds a line for each change of holder or state, and one of JSON for each event; Ctrl-C ends it with 130',
    async () => {
      const { start, heldBySomebody, client, lease, namespace } = await given();
      await heldBySomebody(3600);
      const [lines, json] = [start('lease', 'watch'), start('lease', 'watch', 'one', '-o', 'json')];
      await environment.eventually(() => {
        expect(lines.stdout).toContain('somebody');
        expect(json.stdout).toContain('ADDED');
      }, PATIENCE);
      const present = await lease();
      const renewTime = '2026-01-01T00:00:00.000000Z';
      await client.update(Lease, { ...present, metadata: { ...present.metadata, labels: { no: 'news' } } });
      const labelled = await lease();
      await client.update(Lease, { ...labelled, spec: { ...labelled.spec, renewTime } });
      await environment.eventually(() => expect(lines.stdout).toContain('expired'), PATIENCE);
      await client.delete(Lease, { namespace, name: 'one' });
      await environment.eventually(() => {
        expect(lines.stdout).toContain('deleted');
        expect(json.stdout).toContain('DELETED');
      }, PATIENCE);
      for (const one of [lines, json]) one.signal('SIGINT');
      const [told, events] = await Promise.all([lines.finished(), json.finished()]);
      expect([told.status, events.status]).toEqual([130, 130]);
      expect(
        told.stdout
          .trim()
          .split('\n')
          .map((line) => line.replace(/ +/g, ' ').split(' ').slice(0, 3)),
      ).toEqual([
        ['NAME', 'HOLDER', 'STATE'],
        ['one', 'somebody', 'held'],
        ['one', 'somebody', 'expired'],
        [`${namespace}/one`, 'is', 'deleted.'],
      ]);
      const types = events.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { type: string }).type);
      expect(types).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
    },
    TEST_TIMEOUT,
  );

  test(
    'a holder that does not answer is said so, and is asked no more',
    async () => {
      const { finished, heldBySomebody, lease } = await given();
      await heldBySomebody(3600);
      const { status, stderr } = await finished('lease', 'handover', 'one', '--timeout', '500ms');
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(/^incumbent: \S+: somebody did not answer within 500ms/),
      ]);
      const { metadata, spec } = await lease();
      expect([metadata.annotations ?? {}, spec?.holderIdentity]).toEqual([{}, 'somebody']);
    },
    TEST_TIMEOUT,
  );

  test(
    'a forced release leaves a duration, so that a follower waits for whom it was taken from, whose command is ended meanwhile',
    async () => {
      const { folder, start, finished } = await given();
      const file = path.join(folder, 'beats');
      const replica = (id: string) =>
        start(
          'elect',
          '--lease',
          'one',
          '--identity',
          id,
          ...QUICK,
          '--',
          process.execPath,
          BEACON,
          file,
          '--ignore-sigterm',
        );
      replica('a');
      await environment.eventually(() => expect(runsIn(file)).toHaveLength(1), PATIENCE);
      replica('b');
      const { status, stdout } = await finished('lease', 'release', 'one', '--force');
      expect([status, stdout]).toEqual([
        0,
        expect.stringMatching(/the name of a is removed\. Incumbent's electors take it in 2 s/),
      ]);
      await environment.eventually(() => expect(runsIn(file)).toHaveLength(2), PATIENCE);
      expect(overlaps(runsIn(file))).toEqual([]);
    },
    TEST_TIMEOUT,
  );
});

describe('kubectl incumbent', () => {
  test(
    'is the command, if kubectl finds it on the PATH',
    async () => {
      const { folder, kubeconfig, heldBySomebody } = await given();
      await heldBySomebody(3600);
      const bin = path.join(folder, 'bin');
      await mkdir(bin);
      // As npm installs it: a link to a file that may be executed.
      await chmod(MAIN, 0o755);
      await symlink(MAIN, path.join(bin, 'kubectl-incumbent'));
      const env = {
        ...process.env,
        KUBECONFIG: kubeconfig,
        PATH: [bin, path.dirname(process.execPath), process.env['PATH']].join(path.delimiter),
      };
      const kubectl = async (...args: string[]) =>
        (await promisify(execFile)('kubectl', args, { env })).stdout;
      expect(await kubectl('incumbent', 'lease', 'list')).toContain('somebody');
      expect(await kubectl('incumbent', 'elect', '--help')).toContain('  kubectl incumbent elect --lease');
    },
    TEST_TIMEOUT,
  );
});

describe('exit statuses are as docs/cli.md has them', () => {
  test(
    'each of its rows',
    async () => {
      const { folder, finished, heldBySomebody } = await given();
      await heldBySomebody(3600);
      const plain = path.join(folder, 'no-program');
      await writeFile(plain, '');
      const elect = (...args: string[]) => finished('elect', '--lease', 'free', ...args);
      const lines = {
        0: [finished('lease', 'list'), elect('--', 'true')],
        1: [finished('lease', 'get', 'nothing'), elect('--', 'false')],
        2: [finished('lease', 'fold'), finished('lease', 'get'), elect('--', 'sh', '-c', 'exit 2')],
        124: [finished('lock', '--lease', 'one', '--try', '--', 'true')],
        125: [
          finished('elect', '--', 'true'),
          elect('--renew-deadline', '1h', '--', 'true'),
          elect('--context', 'x', '--', 'true'),
        ],
        126: [elect('--', plain)],
        127: [elect('--', 'no-such-program'), finished('lock', '--lease', 'free', '--', 'no-such-program')],
        137: [elect('--', 'sh', '-c', 'kill -9 $$')],
      };
      const documented = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
      for (const [status, finishing] of Object.entries(lines)) {
        const statuses = (await Promise.all(finishing)).map((one) => String(one.status));
        expect(statuses).toEqual(finishing.map(() => status));
        const row = Number(status) > 128 ? '128 + _n_' : status;
        expect(documented).toContain(`\n| ${row} `);
      }
    },
    TEST_TIMEOUT,
  );
});
