// Saves checkpoints one after the other for ever, and says each number once it is kept. Killed by its test.
import { CheckpointStore } from '../../build/js/daemon/index.js';
import { encodeSafetensors } from '../../build/js/models/index.js';

const store = new CheckpointStore(process.argv[2], 'writer');
await store.prepare();
for (let n = 1; ; n++) {
  const data = new Float64Array(4096).fill(n);
  await store.save(encodeSafetensors([{ name: 'n', dtype: 'F64', shape: [data.length], data }], {}));
  process.stdout.write(`${n}\n`);
}
