import { isAboutData } from "./database.ts";

/** The queue of rows that wait for the next INSERT is full: come again later. */
export class QueueFull extends Error {
  override name = "QueueFull";
}

export interface SharedInsertOptions<Row> {
  /** Inserts all or none. */
  insert: (rows: Row[]) => Promise<unknown>;
  bytesOf: (row: Row) => number;
  maxRows: number;
  maxBytes: number;
  maxWaitingBytes: number;
}

/**
 * Rows that arrive while one INSERT is under way go together in the next one. Each caller's promise is settled when
 * the statement with its own row has committed or failed. One commit then serves many requests, which matters the
 * more the slower the disk flushes.
 */
export function createSharedInsert<Row>(options: SharedInsertOptions<Row>): (row: Row) => Promise<void> {
  interface Waiting {
    row: Row;
    bytes: number;
    resolve: () => void;
    reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let isInserting = false;

  function takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { bytes: size } of waiting) {
      if (count > 0 && (count === options.maxRows || bytes + size > options.maxBytes)) break;
      bytes += size;
      count++;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    waitingBytes -= bytes;
    return batch;
  }

  async function insertWaiting(): Promise<void> {
    isInserting = true;
    while (waiting.length > 0) await insertBatch(takeBatch());
    isInserting = false;
  }

  async function insertBatch(batch: Waiting[]): Promise<void> {
    const error = await options.insert(batch.map((each) => each.row)).then(
      () => undefined,
      (reason: unknown) => reason ?? new Error("insert failed"),
    );
    if (batch.length > 1 && isAboutData(error)) {
      for (const each of batch) await insertBatch([each]);
      return;
    }
    for (const each of batch) error ? each.reject(error) : each.resolve();
  }

  return (row) =>
    new Promise((resolve, reject) => {
      const bytes = options.bytesOf(row);
      if (waitingBytes + bytes > options.maxWaitingBytes && waiting.length > 0) return reject(new QueueFull());
      waiting.push({ row, bytes, resolve, reject });
      waitingBytes += bytes;
      if (!isInserting) void insertWaiting();
    });
}
