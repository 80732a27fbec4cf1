/** The small operators, for whoever wants to run them elsewhere than in their own main. */
export { CronJob } from './cronjob/cron-job.js';
export { CronJobController } from './cronjob/cron-job-controller.js';
export { EphemeralVolumeClaim } from './ephemeral-volume-claim/ephemeral-volume-claim.js';
export { EphemeralVolumeClaimController } from './ephemeral-volume-claim/ephemeral-volume-claim-controller.js';
export { Memcached } from './memcached/memcached.js';
export { MemcachedController } from './memcached/memcached-controller.js';
export { WebPage } from './web-page/web-page.js';
export { WebPageController } from './web-page/web-page-controller.js';
