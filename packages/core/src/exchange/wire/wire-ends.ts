/** The ends of channels that a wire carries: what it takes bytes from, and what it puts them into. */

/** One deployment of a job. Its data are told from those of every other one, before and after, by all three. */
export interface WireDeployment {
  readonly jobId: string;
  /** Which run of the JobMaster it belongs to: a new one may count its attempts from the beginning. */
  readonly session: string;
  readonly deploymentNumber: number;
}

/** A channel of a deployment. */
export interface WireChannel {
  readonly edge: number;
  readonly producer: number;
  readonly consumer: number;
}

/** Where bytes come from: a ring's reading end. */
export interface ByteSource {
  readonly availableBytes: number;
  /** Fills `target` from `start` as far as there are bytes; returns how many that were. */
  read(target: Uint8Array, start: number): number;
}

/** Where bytes go: a ring's writing end. Only the wire writes into it. */
export interface ByteSink {
  readonly capacity: number;
  readonly usedBytes: number;
  /** Takes what there is room for; returns how much that was. */
  write(bytes: Uint8Array, start: number, end: number): number;
}

/** The end of a channel whose producing subtask is in this process. */
export interface OutEnd {
  readonly direction: "out";
  readonly channel: WireChannel;
  readonly source: ByteSource;
  /** Bytes were taken: the producer has room. */
  readonly onMoved: () => void;
}

/** The end of a channel whose consuming subtask is in this process. */
export interface InEnd {
  readonly direction: "in";
  readonly channel: WireChannel;
  readonly sink: ByteSink;
  /** Bytes were put: the consumer has something to read. */
  readonly onMoved: () => void;
}

export type WireEnd = InEnd | OutEnd;

/** Tells deployments apart, and reads well in errors. */
export function deploymentName({ jobId, session, deploymentNumber }: WireDeployment): string {
  return JSON.stringify([jobId, session, deploymentNumber]);
}

export function wireChannelName({ edge, producer, consumer }: WireChannel): string {
  return `${edge}/${producer}-${consumer}`;
}
