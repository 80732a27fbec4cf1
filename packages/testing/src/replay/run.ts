/** One run of a scenario, from an empty server to a settled operator. */
import {
  Client,
  type Clock,
  CustomResourceDefinition,
  customResourceDefinition,
  type Duration,
  type LogFields,
  type Logger,
  messageOf,
  Namespace,
  Operator,
  type ReconcilerClass,
} from '@incumbent/core';
import { seededRandom, settle, VirtualClock } from '@incumbent/core/testing';
import { EmbeddedApiServer } from '../api-server/server.js';
import type { Fault } from './fault.js';
import { FaultyConnection } from './faulty-connection.js';
import { type FinalState, finalState } from './final-state.js';
import { ScriptedLeadership } from './leadership.js';
import { ProcessClock } from './process-clock.js';
import type { Scenario, Stage } from './scenario.js';
import { Story } from './story.js';

export interface Outcome {
  readonly state: FinalState;
  readonly reconciles: number;
  /** Writes that the operator sent. */
  readonly writes: number;
  /** Writes that changed something after a restart of an operator that had settled. */
  readonly afterRestart: number;
  /** Why it did not come to an end, or undefined. */
  readonly failure: string | undefined;
  readonly story: Story;
}

/** Milliseconds on the virtual clock after which an operator that still writes is given up. */
const PATIENCE = 30 * 60_000;
const STEP = 1000;
const NAMESPACE = 'replay';

export class Run {
  readonly #controllers: readonly ReconcilerClass[];
  readonly #scenario: Scenario;
  readonly #fault: Fault | undefined;
  readonly #clock = new VirtualClock();
  readonly #story = new Story(this.#clock);
  readonly #server: EmbeddedApiServer;
  /** Ends the process of the operator that runs, as a SIGKILL would. */
  #kill: () => void = () => {};
  #leadership = new ScriptedLeadership(1);
  #terms = 1;
  #reconciles = 0;
  #writes = 0;
  /** Writes of anybody that changed something. */
  #changes = 0;
  #died: string | undefined;

  constructor(controllers: readonly ReconcilerClass[], scenario: Scenario, fault?: Fault) {
    this.#controllers = controllers;
    this.#scenario = scenario;
    this.#fault = fault;
    const random = seededRandom(1);
    this.#server = EmbeddedApiServer.inProcess({
      now: () => this.#clock.wall(),
      random: () => random.next(),
    });
  }

  async toTheEnd(): Promise<Outcome> {
    try {
      const failure = await this.#play();
      const state = finalState(this.#server.journal, this.#scenario.ignore);
      const [reconciles, writes] = [this.#reconciles, this.#writes];
      const afterRestart = failure ? 0 : await this.#restart();
      return { state, reconciles, writes, afterRestart, failure, story: this.#story };
    } finally {
      this.#kill();
      await this.#server.stop();
    }
  }

  /** Returns why it did not come to an end. */
  async #play(): Promise<string | undefined> {
    const stage = await this.#setUp();
    this.#server.onWrite(({ changed, resource }) => {
      if (changed && resource !== 'events') this.#changes += 1;
    });
    this.#start();
    for (const [index, step] of this.#scenario.steps.entries()) {
      this.#story.tell(`STEP ${index + 1}`);
      await step(stage);
      const failure = await this.#settle(stage);
      if (failure) return failure;
    }
    return undefined;
  }

  async #setUp(): Promise<Stage> {
    const { resources = [] } = this.#scenario;
    const client = new Client(this.#connection(this.#clock)).unfenced();
    for (const each of resources)
      await client.create(CustomResourceDefinition, customResourceDefinition(each));
    await client.create(Namespace, { metadata: { name: NAMESPACE } });
    await settle();
    const pass = (time: Duration): Promise<void> => this.#clock.advance(time);
    return { client, namespace: NAMESPACE, clock: this.#clock, pass };
  }

  /** Of people, or of a process of the operator: on that everything is told, and counted, and one write goes wrong. */
  #connection(clock: Clock, ofOperator = false): FaultyConnection {
    return new FaultyConnection({
      server: this.#server,
      clock,
      story: ofOperator ? this.#story : new Story(this.#clock),
      next: () => (ofOperator ? this.#nextFault() : undefined),
      onCrash: () => this.#start(),
      onLostTerm: () => this.#leadership.loseTerm(),
    });
  }

  #nextFault(): Fault | undefined {
    this.#writes += 1;
    return this.#fault?.write === this.#writes ? this.#fault : undefined;
  }

  /** A process of the operator; the one before, if any, is dead. */
  #start(): void {
    this.#kill();
    const { modules = [], runnables = [] } = this.#scenario;
    const clock = new ProcessClock(this.#clock);
    const connection = this.#connection(clock, true);
    const leadership = new ScriptedLeadership(this.#terms);
    this.#terms += 100;
    this.#leadership = leadership;
    let alive = true;
    const operator = new Operator({
      controllers: this.#controllers,
      runnables,
      modules,
      leadership: () => leadership,
      connection,
      clock,
      random: seededRandom(1),
      http: false,
      eventLoopWarning: false,
      log: this.#logger({}, () => alive),
    });
    this.#kill = () => {
      alive = false;
      connection.kill();
      clock.kill();
    };
    operator.run().catch((error: unknown) => {
      if (alive) this.#died = messageOf(error);
    });
  }

  async #settle(stage: Stage): Promise<string | undefined> {
    const { calm = 60_000, world } = this.#scenario;
    const startedAt = this.#clock.monotonic();
    let [changes, since] = [this.#changes, startedAt];
    while (this.#clock.monotonic() - since < calm) {
      if (this.#died !== undefined) return `The operator ended by itself: ${this.#died}`;
      if (this.#clock.monotonic() - startedAt > PATIENCE)
        return 'It did not settle: after 30 minutes it still writes.';
      // Longer steps as it gets calmer: a run costs what its steps cost.
      await this.#clock.advance(Math.max(STEP, (this.#clock.monotonic() - since) / 2));
      await world?.(stage);
      if (this.#changes !== changes) [changes, since] = [this.#changes, this.#clock.monotonic()];
    }
    return undefined;
  }

  /** How much a fresh process writes although everything is as it should be. */
  async #restart(): Promise<number> {
    const before = this.#changes;
    this.#story.tell('RESTART: everything should be as it should be');
    this.#start();
    await this.#clock.advance('30s');
    return this.#changes - before;
  }

  #logger(base: LogFields, isAlive: () => boolean): Logger {
    const tell = (fields: LogFields, message: string): void => {
      if (!isAlive() || !('reconcileID' in base || 'daemon' in base)) return;
      const error = fields['err'] ?? fields['error'];
      this.#story.tell(`  ${message}${error === undefined ? '' : `: ${messageOf(error)}`}`);
    };
    const quiet = (): void => {};
    // They come with the time, as often as a run lasts long: what they do shows in their writes.
    const detail = 'timer' in base || 'daemon' in base ? quiet : tell;
    return {
      trace: quiet,
      debug: detail,
      info: detail,
      warn: tell,
      error: tell,
      child: (fields) => {
        if ('reconcileID' in fields && isAlive()) this.#begins({ ...base, ...fields });
        return this.#logger({ ...base, ...fields }, isAlive);
      },
    };
  }

  #begins({ controller, key, timer }: LogFields): void {
    if (timer !== undefined) return;
    this.#reconciles += 1;
    this.#story.tell(`reconcile ${this.#reconciles}: ${String(controller)} of ${String(key)}`);
  }
}
