import { packageFile } from '../ingest/index.js';

/** The configuration shipped with this package. */
export const demoConfigPath = (): string => packageFile('models/sailing-wind/edgegrad.toml');
