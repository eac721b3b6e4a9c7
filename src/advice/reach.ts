const sees = {
  metadata: "Sees, but for what people wrote and their addresses,",
  read: "Sees",
  write: "Sees and changes",
};

interface Reach {
  who: string;
  access: keyof typeof sees;
  /** Undefined for all. */
  locationIds: string[] | undefined;
}

/** What a key may see and do. */
export function describeReach({ who, access, locationIds }: Reach): string {
  if (who === "admin") return "The holder of ADMIN_API_KEY: everything";
  return `${sees[access]} ${locationIds?.join(", ") ?? "all locations"}`;
}
