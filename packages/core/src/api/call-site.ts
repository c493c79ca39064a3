/** Where in the user's code a pipeline call was made. Found once per call while a pipeline is built, never on the data path. */

/** The folder of this package, as it starts the frames of a stack trace: a build's frames may be mapped to the sources. */
const packageUrl: string = new URL("../../", import.meta.url).href;
/** Deep enough for every call path inside the package, plus the user's frame. */
const FRAMES_MAX = 20;

/** One call of the user on the API: what an operator's plan and an error message say about it. @internal */
export interface UserCall {
  /** The method, such as `keyBy`. */
  readonly method: string;
  /** `file:line:column` of the call. */
  readonly callSite: string;
}

/**
 * Describes the call that is running now.
 *
 * @param callerUrl - The folder of another package of ours whose method was called, as it starts the frames.
 * @internal
 */
export function userCall(method: string, callerUrl?: string): UserCall {
  return { method, callSite: currentCallSite(callerUrl === undefined ? [packageUrl] : [packageUrl, callerUrl]) };
}

function currentCallSite(ownUrls: readonly string[]): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES_MAX;
  // The text, not the frames: source maps are applied to the text.
  const { stack } = new Error("call site");
  Error.stackTraceLimit = limit;
  return callSiteOf(String(stack), ...ownUrls);
}

/**
 * The first frame of a stack trace that lies outside the packages, `file:line:column` with a plain path. When every frame
 * lies inside, as in a bundle, the outermost one; `unknown` without any frame.
 *
 * @internal
 */
export function callSiteOf(stack: string, ...ownUrls: readonly string[]): string {
  const own = ownUrls.map(plainPath);
  let outermost = "unknown";
  for (const line of stack.split("\n")) {
    const match = /^\s*at (?:.* \()?(?:async )?(.+?:\d+:\d+)\)?$/.exec(line);
    if (match === null || /^(?:node:|eval at|<anonymous>)/.test(match[1]!)) continue;
    const place = plainPath(match[1]!);
    // The packages' own tests are users of them.
    if (!own.some((folder) => place.startsWith(folder)) || /\.test\.[jt]s:/.test(place)) return place;
    outermost = place;
  }
  return outermost;
}

function plainPath(place: string): string {
  if (!place.startsWith("file://")) return place;
  const path = place.slice("file://".length);
  try {
    return decodeURIComponent(path);
  } catch {
    // A literal % in the name: better shown escaped than not at all.
    return path;
  }
}
