/** The one room of the API server that reads clocks, chance and timers; everything else is handed an Environment. */
import { randomBytes } from 'node:crypto';

export interface Environment {
  /** Wall time: what goes into `creationTimestamp` and Age columns. */
  now(): Date;
  /** Milliseconds on a clock that never steps, as `performance.now()`. */
  monotonic(): number;
  uuid(): string;
  /** Letters and digits that cannot be guessed, unless `random` was given. */
  token(length: number): string;
  /** The five characters that generateName appends. */
  nameSuffix(): string;
  /** Runs `task` after `delay` ms, and never keeps the process alive for it. The result cancels it. */
  after(delay: number, task: () => void): () => void;
  /** Runs `task` once the current request has been answered. */
  soon(task: () => void): void;
}

export interface EnvironmentOptions {
  readonly now?: (() => Date) | undefined;
  /** Numbers in [0, 1), for uids, tokens and generated names that repeat from run to run. */
  readonly random?: (() => number) | undefined;
}

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
const tokenAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export function createEnvironment({ now, random }: EnvironmentOptions = {}): Environment {
  const bytes = (length: number): Uint8Array =>
    random === undefined
      ? randomBytes(length)
      : Uint8Array.from({ length }, () => Math.floor(random() * 256));
  const characters = (length: number, alphabet: string): string =>
    Array.from(bytes(length), (byte) => alphabet[byte % alphabet.length]).join('');
  return {
    now: now ?? (() => new Date()),
    monotonic: () => performance.now(),
    uuid: () => formatUuid(bytes(16)),
    token: (length) => characters(length, tokenAlphabet),
    nameSuffix: () => characters(5, suffixAlphabet),
    after: (delay, task) => {
      const timer = setTimeout(task, delay).unref();
      return () => clearTimeout(timer);
    },
    soon: (task) => {
      setImmediate(task);
    },
  };
}

function formatUuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const variant = ((parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join('-');
}

/** RFC 3339 in whole seconds, as `metav1.Time` is written. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
