import { type Draft, type Lease, RequestError, type WatchEvent, instant } from '@incumbent/core/client';
import { fingerprintOf } from '../lease/lease-record.js';
import type { AttemptOptions, LeasePort } from '../lease/lease-port.js';
import type { Stored } from './api-server.js';
import type { Answer } from './network.js';
import type { Participant } from './participant.js';
import { WatchStream } from './watch-stream.js';
import type { World } from './world.js';

/** A process's way to the Lease, over the simulated network. Tells the referee what it sends and what it is told. */
export class SimulatedLeasePort implements LeasePort {
  readonly #process: Participant;
  readonly #world: World;
  /** Counts answered writes: a read that was under way meanwhile may be older than what they told. */
  #writesAnswered = 0;

  constructor(process: Participant, world: World) {
    this.#process = process;
    this.#world = world;
  }

  async get(options: AttemptOptions): Promise<Lease | undefined> {
    const { network, referee } = this.#world;
    const before = this.#writesAnswered;
    return this.#send(
      options,
      () => network.api.lease,
      (lease) => {
        if (before === this.#writesAnswered) referee.saw(this.#process, lease);
      },
    );
  }

  create(lease: Draft<Lease>, options: AttemptOptions): Promise<Lease> {
    return this.#write(lease, options, () => this.#world.network.api.create(lease));
  }

  update(lease: Lease, options: AttemptOptions): Promise<Lease> {
    return this.#write(lease, options, () => this.#world.network.api.update(lease));
  }

  watch(resourceVersion: string | undefined, signal: AbortSignal): AsyncIterable<WatchEvent<Lease>> {
    const { network, referee } = this.#world;
    const stream = new WatchStream({
      owner: this.#process,
      signal,
      told: (event) => {
        if (event.type !== 'BOOKMARK')
          referee.saw(this.#process, event.type === 'DELETED' ? undefined : event.object);
      },
      onClose: () => network.api.close(stream),
    });
    network.send({
      from: this.#process,
      of: 'watch',
      serverTimeout: Number.POSITIVE_INFINITY,
      act: () => {
        if (!stream.closed && this.#process.alive) network.api.watch(stream, resourceVersion);
      },
      answered: (answer) => {
        if ('error' in answer) stream.end(answer.error);
      },
    });
    return stream;
  }

  async close(): Promise<void> {}

  #write(lease: Draft<Lease>, options: AttemptOptions, act: () => Stored): Promise<Lease> {
    const sent = { at: instant(this.#process.clock), knowing: this.#process.lastTold };
    this.#process.sentRecords.add(fingerprintOf(lease));
    return this.#send(
      options,
      () => {
        const stored = act();
        this.#world.referee.leaseStored(stored, this.#process, sent);
        return stored.after as Lease;
      },
      (answer) => {
        this.#writesAnswered++;
        this.#process.lastTold = answer;
      },
    );
  }

  #send<T>({ timeout, signal }: AttemptOptions, act: () => T, told: (value: T) => void): Promise<T> {
    const { clock } = this.#process;
    return new Promise((resolve, reject) => {
      let open = true;
      const finish = (answer: Answer<T>): void => {
        if (!open) return;
        open = false;
        cancel();
        signal?.removeEventListener('abort', abort);
        if ('error' in answer) return reject(answer.error);
        told(answer.value);
        resolve(answer.value);
      };
      const abort = (): void => finish({ error: new RequestError('REQUEST_ABORTED', 'aborted', true) });
      const cancel = clock.schedule(timeout, () =>
        finish({ error: new RequestError('REQUEST_TIMEOUT', 'no answer', true) }),
      );
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#world.network.send({
        from: this.#process,
        of: 'lease',
        serverTimeout: timeout,
        act,
        answered: finish,
      });
    });
  }
}
