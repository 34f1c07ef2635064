// Compiles src/kernels/assembly to WebAssembly and embeds it in src/kernels/wasm.generated.ts.
// The indices of the arena's constants are written out for AssemblyScript from src/plan/constants.ts, their one source.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const assembly = join(root, 'src/kernels/assembly');
const output = join(root, 'src/kernels/wasm.generated.ts');

const sources = readdirSync(assembly)
  .filter((name) => /^[a-z-]+\.ts$/.test(name))
  .map((name) => join(assembly, name));
const shared = ['layout', 'constants'].map((name) => join(root, 'src/plan', `${name}.ts`));
const newest = Math.max(
  ...[...sources, ...shared, fileURLToPath(import.meta.url)].map((file) => statSync(file).mtimeMs),
);
const built = statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (built > newest) process.exit(0);

const { default: ts } = await import('typescript');
const { outputText } = ts.transpileModule(readFileSync(shared[1], 'utf8'), {
  compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
});
const { CONSTANTS } = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);
writeFileSync(
  join(assembly, 'constants.generated.ts'),
  `// Written by scripts/build-kernels.js from src/plan/constants.ts.\n${CONSTANTS.map(([name], i) => `export const K_${name}: i32 = ${i};\n`).join('')}`,
);

const { main } = await import('assemblyscript/asc');
mkdirSync(join(root, 'build'), { recursive: true });
const wasm = join(root, 'build/kernels.wasm');
const { error, stderr } = await main([
  join(assembly, 'index.ts'),
  '--outFile',
  wasm,
  '--textFile',
  join(root, 'build/kernels.wat'),
  '--optimizeLevel',
  '3',
  '--shrinkLevel',
  '0',
  '--converge',
  '--noAssert',
  '--enable',
  'simd,bulk-memory',
  '--disable',
  'mutable-globals',
  '--runtime',
  'stub',
  '--importMemory',
  '--initialMemory',
  '1',
  '--use',
  'abort=',
  '--disableWarning',
  '112', // v128 crosses no export
]);
if (error) {
  process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
  process.exit(1);
}
const bytes = readFileSync(wasm);
writeFileSync(
  output,
  `// Written by scripts/build-kernels.js: ${bytes.length} bytes of WebAssembly.\nexport const KERNELS =\n  '${bytes.toString('base64')}';\n`,
);
