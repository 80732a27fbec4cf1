import { expect, test } from '@jest/globals';
import {
  alone,
  Client,
  ConfigMap,
  connect,
  ContainerModule,
  customResourceDefinition,
  Operator,
  PushSource,
  Secret,
  silentLogger,
} from '@incumbent/core';
import { VirtualClock } from '@incumbent/core/testing';
import { testEnvironment } from '@incumbent/testing/jest';
import { Registrar, Site } from './site.js';
import { SiteController } from './site-controller.js';

/** A registrar that is told who bought what. */
class TestRegistrar extends Registrar {
  readonly owners = new Map([['example.com', 'Ann']]);
  readonly changed: string[] = [];

  async ownerOf(domain: string): Promise<string> {
    return this.owners.get(domain) ?? 'nobody';
  }
  async changedDomains(): Promise<readonly string[]> {
    return this.changed.splice(0);
  }
}

const environment = testEnvironment();

test('a site follows its certificate, what a registrar is asked for, and what it is told by a webhook', async () => {
  await environment.install(customResourceDefinition(Site));
  const namespace = await environment.namespace();
  const connection = await connect({ kubeconfig: await environment.kubeconfig({ namespace }) });
  environment.defer(() => connection.close());
  const clock = new VirtualClock();
  const registrar = new TestRegistrar();
  const transfers = new PushSource('transfers');
  const services = new ContainerModule(({ bind }) => {
    bind(Registrar).toConstantValue(registrar);
    bind(PushSource).toConstantValue(transfers);
  });
  environment.run(
    new Operator({
      controllers: [SiteController],
      modules: [services],
      leadership: alone(),
      log: silentLogger,
      connection,
      clock,
      http: false,
    }),
  );

  const client = new Client(connection).unfenced();
  const key = { namespace, name: 'shop' };
  const served = (expected: object) =>
    environment.eventually(
      async () => expect((await client.get(ConfigMap, key)).data).toMatchObject(expected),
      { clock },
    );
  const spec = { domain: 'example.com', certificate: 'shop-tls' };
  await client.create(Site, { metadata: key, spec });
  await served({ owner: 'Ann', certificate: '' });

  const data = { 'tls.crt': 'Zmlyc3Q=' };
  await client.create(Secret, { metadata: { namespace, name: 'shop-tls' }, data });
  await served({ certificate: 'Zmlyc3Q=' });

  registrar.owners.set('example.com', 'Bob');
  registrar.changed.push('example.com');
  await environment.eventually(
    async () => expect((await client.get(ConfigMap, key)).data).toMatchObject({ owner: 'Bob' }),
    { clock, step: 300_000 },
  );

  registrar.owners.set('example.com', 'Eve');
  expect(transfers.push(key)).toBe(true);
  await served({ owner: 'Eve' });
}, 40_000);
