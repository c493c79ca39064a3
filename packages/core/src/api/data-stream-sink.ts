import type { Transformation } from "../graph/transformation.ts";
import { checkParallelism, checkText } from "./argument-checks.ts";
import { userCall } from "./call-site.ts";

/**
 * The end of a stream: a sink, to be named and placed.
 *
 * @example
 * totals.sinkTo(PrintSink.of()).name("totals").uid("totals-sink").setParallelism(1);
 * @public
 */
export class DataStreamSink<T> {
  /** @internal */
  readonly transformation: Transformation;
  /** Phantom: what the sink takes. */
  declare readonly _type?: T | undefined;

  /** @internal */
  constructor(transformation: Transformation) {
    this.transformation = transformation;
  }

  /** What plans and metrics call the sink, after `Sink: `. @throws MillraceError `MR_ARGUMENT_INVALID` when it is empty */
  name(name: string): this {
    checkText(userCall("name"), name, "a name");
    this.transformation.name = `Sink: ${name}`;
    return this;
  }

  /** The identity of the sink's state across changes of the job. @throws MillraceError `MR_ARGUMENT_INVALID` when it is empty */
  uid(uid: string): this {
    checkText(userCall("uid"), uid, "a uid");
    this.transformation.uid = uid;
    return this;
  }

  /**
   * Another identity under which checkpoints may hold the state: one that was generated, or a uid that has been given up. A
   * restore finds the state there; later checkpoints have it under the uid. Without a uid it is the uid.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is empty; the execution throws `MR_UID_DUPLICATE`
   * @example
   * numbers.print().uid("shown").setUidHash("auto-3f9a1c0b7d5e2846");
   */
  setUidHash(uidHash: string): this {
    checkText(userCall("setUidHash"), uidHash, "an identity");
    this.transformation.uidHash = uidHash;
    return this;
  }

  /** @throws MillraceError `MR_PARALLELISM_INVALID` unless it is a whole number from 1 to 32768 */
  setParallelism(parallelism: number): this {
    checkParallelism(userCall("setParallelism"), parallelism);
    this.transformation.parallelism = parallelism;
    return this;
  }

  /** @throws MillraceError `MR_PARALLELISM_INVALID` unless it is a whole number from 1 to 32768 */
  setMaxParallelism(maxParallelism: number): this {
    checkParallelism(userCall("setMaxParallelism"), maxParallelism);
    this.transformation.maxParallelism = maxParallelism;
    return this;
  }

  /** Never fuses the sink with the operator before it. */
  disableChaining(): this {
    this.transformation.chaining = "never";
    return this;
  }

  /** Puts the sink into slots of this group; see the method of the same name of streams. @throws MillraceError `MR_ARGUMENT_INVALID` */
  slotSharingGroup(name: string): this {
    checkText(userCall("slotSharingGroup"), name, "a slot sharing group");
    this.transformation.slotSharingGroup = name;
    return this;
  }
}
