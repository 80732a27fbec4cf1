import { Operator } from '@incumbent/core';
import { leaderElection } from '@incumbent/election';
import { MemcachedController } from './memcached-controller.js';

const operator = new Operator({
  name: 'memcached-operator',
  controllers: [MemcachedController],
  leadership: leaderElection({ name: 'memcached-operator' }),
});
await operator.run({ signals: ['SIGTERM', 'SIGINT'] });
