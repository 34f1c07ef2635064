import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The configuration shipped with this package, whether run from its bundle or from a test. */
export function demoConfigPath(): string {
  const shipped = 'models/sailing-wind/edgegrad.toml';
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, shipped)) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, shipped);
}
