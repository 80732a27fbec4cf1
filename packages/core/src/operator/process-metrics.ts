import type { Metrics } from '../kit/metrics.js';

/** What the usual dashboards show of the process itself. Returns what brings them up to date. */
export function processMetrics(metrics: Metrics, startedAt: Date): () => void {
  const cpu = metrics.counter({
    name: 'process_cpu_seconds_total',
    help: 'Seconds of CPU time, user and system.',
  });
  const memory = metrics.gauge({ name: 'process_resident_memory_bytes', help: 'Bytes of resident memory.' });
  const start = metrics.gauge({
    name: 'process_start_time_seconds',
    help: 'Unix time at which the operator started.',
  });
  start.set(startedAt.getTime() / 1000);
  let counted = 0;
  return () => {
    const { user, system } = process.cpuUsage();
    cpu.inc({}, (user + system) / 1e6 - counted);
    counted = (user + system) / 1e6;
    memory.set(process.memoryUsage.rss());
  };
}
