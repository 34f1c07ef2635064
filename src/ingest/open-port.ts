/** How a serial port is opened. */
export interface PortOptions {
  baudRate: number;
  resetOnOpen: boolean;
  lowLatency: boolean;
}

/** Who hears an open port; nothing before the call that opened it has returned, and nothing after `close`. */
export interface PortListener {
  /** `buffer[0, length)` are the next bytes. */
  bytes(buffer: Uint8Array, length: number): void;
  /** The device is no longer there. */
  gone(reason: string): void;
}

/** A serial port that is open. */
export interface OpenPort {
  /** Handed over and not taken by the system yet. */
  readonly unsentBytes: number;
  /** Hands bytes over, copied. */
  write(bytes: Uint8Array): void;
  /** Stops reading, or goes on. */
  hold(isHeld: boolean): void;
  /** Resolves when its descriptors are free. */
  close(): Promise<void>;
}
