import type { FetchCertificate } from "../providers/kit/proofs.ts";

/** What only tests and benchmarks set. */
export interface Tuning {
  pollSeconds: number;
  /** The ceiling of the first retry's delay. */
  firstDelaySeconds: number;
  databaseStartSeconds: number;
  /** How long HighLevel's status calls do not know a message yet that it had us send. */
  visibleAfterSeconds: number;
  /** Instead of the way to the hosts where certificates are. */
  fetchCertificate: FetchCertificate;
  /** How old what metrics tell of the database may be. */
  standingSeconds: number;
  /** A certificate that servers of mail may be signed by. */
  mailCa: string;
}
