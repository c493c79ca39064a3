/** A proxy that answers requests as a service does that is in trouble. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** From 0, over all requests. */
  readonly index: number;
}

/**
 * - `status`: refused, and not carried out;
 * - `reset`: the connection breaks before anything is carried out; `lost`: after;
 * - `silent`, `silentAfter`: nothing is ever answered, before or after it was carried out;
 * - `cut`: the answer breaks off in its middle; `short`: it ends there as if that were all of it;
 * - `damaged`: a byte of what is sent changes on the way;
 * - `answer`: something else is answered after it was carried out.
 */
export type Verdict =
  | { readonly kind: "status"; readonly status: number; readonly body?: string }
  | { readonly kind: "answer"; readonly body: string }
  | { readonly kind: "reset" | "lost" | "silent" | "silentAfter" | "cut" | "short" | "damaged" };

export interface FaultyProxy {
  readonly url: string;
  readonly requests: readonly ProxiedRequest[];
  /** Undefined: the request is passed on as it is. */
  judge: (request: ProxiedRequest) => Verdict | undefined;
  /** Hears of every request that nobody will answer. */
  onSilence: () => void;
  close(): Promise<void>;
}

/**
 * In front of a port of this machine. Answers that name another port as `Location`, as those of WebHDFS do, name the proxy instead,
 * with that port in the path: requests to it go through here, too.
 */
export async function startFaultyProxy(targetPort: number): Promise<FaultyProxy> {
  const requests: ProxiedRequest[] = [];
  const server = createServer((incoming, answer) => {
    const { method = "", url = "", headers } = incoming;
    const proxied = { method, url, headers, index: requests.length };
    requests.push(proxied);
    void bodyOf(incoming).then((body) => handle(targetPort, { proxied, body, answer, proxy }));
  });
  const proxy: FaultyProxy & { url: string } = {
    url: "",
    requests,
    judge: () => undefined,
    onSilence: () => {},
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}

interface Handled {
  readonly proxied: ProxiedRequest;
  readonly body: Buffer;
  readonly answer: ServerResponse;
  readonly proxy: FaultyProxy;
}

async function handle(targetPort: number, { proxied, body, answer, proxy }: Handled): Promise<void> {
  const verdict = proxy.judge(proxied);
  switch (verdict?.kind) {
    case "status":
      answer.writeHead(verdict.status, { "content-type": "application/xml" }).end(verdict.body ?? "");
      return;
    case "reset":
      answer.destroy();
      return;
    case "silent":
      proxy.onSilence();
      return;
    case "damaged":
      if (body.length > 0) body[body.length >> 1]! ^= 1;
      break;
  }
  const [, port, path] = /^\/@(\d+)(\/.*)$/.exec(proxied.url) ?? [];
  const target = port === undefined ? proxied : { ...proxied, url: path! };
  const answered = throughProxy(await forward(Number(port ?? targetPort), target, body), proxy.url);
  switch (verdict?.kind) {
    case "lost":
      answer.destroy();
      return;
    case "silentAfter":
      proxy.onSilence();
      return;
    case "answer":
      answer.writeHead(200, { "content-type": "application/xml" }).end(verdict.body);
      return;
    case "short":
      send(answer, { ...answered, body: answered.body.subarray(0, answered.body.length >> 1) });
      return;
    case "cut":
      answer.writeHead(answered.status, { ...answered.headers, "content-length": String(answered.body.length || 10) });
      answer.write(answered.body.subarray(0, answered.body.length >> 1), () => answer.destroy());
      return;
    default:
      send(answer, answered, proxied.method === "HEAD");
  }
}

interface Answered {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

function throughProxy(answered: Answered, url: string): Answered {
  if (answered.body.length > 10_000 || !answered.body.includes('"Location"')) return answered;
  const text = answered.body.toString().replace(/"http:\/\/[^/:"]+:(\d+)\//, (_, port: string) => `"${url}/@${port}/`);
  return { ...answered, body: Buffer.from(text) };
}

function send(answer: ServerResponse, { status, headers, body }: Answered, isHead = false): void {
  // What a HEAD is answered is the length of what a GET would be.
  answer.writeHead(status, isHead ? headers : { ...headers, "content-length": String(body.length) }).end(body);
}

function forward(port: number, { method, url, headers }: ProxiedRequest, body: Buffer): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { connection: _, "transfer-encoding": __, ...kept } = headers;
    const length = body.length > 0 || method === "PUT" || method === "POST" ? { "content-length": body.length } : {};
    const passed = request(
      { host: "127.0.0.1", port, method, path: url, headers: { ...kept, ...length } },
      (incoming) => {
        void bodyOf(incoming).then((answered) => {
          const answeredHeaders: Record<string, string | string[]> = {};
          for (const [name, value] of Object.entries(incoming.headers)) {
            if (value !== undefined && name !== "transfer-encoding" && name !== "connection")
              answeredHeaders[name] = value;
          }
          resolve({ status: incoming.statusCode ?? 0, headers: answeredHeaders, body: answered });
        }, reject);
      },
    );
    passed.once("error", reject);
    passed.end(body);
  });
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
