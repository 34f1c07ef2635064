import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import ts from 'typescript';

/** Packages that stay packages; everything else that is imported is bundled, and its licence goes with it. */
const external = [/^node:/, 'serialport', 'commander', 'smol-toml', 'tinypool', 'mqtt', 'vitest'];

/** Writes the licences of bundled packages beside the bundle. */
const licences = () => ({
  name: 'licences',
  generateBundle(_options, bundle) {
    const folders = new Set();
    for (const chunk of Object.values(bundle)) {
      for (const id of Object.keys(chunk.modules ?? {})) {
        const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id);
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

/** npm runs the command line through its own path, so the file has to be executable. */
const executable = () => ({
  name: 'executable',
  writeBundle({ dir }) {
    chmodSync(join(dir, 'cli.js'), 0o755);
  },
});

export default {
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
  plugins: [nodeResolve(), small(), licences(), executable()],
};
