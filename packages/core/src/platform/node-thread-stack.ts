import { Session } from "node:inspector";
import { findSourceMap, type SourceMapping } from "node:module";
import type { StackFrame } from "./platform.ts";

/** A thread that does not answer within this time is in native code, or has nothing to do. */
const ANSWER_MS = 2000;

/** A pause that came at a place where V8 cannot stop, such as a call into the host, is forgotten; so it is asked for again. */
const PAUSE_AGAIN_MS = 50;

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

/**
 * Looks into a worker thread of this process through V8's inspector: the debugger stops a thread also in an endless loop.
 * Must be called from the main thread; anywhere else the inspector sees no threads and the stack is empty.
 * Lines are those of the source when this thread has loaded the module, too, with source maps enabled.
 * @internal
 */
export function threadCallStack(threadId: number): Promise<readonly StackFrame[]> {
  const session = new Session();
  session.connect();
  return new Promise<readonly StackFrame[]>((resolve) => {
    let pauses: NodeJS.Timeout | undefined;
    const answer = (frames: readonly StackFrame[]): void => {
      clearTimeout(timer);
      clearInterval(pauses);
      resolve(frames);
    };
    const timer = setTimeout(() => answer([]), ANSWER_MS);
    const urls = new Map<string, string>();
    let frames: Paused["callFrames"] = [];
    let sessionId: string | undefined;
    let nextId = 0;
    const send = (method: string): void => {
      const message = JSON.stringify({ id: ++nextId, method });
      session.post("NodeWorker.sendMessageToWorker", { sessionId: sessionId!, message });
    };
    session.on("NodeWorker.attachedToWorker", ({ params }: { readonly params: Attached }) => {
      if (!params.workerInfo.title.startsWith(`[worker ${threadId}]`)) return;
      sessionId = params.sessionId;
      // Set first, because the answer may come from within a call of `send`.
      pauses = setInterval(() => send("Debugger.pause"), PAUSE_AGAIN_MS);
      send("Debugger.enable");
      send("Debugger.pause");
    });
    session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId !== sessionId) return;
      // What V8 sends is as its protocol says.
      const { method, params: event } = JSON.parse(params.message) as { method?: string; params?: unknown };
      if (method === "Debugger.scriptParsed") {
        const script = event as { readonly scriptId: string; readonly url: string };
        urls.set(script.scriptId, script.url);
      } else if (method === "Debugger.paused") {
        clearInterval(pauses);
        frames = (event as Paused).callFrames;
        send("Debugger.resume");
      } else if (method === "Debugger.resumed") {
        // Not earlier: a thread that is left while it stands still cannot be ended any more.
        answer(frames.map((frame) => frameOf(frame, urls)));
      }
    });
    session.post("NodeWorker.enable", { waitForDebuggerOnStart: false }, (error) => {
      // By now all threads have been attached to: one that has not does not run.
      if (error !== null || sessionId === undefined) answer([]);
    });
  }).finally(() => session.disconnect());
}

function frameOf(frame: Paused["callFrames"][number], urls: ReadonlyMap<string, string>): StackFrame {
  const { functionName, location } = frame;
  const url = urls.get(location.scriptId) ?? "";
  const map = url.startsWith("file:") ? findSourceMap(url) : undefined;
  // Empty for code that is in no source.
  const found: Partial<SourceMapping> = map?.findEntry(location.lineNumber, location.columnNumber) ?? {};
  if (found.originalSource === undefined || found.originalLine === undefined)
    return { functionName, url, line: location.lineNumber + 1 };
  return { functionName, url: found.originalSource, line: found.originalLine + 1 };
}
