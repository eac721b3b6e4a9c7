/** The parts of the API, in the order in which one meets them. */
export const tags = {
  App: "The app in HighLevel's marketplace, by which locations are connected.",
  Locations: "Sub-accounts of HighLevel, and their tokens.",
  Accounts: "What somebody has at a provider: its credentials, and one webhook URL for all its numbers and mailboxes.",
  Mappings: "Numbers and mailboxes of accounts, and the locations that they stand for.",
  Checks: "Whether all is connected rightly. Nothing is changed by a check, and it is 200 whatever was found.",
  Conversations: "Who the senders of a mapping are in HighLevel.",
  Messages: "Texts and emails.",
  Deliveries: "Calls that the bridge owes to HighLevel and to providers.",
  Webhooks: "Requests that providers and HighLevel made.",
  Problems: "What was given up or not understood, by why and where.",
  Replays: "What is done again of that, step by step.",
  Imports: "What was before the bridge, brought into HighLevel.",
  Endpoints: "URLs that are told of events.",
  "Opt-outs":
    "Who is not to be written to, by location, channel and address; `sms` is all texts, and `whatsapp`, `gmb` and `fb` what goes by mappings of these types.",
  People: "All that is kept of a person.",
  Send: "Has HighLevel send messages.",
  Keys: "Integrators' keys.",
  Audit: "Who wrote what, and when.",
  Status: "How this installation is, and how things stand.",
  Hold: "While it lasts nothing goes out to people.",
  Providers: "Providers that are declared by documents.",
};

export type Tag = keyof typeof tags;
