/** Whether the server serves what the controllers need: looked at before the caches start, which would only say 404. */
import { apiVersionOf, qualifiedName, type Resource } from '../api/resource.js';
import type { Connection } from '../client/connection.js';
import { served } from '../client/discovery.js';
import { BackOff } from '../kit/back-off.js';
import type { Clock } from '../kit/clock.js';
import { IncumbentError } from '../kit/error.js';
import type { Logger } from '../kit/logger.js';
import type { Random } from '../kit/random.js';
import { sleep } from '../kit/sleep.js';
import type { Planned } from './wiring.js';

export interface ServedCheckOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Whether what is absent is waited for. Otherwise it is an error. */
  readonly wait: boolean;
}

/** `unknown`: the server doesn't tell us, by RBAC or by an outage. */
type Served = 'served' | 'absent' | 'otherScope' | 'unknown';

/** Milliseconds. Definitions are mostly installed together with the operator, a moment before or after it. */
const BACK_OFF = { start: 1000, cap: 15_000, factor: 2, jitter: 0.2 };

export class ServedCheck {
  readonly #options: ServedCheckOptions;
  #faults: readonly string[] = [];

  constructor(options: ServedCheckOptions) {
    this.#options = options;
  }

  /** What is waited for, in sentences, or undefined. */
  notReady(): string | undefined {
    return this.#faults.length > 0 ? this.#faults.join(' ') : undefined;
  }

  /**
   * Resolves when everything is served, or the signal aborts. What the server doesn't tell is taken for served: the caches will say.
   *
   * @throws {@link IncumbentError} `RESOURCE_ABSENT` unless it is to be waited for, `RESOURCE_SCOPE` in any case
   */
  async run(planned: readonly Planned[], signal: AbortSignal): Promise<void> {
    const { clock, random, log, wait } = this.#options;
    let backOff = new BackOff(BACK_OFF, random);
    for (;;) {
      this.#faults = await this.#absent(planned, signal);
      if (this.#faults.length === 0 || signal.aborted) return;
      const message = this.#faults.join(' ');
      if (!wait)
        throw new IncumbentError(
          'RESOURCE_ABSENT',
          `${message} Or give \`absentResources: 'wait'\` to wait for it.`,
        );
      log.warn({ again: Math.round(backOff.duration) }, `Waiting. ${message}`);
      await sleep(clock, backOff.duration, signal);
      backOff = backOff.next();
    }
  }

  async #absent(planned: readonly Planned[], signal: AbortSignal): Promise<string[]> {
    const answers = new Map<string, Promise<Served>>();
    const faults: string[] = [];
    for (const { plan } of planned) {
      for (const [verb, resource] of needsOf(plan)) {
        const name = `${qualifiedName(resource)}/${resource.version}`;
        const answer = answers.get(name) ?? this.#ask(resource, signal);
        answers.set(name, answer);
        const state = await answer;
        if (state === 'otherScope') throw otherScope(plan.name, resource);
        if (state === 'absent') faults.push(absent(plan.name, verb, resource));
      }
    }
    return faults;
  }

  async #ask(resource: Resource, signal: AbortSignal): Promise<Served> {
    try {
      const resources = await served(this.#options.connection, resource, { signal, timeout: 10_000 });
      const found = resources.find(({ name }) => name === resource.plural);
      if (!found) return 'absent';
      return found.namespaced === (resource.scope === 'Namespaced') ? 'served' : 'otherScope';
    } catch {
      return 'unknown';
    }
  }
}

function needsOf({ resource, owns, watches, reads }: Planned['plan']): [verb: string, resource: Resource][] {
  return [
    ['reconciles', resource],
    ...owns.map((each): [string, Resource] => ['owns', each]),
    ...(watches ?? []).map((each): [string, Resource] => ['watches', each.resource]),
    ...reads.map((each): [string, Resource] => ['reads', each]),
  ];
}

function absent(controller: string, verb: string, resource: Resource): string {
  return `${controller} ${verb} ${resource.kind}, but the server does not serve ${qualifiedName(resource)} in version ${resource.version}: install its CustomResourceDefinition.`;
}

function otherScope(controller: string, resource: Resource): IncumbentError {
  const other = resource.scope === 'Namespaced' ? 'Cluster' : 'Namespaced';
  return new IncumbentError(
    'RESOURCE_SCOPE',
    `${controller} declares ${resource.kind} (${apiVersionOf(resource)}) with scope ${resource.scope}, but the server has it with scope ${other}: declare it with that.`,
  );
}
