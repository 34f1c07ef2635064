export { IngestError } from './errors.js';
export { FileSource } from './file.js';
export { MemorySource } from './memory.js';
export { listPorts, type PortInfo, resolvePort } from './ports.js';
export { openPty, type Pty, type PtyOptions } from './pty.js';
export { type SerialOptions, SerialSource } from './serial.js';
export { type Clock, realClock, SimulatedDevice, type SimulatedDeviceOptions } from './simulated-device.js';
export type { ByteSink, ByteSource, Wire } from './source.js';
export { type TcpOptions, TcpSource } from './tcp.js';
