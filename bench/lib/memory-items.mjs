// Items of work in this process's memory: a port of a work group without a server behind it, so that what is measured is the group's own work.

/** @implements {import('@incumbent/election').WorkItems<string, string>} */
export class MemoryItems {
  #items = new Map();
  #listeners = new Map();
  #version = 0;
  #remaining;
  #allDone;
  /** Resolves when every item is done. */
  done = new Promise((resolve) => (this.#allDone = resolve));
  writes = 0;
  /** CPU time of this process at the first write: what came before is the start of a group. */
  startedAt;

  constructor(count) {
    this.#remaining = count;
    for (let index = 0; index < count; index++)
      this.#store({
        id: `item-${index}`,
        idempotencyKey: `uid-${index}`,
        done: false,
        assignment: { session: undefined, epoch: 0, revoked: false },
        value: `item-${index}`,
      });
  }

  async follow({ session, signal }, listener) {
    const items = [...this.#items.values()].filter(
      ({ assignment }) => session === undefined || assignment.session === session,
    );
    const listeners = this.#listeners.get(session) ?? new Set();
    this.#listeners.set(session, listeners.add(listener));
    listener({ type: 'replaced', items });
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    listeners.delete(listener);
  }

  async read(id) {
    return this.#items.get(id);
  }

  async assign(item, assignment) {
    return this.#write(item, { ...item, assignment });
  }

  async finish(item) {
    const answer = this.#write(item, { ...item, done: true });
    this.#remaining--;
    if (this.#remaining === 0) this.#allDone();
    return answer;
  }

  #write(before, after) {
    if (this.#items.get(before.id)?.version !== before.version)
      throw new Error(`${before.id} has changed: one group at a time works here, that can't be.`);
    this.startedAt ??= process.cpuUsage();
    this.writes++;
    return this.#store(after);
  }

  #store(item) {
    const stored = { ...item, version: String(++this.#version) };
    this.#items.set(item.id, stored);
    const concerned = [undefined, stored.assignment.session ?? 'nobody'];
    // As a watch would: after the answer.
    queueMicrotask(() => {
      for (const session of concerned)
        for (const listener of this.#listeners.get(session) ?? [])
          listener({ type: 'changed', item: stored });
    });
    return stored;
  }
}
