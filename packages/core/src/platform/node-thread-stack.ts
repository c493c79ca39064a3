import { Session } from "node:inspector";
import type { StackFrame } from "./platform.ts";

/** A thread that does not answer within this time has ended, or is in native code. */
const ANSWER_MS = 2000;

interface Attached {
  readonly sessionId: string;
  readonly workerInfo: { readonly workerId: string };
}

interface Paused {
  readonly callFrames: readonly {
    readonly functionName: string;
    readonly location: { readonly scriptId: string; readonly lineNumber: number };
  }[];
}

/**
 * Looks into a worker thread of this process through V8's inspector: the debugger stops a thread also in an endless loop.
 * Must be called from the main thread; anywhere else the inspector sees no threads and the stack is empty.
 * @internal
 */
export function threadCallStack(threadId: number): Promise<readonly StackFrame[]> {
  const session = new Session();
  session.connect();
  return new Promise<readonly StackFrame[]>((resolve) => {
    const timer = setTimeout(() => resolve([]), ANSWER_MS);
    const urls = new Map<string, string>();
    let sessionId: string | undefined;
    let nextId = 0;
    const send = (method: string): void => {
      const message = JSON.stringify({ id: ++nextId, method });
      session.post("NodeWorker.sendMessageToWorker", { sessionId: sessionId!, message });
    };
    session.on("NodeWorker.attachedToWorker", ({ params }: { readonly params: Attached }) => {
      if (params.workerInfo.workerId !== String(threadId)) return;
      sessionId = params.sessionId;
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
        clearTimeout(timer);
        send("Debugger.resume");
        resolve((event as Paused).callFrames.map((frame) => frameOf(frame, urls)));
      }
    });
    session.post("NodeWorker.enable", { waitForDebuggerOnStart: false }, (error) => {
      if (error === null) return;
      clearTimeout(timer);
      resolve([]);
    });
  }).finally(() => session.disconnect());
}

function frameOf(frame: Paused["callFrames"][number], urls: ReadonlyMap<string, string>): StackFrame {
  return {
    functionName: frame.functionName,
    url: urls.get(frame.location.scriptId) ?? "",
    line: frame.location.lineNumber + 1,
  };
}
