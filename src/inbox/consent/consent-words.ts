import type { ConsentChange } from "../../model.ts";

/**
 * By which a person says, in a text of nothing else, that they want no more: the list of the carriers and of the FCC for
 * English (https://api.ctia.org/wp-content/uploads/2023/05/230523-CTIA-Messaging-Principles-and-Best-Practices-FINAL.pdf,
 * https://www.ecfr.gov/current/title-47/chapter-I/subchapter-B/part-64/subpart-L/section-64.1200), and what stands for it
 * elsewhere. Without accents.
 */
const stopWords: Record<string, readonly string[]> = {
  en: [
    ...["stop", "stopall", "stop all", "stop it", "stop texting", "stop texting me", "unsubscribe", "unsubscribe me"],
    ...["cancel", "end", "quit", "optout", "opt out", "opt-out", "revoke", "remove", "remove me"],
  ],
  fr: ["arret", "arreter", "arretez", "desabonner", "desabonnement", "desinscription"],
  es: ["alto", "baja", "parar", "cancelar", "detener", "no mas"],
  pt: ["pare", "parar", "sair", "cancelar", "remover", "descadastrar"],
  de: ["stopp", "abmelden", "abbestellen", "austragen"],
  it: ["annulla", "cancella", "cancellami", "disiscrivi", "disiscrivimi"],
  nl: ["afmelden", "uitschrijven", "stoppen"],
  sv: ["stoppa", "avsluta", "avregistrera"],
  da: ["afmeld", "frameld"],
  no: ["stopp", "avmeld"],
  pl: ["wypisz", "rezygnuje", "koniec"],
};

/**
 * That they may be written to again. Not "yes", which is the answer to many a question: where a provider takes it for this,
 * and says so, that counts.
 */
const startWords: Record<string, readonly string[]> = {
  en: ["start", "unstop", "subscribe", "resubscribe", "optin", "opt in", "opt-in"],
  fr: ["reprendre", "abonner"],
  es: ["iniciar", "alta"],
  pt: ["iniciar", "voltar"],
  de: ["anmelden"],
};

const meanings = new Map<string, ConsentChange>([
  ...Object.values(startWords)
    .flat()
    .map((word) => [word, "start"] as const),
  ...Object.values(stopWords)
    .flat()
    .map((word) => [word, "stop"] as const),
]);

const longest = Math.max(...[...meanings.keys()].map(({ length }) => length));

/** What a person's text says of whether they may be written to; it must say nothing else, as a quoted STOP is none. */
export function consentIn(text: string | undefined): { change: ConsentChange; word: string } | undefined {
  if (text === undefined || text.length > longest + maxAround) return undefined;
  const word = text
    .normalize("NFKD")
    .replace(/\p{M}|\p{Cf}/gu, "")
    .toLowerCase()
    // Programs that write for people make another dash of a hyphen.
    .replace(/\p{Pd}/gu, "-")
    .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "")
    .replace(/\s+/g, " ");
  const change = meanings.get(word);
  return change && { change, word };
}

/** Of quotation marks, spaces, and accents by themselves. */
const maxAround = 40;
