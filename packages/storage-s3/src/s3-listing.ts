import type { S3Client } from "./s3-client.ts";
import { S3AnswerError } from "./s3-error.ts";
import type { S3Path } from "./s3-path.ts";
import { parseXml, textOf, type XmlElement } from "./xml.ts";

/** @internal */
export interface S3Listing {
  readonly keys: readonly string[];
  /** What keys have in common up to the next "/", with it. */
  readonly prefixes: readonly string[];
}

/** @internal */
export interface ListOptions {
  /** Together what is the same up to the next "/". */
  readonly isFolded: boolean;
  /** Of one answer. */
  readonly countMax: number;
}

/** The keys below a place, page by page. @internal */
export async function* listBelow(
  client: S3Client,
  { bucket, key }: S3Path,
  { isFolded, countMax }: ListOptions,
): AsyncGenerator<S3Listing, void, undefined> {
  let token: string | undefined;
  do {
    const query: Record<string, string> = {
      "list-type": "2",
      // Not every key can stand in XML as it is.
      "encoding-type": "url",
      prefix: key === "" ? "" : `${key}/`,
      ...(isFolded ? { delimiter: "/" } : {}),
      "max-keys": String(countMax),
      ...(token === undefined ? {} : { "continuation-token": token }),
    };
    let page: S3Listing = { keys: [], prefixes: [] };
    await client.request({ method: "GET", path: { bucket, key: "" }, query }, ({ body }) => {
      const root = parseXml(new TextDecoder().decode(body));
      if (root.name !== "ListBucketResult") throw new S3AnswerError(`an answer <${root.name}> to a listing`);
      const decode = textOf(root, "EncodingType") === "url" ? decoded : (text: string): string => text;
      page = {
        keys: textsOf(root, "Contents", "Key").map(decode),
        prefixes: textsOf(root, "CommonPrefixes", "Prefix").map(decode),
      };
      const isTruncated = textOf(root, "IsTruncated") === "true";
      token = isTruncated ? textOf(root, "NextContinuationToken") : undefined;
      if (isTruncated && token === undefined) throw new S3AnswerError("a part of a listing that has no next one");
    });
    yield page;
  } while (token !== undefined);
}

function textsOf(root: XmlElement, name: string, child: string): readonly string[] {
  return root.children.filter((element) => element.name === name).map((element) => textOf(element, child) ?? "");
}

function decoded(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}
