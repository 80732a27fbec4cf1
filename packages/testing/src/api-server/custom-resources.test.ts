import { afterEach, describe, expect, test } from '@jest/globals';
import {
  apply,
  definitions,
  establish,
  eventually,
  givenServer,
  stopServers,
  table,
  widget,
  widgetDefinition,
  widgets,
} from './given.fake.js';
import type { Client } from './given.fake.js';

afterEach(stopServers);

async function given(definition?: object): Promise<Client> {
  const client = await givenServer();
  await establish(client, definition);
  return client;
}

const theDefinition = `${definitions}/widgets.example.com`;

describe('a custom resource definition', () => {
  test('is established, and its resource discovered', async () => {
    const client = await given();
    const { body } = await client.get(theDefinition);
    expect(body['status']).toMatchObject({
      conditions: [
        { type: 'NamesAccepted', status: 'True' },
        { type: 'Established', status: 'True' },
      ],
      acceptedNames: { plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
      storedVersions: ['v1'],
    });
    expect((await client.get('/apis/example.com/v1')).body['resources']).toMatchObject([
      { name: 'widgets', shortNames: ['wd'] },
      { name: 'widgets/status' },
      { name: 'widgets/scale', group: 'autoscaling' },
    ]);
  });

  test('is refused if its name, its schema or its storage version is wrong', async () => {
    const client = await givenServer();
    const group = await client.post(definitions, widgetDefinition({ group: 'other.com' }));
    expect(group.body).toMatchObject({ code: 422, details: { causes: [{ field: 'metadata.name' }] } });
    const none = await client.post(definitions, widgetDefinition({ versions: [] }));
    expect(none.body['message']).toMatch(/must have exactly one version marked as storage version/);
    const untyped = { type: 'object', properties: { spec: {} } };
    const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: untyped } };
    const loose = await client.post(definitions, widgetDefinition({ versions: [version] }));
    expect(loose.body).toMatchObject({ code: 422 });
  });

  test('takes its objects along when it is deleted, and is unknown afterwards', async () => {
    const client = await given();
    await client.post(widgets, widget('a', { size: 1 }, { metadata: { name: 'a', finalizers: ['x.y/z'] } }));
    await client.post(widgets, widget('b', { size: 1 }));
    await client.delete(theDefinition);
    await eventually(
      () => client.get(`${widgets}/b`),
      ({ status }) => status === 404,
    );
    expect((await client.get(theDefinition)).status).toBe(200);
    await client.patch(`${widgets}/a`, { metadata: { finalizers: null } });
    const gone = await eventually(
      () => client.get(widgets),
      ({ status }) => status === 404,
    );
    expect(gone.body).toBe('404 page not found\n');
  });

  test('with two versions serves each object in both', async () => {
    const { spec } = widgetDefinition() as { spec: { versions: [object] } };
    const [first] = spec.versions;
    const client = await given(
      widgetDefinition({ versions: [first, { ...first, name: 'v2', storage: false }] }),
    );
    await client.post('/apis/example.com/v2/namespaces/default/widgets', {
      ...widget('a', { size: 2 }),
      apiVersion: 'example.com/v2',
    });
    expect((await client.get(`${widgets}/a`)).body).toMatchObject({
      apiVersion: 'example.com/v1',
      spec: { size: 2 },
    });
    const changed = await client.get('/apis/example.com/v2/namespaces/default/widgets/a');
    expect(changed.body).toMatchObject({ apiVersion: 'example.com/v2', spec: { size: 2 } });
  });

  test('that changes ends the watches of its resource, and its new schema holds', async () => {
    const client = await given();
    const watch = await client.watch(`${widgets}?watch=1`);
    const path = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/maximum';
    const headers = { 'content-type': 'application/json-patch+json' };
    expect((await client.patch(theDefinition, [{ op: 'replace', path, value: 100 }], headers)).status).toBe(
      200,
    );
    expect(await watch.next()).toBeUndefined();
    expect((await client.post(widgets, widget('a', { size: 50 }))).status).toBe(201);
  });
});

