import {
  ADCMuxInputType,
  AVRADC,
  AVREEPROM,
  AVRIOPort,
  AVRTimer,
  AVRUSART,
  adcConfig,
  avrInstruction,
  CPU,
  EEPROMMemoryBackend,
  eepromConfig,
  PinState,
  portBConfig,
  portCConfig,
  portDConfig,
  timer0Config,
  timer1Config,
  timer2Config,
  usart0Config,
} from 'avr8js';

const CLOCK_HZ = 16_000_000;
/** An ATmega328P. */
const FLASH_BYTES = 32768;
const EEPROM_BYTES = 1024;
const SLICE_CYCLES = 16_000; // 1 ms

export interface AvrBoardOptions {
  /** A byte the firmware has sent, at the end of its time on the line. */
  onByte(byte: number): void;
  /** Volts on an analog pin, asked at every conversion. */
  voltsOf?(channel: number): number;
}

/** An Arduino Uno in software: runs the machine code of a `.hex` file cycle by cycle, with its UART, timers, ADC and pins. */
export class AvrBoard {
  private readonly cpu: CPU;
  private readonly usart: AVRUSART;
  private readonly portB: AVRIOPort;
  /** Bytes the host has sent that the UART has not taken yet. */
  private readonly toReceive: number[] = [];
  private isRunning = false;

  constructor(hex: string, { onByte, voltsOf = () => 0 }: AvrBoardOptions) {
    this.cpu = new CPU(readHex(hex));
    this.usart = new AVRUSART(this.cpu, usart0Config, CLOCK_HZ);
    this.portB = new AVRIOPort(this.cpu, portBConfig);
    for (const config of [portCConfig, portDConfig]) new AVRIOPort(this.cpu, config);
    for (const config of [timer0Config, timer1Config, timer2Config]) new AVRTimer(this.cpu, config);
    new AVREEPROM(this.cpu, new EEPROMMemoryBackend(EEPROM_BYTES), eepromConfig);
    const adc = new AVRADC(this.cpu, adcConfig);
    adc.onADCRead = (input) => {
      const volts = input.type === ADCMuxInputType.SingleEnded ? voltsOf(input.channel) : 0;
      const reading = Math.min(1023, Math.max(0, Math.floor((volts / adc.referenceVoltage) * 1024)));
      this.cpu.addClockEvent(() => adc.completeADCRead(reading), adc.sampleCycles);
    };
    this.usart.onByteTransmit = onByte;
    this.usart.onRxComplete = () => this.receiveNext();
  }

  /** Firmware time since the start, in seconds. */
  get seconds(): number {
    return this.cpu.cycles / CLOCK_HZ;
  }

  /** Whether the LED on pin 13 shines. */
  get led(): boolean {
    return this.portB.pinState(5) === PinState.High;
  }

  /** Bytes from the host, at the pace of the line. */
  receive(bytes: Uint8Array): void {
    this.toReceive.push(...bytes);
    this.receiveNext();
  }

  /** Runs on by so much firmware time, as fast as it goes. */
  advance(seconds: number): void {
    const end = this.cpu.cycles + seconds * CLOCK_HZ;
    while (this.cpu.cycles < end) {
      avrInstruction(this.cpu);
      this.cpu.tick();
    }
  }

  /** Runs on by so much firmware time at the pace of the real clock; what it falls behind it catches up with. */
  async run(seconds: number): Promise<void> {
    this.isRunning = true;
    const end = this.seconds + seconds;
    const startMs = performance.now();
    const start = this.seconds;
    while (this.isRunning && this.seconds < end) {
      this.advance(SLICE_CYCLES / CLOCK_HZ);
      const aheadMs = 1000 * (this.seconds - start) - (performance.now() - startMs);
      await new Promise<void>((resolve) => (aheadMs > 1 ? setTimeout(resolve, aheadMs) : setImmediate(resolve)));
    }
  }

  stop(): void {
    this.isRunning = false;
  }

  private receiveNext(): void {
    if (this.toReceive.length === 0 || this.usart.rxBusy) return;
    if (this.usart.writeByte(this.toReceive[0])) this.toReceive.shift();
  }
}

/** Intel HEX to program words. */
function readHex(text: string): Uint16Array {
  const program = new Uint8Array(FLASH_BYTES);
  for (const line of text.split('\n')) {
    if (!line.startsWith(':')) continue;
    const bytes = Uint8Array.from(Buffer.from(line.slice(1).trim(), 'hex'));
    if (bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0) !== 0) throw new Error(`hex: wrong checksum in ${line}`);
    const [count, high, low, type] = bytes;
    if (type === 0) program.set(bytes.subarray(4, 4 + count), 256 * high + low);
  }
  return new Uint16Array(program.buffer);
}
