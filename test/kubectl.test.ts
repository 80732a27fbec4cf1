import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { EmbeddedApiServer } from '@incumbent/testing';
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
const suite = hasKubectl ? describe : describe.skip;
const title = hasKubectl
  ? 'kubectl against the embedded API server'
  : 'kubectl against the embedded API server: skipped, there is no kubectl on the PATH';

// A kubectl that is started for the first time reads a lot from disk.
jest.setTimeout(30_000);

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size}
    - {name: Note, type: string, jsonPath: .spec.note, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, minimum: 1, description: How big it is.}
              note: {type: string}
          status: {type: object, properties: {size: {type: integer}}}
`;

const deployment = (image: string, replicas: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: "${image}", env: [{name: A, value: "1"}]}
      - {name: side, image: "side:1"}
`;

const widget = (size: number) => `
apiVersion: example.com/v1
kind: Widget
metadata: {name: first, namespace: default}
spec: {size: ${size}}
`;

suite(title, () => {
  let server: EmbeddedApiServer;
  let folder: string;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    server = await EmbeddedApiServer.start();
    folder = await mkdtemp(path.join(os.tmpdir(), 'kubectl-'));
    const kubeconfig = path.join(folder, 'kubeconfig');
    await server.writeKubeconfig(kubeconfig);
    environment = { ...process.env, KUBECONFIG: kubeconfig, HOME: folder };
    await kubectl('apply', '-f', await file('definition.yaml', definition));
    await kubectl('wait', '--for=condition=Established', 'crd/widgets.example.com', '--timeout=10s');
  });

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  async function file(name: string, content: string): Promise<string> {
    const full = path.join(folder, name);
    await mkdir(path.dirname(full), { recursive: true });
    await writeFile(full, content);
    return full;
  }

  /** What kubectl prints; it rejects with what kubectl complains of. */
  async function kubectl(...words: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile('kubectl', words, { env: environment, timeout: 20_000 }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout.trim());
        else reject(new Error(stderr.trim()));
      });
    });
  }

  test('api-resources lists built-in and custom resources', async () => {
    const listed = await kubectl('api-resources');
    expect(listed).toMatch(/^leases +coordination\.k8s\.io\/v1 +true +Lease$/m);
    expect(listed).toMatch(/^widgets +wd +example\.com\/v1 +true +Widget$/m);
  });

  test('apply creates, leaves alone what did not change, and changes the rest', async () => {
    const manifest = await file('web.yaml', deployment('main:1', 2));
    expect(await kubectl('apply', '-f', manifest)).toBe('deployment.apps/web created');
    expect(await kubectl('apply', '-f', manifest)).toBe('deployment.apps/web unchanged');
    await file('web.yaml', deployment('main:2', 3));
    expect(await kubectl('apply', '-f', manifest)).toBe('deployment.apps/web configured');
    const fields =
      'jsonpath={.spec.replicas} {.spec.template.spec.containers[*].image} {.metadata.generation}';
    expect(await kubectl('get', 'deployment', 'web', '-o', fields)).toBe('3 main:2 side:1 2');
    expect(await kubectl('get', 'deploy', 'web', '--no-headers')).toMatch(/^web +0\/3 +0 +0 +\d+s$/);
  });

  test('apply of a custom resource changes it, and an invalid one is refused with the reason', async () => {
    const manifest = await file('widget.yaml', widget(3));
    expect(await kubectl('apply', '-f', manifest)).toBe('widget.example.com/first created');
    await file('widget.yaml', widget(4));
    expect(await kubectl('apply', '-f', manifest)).toBe('widget.example.com/first configured');
    await file('widget.yaml', widget(0));
    await expect(kubectl('apply', '-f', manifest)).rejects.toThrow(
      'spec.size in body should be greater than or equal to 1',
    );
  });

  test('apply -k builds and applies an overlay', async () => {
    await file('kustom/widget.yaml', widget(5).replace('first', 'overlaid'));
    await file('kustom/kustomization.yaml', 'namePrefix: my-\nresources: [widget.yaml]\n');
    expect(await kubectl('apply', '-k', path.join(folder, 'kustom'))).toBe(
      'widget.example.com/my-overlaid created',
    );
  });

  test('apply --server-side owns fields, and tells who owns them otherwise', async () => {
    const manifest = await file('owned.yaml', widget(5).replace('first', 'owned'));
    expect(await kubectl('apply', '--server-side', '-f', manifest)).toBe(
      'widget.example.com/owned serverside-applied',
    );
    await kubectl('patch', 'widget', 'owned', '--type=merge', '-p', '{"spec":{"size":6}}');
    await expect(kubectl('apply', '--server-side', '-f', manifest)).rejects.toThrow(
      'conflict with "kubectl-patch" using example.com/v1: .spec.size',
    );
    expect(await kubectl('apply', '--server-side', '--force-conflicts', '-f', manifest)).toMatch(
      /serverside-applied/,
    );
  });

  test('apply --dry-run=server says what would happen, and lets it be', async () => {
    const manifest = await file('dry.yaml', widget(5).replace('first', 'dry'));
    expect(await kubectl('apply', '--dry-run=server', '-f', manifest)).toBe(
      'widget.example.com/dry created (server dry run)',
    );
    await expect(kubectl('get', 'widget', 'dry')).rejects.toThrow('widgets.example.com "dry" not found');
  });

  test('create makes objects of built-in kinds', async () => {
    expect(await kubectl('create', 'configmap', 'settings', '--from-literal=a=b')).toBe(
      'configmap/settings created',
    );
    expect(await kubectl('create', 'namespace', 'made')).toBe('namespace/made created');
    expect(await kubectl('create', 'secret', 'generic', 'password', '--from-literal=p=w')).toBe(
      'secret/password created',
    );
    expect(await kubectl('run', 'alone', '--image=main:1')).toBe('pod/alone created');
    expect(await kubectl('get', 'configmap', 'settings', '-o', 'jsonpath={.data.a}')).toBe('b');
    await expect(kubectl('create', 'configmap', 'settings')).rejects.toThrow(
      'configmaps "settings" already exists',
    );
  });

  test('get prints tables, wide ones, and whole objects', async () => {
    await file('shown.yaml', widget(7).replace('first', 'shown'));
    await kubectl('apply', '-f', path.join(folder, 'shown.yaml'));
    expect(await kubectl('get', 'wd', 'shown')).toMatch(/^NAME +SIZE +AGE\nshown +7 +\d+s$/);
    expect(await kubectl('get', 'wd', 'shown', '-o', 'wide')).toMatch(/^NAME +SIZE +NOTE +AGE\n/);
    expect(await kubectl('get', 'wd', 'shown', '-o', 'yaml')).toMatch(
      /^apiVersion: example.com\/v1\nkind: Widget\n/,
    );
    expect(await kubectl('get', 'wd', '-A')).toMatch(/^NAMESPACE +NAME +SIZE +AGE\n/);
  });

  test('describe shows the object and its events', async () => {
    await file('told.yaml', widget(7).replace('first', 'told'));
    await kubectl('apply', '-f', path.join(folder, 'told.yaml'));
    const uid = await kubectl('get', 'widget', 'told', '-o', 'jsonpath={.metadata.uid}');
    const involved = {
      kind: 'Widget',
      name: 'told',
      namespace: 'default',
      uid,
      apiVersion: 'example.com/v1',
    };
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'told.1', namespace: 'default' },
      involvedObject: involved,
      reason: 'Grown',
      message: 'it grew',
      type: 'Normal',
      lastTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
    };
    await kubectl('create', '-f', await file('event.json', JSON.stringify(event)));
    const described = await kubectl('describe', 'widget', 'told');
    expect(described).toMatch(/^Name: +told$/m);
    expect(described).toMatch(/Normal +Grown +\S+ +it grew/);
  });

  test('label, annotate, patch, scale and edit change objects', async () => {
    await file('changed.yaml', widget(2).replace('first', 'changed'));
    await kubectl('apply', '-f', path.join(folder, 'changed.yaml'));
    expect(await kubectl('label', 'widget', 'changed', 'team=a')).toBe('widget.example.com/changed labeled');
    expect(await kubectl('annotate', 'widget', 'changed', 'note=x')).toBe(
      'widget.example.com/changed annotated',
    );
    const operation = '[{"op":"replace","path":"/spec/size","value":3}]';
    expect(await kubectl('patch', 'widget', 'changed', '--type=json', '-p', operation)).toBe(
      'widget.example.com/changed patched',
    );
    expect(await kubectl('scale', 'widget', 'changed', '--replicas=4')).toBe(
      'widget.example.com/changed scaled',
    );
    const editor = await file('editor.sh', `#!/bin/sh\nsed -i 's/size: 4/size: 5/' "$1"\n`);
    environment = { ...environment, KUBE_EDITOR: `sh ${editor}` };
    expect(await kubectl('edit', 'widget', 'changed')).toBe('widget.example.com/changed edited');
    expect(await kubectl('get', 'widgets', '-l', 'team=a', '-o', 'jsonpath={.items[*].spec.size}')).toBe('5');
  });

  test('explain tells the fields of built-in and custom kinds', async () => {
    expect(await kubectl('explain', 'lease.spec')).toMatch(/holderIdentity\s+<string>/);
    expect(await kubectl('explain', 'widget.spec.size')).toMatch(/How big it is/);
  });

  test('get -w shows changes as they happen', async () => {
    const watching = spawn('kubectl', ['get', 'configmaps', '-w', '--no-headers'], { env: environment });
    const seen = until(watching, /watched +2/);
    await kubectl('create', 'configmap', 'watched', '--from-literal=a=b');
    await kubectl('patch', 'configmap', 'watched', '-p', '{"data":{"c":"d"}}');
    expect(await seen).toMatch(/watched +1 [\s\S]*watched +2 /);
    await stop(watching);
  });

  test('wait returns when a condition holds, and when an object is gone', async () => {
    await kubectl('create', 'configmap', 'leaving');
    const gone = kubectl('wait', '--for=delete', 'configmap/leaving', '--timeout=10s');
    expect(await kubectl('delete', 'configmap', 'leaving')).toMatch(/deleted/);
    await gone;
    await file('waited.yaml', widget(2).replace('first', 'waited'));
    await kubectl('apply', '-f', path.join(folder, 'waited.yaml'));
    const grown = kubectl('wait', '--for=jsonpath={.status.size}=9', 'widget/waited', '--timeout=10s');
    await kubectl(
      'patch',
      'widget',
      'waited',
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"size":9}}',
    );
    expect(await grown).toMatch(/condition met/);
  });

  test('delete removes objects, by name, by selector, and a namespace with what is in it', async () => {
    await kubectl('create', 'namespace', 'short');
    await kubectl('create', 'configmap', 'in-it', '-n', 'short');
    expect(await kubectl('delete', 'namespace', 'short', '--timeout=10s')).toMatch(/deleted/);
    await expect(kubectl('get', 'configmap', 'in-it', '-n', 'short')).rejects.toThrow('not found');
    await kubectl('create', 'configmap', 'chosen');
    await kubectl('label', 'configmap', 'chosen', 'drop=yes');
    expect(await kubectl('delete', 'configmap', '-l', 'drop=yes')).toMatch(/"chosen" deleted/);
    await expect(kubectl('delete', 'configmap', 'chosen')).rejects.toThrow('configmaps "chosen" not found');
  });

  test('auth whoami and can-i ask the server', async () => {
    expect(await kubectl('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}')).toBe('admin');
    expect(await kubectl('auth', 'can-i', 'delete', 'pods')).toBe('yes');
  });
});

/** What a process prints until that matches. */
async function until(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (pattern.test(text)) resolve(text);
    });
    child.once('exit', () => reject(new Error(`kubectl ended after: ${text}`)));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill();
  await exited;
}
