/** What `bench large-state` does, and what its job is told as JSON. @internal */
export interface LargeRun {
  readonly keys: number;
  readonly valueBytes: number;
  /** Records that each change the state of a random key, after all keys have theirs. */
  readonly changes: number;
  /** Index of the record at which the job fails once; -1 for never. */
  readonly fatalAt: number;
}
