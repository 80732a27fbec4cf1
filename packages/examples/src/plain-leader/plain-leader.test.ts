import { expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, ConfigMap, connect } from '@incumbent/core/client';
import { testEnvironment } from '@incumbent/testing/jest';

const MAIN = fileURLToPath(new URL('../../dist/plain-leader/main.js', import.meta.url));
const environment = testEnvironment();

interface Answer {
  readonly identity: string;
  readonly leads: boolean;
}

class Replica {
  readonly #process: ChildProcess;
  #output = '';

  constructor(kubeconfig: string) {
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    this.#process = spawn(process.execPath, [MAIN, '0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    environment.defer(() => this.#process.kill('SIGKILL'));
  }

  async ask(): Promise<Answer> {
    const [, port] = /port (\d+)/.exec(this.#output) ?? [];
    const response = await fetch(`http://127.0.0.1:${port}`);
    if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  async stop(): Promise<unknown> {
    this.#process.kill('SIGTERM');
    const [status] = (await once(this.#process, 'exit')) as unknown[];
    return status;
  }
}

test('of two replicas one counts; when it stops the other goes on from there, and nothing is counted twice', async () => {
  const namespace = await environment.namespace();
  const kubeconfig = await environment.kubeconfig({ namespace });
  const connection = await connect({ kubeconfig });
  environment.defer(() => connection.close());
  const counted = async (): Promise<{ readonly count: number; readonly by: string | undefined }> => {
    const { data } = await new Client(connection).get(ConfigMap, { namespace, name: 'plain-leader' });
    return { count: Number(data?.['count']), by: data?.['by'] };
  };
  const replicas = [new Replica(kubeconfig), new Replica(kubeconfig)];
  const patience = { timeout: 20_000 };
  const answers = await environment.eventually(async () => {
    const all = await Promise.all(replicas.map((replica) => replica.ask()));
    expect(all.filter(({ leads }) => leads)).toHaveLength(1);
    expect((await counted()).count).toBeGreaterThan(1);
    return all;
  }, patience);
  const first = answers.findIndex(({ leads }) => leads);
  expect((await counted()).by).toBe(answers[first]?.identity);

  expect(await replicas[first]?.stop()).toBe(0);
  const { count } = await counted();
  await environment.eventually(async () => {
    const later = await counted();
    expect([later.by, later.count > count]).toEqual([answers[1 - first]?.identity, true]);
  }, patience);
  expect(await replicas[1 - first]?.stop()).toBe(0);
}, 60_000);
