/** The REST API over a simulated cluster: requests are answered without a port, and time passes only while they are. */
import { createRestApp, JarStore } from "@millrace/rest/internal";
import type { FastifyInstance } from "fastify";
import {
  Configuration,
  DataGeneratorSource,
  type IntCounter,
  type MapFunction,
  type RuntimeContext,
  WatermarkStrategy,
} from "millrace";
import { CommittedRows } from "millrace/testing";
// Only what core itself is tested with; no package exports it.
import { SimulatedDeployment } from "../../../packages/core/src/cluster/testdata/simulated-deployment.ts";

export const JOB = "00112233445566778899aabbccddeeff";

/** Counts what it sees, and fails once. */
class Slow implements MapFunction<number, number> {
  private seen!: IntCounter;
  private attempt = 0;

  open(context: RuntimeContext): void {
    this.attempt = context.attemptNumber;
    this.seen = context.getIntCounter("seen");
  }

  map(value: number): number {
    this.seen.add(1);
    if (this.attempt === 0 && value === 150) throw new Error("once");
    return value;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // Bodies are what is tested: nothing is known of them before.
  readonly body: any;
}

export interface AskOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class RestCluster {
  readonly deployment: SimulatedDeployment;
  readonly rows: CommittedRows;
  readonly warnings: string[] = [];
  isShutDown = false;
  #app!: FastifyInstance;

  private constructor(deployment: SimulatedDeployment, rows: CommittedRows) {
    this.deployment = deployment;
    this.rows = rows;
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<RestCluster> {
    const rows = new CommittedRows();
    const deployment = await SimulatedDeployment.start({
      seed: 1,
      taskManagers: 1,
      slots: 2,
      settings,
      jobs: {
        numbers: (env) => {
          env
            .fromSource(
              DataGeneratorSource.of((n) => n, 1_000_000, { ratePerSecond: 200 }),
              WatermarkStrategy.noWatermarks(),
              "numbers",
            )
            .uid("numbers")
            .rebalance()
            .map(new Slow())
            .uid("slow")
            .keyBy((n) => n % 7)
            .reduce((left, right) => left + right)
            .uid("sum")
            .sinkTo(rows.sink())
            .uid("rows");
        },
        broken: () => {
          throw new TypeError("this job cannot be built");
        },
      },
    });
    const cluster = new RestCluster(deployment, rows);
    const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
    const { fs, clock } = deployment.jobManagerPlatform;
    cluster.#app = await createRestApp({
      api: deployment.jobManager,
      jars: new JarStore(fs, "/jars"),
      configuration: Configuration.fromEntries(entries),
      clock,
      url: () => "http://localhost:8081",
      onWarning: (text) => void cluster.warnings.push(text),
      onShutDown: () => {
        cluster.isShutDown = true;
      },
    });
    return cluster;
  }

  async ask(question: string, { body, headers = {} }: AskOptions = {}): Promise<Answer> {
    const [method, url] = question.split(" ") as ["GET", string];
    const isText = typeof body === "string" || body instanceof Uint8Array;
    const response = await this.deployment.cluster.run(async () =>
      this.#app.inject({
        method,
        url,
        headers: { ...(body === undefined || isText ? {} : { "content-type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { payload: (isText ? body : JSON.stringify(body)) as string }),
      }),
    );
    const text = response.body;
    return { status: response.statusCode, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  }

  /** Brings the file of a job, and returns its id. */
  async upload(name: string, text: string = name): Promise<string> {
    const boundary = "x-x-x";
    const answer = await this.ask("POST /v1/jars/upload", {
      headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
      body: `--${boundary}\r\ncontent-disposition: form-data; name="jarfile"; filename="${name}.mjs"\r\ncontent-type: text/javascript\r\n\r\n${text}\r\n--${boundary}--\r\n`,
    });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body.filename.split("/").at(-1);
  }

  /** Runs the job of numbers, until it has failed once, runs again and has taken checkpoints since. */
  async runNumbers(): Promise<string> {
    const jar = await this.upload("numbers");
    const run = await this.ask(`POST /v1/jars/${jar}/run`, {
      body: {
        jobId: JOB,
        parallelism: 2,
        flinkConfiguration: {
          "pipeline.name": "shapes",
          "execution.checkpointing.interval": "100 ms",
          "execution.checkpointing.dir": "/shared/checkpoints",
          "execution.checkpointing.savepoint-dir": "/shared/savepoints",
          "restart-strategy.type": "fixed-delay",
          "restart-strategy.fixed-delay.delay": "100 ms",
        },
      },
    });
    if (run.status !== 200) throw new Error(JSON.stringify(run.body));
    await this.deployment.until("failed once", () => this.deployment.statusOf(JOB) === "RESTARTING");
    const commits = this.rows.commitCount;
    await this.deployment.until("runs again", () => this.rows.commitCount > commits + 8);
    return run.body.jobid;
  }

  /** The answer to a request that takes longer, when it is there. */
  async completed(question: string): Promise<Answer> {
    for (;;) {
      const answer = await this.ask(question);
      if (answer.status !== 200 || answer.body.status.id === "COMPLETED") return answer;
      await this.deployment.advance(50);
    }
  }
}
