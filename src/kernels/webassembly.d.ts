// What the kernels use of WebAssembly; @types/node does not declare it, and the browser's library would bring too much.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: BufferSource);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
  function validate(bytes: BufferSource): boolean;
  type BufferSource = ArrayBuffer | ArrayBufferView<ArrayBuffer>;
}
