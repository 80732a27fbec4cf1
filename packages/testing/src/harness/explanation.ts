/** Adds to a failure what only the one who waited knows. */
import { inspect, stripVTControlCharacters } from 'node:util';
import { TestServerError } from '../control-plane/error.js';

const EARLIER_SHOWN = 3;
const SHOWN_LENGTH = 160;

/** What the attempts came to, as long as none succeeded. */
export interface Attempts {
  readonly what: string;
  /** Milliseconds. */
  readonly waited: number;
  readonly count: number;
  /** Each as often as it came; the last one is the last. */
  readonly failures: readonly unknown[];
  /** The last attempt has not ended, and so has left no failure. */
  readonly hanging: boolean;
}

/** The last failure itself: its class, diff and stack are kept, the explanation and the place of the wait come after them. */
export function explain(attempts: Attempts, site: Error): Error {
  const { failures, hanging } = attempts;
  const remark = remarkOn(attempts);
  if (failures.length === 0) return new TestServerError('EVENTUALLY_HANGS', remark);
  const last = failures.at(-1);
  const error = last instanceof Error && Object.isExtensible(last) ? last : wrap(last);
  return extend(error, hanging ? `${remark} The attempt after it had not ended.` : remark, site);
}

function extend(error: Error, remark: string, site: Error): Error {
  const before = error.message;
  const stack = error.stack ?? '';
  error.message = `${before}\n\n${remark}`;
  // The stack begins with the message as it was when the error was made. Runners print the stack.
  const at = before === '' ? -1 : stack.indexOf(before);
  const head = at < 0 ? `${error.name}: ` : stack.slice(0, at);
  const frames = at < 0 ? framesOf(stack) : stack.slice(at + before.length).split('\n');
  const known = new Set(frames.map((line) => line.trim()));
  const more = framesOf(site.stack ?? '').filter((line) => !known.has(line.trim()));
  error.stack = [`${head}${error.message}`, ...[...frames, ...more].filter((line) => line !== '')].join('\n');
  return error;
}

function framesOf(stack: string): string[] {
  return stack.split('\n').filter((line) => /^\s+at /.test(line));
}

function remarkOn({ what, waited, count, failures, hanging }: Attempts): string {
  const begin = `Waited ${(waited / 1000).toFixed(1)} s for ${what}`;
  if (failures.length === 0) return `${begin}: the first attempt had not ended.`;
  const tries = `${begin}, in ${count} ${count === 1 ? 'attempt' : 'attempts'}.`;
  return [tries, history(failures, hanging)].filter(Boolean).join(' ');
}

/** How the failures changed while we waited: often what went wrong shows there. */
function history(failures: readonly unknown[], hanging: boolean): string | undefined {
  const words = failures.map(firstWords);
  const last = words.at(-1);
  const since = words.findLastIndex((text) => text !== last) + 1;
  if (since === 0) return undefined;
  const earlier = [...new Set(words.slice(0, since))].filter((text) => text !== last);
  const shown = earlier.slice(-EARLIER_SHOWN).map((text) => `"${text}"`);
  const place = since + 1 === words.length && !hanging ? 'only the last' : `from attempt ${since + 1} on`;
  return `It failed like this ${place}; before: ${shown.join(', ')}.`;
}

function firstWords(failure: unknown): string {
  const text = stripVTControlCharacters(failure instanceof Error ? failure.message : inspect(failure));
  const [first = ''] = text.split('\n');
  return [first.trim(), receivedIn(text)].filter(Boolean).join(', ').slice(0, SHOWN_LENGTH);
}

/** The first line is the same for every failure of a matcher: what was received tells them apart. */
function receivedIn(text: string): string | undefined {
  const at = text.search(/^ *Received/m);
  const diff = text.split('\n').filter((line) => line.startsWith('+ ') && !/^\+ +Received/.test(line));
  return (at < 0 ? diff.join(' ') : text.slice(at)).replaceAll(/\s+/g, ' ').trim();
}

function wrap(thrown: unknown): Error {
  const words = thrown instanceof Error ? thrown.message : inspect(thrown);
  return new TestServerError('EVENTUALLY_FAILED', `The assertion threw ${words}.`, { cause: thrown });
}
