/** One request of a sequence, as plain data: it can be printed, shrunk, and sent to either server. */
import type { Json } from '../conformance/raw-http.js';

/**
 * Texts in a step that stand for what only a running server knows, of the object that the step is about:
 * its last version, the one before, its uid; of its resource: the last continue token, the last generated name.
 */
export const placeholders = {
  version: '$version',
  staleVersion: '$stale',
  uid: '$uid',
  continueToken: '$continue',
  generatedName: '$generated',
} as const;

export interface Step {
  /** What kind of request it is, for the counts. */
  readonly verb: string;
  readonly method: string;
  readonly resource: string;
  /** Empty for the collection. */
  readonly name: string;
  readonly subresource: string;
  readonly query: Readonly<Record<string, string>>;
  readonly contentType?: string;
  /** A text is sent as it stands. */
  readonly body?: Json;
}
