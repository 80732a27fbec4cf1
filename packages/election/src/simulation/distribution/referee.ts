import { seconds } from '../fault.js';
import type { Scheduler } from '../scheduler.js';
import type { Teller } from '../world.js';
import type { StoredObject } from './object-server.js';
import type { WorkParticipant } from './participant.js';

/** What is promised. Each breach is reported under one of these names. */
export const WORK_PROPERTIES = {
  'two at a time': 'no write of an item is accepted after the first of a later assignment',
  'shared assignment': 'no two processes write under one assignment',
  'recorded twice': 'each result is recorded once',
  'begun twice': 'a process works on an item once at a time',
  'above capacity': 'no member works on more items than its capacity',
  'not done': 'once faults stop, every item gets done',
  'does not stop': 'after a stop the run resolves and leaves no timer',
  'run ended': 'the run goes on whatever happens to Leases, items or the server',
} as const;

export type WorkProperty = keyof typeof WORK_PROPERTIES;

export interface WorkViolation {
  readonly property: WorkProperty;
  readonly at: number;
  readonly what: string;
}

/** One assignment's work on an item in one process. */
export interface RunRecord {
  readonly process: WorkParticipant;
  readonly item: string;
  readonly epoch: number;
}

/** Sees everything, on the server's side and the processes', and compares it with what is promised. */
export class WorkReferee implements Teller {
  readonly violations: WorkViolation[] = [];
  /** Writes of work that were accepted. */
  accepted = 0;
  /** Work that was begun, again after a failure included. */
  begun = 0;
  /** Assignments that the server stored. */
  assignments = 0;
  /** Assignments that were asked back. */
  revocations = 0;
  readonly #scheduler: Scheduler;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #newest = new Map<string, RunRecord>();
  readonly #running = new Map<WorkParticipant, Map<string, number>>();
  readonly #done = new Set<string>();

  constructor(scheduler: Scheduler, trace: ((line: string) => void) | undefined) {
    this.#scheduler = scheduler;
    this.#trace = trace;
  }

  trace(line: () => string): void {
    this.#trace?.(`${seconds(this.#scheduler.now)} ${line()}`);
  }

  breach(property: WorkProperty, what: string): void {
    this.violations.push({ property, at: this.#scheduler.now, what });
    this.trace(() => `BREACH ${property}: ${what}`);
  }

  get done(): number {
    return this.#done.size;
  }

  begins({ process, item, epoch }: RunRecord, capacity: number): void {
    this.begun++;
    this.trace(() => `${process.name} begins ${item}, assignment ${epoch}`);
    const running = this.#running.get(process) ?? new Map<string, number>();
    this.#running.set(process, running);
    if (running.has(item)) this.breach('begun twice', `${process.name}, ${item}`);
    running.set(item, epoch);
    if (running.size > capacity)
      this.breach('above capacity', `${process.name} works on ${[...running.keys()].join(', ')}`);
  }

  ends({ process, item, epoch }: RunRecord, how: string): void {
    this.trace(() => `${process.name} ends ${item}, assignment ${epoch}: ${how}`);
    this.#running.get(process)?.delete(item);
  }

  /** A write of work was accepted. */
  workStored(run: RunRecord): void {
    this.accepted++;
    const newest = this.#newest.get(run.item);
    if (newest && newest.epoch > run.epoch)
      this.breach(
        'two at a time',
        `${run.item}: ${run.process.name} in assignment ${run.epoch} after ${newest.process.name} in ${newest.epoch}`,
      );
    else if (newest && newest.epoch === run.epoch && newest.process !== run.process)
      this.breach(
        'shared assignment',
        `${run.item}: ${run.process.name} and ${newest.process.name} in ${run.epoch}`,
      );
    else this.#newest.set(run.item, run);
  }

  /** An item or a Lease was stored. */
  stored(before: StoredObject | undefined, after: StoredObject | undefined): void {
    const { name = '', labels, annotations } = (after ?? before)?.metadata ?? {};
    this.trace(
      () =>
        `stored ${name} v${after?.metadata.resourceVersion ?? ' (deleted)'} ${JSON.stringify({ ...labels, ...annotations, ...(after?.spec as object), ...(after?.status as object) })}`,
    );
    if (!after || after.kind !== 'Item' || !before) return;
    this.#countAssignment(before, after);
    if (JSON.stringify(before.status) === JSON.stringify(after.status)) return;
    if (this.#done.has(name)) this.breach('recorded twice', name);
    this.#done.add(name);
  }

  #countAssignment(before: StoredObject, after: StoredObject): void {
    const value = (object: StoredObject, what: string): string | undefined =>
      object.metadata.annotations?.[`work.incumbent.dev/${what}`];
    if (value(before, 'epoch') !== value(after, 'epoch')) this.assignments++;
    if (!value(before, 'revoked') && value(after, 'revoked')) this.revocations++;
  }
}
