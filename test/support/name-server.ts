import { createSocket, type Socket } from "node:dgram";

/** A name server on this machine. A name without an entry does not exist; one with `silent` is never answered. */
export interface NameServer {
  /** As `nameServers` wants it. */
  address: string;
  /** Addresses (IPv4) by name. */
  names: Map<string, { addresses: string[]; ttlSeconds: number } | "silent" | "broken">;
  /** Questions so far, for IPv4 addresses. */
  asked: string[];
  stop(): void;
}

const typeA = 1;
const codes = { none: 0, broken: 2, noSuchName: 3 };

export async function startNameServer(): Promise<NameServer> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const server: NameServer = {
    address: `127.0.0.1:${socket.address().port}`,
    names: new Map(),
    asked: [],
    stop: () => socket.close(),
  };
  socket.on("message", (question, { port, address }) => answer(socket, server, { question, port, address }));
  return server;
}

/** https://www.rfc-editor.org/rfc/rfc1035#section-4 */
function answer(
  socket: Socket,
  { names, asked }: NameServer,
  { question, port, address }: { question: Buffer; port: number; address: string },
): void {
  const labels: string[] = [];
  let end = 12;
  for (let length = question[end] ?? 0; length > 0; length = question[end] ?? 0) {
    labels.push(question.toString("latin1", end + 1, end + 1 + length));
    end += 1 + length;
  }
  const name = labels.join(".").toLowerCase();
  const isForA = question.readUInt16BE(end + 1) === typeA;
  if (isForA) asked.push(name);
  const known = names.get(name);
  if (known === "silent") return;
  const addresses = typeof known === "object" && isForA ? known.addresses : [];
  const records = addresses.map((each) => {
    const record = Buffer.alloc(16);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(typeA, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(typeof known === "object" ? known.ttlSeconds : 0, 6);
    record.writeUInt16BE(4, 10);
    Buffer.from(each.split(".").map(Number)).copy(record, 12);
    return record;
  });
  const header = Buffer.alloc(12);
  question.copy(header, 0, 0, 2);
  const failed = known === "broken" ? codes.broken : codes.noSuchName;
  header.writeUInt16BE(0x8180 | (typeof known === "object" ? codes.none : failed), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  socket.send(Buffer.concat([header, question.subarray(12, end + 5), ...records]), port, address);
}
