import { existsSync, readFileSync } from "node:fs";
import { Session } from "node:inspector";
import { findSourceMap, SourceMap, type SourceMapping } from "node:module";
import type { StackFrame } from "./platform.ts";

/** How often is looked for what the thread has answered. */
const POLL_MS = 5;

/** A thread that has not answered after so many polls, 2 s, is in native code, or has nothing to do. */
const POLLS_MAX = 400;

/** A pause that came at a place where V8 cannot stop, such as a call into the host, is forgotten; so it is asked for again. */
const POLLS_PER_PAUSE = 10;

interface Attached {
  readonly sessionId: string;
  /** Starts with "[worker N]", N being the thread's id; the protocol's own ids are numbers of the session. */
  readonly workerInfo: { readonly title: string };
}

interface Paused {
  readonly callFrames: readonly {
    readonly functionName: string;
    readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number };
  }[];
}

/** What the inspector has said so far. */
interface Seen {
  /** Undefined while the thread was not found. */
  sessionId: string | undefined;
  readonly urls: Map<string, string>;
  frames: Paused["callFrames"] | undefined;
  /** The thread runs as if nobody had looked. */
  isReleased: boolean;
}

/** Number of the message after which the thread is released. */
const RELEASE_ID = 0;

/**
 * Looks into a worker thread of this process through V8's inspector: the debugger stops a thread also in an endless loop.
 * Must be called from the main thread; anywhere else the inspector sees no threads and the stack is empty.
 * Lines are those of the source when this thread has loaded the module, too, with source maps enabled.
 * @internal
 */
export function threadCallStack(threadId: number): Promise<readonly StackFrame[]> {
  const session = new Session();
  session.connect();
  const seen = watch(session, threadId);
  let lastId = RELEASE_ID;
  const send = (method: string, id: number = ++lastId): void => {
    const message = JSON.stringify({ id, method });
    session.post("NodeWorker.sendMessageToWorker", { sessionId: seen.sessionId!, message });
  };
  return new Promise((resolve) => {
    session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
    let polls = 0;
    let isReleasing = false;
    const timer = setInterval(() => {
      // All threads are attached to at once: one that is not has ended.
      if (seen.sessionId === undefined || seen.isReleased || polls > POLLS_MAX) {
        clearInterval(timer);
        session.disconnect();
        resolve((seen.frames ?? []).map((frame) => frameOf(frame, seen.urls)));
      } else if (!isReleasing && (seen.frames !== undefined || polls === POLLS_MAX - POLLS_PER_PAUSE)) {
        // A thread that is left while it stands still cannot be ended any more, and a pause that was asked for twice may
        // come twice: this takes back both.
        isReleasing = true;
        send("Debugger.resume");
        send("Debugger.disable", RELEASE_ID);
      } else if (!isReleasing && polls % POLLS_PER_PAUSE === 0) {
        if (polls === 0) send("Debugger.enable");
        send("Debugger.pause");
      }
      polls++;
    }, POLL_MS);
  });
}

/**
 * Notes what is said about the thread, and nothing more: the inspector speaks in the middle of whatever this thread is
 * doing, be it Node's own work on its timers, so that a timer set or a promise settled from there breaks what it meets.
 */
function watch(session: Session, threadId: number): Seen {
  const seen: Seen = { sessionId: undefined, urls: new Map(), frames: undefined, isReleased: false };
  session.on("NodeWorker.attachedToWorker", ({ params }: { readonly params: Attached }) => {
    if (params.workerInfo.title.startsWith(`[worker ${threadId}]`)) seen.sessionId = params.sessionId;
  });
  session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
    if (params.sessionId !== seen.sessionId) return;
    // What V8 sends is as its protocol says.
    const {
      id,
      method,
      params: event,
    } = JSON.parse(params.message) as { id?: number; method?: string; params?: unknown };
    if (id === RELEASE_ID) {
      seen.isReleased = true;
    } else if (method === "Debugger.scriptParsed") {
      const script = event as { readonly scriptId: string; readonly url: string };
      seen.urls.set(script.scriptId, script.url);
    } else if (method === "Debugger.paused") {
      seen.frames ??= (event as Paused).callFrames;
    }
  });
  return seen;
}

function frameOf(frame: Paused["callFrames"][number], urls: ReadonlyMap<string, string>): StackFrame {
  const { functionName, location } = frame;
  const url = urls.get(location.scriptId) ?? "";
  const map = url.startsWith("file:") ? (findSourceMap(url) ?? sourceMapBeside(url)) : undefined;
  // Empty for code that is in no source.
  const found: Partial<SourceMapping> = map?.findEntry(location.lineNumber, location.columnNumber) ?? {};
  if (found.originalSource === undefined || found.originalLine === undefined)
    return { functionName, url, line: location.lineNumber + 1 };
  return { functionName, url: new URL(found.originalSource, url).href, line: found.originalLine + 1 };
}

/** Node knows the maps of modules that this thread has loaded; the map of a bundle that only others load lies beside it. */
function sourceMapBeside(url: string): SourceMap | undefined {
  const file = new URL(`${url}.map`);
  if (!existsSync(file)) return undefined;
  return new SourceMap(JSON.parse(readFileSync(file, "utf8")) as ConstructorParameters<typeof SourceMap>[0]);
}
