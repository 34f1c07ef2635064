// npm run docs: writes docs/configuration.md from the schema that checks a configuration. A test keeps them equal.
import { writeFileSync } from 'node:fs';
import { configurationPage } from '../build/js/daemon/config-docs.js';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationPage());
