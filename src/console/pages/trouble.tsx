import type { Problem } from "../../http/problem.ts";
import { WrongFields } from "../frame/complaint.tsx";
import { Ways } from "../frame/parts.tsx";

/** What each means to who looks, beside the problem's own words. */
const meanings: Record<number, string> = {
  403: "Your key does not reach this.",
  404: "There is nothing here, or nothing that your key reaches.",
  409: "It is not in a state in which this can be done.",
  422: "Something in the form or the address is missing or wrong.",
  429: "That was too often in a short time.",
  500: "That is a mistake of the bridge's. Please report it with the line of the log.",
  503: "It cannot be answered now. Nothing is lost: try again in a moment.",
};

/** Instead of a page, or of what a button does. */
export function Trouble({ problem }: { problem: Problem }) {
  return (
    <section class="trouble">
      <p>{meanings[problem.status] ?? "That did not work."}</p>
      <p class="words">{problem.message}</p>
      <WrongFields problem={problem} />
      <Ways to={{ "To the overview": "/console" }} />
    </section>
  );
}
