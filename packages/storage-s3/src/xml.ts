/**
 * The little of XML that answers of S3 are made of: elements, text, entities and CDATA. No document type, no namespaces;
 * attributes, comments and instructions are passed over.
 */

/** @internal */
export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** Of itself, without that of its children. */
  readonly text: string;
}

/** A document that is not whole, or not XML: the answer was cut off, or is somebody else's. @internal */
export class XmlError extends Error {
  override readonly name = "XmlError";
}

interface OpenElement {
  readonly name: string;
  readonly children: XmlElement[];
  text: string;
}

const TOKEN = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([^\s<>/!?]+)([^<>]*?)(\/?)>|([^<]+)/y;

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/**
 * The element that a document consists of.
 * @throws XmlError
 * @internal
 */
export function parseXml(document: string): XmlElement {
  const top: OpenElement = { name: "", children: [], text: "" };
  const open: OpenElement[] = [top];
  for (let position = 0; position < document.length; ) {
    TOKEN.lastIndex = position;
    const token = TOKEN.exec(document);
    if (token === null) throw new XmlError(`no XML at character ${position}`);
    position = TOKEN.lastIndex;
    const [, data, closing, name, , isEmpty, text] = token;
    const current = open.at(-1)!;
    if (data !== undefined) current.text += data;
    if (text !== undefined) current.text += decodeEntities(text);
    if (name === undefined) continue;
    if (closing === "/") close(open, name);
    else {
      const element: OpenElement = { name, children: [], text: "" };
      current.children.push(element);
      if (isEmpty !== "/") open.push(element);
    }
  }
  const [root, ...others] = top.children;
  if (open.length > 1) throw new XmlError(`<${open.at(-1)!.name}> does not end`);
  if (root === undefined || others.length > 0 || top.text.trim() !== "") throw new XmlError("no XML document");
  return root;
}

function close(open: OpenElement[], name: string): void {
  if (open.length === 1 || open.pop()!.name !== name) throw new XmlError(`</${name}> ends nothing`);
}

function decodeEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, entity: string) => {
    if (!entity.startsWith("#")) return ENTITIES[entity] ?? whole;
    const code = /^#x/i.test(entity) ? Number.parseInt(entity.slice(2), 16) : Number.parseInt(entity.slice(1), 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** The text of the child of that name; undefined when there is none. @internal */
export function textOf(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

/** Text as it stands in an element. @internal */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"'\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}
