import { readFile } from 'node:fs/promises';
import { IncumbentError, messageOf } from '../kit/error.js';

/** A file whose content rotates, such as a token that the kubelet renews. */
export class CredentialFile {
  readonly path: string;
  readonly #what: string;
  #last: Buffer | undefined;

  /** @param what - for the error, such as "the token of user x" */
  constructor(path: string, what: string) {
    this.path = path;
    this.#what = what;
  }

  /** Its content now; if it can't be read at the moment, what it was, which the server may still accept. */
  async read(): Promise<Buffer> {
    try {
      this.#last = await readFile(this.path);
    } catch (error) {
      if (!this.#last) throw this.#failure(messageOf(error), error);
    }
    if (this.#last.length === 0) throw this.#failure('it is empty.');
    return this.#last;
  }

  /** The server does not accept what it was. */
  forget(): void {
    this.#last = undefined;
  }

  #failure(why: string, cause?: unknown): IncumbentError {
    return new IncumbentError('CREDENTIALS_FAILED', `${this.#what} can't be had from ${this.path}: ${why}`, {
      cause,
    });
  }
}
