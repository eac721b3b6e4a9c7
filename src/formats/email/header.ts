export interface MailHeader {
  name: string;
  value: string;
}

/** The first header of this name, given in lower case: what comes first was put there last, by the server nearest to us. */
export function findHeader(headers: readonly MailHeader[], name: string): string | undefined {
  return headers.find((header) => header.name.toLowerCase() === name)?.value;
}
