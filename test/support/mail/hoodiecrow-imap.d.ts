declare module "hoodiecrow-imap" {
  interface Hoodiecrow {
    listen(port: number, host: string, done: () => void): void;
    server: { address(): { port: number } };
    close(done: () => void): void;
    fetchHandlers: Record<string, (connection: unknown, message: { raw: string }) => number>;
    appendMessage(folder: string, flags: string[], at: string, raw: string): void;
    getMailbox(folder: string): { messages: { raw: string; uid: number }[]; uidvalidity: number; uidnext: number };
  }
  function create(options: unknown): Hoodiecrow;

  // biome-ignore lint/style/noDefaultExport: this is how that package is.
  export { create as default };
}
