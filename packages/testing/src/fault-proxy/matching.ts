/** Says which requests a fault strikes, and how often. */
import { Fault, type SeenRequest } from './fault.js';

export interface RequestPattern {
  /** In capitals. @defaultValue any */
  readonly method?: string | readonly string[];
  /** A string: how the path begins; an expression is tried on path and query. @defaultValue any */
  readonly path?: string | RegExp;
  /** @defaultValue any */
  readonly watch?: boolean;
}

export type Matching = RequestPattern | ((request: SeenRequest) => boolean);

export interface StrikeOptions {
  /** @defaultValue every request */
  readonly matching?: Matching;
  /** How many requests it strikes before it lets all pass. @defaultValue no limit */
  readonly times?: number;
}

/** A fault that picks its victims by request. */
export abstract class RequestFault extends Fault {
  override readonly needsHttp = true;
  readonly #matching: Matching;
  #left: number;

  constructor({ matching = {}, times = Infinity }: StrikeOptions) {
    super();
    this.#matching = matching;
    this.#left = times;
  }

  protected wouldStrike(request: SeenRequest): boolean {
    return this.#left > 0 && matches(this.#matching, request);
  }

  /** True if this request is struck, which is then counted. */
  protected strikesAt(request: SeenRequest): boolean {
    if (!this.wouldStrike(request)) return false;
    this.#left -= 1;
    this.struck();
    return true;
  }
}

export function matches(matching: Matching, request: SeenRequest): boolean {
  if (typeof matching === 'function') return matching(request);
  const { method, path, watch } = matching;
  return (
    (method === undefined || [method].flat().includes(request.method)) &&
    (path === undefined || matchesPath(path, request.path)) &&
    (watch === undefined || watch === request.isWatch)
  );
}

function matchesPath(pattern: string | RegExp, path: string): boolean {
  return typeof pattern === 'string' ? path.startsWith(pattern) : path.search(pattern) >= 0;
}
