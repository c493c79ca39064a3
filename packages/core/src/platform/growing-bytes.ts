/** Bytes that grow by writing past their end; gaps are zeros. @internal */
export class GrowingBytes {
  #bytes: Uint8Array = new Uint8Array(0);
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Returns how many bytes there were. */
  read(target: Uint8Array, position: number): number {
    const source = this.#bytes.subarray(Math.min(position, this.#sizeBytes), this.#sizeBytes);
    const count = Math.min(target.length, source.length);
    target.set(source.subarray(0, count));
    return count;
  }

  write(source: Uint8Array, position: number): void {
    // An empty write past the end does not extend a file.
    if (source.length === 0) return;
    if (position + source.length > this.#sizeBytes) this.resize(position + source.length);
    this.#bytes.set(source, position);
  }

  resize(sizeBytes: number): void {
    if (sizeBytes > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(sizeBytes, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#sizeBytes));
      this.#bytes = grown;
    }
    // What was cut off must read as zeros when the file grows again.
    if (sizeBytes < this.#sizeBytes) this.#bytes.fill(0, sizeBytes, this.#sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  copyFrom(other: GrowingBytes): void {
    this.#bytes = other.#bytes.slice(0, other.#sizeBytes);
    this.#sizeBytes = other.#sizeBytes;
  }

  /** Does nothing past the end. */
  flipBit(position: number, bit: number): void {
    if (position < this.#sizeBytes) this.#bytes[position] = this.#bytes[position]! ^ (1 << bit);
  }
}
