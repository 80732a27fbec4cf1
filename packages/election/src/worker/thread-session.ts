import { type Clock, IncumbentError } from '@incumbent/core/client';
import type { FromThread, Report, ThreadData, ToThread } from './messages.js';
import { RemoteTerm } from './remote-term.js';
import type { StartThread, ThreadHandle } from './thread-handle.js';

export interface ThreadSessionParts {
  readonly data: ThreadData;
  readonly startThread: StartThread;
  readonly clock: Clock;
  /** Milliseconds that a write may be on its way. */
  readonly transit: number;
  /** Milliseconds that the thread gets to release and end after the work has. */
  readonly endGrace: number;
  /** Does the work of a term. Resolves when it has ended; never rejects. */
  readonly lead: (term: RemoteTerm) => Promise<void>;
  readonly onObserved: (state: Extract<FromThread, { kind: 'observed' }>['state']) => void;
  readonly onReport: (report: Report) => void;
}

/** One thread from its start to its end, and the terms that it wins. */
export class ThreadSession {
  readonly #parts: ThreadSessionParts;
  #thread: ThreadHandle | undefined;
  #working: Promise<void> = Promise.resolve();
  #term: RemoteTerm | undefined;
  #notReady: string | undefined;
  #end: IncumbentError | 'stopped' | undefined;
  #cancelTermination: () => void = () => {};
  #gone = false;
  /** Whether the thread came to take part in the election. */
  began = false;

  constructor(parts: ThreadSessionParts) {
    this.#parts = parts;
    const { namespace, name } = parts.data.election;
    this.#notReady = `Lease ${namespace}/${name} has not been read yet.`;
  }

  /** The term whose work has not ended yet. */
  get term(): RemoteTerm | undefined {
    return this.#term;
  }

  /** As the thread last told. */
  get notReady(): string | undefined {
    return this.#notReady;
  }

  /** Resolves when the thread is gone and the work of its term has ended: to why it is gone, unless it was asked to go. */
  async run(): Promise<IncumbentError | undefined> {
    this.#thread = this.#parts.startThread(this.#parts.data, (message) => this.#receive(message));
    const cause = await this.#thread.gone;
    this.#gone = true;
    this.#cancelTermination();
    this.#term?.finish('thread');
    await this.#working;
    if (this.#end === 'stopped') return undefined;
    return this.#end ?? threadEnded(cause);
  }

  /** Ends the work, then the thread. */
  stop(): void {
    this.#send({ kind: 'stop' });
    this.#term?.endWork();
    const { clock, endGrace } = this.#parts;
    void this.#working.then(() => {
      if (this.#gone) return;
      this.#cancelTermination = clock.schedule(endGrace, () => this.#terminate());
    });
  }

  stepDown(heir: string | undefined): void {
    this.#send({ kind: 'stepDown', heir });
    this.#term?.endWork();
  }

  #send(message: ToThread): void {
    this.#thread?.send(message);
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case 'observed':
        this.began = true;
        return this.#parts.onObserved(message.state);
      case 'health':
        this.#notReady = message.notReady;
        return;
      case 'won':
        this.#working = this.#lead(this.#termOf(message));
        return;
      case 'ending':
        return this.#term?.endWork();
      case 'failed':
        this.#end ??= new IncumbentError(message.code ?? 'ELECTION_THREAD_ENDED', message.message);
        return this.#terminate();
      case 'stopped':
        this.#end ??= 'stopped';
        return this.#terminate();
      default:
        return this.#parts.onReport(message);
    }
  }

  #termOf(won: Extract<FromThread, { kind: 'won' }>): RemoteTerm {
    const { data, clock, transit } = this.#parts;
    const name = `${data.election.namespace}/${data.election.name}`;
    return new RemoteTerm({ won, name, clock, transit, send: (message) => this.#send(message) });
  }

  async #lead(term: RemoteTerm): Promise<void> {
    this.#term = term;
    await this.#parts.lead(term);
    // Whatever the work left running writes no more; only then may the thread let go of the lease.
    term.finish('ended');
    this.#term = undefined;
    term.handBack();
  }

  /** Its work is done or was never begun: nothing is lost with it. */
  #terminate(): void {
    this.#thread?.terminate();
  }
}

function threadEnded(cause: Error | undefined): IncumbentError {
  return new IncumbentError('ELECTION_THREAD_ENDED', cause?.message ?? 'it ended without a word', { cause });
}
