import type { EdgegradError } from '../spec/errors.js';

/** Who takes the bytes of a source. None of these may throw. */
export interface ByteSink {
  /** `buffer[0, length)` are the next bytes. The buffer belongs to the source, which uses it again after the call. */
  bytes(buffer: Uint8Array, length: number): void;
  /** Bytes come from now on. */
  opened(what: string): void;
  /**
   * It does not open, though it is there, and is tried again: no permission, another program has it, an error. Called once
   * for each reason in succession.
   */
  refused?(problem: EdgegradError): void;
  /** No bytes come until the next `opened`, if there is one. Called once for every `opened`. */
  closed(reason: string): void;
}

/** Where bytes come from. A live port and a recording look the same from here on. */
export interface ByteSource {
  /** For log lines: `serial:/dev/ttyACM0`. */
  readonly name: string;
  /** Resolves when bytes can come. Rejects with an `IngestError` when that cannot be. */
  start(sink: ByteSink): Promise<void>;
  /** Ends it for good; after it has resolved the sink hears nothing more. Not counted as a loss: `closed` says 'stopped'. */
  stop(): Promise<void>;
  /**
   * Hands bytes to the device, copied. Never waits.
   *
   * @returns false where they could not be taken: nobody is there, or it reads too slowly. Counted
   */
  send(bytes: Uint8Array): boolean;
  /** Holds back further bytes, or goes on: only of a source that loses nothing by waiting. */
  hold?(isHeld: boolean): void;
  /** What has been counted, by name. */
  counters(): Record<string, number>;
}

/** The device's end of a wire. */
export interface Wire {
  /** Sends bytes, which must not change until they are drained. False: wait for `drained` before sending more. */
  write(bytes: Uint8Array): boolean;
  /** Resolves when everything written has been handed on. Rejects when the wire is cut before. */
  drained(): Promise<void>;
}
