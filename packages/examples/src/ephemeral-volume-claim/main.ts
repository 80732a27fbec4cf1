import { Operator } from '@incumbent/core';
import { leaderElection } from '@incumbent/election';
import { EphemeralVolumeClaimController } from './ephemeral-volume-claim-controller.js';

const operator = new Operator({
  name: 'ephemeral-volume-claim-operator',
  controllers: [EphemeralVolumeClaimController],
  leadership: leaderElection({ name: 'ephemeral-volume-claim-operator' }),
});
await operator.run({ signals: ['SIGTERM', 'SIGINT'] });
