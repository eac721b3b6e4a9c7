import { adapterOf } from "../../providers/registry.ts";

/** A provider's name as people write it. */
export const labelOf = (provider: string): string => adapterOf(provider)?.label ?? provider;
