/** The two API servers that a test may run on, seen as one. */
import { randomBytes } from 'node:crypto';
import { EmbeddedApiServer, type EmbeddedApiServerOptions } from '../api-server/server.js';
import type { Access } from '../control-plane/access.js';
import { ControlPlane } from '../control-plane/control-plane.js';
import { TestServerError } from '../control-plane/error.js';
import type { ControlPlaneOptions } from '../control-plane/options.js';
import { surroundings } from './surroundings.js';

export type ServerKind = 'embedded' | 'real';

export interface ServerOptions {
  /** @defaultValue `INCUMBENT_TEST_SERVER`, else `'embedded'` */
  readonly server?: ServerKind | undefined;
  /**
   * Whether dependents of deleted owners are collected and deleted namespaces empty themselves. On the real server, that takes a
   * kube-controller-manager beside its binaries.
   *
   * @defaultValue false, on both servers: objects stay as they are written
   */
  readonly controllers?: boolean;
  /** More for the embedded server, where that is the one. */
  readonly embedded?: Omit<EmbeddedApiServerOptions, 'controllers'>;
  /** More for the control plane, where that is the one. */
  readonly real?: Omit<ControlPlaneOptions, 'controllerManager'>;
}

export interface NewUser {
  readonly name: string;
  readonly groups?: readonly string[];
}

export interface TestServer {
  readonly kind: ServerKind;
  readonly api: EmbeddedApiServer | ControlPlane;
  readonly admin: Access;
  /** Who then may do nothing that is not granted. */
  addUser(user: NewUser): Access;
}

/** @throws {@link TestServerError} `TEST_SERVER_UNKNOWN`, or what keeps the server from starting */
export async function startServer({
  server = kindFrom(surroundings.serverVariable()),
  controllers = false,
  ...options
}: ServerOptions): Promise<TestServer> {
  return server === 'real'
    ? startReal({ ...options.real, controllerManager: controllers })
    : startEmbedded({ rbac: true, ...options.embedded, controllers });
}

async function startEmbedded(options: EmbeddedApiServerOptions): Promise<TestServer> {
  const api = await EmbeddedApiServer.start(options);
  const addUser = ({ name, groups = [] }: NewUser): Access => {
    const token = randomBytes(24).toString('base64url');
    api.addUser({ name, token, groups });
    return { url: api.url, token };
  };
  return { kind: 'embedded', api, admin: { url: api.url, token: api.adminToken }, addUser };
}

async function startReal(options: ControlPlaneOptions): Promise<TestServer> {
  const api = await ControlPlane.start(options);
  const addUser = (user: NewUser): Access => {
    api.addUser(user);
    return api.access(user.name);
  };
  return { kind: 'real', api, admin: api.access(), addUser };
}

function kindFrom(value = 'embedded'): ServerKind {
  if (value === 'embedded' || value === 'real') return value;
  throw new TestServerError(
    'TEST_SERVER_UNKNOWN',
    `INCUMBENT_TEST_SERVER is "${value}": write "embedded" or "real".`,
  );
}
