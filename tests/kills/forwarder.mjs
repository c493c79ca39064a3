// Carries TCP connections between the loopback of a network namespace and its bridge. A connection that is refused or reset
// on one side is ended on the other.
import { connect, createServer } from "node:net";

const forwards = JSON.parse(process.argv[2]);
let listening = 0;
for (const { fromHost, port, toHost } of forwards) {
  const server = createServer({ allowHalfOpen: false }, (from) => {
    const to = connect({ host: toHost, port });
    for (const [one, other] of [
      [from, to],
      [to, from],
    ]) {
      one.setNoDelay(true);
      one.on("error", () => {});
      one.once("close", () => other.destroy());
      one.pipe(other);
    }
  });
  server.listen(port, fromHost, () => {
    listening++;
    if (listening === forwards.length) process.stdout.write("LISTENING\n");
  });
}
