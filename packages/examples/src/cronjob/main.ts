import { Operator } from '@incumbent/core';
import { leaderElection } from '@incumbent/election';
import { CronJobController } from './cron-job-controller.js';

const operator = new Operator({
  name: 'cronjob-operator',
  controllers: [CronJobController],
  leadership: leaderElection({ name: 'cronjob-operator' }),
});
await operator.run({ signals: ['SIGTERM', 'SIGINT'] });
