export { ChunkBuilder, MESSAGE_OVERHEAD } from './chunk.js';
export { McapFileWriter } from './file-writer.js';
export { ByteWriter, type Channel, getU64, MESSAGE_HEAD_BYTES, Opcode, RECORD_HEAD_BYTES, setU64 } from './format.js';
export { ChunkScanner, type Damage } from './scanner.js';
