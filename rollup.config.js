import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { dts } from 'rollup-plugin-dts';
import ts from 'typescript';

/** Packages that stay packages; everything else that is imported is bundled, and its licence goes with it. */
const external = [/^node:/, 'serialport', 'commander', 'smol-toml', 'tinypool', 'prom-client', 'vitest'];

/** Writes the licences of bundled packages beside the bundle. */
const licences = () => ({
  name: 'licences',
  generateBundle(_options, bundle) {
    const folders = new Set();
    for (const chunk of Object.values(bundle)) {
      for (const id of Object.keys(chunk.modules ?? {})) {
        const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.replace('\0', ''));
        if (match && chunk.modules[id].renderedLength > 0) folders.add(match[1]);
      }
    }
    const texts = [...folders].sort().map((folder) => {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt'].map((each) => join(folder, each)).find(existsSync);
      if (!file) throw new Error(`${relative('.', folder)} has no licence file`);
      return `${name} ${version}\n\n${readFileSync(file, 'utf8').trim()}\n`;
    });
    this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY-LICENSES.txt', source: texts.join('\n\n') });
  },
});

/**
 * Leaves comments out and writes everything in ASCII: V8 keeps the text of what is loaded in memory, with two bytes a
 * character where one of them is not of Latin-1. The types keep their comments.
 */
const small = () => ({
  name: 'small',
  renderChunk(code) {
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { removeComments: true, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext },
    });
    const escaped = (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
    return { code: outputText.replace(/[\u0080-\uffff]/g, escaped), map: null };
  },
});

/**
 * Of mqtt the client over TCP and TLS alone: Node's own streams in place of a copy of them, and nothing in place of what
 * it would need for proxies, for browsers or to log.
 */
const PREFIX = '\0stands-for:';
const STANDS_FOR = new Map([
  ['readable-stream', "module.exports = require('node:stream');"],
  ['inherits', "module.exports = require('node:util').inherits;"],
  ['debug', 'const none = () => {}; module.exports = () => none;'],
  ['process-nextick-args', 'module.exports = process;'],
  ['worker-timers', ''],
  ['./socks', ''],
  ['../../package.json', "exports.version = '';"],
]);
const mqttAlone = () => ({
  name: 'mqtt-alone',
  resolveId(source, importer) {
    const isOfMqtt = importer !== undefined && /node_modules\/(mqtt|mqtt-packet|bl)\//.test(importer);
    return isOfMqtt && STANDS_FOR.has(source) ? `${PREFIX}${source}.cjs` : null;
  },
  load(id) {
    return id.startsWith(PREFIX) ? STANDS_FOR.get(id.slice(PREFIX.length, -'.cjs'.length)) : null;
  },
});

/** npm runs the command line through its own path, so the file has to be executable. */
const executable = () => ({
  name: 'executable',
  writeBundle({ dir }) {
    chmodSync(join(dir, 'cli.js'), 0o755);
  },
});

/** What of the page is no script: its own files, with the style of the charts. */
const pageFiles = () => ({
  name: 'page-files',
  generateBundle() {
    const style = [
      readFileSync('node_modules/uplot/dist/uPlot.min.css', 'utf8'),
      readFileSync('src/page/page.css', 'utf8'),
      readFileSync('src/page/task.css', 'utf8'),
    ].join('\n');
    this.emitFile({ type: 'asset', fileName: 'page.css', source: style });
    for (const file of ['index.html', 'icon.svg']) {
      this.emitFile({ type: 'asset', fileName: file, source: readFileSync(join('src/page', file), 'utf8') });
    }
  },
});

const program = {
  input: {
    index: 'build/js/index.js',
    stream: 'build/js/stream/index.js',
    bridge: 'build/js/bridge/index.js',
    recording: 'build/js/recording/index.js',
    vitest: 'build/js/vitest/index.js',
    cli: 'build/js/cli/main.js',
    'sweep-worker': 'build/js/cli/sweep-worker.js',
  },
  output: { dir: 'dist', format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
  external,
  plugins: [
    mqttAlone(),
    nodeResolve({ preferBuiltins: true }),
    commonjs({ defaultIsModuleExports: true, ignoreDynamicRequires: true }),
    small(),
    licences(),
    executable(),
  ],
};

/** The local page: one script, which the process serves from dist/page. */
const page = {
  input: { page: 'build/page/page/main.js' },
  output: { dir: 'dist/page', format: 'es', entryFileNames: '[name].js' },
  plugins: [nodeResolve({ browser: true }), licences(), pageFiles()],
};

/**
 * The declarations of what package.json exports, and of nothing else. Those of bundled packages are bundled too: a user's
 * compiler does not find the packages. They are made from the declarations that tsc writes to build/types.
 */
const { exports: entries } = JSON.parse(readFileSync('package.json', 'utf8'));
const declared = Object.values(entries).flatMap(
  ({ types }) => types?.replace('./dist/types/', '').replace('.d.ts', '') ?? [],
);
const types = {
  input: Object.fromEntries(declared.map((name) => [name, `build/types/${name}.d.ts`])),
  output: { dir: 'dist/types', format: 'es', entryFileNames: '[name].d.ts', chunkFileNames: 'chunks/[name].ts' },
  external,
  plugins: [dts({ includeExternal: ['valibot'] })],
};

export default [program, page, types];
