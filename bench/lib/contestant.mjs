// A contestant as a process that is told what to do, and is measured from outside: every one in the same way.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { now } from './act.mjs';

/** Of the kernel's clock, in which it counts CPU time: 100 a second on every Linux. */
const TICK = 10;
/** Milliseconds for one command. */
const PATIENCE = 180_000;

/** Those that run now: what is left when a measurement fails is killed. */
const running = new Set();

/** Written once: a contestant that fails fails the measurement. */
export class Contestant {
  name;
  #child;
  #lines;
  #lastWords = '';

  /**
   * Resolves when it is ready for its first command.
   *
   * @param {string} name
   * @param {{ program: string, words: string[] }} program
   * @param {Record<string, string | number>} flags - without the dashes
   */
  static async start(name, program, flags) {
    const contestant = new Contestant(name, program, flags);
    await contestant.#answer('ready');
    return contestant;
  }

  constructor(name, { program, words }, flags) {
    this.name = name;
    const given = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
    this.#child = spawn(program, [...words, ...given], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin.on('error', () => {});
    this.#child.stderr
      .setEncoding('utf8')
      .on('data', (text) => (this.#lastWords = (this.#lastWords + text).slice(-2000)));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    running.add(this);
    this.#child.once('close', () => running.delete(this));
  }

  /**
   * What it answers, and what that cost: `time` in milliseconds, `cpu` in milliseconds of all its threads.
   *
   * @param {string} name
   * @param {{ signal?: NodeJS.Signals }} [options] - sent along with the command
   */
  async command(name, { signal } = {}) {
    const cpu = this.#cpu();
    const from = now();
    this.#child.stdin.write(`${name}\n`);
    if (signal) this.signal(signal);
    const answer = await this.#answer(name);
    return { ...answer, time: now() - from, cpu: this.#cpu() - cpu };
  }

  /** Bytes that are in memory now, and the most that ever were. */
  memory() {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    const bytes = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]) * 1024;
    return { resident: bytes('VmRSS'), peak: bytes('VmHWM') };
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child.kill(signal);
  }

  async stop() {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #cpu() {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK;
  }

  async #answer(name) {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE);
    const { value: line } = await this.#lines.next();
    clearTimeout(timer);
    if (line === undefined) throw new Error(`${this.name} did not answer "${name}". ${this.#lastWords}`);
    const { event, ...fields } = JSON.parse(line);
    if (event !== name) throw new Error(`${this.name} answered "${name}" with ${line}`);
    return fields;
  }
}

export async function killAll() {
  await Promise.all([...running].map((contestant) => contestant.stop()));
}
