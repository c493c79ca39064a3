/**
 * Hands messages to all listeners, and keeps those that arrive before the first listener for it: nobody can listen
 * early enough on another thread.
 * @internal
 */
export class MessageBox<Message extends readonly unknown[]> {
  readonly #listeners: ((...message: Message) => void)[] = [];
  readonly #waiting: Message[] = [];

  put(...message: Message): void {
    if (this.#listeners.length === 0) this.#waiting.push(message);
    for (const listener of this.#listeners) listener(...message);
  }

  listen(listener: (...message: Message) => void): void {
    this.#listeners.push(listener);
    for (const message of this.#waiting.splice(0)) listener(...message);
  }
}
