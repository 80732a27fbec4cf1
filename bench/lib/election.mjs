// One election between replicas of chosen sides, on one Lease: crashes and stops its leader, and keeps the number of its replicas.
import { setTimeout as sleep } from 'node:timers/promises';
import { LeaseHistory } from './lease-history.mjs';
import { Replica } from './replica.mjs';

/**
 * @typedef {object} Handover
 * @property {'crash' | 'release' | 'pause'} kind
 * @property {string} from - identity of the leader that fell
 * @property {string} to - identity of its successor
 * @property {number} ms - crash: from the kill to the successor's acquiring write; release: from the releasing to the acquiring write
 * @property {number} sinceRenewal - from the last write of the old leader to the acquiring write
 * @property {boolean} released
 */

export class Election {
  history = new LeaseHistory();
  #server;
  #name;
  #members;
  #patience;
  #replicas = new Map();
  #started = 0;
  #stopping = false;
  #unsubscribe;
  /** How often a replica ended that nobody had killed or stopped: client-go's programs end when they lose the lease. */
  unasked = 0;

  /**
   * @param {object} options
   * @param {Awaited<ReturnType<typeof import('./server.mjs').startServer>>} options.server
   * @param {string} options.name - of the Lease
   * @param {{ side: string, program: { program: string, words: string[] }, flags: Record<string, string> }[]} options.members -
   *   one for each replica
   * @param {number} options.patience - milliseconds after which a missing successor is a failure
   */
  constructor({ server, name, members, patience }) {
    this.#server = server;
    this.#name = name;
    this.#members = members;
    this.#patience = patience;
    this.#unsubscribe = server.onWrite((write) => {
      if (write.resource === 'leases' && write.name === name) this.history.add(write);
    });
  }

  /** Resolves when somebody leads and all have seen it. */
  async start() {
    for (const member of this.#members) this.#add(member);
    await this.settled();
  }

  /** Identities of the replicas that run now. */
  get identities() {
    return [...this.#replicas.keys()];
  }

  /** The side of a replica, also of one that has gone. */
  static sideOf(identity) {
    return identity.split('.')[1];
  }

  /**
   * Resolves when all replicas have seen a leader, and `pause` milliseconds after that still do.
   *
   * @param {number} [pause]
   */
  async settled(pause = 0) {
    await this.#allReady();
    if (pause === 0) return;
    await sleep(pause);
    await this.#allReady();
  }

  /** @returns {Promise<Handover>} */
  async crash() {
    const leader = this.#leader();
    const next = this.#successorOf(leader);
    const killedAt = performance.now();
    await leader.replica.end('SIGKILL');
    const acquired = await next;
    this.#replace(leader);
    return this.#handover('crash', leader, acquired, killedAt);
  }

  /** @returns {Promise<Handover>} */
  async release() {
    const leader = this.#leader();
    const next = this.#successorOf(leader);
    const stopped = leader.replica.end('SIGTERM');
    const acquired = await next;
    await stopped;
    this.#replace(leader);
    return this.#handover('release', leader, acquired, acquired.before.at);
  }

  /**
   * Freezes the leader until somebody else leads, and then lets it go on: into the middle of what it did.
   *
   * @returns {Promise<Handover>}
   */
  async pause() {
    const leader = this.#leader();
    const next = this.#successorOf(leader);
    const pausedAt = performance.now();
    leader.replica.expectedToEnd = true;
    leader.replica.signal('SIGSTOP');
    const acquired = await next;
    await sleep(100);
    leader.replica.signal('SIGCONT');
    await sleep(300);
    await leader.replica.end('SIGKILL');
    this.#replace(leader);
    return this.#handover('pause', leader, acquired, pausedAt);
  }

  async stop() {
    this.#stopping = true;
    const replicas = [...this.#replicas.values()];
    await Promise.all(replicas.map(({ replica }) => replica.end('SIGKILL')));
    this.#unsubscribe();
  }

  async #allReady() {
    await Promise.all([...this.#replicas.values()].map(({ replica }) => replica.ready));
    while (!this.#replicas.has(this.history.holder))
      await this.history.next(({ kind }) => kind === 'acquired', this.#patience);
  }

  #add(member) {
    this.#started += 1;
    const identity = `${this.#name}.${member.side}.${this.#started}`;
    const replica = new Replica(member.program, {
      ...member.flags,
      kubeconfig: this.#server.kubeconfig,
      namespace: this.#server.namespace,
      name: this.#name,
      identity,
      'user-agent': identity,
    });
    const entry = { replica, member };
    this.#replicas.set(identity, entry);
    void replica.ended.then(() => this.#ended(entry));
  }

  #ended(entry) {
    if (this.#stopping || entry.replica.expectedToEnd) return;
    this.unasked += 1;
    this.#replace(entry);
  }

  #replace({ replica, member }) {
    this.#replicas.delete(replica.identity);
    this.#add(member);
  }

  #leader() {
    const leader = this.#replicas.get(this.history.holder);
    if (leader) return leader;
    throw new Error(`Lease ${this.#name} is held by "${this.history.holder}", which does not run.`);
  }

  #successorOf({ replica }) {
    const next = this.history.next(
      ({ kind, holder }) => kind === 'acquired' && holder !== replica.identity,
      this.#patience,
    );
    next.catch(() => {});
    return next;
  }

  #handover(kind, { replica }, { at, holder, before }, from) {
    const released = before.holder === '';
    return {
      kind,
      from: replica.identity,
      to: holder,
      ms: at - from,
      sinceRenewal: at - before.at,
      released,
    };
  }
}
