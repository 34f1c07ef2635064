import { readFileSync } from 'node:fs';
import { packageFile } from '../ingest/index.js';

/** Of this package. */
export const VERSION: string = (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string })
  .version;
