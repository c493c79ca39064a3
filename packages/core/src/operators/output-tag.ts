import type { Type } from "../types/type.ts";

/**
 * Names a side output and carries its type. Two tags with the same id are the same output.
 *
 * @example
 * const late = new OutputTag<Flight>("late");
 * @public
 */
export class OutputTag<T> {
  readonly id: string;
  readonly type: Type<T> | undefined;

  constructor(id: string, type?: Type<T>) {
    this.id = id;
    this.type = type;
  }
}
