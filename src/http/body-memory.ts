import { Problem } from "./problem.ts";

/** Memory for bodies that are being read, verified and stored; for all requests of a process together. */
export interface BodyMemory {
  /** Begins a body of this mapping, or of nobody's. `declaredBytes` is its Content-Length, where it has one. Throws a 503. */
  begin(owner: string, declaredBytes: number | undefined): BodyHold;
}

export interface BodyHold {
  /** So many bytes have come. Throws a 503 when there is no room for them. */
  grow(bytes: number): void;
  /** Frees all of it; may be called twice. */
  end(): void;
}

/** A text's webhook is smaller. Such bodies have a room of their own, so that large mail never keeps texts out. */
const smallBytes = 64_000;

/**
 * One mapping may fill half of the room, so that the others always have the other half. What is over it is answered 503:
 * providers come again. A body counts from its first byte, or from its declared length, until it is answered.
 */
export function createBodyMemory(limitBytes: { small: number; large: number }): BodyMemory {
  const rooms = { small: createRoom(limitBytes.small), large: createRoom(limitBytes.large) };
  return {
    begin(owner, declaredBytes) {
      let room = declaredBytes !== undefined && declaredBytes > smallBytes ? rooms.large : rooms.small;
      let held = 0;
      let come = 0;
      const take = (bytes: number) => {
        if (!room.take(owner, bytes)) throw tooMuch();
        held += bytes;
      };
      const hold: BodyHold = {
        grow(bytes) {
          come += bytes;
          if (come <= held) return;
          if (room === rooms.small && come > smallBytes) {
            hold.end();
            room = rooms.large;
          }
          take(come - held);
        },
        end() {
          room.give(owner, held);
          held = 0;
        },
      };
      take(declaredBytes ?? 0);
      return hold;
    },
  };
}

function createRoom(limitBytes: number) {
  const byOwner = new Map<string, number>();
  let total = 0;
  return {
    take(owner: string, bytes: number): boolean {
      const own = (byOwner.get(owner) ?? 0) + bytes;
      if (total + bytes > limitBytes || own > limitBytes / 2) return false;
      total += bytes;
      byOwner.set(owner, own);
      return true;
    },
    give(owner: string, bytes: number): void {
      total -= bytes;
      const own = (byOwner.get(owner) ?? 0) - bytes;
      if (own > 0) byOwner.set(owner, own);
      else byOwner.delete(owner);
    },
  };
}

function tooMuch(): Problem {
  return new Problem(503, "too many bodies are being read at this moment: nothing was stored, send it again", {
    headers: { "Retry-After": "10" },
  });
}
