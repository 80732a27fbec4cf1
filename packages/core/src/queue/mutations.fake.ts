import type { Clock } from '../kit/clock.js';
import type { MakeQueue } from './queue-property.fake.js';
import { type AddOptions, WorkQueue, type WorkQueueOptions } from './work-queue.js';

type Add = AddOptions<number>;

/** A queue that knows which of its keys are in processing, for those that break something about that. */
class Watched extends WorkQueue<number> {
  readonly processing = new Set<string>();

  override async get(signal?: AbortSignal): Promise<string | undefined> {
    const key = await super.get(signal);
    if (key !== undefined) this.processing.add(key);
    return key;
  }

  override done(key: string): void {
    this.processing.delete(key);
    super.done(key);
  }
}

class ForgetsWhileProcessed extends Watched {
  override add(key: string, options?: Add): void {
    if (!this.processing.has(key)) super.add(key, options);
  }
}

class HandsOutWhileProcessed extends Watched {
  override add(key: string, options?: Add): void {
    if (this.processing.has(key)) super.done(key);
    super.add(key, options);
  }
}

class HandsOutTwice extends Watched {
  override async get(signal?: AbortSignal): Promise<string | undefined> {
    const key = await super.get(signal);
    if (key !== undefined && this.length > 1) this.add(key);
    return key;
  }
}

class DropsPriority extends WorkQueue<number> {
  override add(key: string, { causes }: Add = {}): void {
    super.add(key, { causes });
  }
}

class NeverRaises extends WorkQueue<number> {
  readonly #waiting = new Map<string, number | undefined>();

  override add(key: string, { priority, causes }: Add = {}): void {
    if (!this.#waiting.has(key)) this.#waiting.set(key, priority);
    super.add(key, { priority: this.#waiting.get(key), causes });
  }

  override async get(signal?: AbortSignal): Promise<string | undefined> {
    const key = await super.get(signal);
    if (key !== undefined) this.#waiting.delete(key);
    return key;
  }
}

/** Delays by timers of its own. */
abstract class OwnDelays extends WorkQueue<number> {
  readonly timers = new Map<string, () => void>();
  readonly clock: Clock;

  constructor(options: WorkQueueOptions<number>) {
    super(options);
    this.clock = options.clock;
  }

  protected later(key: string, delay: number, options?: Add): void {
    this.timers.set(
      key,
      this.clock.schedule(delay, () => {
        this.timers.delete(key);
        super.add(key, options);
      }),
    );
  }
}

class AddCancelsDelay extends OwnDelays {
  override addAfter(key: string, delay: number, options?: Add): void {
    if (!this.timers.has(key)) this.later(key, delay, options);
    else super.addAfter(key, delay, options);
  }

  override add(key: string, options?: Add): void {
    this.timers.get(key)?.();
    this.timers.delete(key);
    super.add(key, options);
  }
}

class LatestDelayWins extends OwnDelays {
  override addAfter(key: string, delay: number, options?: Add): void {
    this.timers.get(key)?.();
    this.later(key, delay, options);
  }
}

class DelaysTwice extends OwnDelays {
  override addAfter(key: string, delay: number, options?: Add): void {
    super.addAfter(key, delay, options);
    this.later(key, delay + 5);
  }
}

class DelaysBeyondClear extends OwnDelays {
  override addAfter(key: string, delay: number, options?: Add): void {
    this.later(key, delay, options);
  }
}

class LosesOnImpatience extends WorkQueue<number> {
  override async get(signal?: AbortSignal): Promise<string | undefined> {
    if (!signal?.aborted) return super.get(signal);
    void super.get();
    return undefined;
  }
}

class AddsUnasked extends WorkQueue<number> {
  override done(key: string): void {
    const waits = this.length;
    super.done(key);
    if (waits > 0) super.add(key);
  }
}

class GivesCausesTwice extends WorkQueue<number> {
  readonly #last = new Map<string, readonly number[]>();

  override causesOf(key: string): readonly number[] {
    const causes = [...(this.#last.get(key) ?? []), ...super.causesOf(key)];
    this.#last.set(key, super.causesOf(key));
    return causes;
  }
}

class ClearsWhatIsProcessed extends Watched {
  override clear(): void {
    for (const key of this.processing) super.done(key);
    super.clear();
  }
}

class LastInFirstOut extends WorkQueue<number> {
  #raise = 0;

  override add(key: string, { priority = 0, causes }: Add = {}): void {
    super.add(key, { priority: priority + this.#raise++ / 1000, causes });
  }
}

/** Ways to break a work queue, one at a time. */
export const MUTATIONS: readonly { readonly name: string; readonly make: MakeQueue }[] = [
  { name: 'an add while the key is processed is forgotten', make: (o) => new ForgetsWhileProcessed(o) },
  { name: 'a key is handed out while it is processed', make: (o) => new HandsOutWhileProcessed(o) },
  { name: 'a key that was added once is handed out twice', make: (o) => new HandsOutTwice(o) },
  { name: 'priorities are dropped', make: (o) => new DropsPriority(o) },
  { name: 'a waiting key keeps its first priority', make: (o) => new NeverRaises(o) },
  { name: 'low priorities starve', make: (o) => new WorkQueue({ ...o, ageing: Infinity }) },
  { name: 'keys age at once', make: (o) => new WorkQueue({ ...o, ageing: -1 }) },
  { name: 'an add cancels the delayed one', make: (o) => new AddCancelsDelay(o) },
  { name: 'the latest delay wins', make: (o) => new LatestDelayWins(o) },
  { name: 'a delayed key comes twice', make: (o) => new DelaysTwice(o) },
  { name: 'delayed keys survive a clear', make: (o) => new DelaysBeyondClear(o) },
  { name: 'a key goes to a processor that no longer waits', make: (o) => new LosesOnImpatience(o) },
  { name: 'done adds what nobody asked for', make: (o) => new AddsUnasked(o) },
  { name: 'a cause is handed over twice', make: (o) => new GivesCausesTwice(o) },
  { name: 'a clear ends what is processed', make: (o) => new ClearsWhatIsProcessed(o) },
  { name: 'equals go last in, first out', make: (o) => new LastInFirstOut(o) },
];
