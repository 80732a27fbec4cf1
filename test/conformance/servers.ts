/** Runs one suite of claims against the embedded or the real API server: where the two differ, the embedded one is wrong. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { type Access, ControlPlane, EmbeddedApiServer } from '@incumbent/testing';
import { RawHttp } from './raw-http.js';

export type ServerKind = 'embedded' | 'real';

interface RunningServer {
  readonly access: Access;
  addUser(name: string, groups: readonly string[]): Access;
  stop(): Promise<void>;
  compact(): Promise<void>;
}

const starters: Record<ServerKind, () => Promise<RunningServer>> = {
  embedded: startEmbedded,
  real: startReal,
};

/** Which server the suites run against: `INCUMBENT_TEST_SERVER`, else the embedded one. */
export const serverKind: ServerKind = kindFrom(process.env['INCUMBENT_TEST_SERVER']);

/** One server for all claims of a file; each claim takes namespaces of its own. Usable inside claims only. */
export class ServerUnderTest {
  readonly kind = serverKind;
  readonly #users: RawHttp[] = [];
  #server: RunningServer | undefined;
  #http: RawHttp | undefined;
  #namespaces = 0;

  /** As the administrator. */
  get http(): RawHttp {
    if (this.#http) return this.#http;
    throw new Error('The server runs only while claims do: use it inside test().');
  }

  /** The administrator's way to it. */
  get access(): Access {
    if (this.#server) return this.#server.access;
    throw new Error('The server runs only while claims do: use it inside test().');
  }

  /** A namespace that no other claim knows. */
  async namespace(): Promise<string> {
    this.#namespaces += 1;
    const name = `claim-${this.#namespaces}`;
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    const answer = await this.http.call('POST', '/api/v1/namespaces', { body });
    if (answer.status !== 201) throw new Error(`no namespace for the claim: ${answer.text}`);
    return name;
  }

  /** Somebody without rights, but for those of the groups. */
  user(name: string, groups: readonly string[] = []): RawHttp {
    if (!this.#server) throw new Error('The server runs only while claims do: use it inside test().');
    return this.#clientOf(this.#server.addUser(name, groups));
  }

  /** Whoever the token says. */
  bearer(token: string): RawHttp {
    if (!this.#server) throw new Error('The server runs only while claims do: use it inside test().');
    const { url, ca } = this.#server.access;
    return this.#clientOf({ url, token, ...(ca === undefined ? {} : { ca }) });
  }

  #clientOf(access: Access): RawHttp {
    const client = new RawHttp(access);
    this.#users.push(client);
    return client;
  }

  async start(): Promise<void> {
    this.#server = await starters[this.kind]();
    this.#http = new RawHttp(this.#server.access);
  }

  async stop(): Promise<void> {
    for (const client of this.#users) client.close();
    this.#http?.close();
    await this.#server?.stop();
  }

  /** Drops the history, and what the server remembers of it. */
  async forgetHistory(): Promise<void> {
    await this.#server?.compact();
  }
}

export function describeOnServers(claims: string, define: (server: ServerUnderTest) => void): void {
  describe(`${claims} (${serverKind} API server)`, () => {
    const server = new ServerUnderTest();
    beforeAll(async () => server.start(), 90_000);
    afterAll(async () => server.stop());
    define(server);
  });
}

/** Claims that the embedded server does not keep; they are counted apart, see `run.mjs`. */
export function describeOnRealServer(claims: string, define: (server: ServerUnderTest) => void): void {
  if (serverKind === 'real') {
    describeOnServers(`${claims}, real only`, define);
    return;
  }
  // Skipped, not left out, so that they are counted on either server.
  // oxlint-disable-next-line jest/no-disabled-tests
  describe.skip(`${claims}, real only`, () => {
    define(new ServerUnderTest());
  });
}

/** Without controllers, as the real one runs here too. */
async function startEmbedded(): Promise<RunningServer> {
  const server = await EmbeddedApiServer.start({ rbac: true, controllers: false });
  return {
    access: { url: server.url, token: server.adminToken },
    addUser: (name, groups) => {
      const token = `token-of-${name}`;
      server.addUser({ name, token, groups: [...groups] });
      return { url: server.url, token };
    },
    stop: async () => server.stop(),
    compact: async () => server.compact(),
  };
}

async function startReal(): Promise<RunningServer> {
  const server = await ControlPlane.start();
  return {
    access: server.access(),
    addUser: (name, groups) => {
      server.addUser({ name, groups: [...groups] });
      return server.access(name);
    },
    stop: async () => server.stop(),
    compact: async () => {
      await server.compact();
      await server.restart({ signal: 'SIGKILL' });
    },
  };
}

function kindFrom(value = 'embedded'): ServerKind {
  if (value === 'embedded' || value === 'real') return value;
  throw new Error(`INCUMBENT_TEST_SERVER is "${value}": write "embedded" or "real".`);
}
