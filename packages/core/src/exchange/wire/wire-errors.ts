import { MillraceError } from "../../base/errors.ts";
import { type WireChannel, type WireDeployment, wireChannelName } from "./wire-ends.ts";

/** The other side said what nobody may say here. */
export function wireViolation(found: string, expected: string): MillraceError {
  return new MillraceError("MR_WIRE_PROTOCOL", {
    what: "The other side of a data connection does not keep to the protocol",
    found,
    expected,
    todo: "Run the same version of Millrace in all processes of a cluster, and see who else connects to the data port",
  });
}

/** Where a connection that broke went, and what it carried. */
export interface BrokenChannel {
  readonly deployment: WireDeployment;
  readonly channel: WireChannel;
  readonly direction: "in" | "out";
  /** Addresses of this process and of the other one. */
  readonly here: string;
  readonly there: string;
  readonly cause: Error;
}

/** What was under way is lost: the attempt has to start again from a checkpoint. */
export function channelBroken({ deployment, channel, direction, here, there, cause }: BrokenChannel): MillraceError {
  const [from, to] = direction === "out" ? [here, there] : [there, here];
  return new MillraceError("MR_CHANNEL_BROKEN", {
    what: "A channel between two processes broke, and what was under way in it is lost",
    where: {
      job: deployment.jobId,
      deployment: deployment.deploymentNumber,
      channel: wireChannelName(channel),
      from,
      to,
    },
    found: cause.message,
    todo: "Nothing when the process at the other end has died or was stopped: the job restarts as its restart strategy says. Otherwise look at the network between the two",
    cause,
  });
}
