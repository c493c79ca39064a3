/** A process that was started to be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import type { ClusterOrder, ProcessSettings } from "./process-lines.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const main = fileURLToPath(new URL(`../../node_modules/.cache/millrace-kills/${process.pid}.mjs`, import.meta.url));
/** Compiled once: a process that takes another one's place has no compiler to load, as one of the command line has none. */
let isCompiled = false;

function compile(): void {
  if (isCompiled) return;
  isCompiled = true;
  const entry = fileURLToPath(new URL("./cluster-process.ts", import.meta.url));
  process.once("exit", () => rmSync(main, { force: true }));
  buildSync({
    entryPoints: [entry],
    outfile: main,
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
  });
}

/** What a process has said last on standard error, for whoever has to find out why something went wrong. */
const ERROR_CHARS_MAX = 20_000;

export class StartedProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting = new Set<{
    readonly beginning: string;
    resolve(line: string): void;
    reject(error: Error): void;
  }>();
  #isStopped = false;
  #errors = "";

  /** @param prefix - A command that runs the process, for instance in a network namespace. */
  constructor(settings: ProcessSettings, prefix: readonly string[], onLine: (line: string) => void) {
    this.name = settings.name;
    compile();
    const command = [...prefix, process.execPath, main, JSON.stringify(settings)];
    this.#child = spawn(command[0]!, command.slice(1), { cwd: root, stdio: ["pipe", "pipe", "pipe"] });
    this.#exited = new Promise((resolve) => this.#child.once("close", () => resolve()));
    void this.#exited.then(() => this.#onExit());
    // It is going to be killed while it is being written to.
    this.#child.stdin!.on("error", () => {});
    let rest = "";
    this.#child.stdout!.on("data", (chunk) => {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#onLine(line, onLine);
    });
    this.#child.stderr!.on("data", (chunk) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-ERROR_CHARS_MAX);
    });
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  get errors(): string {
    return this.#errors;
  }

  /** The next line with this beginning. */
  line(beginning: string): Promise<string> {
    return new Promise((resolve, reject) => this.#waiting.add({ beginning, resolve, reject }));
  }

  order(order: ClusterOrder): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
  }

  /** SIGKILL. Settles when the process is gone. */
  kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    return this.#exited;
  }

  /** SIGSTOP. */
  stop(): void {
    this.#isStopped = this.#child.kill("SIGSTOP");
  }

  /** SIGCONT. */
  resume(): void {
    this.#isStopped = false;
    this.#child.kill("SIGCONT");
  }

  #onLine(line: string, onLine: (line: string) => void): void {
    for (const waiting of this.#waiting) {
      if (!line.startsWith(waiting.beginning)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(line);
    }
    onLine(line);
  }

  #onExit(): void {
    for (const { reject } of this.#waiting) reject(new Error(`${this.name} has ended: ${this.#errors}`));
    this.#waiting.clear();
  }
}
