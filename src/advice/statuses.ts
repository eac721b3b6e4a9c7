/** What a status that is no success means to who asked, beside the problem's own words. */
export const statuses: Record<number, string> = {
  403: "Your key does not reach this.",
  404: "There is nothing here, or nothing that your key reaches.",
  409: "It is not in a state in which this can be done.",
  422: "Something in the form or the address is missing or wrong.",
  429: "That was too often in a short time.",
  500: "That is a mistake of the bridge's. Please report it with the line of the log.",
  503: "It cannot be answered now. Nothing is lost: try again in a moment.",
};
