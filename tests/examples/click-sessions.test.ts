import { expect, test } from "vitest";
import { type Click, clickAt, START } from "../../examples/click-sessions/clicks.ts";
import clickSessions from "../../examples/click-sessions/job.ts";
import type { Session } from "../../examples/click-sessions/sessions.ts";
import { executeExample, expectRows, runExample } from "../support/example-run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const pathOf = temporaryDirectory();
const clicks: readonly Click[] = Array.from({ length: 60_000 }, (_, index) => clickAt(index)).filter(
  (click) => click !== undefined,
);
/** A whole day late, so nothing about the order of reading can make them punctual. */
const late = clicks.filter((click) => click.at < START);

/** Walks through each user's clicks in the order of their times. */
function expectedSessions(): readonly Session[] {
  const sessions: Session[] = [];
  const punctual = clicks.filter((click) => click.at >= START).toSorted((a, b) => a.user - b.user || a.at - b.at);
  let last: Session | undefined;
  for (const { user, page, isMobile, at } of punctual) {
    const end = at + (isMobile ? 300_000 : 1_800_000);
    if (last === undefined || last.user !== user || at > last.to) {
      last = { user, from: at, to: end, clicks: 0, pages: [], hasBought: false };
      sessions.push(last);
    }
    last.clicks++;
    last.to = Math.max(last.to, end);
    last.hasBought ||= page === "checkout";
    if (!last.pages.includes(page)) last.pages = [...last.pages, page].sort();
  }
  return sessions;
}

async function expectResults(output: string): Promise<void> {
  expect(late.length).toBeGreaterThan(20);
  await expectRows(output, "sessions", expectedSessions());
  await expectRows(output, "late", late);
}

test("S65: sessions with a gap for each device are those of a walk through each user's clicks; late clicks are kept apart", async () => {
  const output = pathOf("run");
  // With one slot no late click can come before the watermark.
  const { code, text } = await runExample("click-sessions", { output, parallelism: 1 });
  expect(code, text).toBe(0);
  await expectResults(output);
}, 180_000);

test("S65: the same sessions come out of the module's default export", async () => {
  const output = pathOf("module");
  await executeExample(clickSessions, ["--output", output]);
  await expectResults(output);
});
