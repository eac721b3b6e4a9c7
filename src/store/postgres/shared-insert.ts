import { isAboutData } from "./database-errors.ts";

/** The queue of rows that wait for the next INSERT is full: come again later. */
export class QueueFull extends Error {
  override name = "QueueFull";
}

export interface SharedInsertOptions<Row, Result> {
  /** Inserts all or none; gives one result for each row, in their order. */
  insert: (rows: Row[]) => Promise<Result[]>;
  bytesOf: (row: Row) => number;
  maxRows: number;
  maxBytes: number;
  maxWaitingBytes: number;
  /** How many statements may be under way when more rows wait than one of them takes: 1 where their order counts. */
  maxStatements: number;
}

/**
 * Rows that arrive while one INSERT is under way go together in the next one. Each caller's promise is settled when
 * the statement with its own row has committed or failed, with what the statement gave for that row. One commit then
 * serves many requests, which matters the more the slower the disk flushes.
 */
export function createSharedInsert<Row, Result>(
  options: SharedInsertOptions<Row, Result>,
): (row: Row) => Promise<Result> {
  interface Waiting {
    row: Row;
    bytes: number;
    resolve: (result: Result) => void;
    reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let underWay = 0;

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

  const isWorthAnother = () =>
    underWay === 0 ? waiting.length > 0 : underWay < options.maxStatements && waiting.length >= options.maxRows;

  async function insertWaiting(): Promise<void> {
    while (isWorthAnother()) {
      underWay++;
      await insertBatch(takeBatch());
      underWay--;
    }
  }

  async function insertBatch(batch: Waiting[]): Promise<void> {
    try {
      const results = await options.insert(batch.map((each) => each.row));
      for (const [index, each] of batch.entries()) each.resolve(results[index] as Result);
    } catch (error) {
      await failBatch(batch, error);
    }
  }

  async function failBatch(batch: Waiting[], error: unknown): Promise<void> {
    if (batch.length > 1 && isAboutData(error)) for (const each of batch) await insertBatch([each]);
    else for (const each of batch) each.reject(error);
  }

  return (row) =>
    new Promise((resolve, reject) => {
      const bytes = options.bytesOf(row);
      if (waitingBytes + bytes > options.maxWaitingBytes && waiting.length > 0) return reject(new QueueFull());
      waiting.push({ row, bytes, resolve, reject });
      waitingBytes += bytes;
      void insertWaiting();
    });
}
