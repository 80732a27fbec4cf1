import type { DeepReadonly, Draft, KubernetesObject } from '../api/object.js';
import { apiVersionOf, type Resource } from '../api/resource.js';
import type { Clock } from '../kit/clock.js';
import type { Event } from './event.js';

export interface EventSeriesOptions {
  readonly resource: Resource;
  readonly object: DeepReadonly<Pick<KubernetesObject, 'metadata'>>;
  readonly component: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
  readonly action: string;
}

/** One remark on one object and how often it was made: one Event on the server. */
export class EventSeries {
  readonly options: EventSeriesOptions;
  readonly #first: Date;
  #last: Date;
  #count = 1;
  /** The Event's name, once it exists. */
  name: string | undefined;

  constructor(options: EventSeriesOptions, now: Date) {
    this.options = options;
    this.#first = now;
    this.#last = now;
  }

  get subject(): string {
    return this.options.object.metadata.name;
  }

  /** Events on cluster-scoped objects live in `default`. */
  get namespace(): string {
    return this.options.object.metadata.namespace ?? 'default';
  }

  repeat(now: Date): void {
    this.#count += 1;
    this.#last = now;
  }

  progress(): { readonly count: number; readonly lastTimestamp: string } {
    return { count: this.#count, lastTimestamp: wholeSeconds(this.#last) };
  }

  toEvent(name: string, instance: string): Draft<Event> {
    const { resource, object, component, type, reason, note, action } = this.options;
    const { name: subject, namespace, uid, resourceVersion } = object.metadata;
    return {
      metadata: { name, namespace: this.namespace },
      involvedObject: {
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        name: subject,
        ...(namespace ? { namespace } : {}),
        uid,
        resourceVersion,
      },
      type,
      reason: reason.slice(0, 128),
      message: note.slice(0, 1024),
      action: action.slice(0, 128),
      firstTimestamp: wholeSeconds(this.#first),
      ...this.progress(),
      source: { component, host: instance },
      reportingComponent: component,
      reportingInstance: instance.slice(0, 128),
    };
  }
}

/** A repeat within so many milliseconds of the last is counted, a later one is a new Event. As client-go. */
const WINDOW = 600_000;
/** Events at once on one object, and milliseconds until there may be one more. As client-go. */
const BURST = 25;
const REFILL = 300_000;
/** What is remembered, so that millions of objects don't fill the memory. */
const REMEMBERED = 4096;

/** Knows which remarks were made lately: counts repeats and cuts floods. */
export class SeriesBook {
  readonly #clock: Clock;
  readonly #series = new Map<string, { readonly series: EventSeries; readonly seen: number }>();
  /** Monotonic milliseconds at which each object's bucket was empty, or would have been. */
  readonly #empty = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The series with this occurrence counted, or undefined if the object has had its share of requests. */
  count(options: EventSeriesOptions): EventSeries | undefined {
    const series = this.#find(options);
    return this.#allow(subjectOf(options)) ? series : undefined;
  }

  #find(options: EventSeriesOptions): EventSeries {
    const key = [subjectOf(options), options.type, options.reason, options.note].join('\n');
    const seen = this.#clock.monotonic();
    const known = this.#series.get(key);
    const now = this.#clock.wall();
    const current = known && seen - known.seen < WINDOW ? known.series : undefined;
    current?.repeat(now);
    const series = current ?? new EventSeries(options, now);
    remember(this.#series, key, { series, seen });
    return series;
  }

  #allow(subject: string): boolean {
    const now = this.#clock.monotonic();
    const empty =
      Math.max(this.#empty.get(subject) ?? Number.NEGATIVE_INFINITY, now - BURST * REFILL) + REFILL;
    if (empty > now) return false;
    remember(this.#empty, subject, empty);
    return true;
  }
}

function subjectOf({ component, resource, object }: EventSeriesOptions): string {
  return [component, apiVersionOf(resource), resource.kind, object.metadata.uid].join('\n');
}

/** Sets the key as the latest, and forgets the oldest beyond the limit. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > REMEMBERED && oldest !== undefined) map.delete(oldest);
}

/** `metav1.Time` has no fractions of a second. */
function wholeSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
