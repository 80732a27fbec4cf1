// A replica as a process: ours or client-go's, told apart by its program alone.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

const root = path.resolve(import.meta.dirname, '../..');
const NO_GO = 3;
/** Characters of the standard error that are kept for the message when a replica ends unasked. */
const LAST_WORDS = 2000;

/** What is started for each side: a program, and words that stand before the others. */
const ours = { program: process.execPath, words: [path.join(root, 'bench/replica.mjs')] };

/** @returns {{ program: string, words: string[] } | undefined} undefined where there is no Go toolchain, which was said then */
export function clientGo() {
  const builder = path.join(root, 'tools/client-go-replica/build.mjs');
  const { status, stdout } = spawnSync(process.execPath, [builder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status === NO_GO) return undefined;
  if (status !== 0) throw new Error('The client-go replica could not be built: see above.');
  return { program: stdout.trim(), words: [] };
}

/** The programs by the side that they play; client-go's is missing where it can't be built. */
export function sides() {
  const theirs = clientGo();
  return { ours, ...(theirs ? { 'client-go': theirs } : {}) };
}

/** Replicas that run now: those that are left when a measurement fails are killed one by one. */
const running = new Set();

export class Replica {
  /** Resolves when it has seen who leads. */
  ready;
  /** Resolves with the code or the signal when the process has ended. */
  ended;
  /** Set before it is killed or stopped: any other end is told. */
  expectedToEnd = false;
  #child;
  #lastWords = '';

  /**
   * @param {{ program: string, words: string[] }} side
   * @param {Record<string, string>} flags - without the dashes; `identity` among them
   */
  constructor({ program, words }, flags) {
    this.identity = flags.identity;
    const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    this.#child = spawn(program, [...words, ...given, '--until-stdin-ends'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.setEncoding('utf8').on('data', (text) => this.#remember(text));
    running.add(this);
    this.ended = once(this.#child, 'close').then(([code, signal]) => this.#end(code ?? signal));
    this.ready = this.#readUntilReady();
    this.ready.catch(() => {});
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child.kill(signal);
  }

  /** @param {'SIGKILL' | 'SIGTERM'} signal */
  async end(signal) {
    this.expectedToEnd = true;
    this.#child.kill(signal);
    return this.ended;
  }

  async #readUntilReady() {
    const lines = createInterface({ input: this.#child.stdout });
    await new Promise((resolve, reject) => {
      lines.on('line', (line) => JSON.parse(line).event === 'ready' && resolve());
      lines.on('close', () =>
        reject(new Error(`${this.identity} ended before it was ready. ${this.#lastWords}`)),
      );
    });
  }

  #remember(text) {
    this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
  }

  #end(how) {
    running.delete(this);
    if (!this.expectedToEnd)
      process.stderr.write(`${this.identity} ended unasked (${how}). ${this.#lastWords}\n`);
    return how;
  }
}

export async function killAll() {
  await Promise.all([...running].map((replica) => replica.end('SIGKILL')));
}
