/** Brings the build up to date before the tests that run it; takes some seconds when it is so already. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export function setup(): void {
  try {
    execFileSync("npm", ["run", "--silent", "build"], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`The build failed, and these tests run it (npm run build):\n${stdout ?? ""}${stderr ?? ""}`, {
      cause: error,
    });
  }
}
