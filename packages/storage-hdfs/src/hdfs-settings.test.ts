import { Configuration } from "millrace";
import { describe, expect, test } from "vitest";
import { type HdfsSettings, hdfsSettingsOf, placeOf } from "./hdfs-settings.ts";

function settings(addresses: string | undefined, env: Readonly<Record<string, string>> = {}): HdfsSettings {
  const entries = addresses === undefined ? [] : [{ key: "fs.hdfs.webhdfs-addresses", value: addresses }];
  return hdfsSettingsOf({ configuration: Configuration.fromEntries(entries), env });
}

function placed(uri: string, addresses?: string): readonly string[] {
  const place = placeOf(uri, settings(addresses));
  return [...place.addresses.map(String), place.path];
}

describe("S45: settings of HDFS", () => {
  test("the NameNode of an hdfs: URI answers where the settings say, and else at port 9870 of its host", () => {
    const two = "namenode:40010=http://10.0.0.1:1,https://10.0.0.2:2;ns1=http://h:3";
    expect(placed("hdfs://namenode:40010/a/b", two)).toEqual(["http://10.0.0.1:1/", "https://10.0.0.2:2/", "/a/b"]);
    expect(placed("hdfs://ns1/a", two)).toEqual(["http://h:3/", "/a"]);
    expect(placed("hdfs://other:8020/a", two)).toEqual(["http://other:9870/", "/a"]);
    expect(placed("hdfs://other")).toEqual(["http://other:9870/", ""]);
  });

  test("without an authority it is the only NameNode there is", () => {
    expect(placed("hdfs:///a", "ns1=http://h:3")).toEqual(["http://h:3/", "/a"]);
    expect(() => placed("hdfs:///a")).toThrow(/EINVAL.*fs\.hdfs\.webhdfs-addresses/);
    expect(() => placed("hdfs:///a", "a=http://h:1;b=http://h:2")).toThrow("EINVAL");
  });

  test("webhdfs: and swebhdfs: URIs say themselves where it answers", () => {
    expect(placed("webhdfs://h:50070/a")).toEqual(["http://h:50070/", "/a"]);
    expect(placed("swebhdfs://h:9871/a")).toEqual(["https://h:9871/", "/a"]);
    expect(() => placed("webhdfs:///a")).toThrow("EINVAL");
  });

  test("files are written as the user of the settings, or of the environment", () => {
    expect(settings(undefined, { HADOOP_USER_NAME: "flink", USER: "me" }).user).toBe("flink");
    expect(settings(undefined, { HADOOP_USER_NAME: "", USER: "me" }).user).toBe("me");
    expect(settings(undefined).user).toBeUndefined();
  });

  test("MR_CONFIG_INVALID: what is no address is refused", () => {
    for (const text of ["namenode", "http://h:1", "n=h:1", "n=ftp://h:1", "n=http://h:1/path"]) {
      expect(() => settings(text), text).toThrow(/MR_CONFIG_INVALID.*fs\.hdfs\.webhdfs-addresses/);
    }
  });
});
