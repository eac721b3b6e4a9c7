/** Why the mapping sends, where HighLevel did not say which. */
export const choices: Record<string, string> = {
  last: "the person and it wrote to each other last",
  agent: "it is the agent's",
  country: "it is of the person's country",
  default: "it is the location's default one",
  oldest: "it is the location's oldest one",
};
