import { availableParallelism, hostname, tmpdir } from "node:os";
import { resolve } from "node:path";
import type { Proc } from "./platform.ts";

/** The Node process. In a worker thread, CPU time and resident memory are still those of the whole process. @internal */
export class NodeProc implements Proc {
  readonly env: Readonly<Record<string, string | undefined>> = process.env;
  readonly hostName: string = hostname();
  readonly processId: number = process.pid;
  readonly availableParallelism: number = availableParallelism();
  readonly temporaryDirectory: string = resolve(tmpdir());

  writeOut(text: string): void {
    process.stdout.write(text);
  }

  writeError(text: string): void {
    process.stderr.write(text);
  }

  memory(): { readonly heapUsedBytes: number; readonly residentBytes: number } {
    const { heapUsed, rss } = process.memoryUsage();
    return { heapUsedBytes: heapUsed, residentBytes: rss };
  }

  isAlive(processId: number): boolean {
    try {
      return process.kill(processId, 0);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "ESRCH";
    }
  }

  cpuMs(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}
