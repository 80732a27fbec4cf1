import {
  failure,
  type Fields,
  isFields,
  type Match,
  type Matching,
  matchesText,
  type Text,
  word,
} from './matching.js';

/** What is left out may be anything. */
export interface EventPattern {
  readonly type?: 'Normal' | 'Warning';
  readonly reason?: Text;
  readonly message?: Text;
  /** Who reports: the operator's name. */
  readonly reportingComponent?: Text;
}

/** Whether one of these Events, such as those of `environment.eventsOf(object)`, is like that. A string is a reason. */
export function toHaveEvent(this: Matching, received: unknown, expected: string | EventPattern): Match {
  const pattern: EventPattern = typeof expected === 'string' ? { reason: expected } : expected;
  const events = eventsIn(received);
  const pass = events.some((event) => isLike(this, event, pattern));
  const lines = [
    `Expected event: ${this.isNot ? 'not ' : ''}${this.utils.printExpected(pattern)}`,
    `Received events:${events.length === 0 ? ' none' : ''}`,
    ...events.map((event) => `  ${this.utils.printReceived(told(event))}`),
  ];
  return { pass, message: failure(this, { name: 'toHaveEvent', call: 'event' }, lines) };
}

function isLike(matching: Matching, event: Fields, pattern: EventPattern): boolean {
  const read: Record<keyof EventPattern, unknown> = {
    type: event['type'],
    reason: event['reason'],
    message: messageOf(event),
    reportingComponent: event['reportingComponent'] ?? event['reportingController'],
  };
  return (Object.keys(read) as (keyof EventPattern)[]).every((key) => {
    const expected = pattern[key];
    return expected === undefined || matchesText(matching, read[key], expected);
  });
}

/** `note` is what `events.k8s.io` calls it. */
function messageOf(event: Fields): unknown {
  return event['message'] ?? event['note'];
}

function told(event: Fields): string {
  const count = event['count'];
  const times = typeof count === 'number' && count > 1 ? ` (${count} times)` : '';
  return `${word(event['type'])} ${word(event['reason'])}: ${word(messageOf(event))}${times}`;
}

/** @throws TypeError unless it is a list of events, or a List */
function eventsIn(received: unknown): readonly Fields[] {
  const list: unknown = isFields(received) ? received['items'] : received;
  if (Array.isArray(list)) return list.filter(isFields);
  throw new TypeError(
    'toHaveEvent needs a list of Events: ask for those of an object by `await environment.eventsOf(object)`.',
  );
}
