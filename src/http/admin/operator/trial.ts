import type { Trial } from "../../../model.ts";
import { trialAnswer } from "../../answers/operator.ts";
import { operation, reply } from "../../operations/operation.ts";
import { Problem } from "../../problem.ts";

export interface TrialContext {
  /** Absent where others reach this bridge. */
  startTrial?: (() => Promise<Trial>) | undefined;
  /** It is one itself. */
  isTrial?: boolean;
}

export const trialOperations = {
  startTrial: operation({
    method: "POST",
    path: "/admin/trial",
    tag: "Checks",
    summary:
      "Starts another bridge to play with, with a sandbox in HighLevel's and Twilio's place, until this one ends.",
    description:
      "It has a database of its own, so that nothing of it meets a real location, and listens for this machine alone. Asked again, it is the same one, with a new link.",
    by: "operator",
    answers: { 200: trialAnswer },
    errors: { 409: "Others reach this bridge: a trial is for one's own machine." },
    async handle({ startTrial }: TrialContext) {
      if (startTrial) return reply(200, await startTrial());
      throw new Problem(
        409,
        "a trial is for a bridge that only its own machine reaches: run npm start without settings there",
      );
    },
  }),
};
