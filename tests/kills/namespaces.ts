/**
 * Network namespaces of this machine, one for the JobManager and one for each TaskManager, joined by a bridge. Every process
 * still listens on its own namespace's loopback: a forwarder in each namespace carries connections between that and the bridge.
 * Needs root, `ip` and the kernel's `veth` and `bridge`.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const forwarder = fileURLToPath(new URL("./forwarder.mjs", import.meta.url));

/** JobManagers change between two: one that stands still keeps its port. */
const JOB_MANAGER_PORTS: readonly number[] = [7101, 7102];
const DATA_PORT = 7200;

export interface Forward {
  readonly fromHost: string;
  readonly port: number;
  readonly toHost: string;
}

export class Namespaces {
  readonly #name: string;
  readonly #count: number;
  readonly #forwarders: ChildProcess[] = [];

  private constructor(name: string, count: number) {
    this.#name = name;
    this.#count = count;
  }

  /** @returns Why this machine cannot, or the namespaces. */
  static async make(taskManagers: number): Promise<Namespaces | string> {
    const made = new Namespaces(`mk${process.pid % 10_000}`, taskManagers + 1);
    try {
      made.#make();
      await made.#forward();
      return made;
    } catch (error) {
      made.close();
      return error instanceof Error ? error.message.split("\n")[0]! : String(error);
    }
  }

  /** What runs a command in a namespace: 0 is the JobManager's. */
  commandOf(index: number): readonly string[] {
    return ["ip", "netns", "exec", `${this.#name}-${index}`];
  }

  jobManagerPort(number: number): number {
    return JOB_MANAGER_PORTS[number % JOB_MANAGER_PORTS.length]!;
  }

  dataPort(taskManager: number): number {
    return DATA_PORT + taskManager;
  }

  /** Cuts a TaskManager off, or joins it again: what is on its way is lost, and nobody is told. */
  cut(taskManager: number, isCut: boolean): void {
    ip("link", "set", `${this.#name}b${taskManager + 1}`, isCut ? "down" : "up");
  }

  close(): void {
    for (const each of this.#forwarders) each.kill("SIGKILL");
    for (let index = 0; index < this.#count; index++) ipIfThere("netns", "del", `${this.#name}-${index}`);
    ipIfThere("link", "del", `${this.#name}br`);
  }

  #make(): void {
    const bridge = `${this.#name}br`;
    ip("link", "add", bridge, "type", "bridge");
    ip("link", "set", bridge, "up");
    for (let index = 0; index < this.#count; index++) {
      const [namespace, here, there] = [`${this.#name}-${index}`, `${this.#name}b${index}`, `${this.#name}n${index}`];
      ip("netns", "add", namespace);
      ip("link", "add", here, "type", "veth", "peer", "name", there);
      ip("link", "set", there, "netns", namespace);
      ip("link", "set", here, "master", bridge, "up");
      ip("-n", namespace, "addr", "add", `${addressOf(index)}/24`, "dev", there);
      ip("-n", namespace, "link", "set", there, "up");
      ip("-n", namespace, "link", "set", "lo", "up");
    }
  }

  async #forward(): Promise<void> {
    for (let index = 0; index < this.#count; index++) {
      const forwards: Forward[] = [];
      for (let other = 0; other < this.#count; other++) {
        const ports = other === 0 ? JOB_MANAGER_PORTS : [this.dataPort(other - 1)];
        for (const port of ports) {
          if (other === index) forwards.push({ fromHost: addressOf(index), port, toHost: "127.0.0.1" });
          else forwards.push({ fromHost: "127.0.0.1", port, toHost: addressOf(other) });
        }
      }
      const command = [...this.commandOf(index), process.execPath, forwarder, JSON.stringify(forwards)];
      const started = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
      this.#forwarders.push(started);
      await new Promise<void>((resolve, reject) => {
        started.stdout!.once("data", () => resolve());
        started.once("close", () => reject(new Error("a forwarder has ended")));
      });
    }
  }
}

function addressOf(index: number): string {
  return `10.213.77.${index + 1}`;
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

function ipIfThere(...args: readonly string[]): void {
  try {
    ip(...args);
  } catch {
    // It was not made, or is gone with what it was joined to.
  }
}
