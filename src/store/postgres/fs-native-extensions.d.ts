/** The part that we use of https://github.com/holepunchto/fs-native-extensions, which brings no types. */
declare module "fs-native-extensions" {
  /** Takes an exclusive advisory lock on an open file; `false` when another process has it. */
  export function tryLock(fileDescriptor: number): boolean;
}
