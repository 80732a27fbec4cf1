/** The parts of the API server that its handlers work with. */
import type { Authorizer } from './authorization.js';
import type { Authenticator } from './authentication.js';
import type { Deletion } from './deletion.js';
import type { Environment } from './environment.js';
import type { Objects } from './objects.js';
import type { Registry } from './registry.js';
import type { Storage } from './storage.js';

export interface Kernel {
  readonly environment: Environment;
  readonly storage: Storage;
  readonly registry: Registry;
  readonly objects: Objects;
  readonly deletion: Deletion;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** Milliseconds between the bookmarks of a watch. */
  readonly bookmarkInterval: number;
}
