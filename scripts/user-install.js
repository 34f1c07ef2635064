// npm run user-install: what a user gets. Packs the package, installs it in an empty folder, compiles a consumer of every export
// under `strict` with the libraries checked, and runs the README's example and the command line there. Uses `npm run build`'s output.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const execute = promisify(execFile);
const TIMEOUT_MS = 300_000;
/** Resolutions of modules that a user's compiler may have: each with the `module` option it goes with. */
const RESOLUTIONS = { nodenext: 'nodenext', bundler: 'esnext' };
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const folder = mkdtempSync(join(tmpdir(), 'edgegrad-user-'));
const user = join(folder, 'user');
const run = (command, args, cwd = user) => execute(command, args, { cwd, timeout: TIMEOUT_MS, encoding: 'utf8' });

const checks = {
  'packs and installs in an empty folder': async () => {
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], root);
    const [{ filename, size }] = JSON.parse(stdout);
    mkdirSync(user);
    writeFileSync(join(user, 'package.json'), '{ "private": true, "type": "module" }\n');
    await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', join(folder, filename)]);
    return `${(size / 1024).toFixed(0)} KB`;
  },
  ...Object.fromEntries(
    Object.entries(RESOLUTIONS).map(([resolution, module]) => [
      `compiles, strict, libraries checked, ${resolution}`,
      async () => {
        const { exports } = JSON.parse(readFileSync(join(user, 'node_modules/edgegrad/package.json'), 'utf8'));
        const typed = Object.entries(exports).filter(([, each]) => each.types !== undefined);
        // What is imported through the matchers needs vitest, which whoever imports them has.
        const names = typed.map(([path]) => `edgegrad${path.slice(1)}`).filter((name) => name !== 'edgegrad/vitest');
        const all = names.map((name, i) => `import * as all${i} from '${name}';\nexport { all${i} };\n`).join('');
        writeFileSync(join(user, 'all.ts'), all);
        writeFileSync(join(user, 'example.ts'), exampleOfReadme());
        const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false'];
        const options = [...strict, '--noEmit', '--lib', 'es2023,dom', '--target', 'es2022'];
        const modules = ['--module', module, '--moduleResolution', resolution];
        await run(process.execPath, [tsc, ...options, ...modules, 'all.ts', 'example.ts']);
        return `${names.length} exports`;
      },
    ]),
  ),
  "runs the README's example": async () => {
    writeFileSync(join(user, 'example.mjs'), exampleOfReadme());
    const { stdout } = await run(process.execPath, ['example.mjs']);
    const [, expected] = /; \/\/ (\d.*)$/m.exec(exampleOfReadme());
    const [printed, hash] = stdout.split('\n');
    if (printed !== expected) throw new Error(`found ${printed}, expected ${expected}`);
    return hash;
  },
  'replays the shipped log by its command': async () => {
    const model = join(user, 'node_modules/edgegrad/models/sailing-wind');
    const log = [join(model, 'sailing_wind.csv'), '--config', join(model, 'edgegrad.toml')];
    const { stdout } = await run('npx', ['--no-install', 'edgegrad', 'replay', ...log, '--json']);
    return JSON.parse(stdout).hash;
  },
};

function exampleOfReadme() {
  return /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))[1];
}

try {
  for (const [name, check] of Object.entries(checks)) {
    try {
      console.log(`${name}: ${await check()}`);
    } catch (error) {
      throw new Error(`${name}: FAILED\n${error.stdout ?? ''}${error.stderr ?? ''}${error.message}`);
    }
  }
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
