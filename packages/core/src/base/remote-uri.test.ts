import fc from "fast-check";
import { expect, test } from "vitest";
import { formatRemoteUri, parseRemoteUri, resolveRemoteUri } from "./remote-uri.ts";

const normalized = (text: string): string => formatRemoteUri(parseRemoteUri(text)!);
const resolved = (text: string, ...parts: string[]): string =>
  formatRemoteUri(resolveRemoteUri(parseRemoteUri(text)!, parts));

test("only scheme://… is a place elsewhere: paths, drives and file: URLs are not", () => {
  for (const path of ["/a/b", "a", "C:/a", "C:\\a", "file:///a", "FILE:///a", "file:/a", "s3:bucket", "", "://a"]) {
    expect(parseRemoteUri(path), path).toBeUndefined();
  }
});

test("a URI is taken literally, but for empty segments, dots, the last slash and the case of its scheme", () => {
  expect(normalized("s3://bucket/a b%20c?d#e/")).toBe("s3://bucket/a b%20c?d#e");
  expect(normalized("S3://Bucket//a/./b/../c")).toBe("s3://Bucket/a/c");
  expect(normalized("hdfs://namenode:40010/flink/checkpoints")).toBe("hdfs://namenode:40010/flink/checkpoints");
  expect(normalized("hdfs:///a")).toBe("hdfs:///a");
  expect(normalized("s3://bucket")).toBe("s3://bucket");
});

test("what it is resolved to never leaves the authority, and has no dots and no empty segments", () => {
  const part = fc.array(fc.constantFrom("a", "b c", "..", ".", "", "%2e%2e"), { maxLength: 6 });
  fc.assert(
    fc.property(part, fc.array(part, { maxLength: 4 }), (first, parts) => {
      const result = resolved(`s3://bucket/${first.join("/")}`, ...parts.map((each) => each.join("/")));
      expect(result.startsWith("s3://bucket")).toBe(true);
      expect(result.slice("s3://bucket".length)).toMatch(/^(\/[^/]+)*$/);
      expect(result.split("/").slice(2)).not.toContain("..");
      expect(normalized(result)).toBe(result);
    }),
  );
});

test("the parent of a place is one segment up, and that of a bucket is itself", () => {
  expect(resolved("s3://bucket/a/b", "..")).toBe("s3://bucket/a");
  expect(resolved("s3://bucket", "..", "x")).toBe("s3://bucket/x");
});
