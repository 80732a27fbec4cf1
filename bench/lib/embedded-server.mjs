// The embedded API server as a process that lives no longer than who started it.
import { EmbeddedApiServer } from '@incumbent/testing';

const [kubeconfig] = process.argv.slice(2);
const server = await EmbeddedApiServer.start({ history: 100_000, journal: 1000 });
await server.writeKubeconfig(kubeconfig);
process.on('disconnect', () => process.exit(0));
process.send({ url: server.url });
