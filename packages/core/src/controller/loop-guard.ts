import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import type { EventRecorder } from '../events/event-recorder.js';
import type { Clock } from '../kit/clock.js';
import { formatDuration } from '../kit/duration.js';
import type { Logger } from '../kit/logger.js';
import type { Cause } from './cause.js';
import type { ControllerMetrics } from './controller-metrics.js';
import { decide, type HotLoop, type LoopHistory } from './hot-loop.js';

/** Keys that may be in a loop and are remembered; more than that are not loops of single keys. */
const REMEMBERED = 1024;

export interface LoopGuardOptions {
  readonly clock: Clock;
  readonly metrics: ControllerMetrics;
  readonly recorderFor: (object: DeepReadonly<KubernetesObject>) => EventRecorder;
}

/** Slows down keys whose reconciles keep waking themselves, and says which place they fight over. */
export class LoopGuard {
  readonly #options: LoopGuardOptions;
  readonly #histories = new Map<string, LoopHistory>();

  constructor(options: LoopGuardOptions) {
    this.#options = options;
  }

  /** Milliseconds by which the reconcile of the object is to wait, 0 for almost all. */
  delay(
    key: string,
    {
      object,
      causes,
      log,
    }: { object: DeepReadonly<KubernetesObject>; causes: readonly Cause[]; log: Logger },
  ): number {
    const { clock, metrics } = this.#options;
    const { history, delay, loop } = decide(this.#histories.get(key), causes, clock.monotonic());
    this.#remember(key, history);
    if (!loop) return delay;
    metrics.slowed(loop.object.kind, loop.path);
    const sentence = sentenceOf(loop);
    log.debug({ delay }, sentence);
    if (loop.tell) {
      log.warn({ object: loop.object, path: loop.path, times: loop.times, delay }, sentence);
      this.#options.recorderFor(object).warning('HotLoop', sentence, { action: 'Reconcile' });
    }
    return delay;
  }

  forget(key: string): void {
    this.#histories.delete(key);
  }

  clear(): void {
    this.#histories.clear();
  }

  #remember(key: string, history: LoopHistory | undefined): void {
    this.#histories.delete(key);
    if (!history) return;
    this.#histories.set(key, history);
    const [oldest] = this.#histories.keys();
    if (this.#histories.size > REMEMBERED && oldest !== undefined) this.#histories.delete(oldest);
  }
}

function sentenceOf({ object, path, times, contested, lasting, delay }: HotLoop): string {
  const { kind, namespace, name } = object;
  const place = `${path || 'the existence'} of ${kind} ${namespace ? `${namespace}/` : ''}${name}`;
  const what = contested
    ? `This controller and somebody else keep overwriting each other: ${place} changed before each of ${times} reconciles`
    : `This controller keeps waking itself: it wrote ${place} before each of ${times} reconciles`;
  return `${what} within ${formatDuration(lasting)}. The next one waits ${formatDuration(delay)}. ${contested ? 'Let only one of them write it.' : 'Write only what differs from what is there.'}`;
}
