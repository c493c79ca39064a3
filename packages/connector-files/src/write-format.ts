/** How records become the bytes of a file. @public */
export interface FileWriteFormat<T> {
  readonly kind: string;
  /** For plans: plain JSON. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Without the dot. */
  readonly extension: string;
  /** The text every file starts with; may be empty. */
  readonly header: string;
  /**
   * The text of one record, its line end included. The same value must always give the same text.
   * @throws MillraceError `MR_VALUE_UNSERIALIZABLE` for a value that the format cannot hold.
   */
  encode(value: T): string;
}
