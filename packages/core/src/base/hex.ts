/** Two lower-case hexadecimal digits a byte. @internal */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The eight lower-case hexadecimal digits of a number of 32 bits, signed or not. @internal */
export function u32Hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
