/**
 * Kubernetes Events: short remarks for the people who look at an object. Best effort by design: recording never waits and never
 * throws, repeats become a count, a flood is cut, and what can't be sent is dropped with a line in the log.
 *
 * Unfenced, unlike every other write: a replica that lost its lease may still say so.
 */
import { type DeepReadonly, type KubernetesObject, formatKey, keyOf } from '../api/object.js';
import { apiVersionOf, type Resource } from '../api/resource.js';
import { isApiError, isNotFound } from '../api/errors.js';
import type { Writer } from '../client/writer.js';
import type { Clock } from '../kit/clock.js';
import { type Duration, milliseconds } from '../kit/duration.js';
import { messageOf } from '../kit/error.js';
import type { Logger } from '../kit/logger.js';
import { type Random, randomSuffix } from '../kit/random.js';
import { sleep } from '../kit/sleep.js';
import { Event } from './event.js';
import { EventSeries, type EventSeriesOptions, SeriesBook } from './event-series.js';

export interface EventOptions {
  /** What was done or tried, as a word in CamelCase. @defaultValue the reason */
  readonly action?: string;
}

/** Records Events on one object. */
export interface EventRecorder {
  /** @param reason a word in CamelCase, for programs @param note a sentence, for people; at most 1024 characters are kept */
  normal(reason: string, note: string, options?: EventOptions): void;
  warning(reason: string, note: string, options?: EventOptions): void;
}

/** Gives recorders: what controllers and elections ask for. */
export interface Events {
  /** @param component who speaks, such as the controller's name. @defaultValue the operator's */
  recorderFor(
    resource: Resource,
    object: DeepReadonly<Pick<KubernetesObject, 'metadata'>>,
    component?: string,
  ): EventRecorder;
}

export interface EventPublisherOptions {
  /** Takes the Events to the server. */
  readonly writer: Writer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Who speaks, if a recorder doesn't say. */
  readonly component: string;
  /** Which replica speaks. */
  readonly instance: string;
  /** Events that may wait to be sent; more are dropped. @defaultValue 1000 */
  readonly capacity?: number;
}

const ATTEMPTS = 3;
const REQUEST_TIMEOUT = 10_000;

/** Sends Events one after the other, in the background. */
export class EventPublisher implements Events {
  readonly #options: EventPublisherOptions;
  readonly #book: SeriesBook;
  readonly #waiting = new Set<EventSeries>();
  readonly #stop = new AbortController();
  #sending: Promise<void> | undefined;

  constructor(options: EventPublisherOptions) {
    this.#options = options;
    this.#book = new SeriesBook(options.clock);
  }

  recorderFor(
    resource: Resource,
    object: DeepReadonly<Pick<KubernetesObject, 'metadata'>>,
    component: string = this.#options.component,
  ): EventRecorder {
    const record =
      (type: EventSeriesOptions['type']) =>
      (reason: string, note: string, { action = reason }: EventOptions = {}): void =>
        this.#record({ resource, object, component, type, reason, note, action });
    return { normal: record('Normal'), warning: record('Warning') };
  }

  /** Resolves when everything recorded so far was sent or dropped, or after `timeout`. Recording ends. */
  async stop(timeout: Duration): Promise<void> {
    const { clock } = this.#options;
    const timer = clock.schedule(milliseconds(timeout), () => this.#stop.abort());
    await this.#sending;
    timer();
    this.#stop.abort();
  }

  #record(options: EventSeriesOptions): void {
    if (this.#stop.signal.aborted) return;
    const series = this.#book.count(options);
    if (!series) return;
    if (this.#waiting.size >= (this.#options.capacity ?? 1000) && !this.#waiting.has(series)) {
      return this.#dropped(series, 'too many wait to be sent');
    }
    this.#waiting.add(series);
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  async #send(): Promise<void> {
    // Not in the tick of the recording: what is recorded in one go goes out as one count.
    await Promise.resolve();
    for (const series of this.#waiting) {
      this.#waiting.delete(series);
      if (this.#stop.signal.aborted) this.#dropped(series, 'the operator has stopped');
      else await this.#deliver(series);
    }
  }

  async #deliver(series: EventSeries): Promise<void> {
    const { clock } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#write(series);
      } catch (error) {
        const final = isApiError(error) && error.statusCode < 500 && error.statusCode !== 429;
        if (final || attempt === ATTEMPTS || this.#stop.signal.aborted)
          return this.#dropped(series, messageOf(error));
        await sleep(clock, 1000 * attempt, this.#stop.signal);
      }
    }
  }

  async #write(series: EventSeries): Promise<void> {
    if (series.name && (await this.#update(series, series.name))) return;
    const name = `${series.subject.slice(0, 240)}.${randomSuffix(this.#options.random, 10)}`;
    const event = series.toEvent(name, this.#options.instance);
    await this.#options.writer.create(Event, event, this.#request());
    series.name = name;
  }

  /** Whether the Event still existed: servers forget them after an hour. */
  async #update(series: EventSeries, name: string): Promise<boolean> {
    const patch = { type: 'merge', patch: series.progress() } as const;
    try {
      await this.#options.writer.patch(Event, { namespace: series.namespace, name }, patch, this.#request());
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  #request(): { timeout: number; signal: AbortSignal } {
    return { timeout: REQUEST_TIMEOUT, signal: this.#stop.signal };
  }

  #dropped(series: EventSeries, why: string): void {
    const { reason, note, object, resource } = series.options;
    this.#options.log.warn(
      {
        kind: resource.kind,
        object: formatKey(keyOf(object)),
        apiVersion: apiVersionOf(resource),
        reason,
        note,
        why,
      },
      'an Event was dropped',
    );
  }
}
