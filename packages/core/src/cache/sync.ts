import { LinkedAbort } from '../kit/abort.js';
import type { Clock } from '../kit/clock.js';
import { type Duration, formatDuration, milliseconds } from '../kit/duration.js';
import { IncumbentError } from '../kit/error.js';
import { sleep } from '../kit/sleep.js';

export interface SyncOptions {
  /** @defaultValue `'2m'`, as controller-runtime's CacheSyncTimeout */
  readonly timeout?: Duration | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Something that is in step with the server once its first list has arrived. */
export interface Syncing {
  /** For people, such as `backups.backup.incumbent.dev in namespace a`. */
  readonly name: string;
  readonly hasSynced: boolean;
  /** Resolves when it has. Never rejects. */
  readonly synced: Promise<void>;
  /** What keeps it from it. */
  whyNotSynced(): string;
}

/** Codes: `CACHE_SYNC_TIMEOUT`, `CACHE_SYNC_ABORTED`. The message names each informer that did not sync, and why. */
export class CacheSyncError extends IncumbentError {
  /** Names of the informers that did not sync. */
  readonly missing: readonly string[];

  constructor(code: 'CACHE_SYNC_TIMEOUT' | 'CACHE_SYNC_ABORTED', when: string, missing: readonly Syncing[]) {
    const reasons = missing.map((informer) => `${informer.name}: ${informer.whyNotSynced()}`);
    super(code, `The cache did not sync ${when}. ${reasons.join(' ')}`);
    this.missing = missing.map(({ name }) => name);
  }
}

/** @throws {@link CacheSyncError} */
export async function waitForAll(
  clock: Clock,
  informers: readonly Syncing[],
  options: SyncOptions = {},
): Promise<void> {
  const { timeout = '2m', signal } = options;
  const missing = (): Syncing[] => informers.filter(({ hasSynced }) => !hasSynced);
  if (missing().length === 0) return;
  using waiting = new LinkedAbort(signal);
  const all = Promise.all(informers.map(({ synced }) => synced));
  await Promise.race([all, sleep(clock, milliseconds(timeout), waiting.signal)]);
  if (missing().length > 0) throw notSynced(signal, timeout, missing());
  waiting.abort();
}

function notSynced(
  signal: AbortSignal | undefined,
  timeout: Duration,
  missing: readonly Syncing[],
): CacheSyncError {
  if (signal?.aborted) return new CacheSyncError('CACHE_SYNC_ABORTED', 'before it was told to stop', missing);
  return new CacheSyncError('CACHE_SYNC_TIMEOUT', `within ${formatDuration(milliseconds(timeout))}`, missing);
}
