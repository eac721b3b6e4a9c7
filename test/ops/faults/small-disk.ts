import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit } from "../../support/at-exit.ts";

const diskMegabytes = 100;
const nobody = 65_534;

/** A disk that is soon full; only root on Linux, where it may, can mount one. */
export function mountDisk() {
  const folder = mkdtempSync(join(tmpdir(), "small-disk-"));
  chmodSync(folder, 0o755);
  try {
    const options = `size=${diskMegabytes}m,uid=${nobody},gid=${nobody},mode=0700`;
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { stdio: "ignore" });
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  const remove = atExit(() => {
    execFileSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  const ballast = join(folder, "ballast");
  return {
    folder,
    remove,
    fill() {
      const { bavail, bsize } = statfsSync(folder);
      try {
        writeFileSync(ballast, Buffer.alloc(bavail * bsize));
        chownSync(ballast, nobody, nobody);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    },
    makeRoom: () => rmSync(ballast),
  };
}
