/** What a process of a cluster says, a line each: happenings on standard output, warnings on standard error. */

/** @internal */
export interface ProcessLog {
  info(text: string): void;
  warn(text: string): void;
}

/** @param name - Of the process, where several share a terminal. @internal */
export function processLog(name: string): ProcessLog {
  return {
    info: (text) => void process.stdout.write(logLine(Date.now(), name, text)),
    warn: (text) => void process.stderr.write(logLine(Date.now(), name, `warning: ${text}`)),
  };
}

/** One line whatever the text is: names of jobs and messages of their errors are other people's. @internal */
export function logLine(wallMs: number, name: string, text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (character) =>
    character === "\n" ? "\\n" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${new Date(wallMs).toISOString()} ${name}: ${line}\n`;
}
