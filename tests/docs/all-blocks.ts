/** All blocks of the repository's documentation, as modules. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BlockCompiler, type BlockModule } from "./block-program.ts";
import { type DocBlock, type PageContext, readDocstrings, readPage } from "./doc-blocks.ts";

export const root: string = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");

const scene = "tests/docs/scene.ts";

/** The packages that examples may import, the first one first where several export a name. */
const entries = {
  millrace: "packages/core/src/index.ts",
  "@millrace/cep": "packages/cep/src/index.ts",
  "@millrace/connector-files": "packages/connector-files/src/index.ts",
  "@millrace/rest": "packages/rest/src/index.ts",
  "millrace/testing": "packages/core/src/testing/index.ts",
  "millrace/state-processor": "packages/core/src/state-processor/index.ts",
};

export interface Documentation {
  readonly pages: readonly BlockModule[];
  readonly docstrings: readonly BlockModule[];
  /** What the compiler says about all of them, each as `path:line: message`. */
  readonly problems: readonly string[];
}

/** @param more - Blocks that are compiled with those of the repository. */
export function readDocumentation(more: readonly DocBlock[] = []): Documentation {
  const compiler = new BlockCompiler(root);
  const names = compiler.names(entries, scene, docstringPaths());
  const contexts: PageContext[] = [];
  const pages = ["README.md", ...filesIn("docs/guides", ".md")].flatMap((path) => {
    const page = readPage(root, path);
    contexts.push(...page.contexts);
    return page.blocks.map((block) => compiler.moduleOf(block, page.contexts, names, scene));
  });
  const docstrings = [...docstringPaths().flatMap((path) => readDocstrings(root, path)), ...more].map((block) =>
    compiler.moduleOf(block, [], names, scene),
  );
  return { pages, docstrings, problems: compiler.check([...pages, ...docstrings], contexts) };
}

function docstringPaths(): readonly string[] {
  return readdirSync(join(root, "packages"))
    .flatMap((name) => filesIn(`packages/${name}/src`, ".ts"))
    .filter((path) => !path.endsWith(".test.ts") && !path.includes("/testdata/"));
}

function filesIn(folder: string, extension: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(extension))
    .map((name) => `${folder}/${name}`)
    .sort();
}
