import { Operator } from '@incumbent/core';
import { leaderElection } from '@incumbent/election';
import { WebPageController } from './web-page-controller.js';

const operator = new Operator({
  name: 'web-page-operator',
  controllers: [WebPageController],
  leadership: leaderElection({ name: 'web-page-operator' }),
});
await operator.run({ signals: ['SIGTERM', 'SIGINT'] });
