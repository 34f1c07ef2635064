// npm run docs: writes docs/configuration.md from the schema that checks a configuration, and docs/boards.md from what
// `edgegrad init` makes of lines. Tests keep them equal.
import { writeFileSync } from 'node:fs';
import { boardsPage } from '../build/js/cli/init/boards-docs.js';
import { configurationPage } from '../build/js/daemon/config-docs.js';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationPage());
writeFileSync(new URL('../docs/boards.md', import.meta.url), boardsPage());
