// Passes bytes on to a server, and tells on demand how many connections were opened. A process of its own, so that nobody waits for it.
import net from 'node:net';

const [host, port] = process.argv.slice(2);
let count = 0;

const listener = net.createServer({ allowHalfOpen: true }, (client) => {
  count += 1;
  const server = net.connect({ host, port: Number(port), allowHalfOpen: true });
  for (const [from, to] of [
    [client, server],
    [server, client],
  ]) {
    from.setNoDelay(true).pipe(to);
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
  }
});
listener.listen(0, '127.0.0.1', () => process.send({ port: listener.address().port }));
process.on('message', () => process.send({ count }));
process.on('disconnect', () => process.exit(0));
