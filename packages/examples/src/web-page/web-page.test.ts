import { expect, test } from '@jest/globals';
import { Ingress, isNotFound } from '@incumbent/core';
import { replay, type Stage } from '@incumbent/testing/replay';
import { runPods } from '../workloads.fake.js';
import { WebPage } from './web-page.js';
import { WebPageController } from './web-page-controller.js';

test('a WebPage is served, exposed, hidden again, and refused when it is no HTML, whatever goes wrong at any write', async () => {
  const at = ({ namespace }: Stage) => ({ namespace, name: 'hello' });
  const change = (spec: object) => (stage: Stage) =>
    stage.client.patch(WebPage, at(stage), { type: 'merge', patch: { spec } });
  const report = await replay(WebPageController, {
    resources: [WebPage],
    world: runPods,
    steps: [
      (stage) =>
        stage.client.create(WebPage, {
          metadata: at(stage),
          spec: { html: '<h1>Hello</h1>', exposed: false },
        }),
      change({ exposed: true }),
      async (stage) => {
        expect((await stage.client.get(Ingress, at(stage))).spec?.rules).toHaveLength(1);
        expect((await stage.client.get(WebPage, at(stage))).status?.url).toBe('/hello');
      },
      change({ exposed: false, html: '<h1>Bye</h1>' }),
      async (stage) => {
        await expect(stage.client.get(Ingress, at(stage)).catch(isNotFound)).resolves.toBe(true);
      },
      change({ html: 'no tags' }),
      async (stage) => {
        const { status } = await stage.client.get(WebPage, at(stage));
        expect(status?.conditions?.[0]).toMatchObject({
          status: 'False',
          reason: 'NoHtml',
          observedGeneration: 4,
        });
      },
    ],
  });
  expect(report.writes).toBeGreaterThanOrEqual(10);
}, 240_000);