describe('a custom resource', () => {
  test('is pruned, defaulted and validated', async () => {
    const client = await given();
    const made = await client.post(widgets, widget('a', { size: 3, zork: 1 }));
    expect(made.body).toMatchObject({ spec: { size: 3, note: 'hi' }, metadata: { generation: 1 } });
    expect(made.body['spec']).not.toHaveProperty('zork');
    expect(made.headers.get('warning')).toBe('299 - "unknown field \\"spec.zork\\""');
    const big = await client.post(widgets, widget('b', { size: 30 }));
    expect(big.body).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { name: 'b', group: 'example.com', kind: 'Widget', causes: [{ field: 'spec.size' }] },
    });
  });

  test('counts generations for its spec, not for status or labels', async () => {
    const client = await given();
    await client.post(widgets, widget('a', { size: 3 }));
    const generation = async (sent: Promise<{ body: { [key: string]: { [key: string]: unknown } } }>) =>
      (await sent).body['metadata']?.['generation'];
    expect(await generation(client.patch(`${widgets}/a`, { metadata: { labels: { a: 'b' } } }))).toBe(1);
    expect(await generation(client.patch(`${widgets}/a/status`, { status: { size: 2 } }))).toBe(1);
    expect(await generation(client.patch(`${widgets}/a`, { spec: { size: 4 } }))).toBe(2);
  });

  test('has its status written through the subresource alone, and that writes nothing else', async () => {
    const client = await given();
    await client.post(widgets, widget('a', { size: 3 }, { status: { size: 9 } }));
    expect((await client.get(`${widgets}/a`)).body).not.toHaveProperty('status');
    await client.patch(`${widgets}/a`, { status: { size: 9 } });
    expect((await client.get(`${widgets}/a`)).body).not.toHaveProperty('status');
    const both = { status: { size: 2 }, spec: { size: 5 }, metadata: { labels: { a: 'b' } } };
    const { body } = await client.patch(`${widgets}/a/status`, both);
    expect(body).toMatchObject({ status: { size: 2 }, spec: { size: 3 } });
    expect(body['metadata']).not.toHaveProperty('labels');
  });

  test('is scaled through its scale subresource', async () => {
    const client = await given();
    await client.post(widgets, widget('a', { size: 3 }));
    expect((await client.get(`${widgets}/a/scale`)).body).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 3 },
    });
    expect((await client.patch(`${widgets}/a/scale`, { spec: { replicas: 5 } })).body).toMatchObject({
      spec: { replicas: 5 },
    });
    expect((await client.get(`${widgets}/a`)).body).toMatchObject({ spec: { size: 5 } });
  });

  test('is applied, and refuses strategic merge patches', async () => {
    const client = await given();
    const made = await client.patch(`${widgets}/a?fieldManager=m`, widget('a', { size: 2 }), apply);
    expect(made).toMatchObject({ status: 201, body: { spec: { size: 2, note: 'hi' } } });
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
    expect((await client.patch(`${widgets}/a`, {}, strategic)).status).toBe(415);
  });

  test('is printed in the columns of its definition', async () => {
    const client = await given();
    await client.post(widgets, widget('a', { size: 2 }));
    const { body } = await client.get(widgets, table);
    expect(body['columnDefinitions']).toMatchObject([{ name: 'Name' }, { name: 'Size' }, { name: 'Age' }]);
    expect(body['rows']).toMatchObject([{ cells: ['a', 2, expect.stringMatching(/^\d+s$/)] }]);
  });

  test('says what it is, or is refused', async () => {
    const client = await given();
    expect((await client.post(widgets, { metadata: { name: 'a' }, spec: { size: 1 } })).status).toBe(400);
    expect(
      (await client.post(widgets, { ...widget('a', { size: 1 }), apiVersion: 'example.com/v2' })).status,
    ).toBe(400);
    expect((await client.post(widgets, { ...widget('a', { size: 1 }), kind: 'Gadget' })).status).toBe(422);
  });
});
