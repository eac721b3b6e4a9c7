import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, InvalidRequest, ParseError } from "../errors.ts";
import { decodeJson } from "../formats/parse-value.ts";
import { declaredOrigins, declareProvider } from "../providers/registry.ts";
import { requireDocument } from "./declared-providers.ts";

/**
 * Declares the providers whose documents are in a directory, each in a file `*.json`. Throws a ConfigError that names the file,
 * and the path in it, for what cannot be taken: the bridge does not start without a provider that it is to have.
 */
export async function declareFiles(directory: string): Promise<void> {
  for (const file of filesIn(directory)) {
    const document = await readFile(directory, file);
    const other = declaredOrigins().get(document.name);
    if (other && "file" in other && other.file !== file) {
      throw new ConfigError(`PROVIDERS_DIR: ${file}: name: ${other.file} declares ${document.name}, too`);
    }
    declareProvider(document, { file });
  }
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith(".json"))
      .sort();
  } catch (error) {
    throw new ConfigError(`PROVIDERS_DIR: ${directory} cannot be read: ${(error as Error).message}`);
  }
}

async function readFile(directory: string, file: string) {
  try {
    return await requireDocument(decodeJson(readFileSync(join(directory, file))));
  } catch (error) {
    if (error instanceof InvalidRequest) {
      const lines = error.errors.map(({ path, message }) => `PROVIDERS_DIR: ${file}: ${path}: ${message}`);
      throw new ConfigError(lines.length > 0 ? lines.join("\n") : `PROVIDERS_DIR: ${file}: ${error.message}`);
    }
    if (error instanceof ParseError) throw new ConfigError(`PROVIDERS_DIR: ${file}: ${error.message}`);
    throw error;
  }
}
