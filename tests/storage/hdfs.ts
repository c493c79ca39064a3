/** A real HDFS: a NameNode and a DataNode in one process, from tools/servers/install-hdfs.sh. */
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileSystemFactory } from "@millrace/storage-hdfs";
import { Configuration, type FileSystem } from "millrace";
import { createNodePlatform } from "millrace/internal";
import { vi } from "vitest";
import { freePorts, startServer } from "./server-process.ts";

const LIBRARIES = fileURLToPath(new URL("../../.servers/hdfs", import.meta.url));

/** With MILLRACE_REQUIRE_HDFS its tests run, and fail, also where it is not installed. */
export const HAS_HDFS: boolean = existsSync(LIBRARIES) || process.env["MILLRACE_REQUIRE_HDFS"] === "1";

export interface Hdfs {
  /** What `hdfs:` URIs name: where nothing of ours listens. */
  readonly authority: string;
  /** Where WebHDFS answers. */
  readonly port: number;
  stop(): Promise<void>;
}

export async function startHdfs(): Promise<Hdfs> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-hdfs-"));
  const [rpcPort, port] = await freePorts(2);
  const ready = join(directory, "ready.xml");
  const settings = [
    "dfs.replication=1",
    "dfs.permissions.enabled=false",
    // Several blocks also for files of a few megabytes.
    "dfs.namenode.fs-limits.min-block-size=1024",
    "dfs.blocksize=4194304",
  ];
  const server = startServer(
    "java",
    [
      ...["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"],
      ...[`-Dtest.build.data=${join(directory, "data")}`, `-Dhadoop.home.dir=${directory}`],
      ...["-cp", `${LIBRARIES}/*`, "org.apache.hadoop.mapreduce.MiniHadoopClusterManager"],
      ...["-nomr", "-format", "-datanodes", "1", "-nnport", String(rpcPort), "-nnhttpport", String(port)],
      ...["-writeConfig", ready],
      ...settings.flatMap((setting) => ["-D", setting]),
    ],
    { cwd: directory },
  );
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    // The file is written when both answer.
    await vi.waitFor(
      () => {
        if (!existsSync(ready) || statSync(ready).size === 0) throw new Error("not ready");
      },
      { timeout: 80_000, interval: 50 },
    );
  } catch (cause) {
    await stop();
    throw new Error(`HDFS does not start:\n${server.output()}`, { cause });
  }
  return { authority: `127.0.0.1:${rpcPort}`, port: port!, stop };
}

/** What a job is configured with to use it, through `port`. */
export function hdfsSettings({ authority }: Hdfs, port: number): Readonly<Record<string, string>> {
  return { "fs.hdfs.webhdfs-addresses": `${authority}=http://127.0.0.1:${port}`, "fs.hdfs.user": "millrace" };
}

export function hdfsFileSystem(
  settings: Readonly<Record<string, string>>,
  clock = createNodePlatform().clock,
): FileSystem {
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  const { random } = createNodePlatform();
  return fileSystemFactory.create({ configuration: Configuration.fromEntries(entries), env: {}, clock, random });
}
