/** The row of ds-keyed-sum: how many bids an auction has had so far and their prices' sum. @internal */
export interface RunningSum {
  readonly auction: number;
  readonly count: number;
  readonly sum: number;
}

/** The row of the window jobs: how many bids `key` has in the window that ends before `windowEnd`. @internal */
export interface WindowCount {
  readonly key: number;
  readonly windowEnd: number;
  readonly count: number;
}

/** The row of ds-interval-join: a bid within two seconds after its auction opened. @internal */
export interface JoinedBid {
  readonly auction: number;
  readonly category: number;
  readonly price: number;
  readonly timestamp: number;
}

/** Where an engine leaves its results. @internal */
export interface RowSink<Row> {
  write(row: Row): void;
  /** Rows written so far. */
  count: number;
}

/** Counts rows and forgets them: what a measurement uses. @internal */
export class CountingSink<Row> implements RowSink<Row> {
  count = 0;

  write(_row: Row): void {
    this.count++;
  }
}

/** Keeps every row as the line that the Flink peer writes for it: a JSON array of the row's columns. @internal */
export class LineSink<Row> implements RowSink<Row> {
  count = 0;
  readonly lines: string[] = [];
  readonly #columns: readonly string[];

  constructor(columns: readonly string[]) {
    this.#columns = columns;
  }

  write(row: Row): void {
    this.count++;
    const fields = row as Readonly<Record<string, unknown>>;
    this.lines.push(JSON.stringify(this.#columns.map((column) => fields[column])));
  }

  /** All lines by UTF-16 code unit, the order of the peer's files. */
  sorted(): string[] {
    return this.lines.sort();
  }
}
