import { createServer, type Server } from "node:net";

/**
 * Somebody else listens on these from now on: who would like them must do without. So do tests that run beside each other,
 * of which two would find one of them free before either listens.
 */
export async function takePorts(...ports: number[]): Promise<() => void> {
  const takers = await Promise.all(
    ports.map((port) => {
      const taker = createServer().listen(port, "127.0.0.1");
      return new Promise<Server>((resolve) => {
        for (const event of ["listening", "error"]) taker.once(event, () => resolve(taker));
      });
    }),
  );
  return () => {
    for (const taker of takers) taker.close();
  };
}
