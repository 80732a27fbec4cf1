import { type Duration, messageOf, milliseconds } from '@incumbent/core/client';
import { InvalidArgumentError } from 'commander';

/** For options that take a time: milliseconds. */
export function duration(text: string): number {
  try {
    return milliseconds(text as Duration);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}
