/**
 * Who may ask at all. Nobody is asked who they are, so that only this machine is let in, and of it no page that a browser
 * has loaded from elsewhere:
 *
 * - G1. The `Host` of a request is a loopback name: a foreign name that leads here (DNS rebinding) is refused.
 * - G2. What changes anything is not sent by a page of another origin.
 */
import { isLoopback } from "millrace/internal";
import { forbidden } from "./rest-failures.ts";

const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/** What is looked at of a request. @internal */
export interface GuardedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** @throws MillraceError `MR_REST_FORBIDDEN` @internal */
export function checkRequest({ method, headers }: GuardedRequest): void {
  const { host, origin } = headers;
  const site = headers["sec-fetch-site"];
  if (typeof host !== "string" || !isLoopback(hostNameOf(`http://${host}`) ?? "")) {
    throw forbidden(
      "The request is for another name than this machine's own",
      `Host: ${String(host)}`,
      "Ask with localhost, 127.0.0.1 or [::1] as the host; others are not let in until there is authentication",
    );
  }
  if (READING.has(method)) return;
  const isForeign = origin !== undefined && origin !== `http://${host}`;
  if (isForeign || site === "cross-site" || site === "same-site") {
    throw forbidden(
      "A page of another origin must not change anything here",
      `Origin: ${String(origin)}`,
      "Ask from the command line, or from a page that this JobManager itself serves",
    );
  }
}

/** Without brackets around an IPv6 address; undefined when it is no URL. */
function hostNameOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, username, pathname } = new URL(url);
  return username === "" && pathname === "/" ? hostname.replace(/^\[(.*)\]$/, "$1") : undefined;
}
