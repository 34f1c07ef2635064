/** PINGs kept: two minutes of them at one every two seconds. */
const WINDOW = 64;

/**
 * How well the shortest round trip is believed to tell the offset: microseconds, and a share of what the others took
 * longer on the average, since where they scatter much the shortest one is hardly the shortest there could be.
 */
const LEAST_ERROR_US = 20;
const LEAST_ERROR_SHARE = 0.2;

/** Clocks of devices are believed to be off by this much, before anything is known: a crystal has 10 to 100 ppm. */
const PRIOR_DRIFT = 100e-6;

/**
 * The offset and drift of a device's clock against the host's, from PINGs and their PONGs. A line through the offsets of
 * the last 64, by least squares. An offset is wrong by at most half of what its round trip took longer than the shortest
 * one, so that is what it is weighed by; the slope starts from 0 ± 100 ppm and needs some span to leave it.
 *
 * All times are float64 microseconds without wraps: the host's of any start (monotonic, not the wall clock), the
 * device's as `FrameDecoder` gives them. Allocates nothing.
 */
export class ClockEstimator {
  /** [64]: device time in the middle of each exchange, its offset, its round trip; rings. */
  private readonly at = new Float64Array(WINDOW);
  private readonly offset = new Float64Array(WINDOW);
  private readonly roundTrip = new Float64Array(WINDOW);
  private taken = 0;
  /** The line: device time it is centred at, the offset there, its slope, the shortest round trip of the window. */
  private readonly line = new Float64Array(4);

  /** Exchanges in the window: 0 … 64. */
  get count(): number {
    return Math.min(this.taken, WINDOW);
  }

  /** How much faster the device's clock runs, in millionths. */
  get driftPpm(): number {
    return this.line[2] * 1e6;
  }

  /** The shortest round trip of the window, microseconds; NaN before the first. */
  get roundTripUs(): number {
    return this.taken === 0 ? Number.NaN : this.line[3];
  }

  /**
   * Takes one exchange. What is impossible (an answer before the question) is not taken.
   *
   * @param sentUs when the PING left, by the host's clock
   * @param rxUs when it came, by the device's clock
   * @param txUs when the PONG left, by the device's clock
   * @param receivedUs when it came, by the host's clock
   */
  add(sentUs: number, rxUs: number, txUs: number, receivedUs: number): void {
    const roundTrip = receivedUs - sentUs - (txUs - rxUs);
    if (!(roundTrip >= 0 && txUs >= rxUs && Number.isFinite(roundTrip))) return;
    const i = this.taken % WINDOW;
    this.taken++;
    this.at[i] = (rxUs + txUs) / 2;
    this.offset[i] = (rxUs - sentUs + (txUs - receivedUs)) / 2;
    this.roundTrip[i] = roundTrip;
    this.fit();
  }

  /** The host's time at a device's time; NaN before the first exchange. */
  hostTimeOf(deviceUs: number): number {
    return deviceUs - this.offsetAt(deviceUs);
  }

  /** How far the device's clock is ahead of the host's at a device's time, microseconds; NaN before the first exchange. */
  offsetAt(deviceUs: number): number {
    const line = this.line;
    return this.taken === 0 ? Number.NaN : line[1] + line[2] * (deviceUs - line[0]);
  }

  /** The device has started anew, or its clock has jumped. */
  reset(): void {
    this.taken = 0;
    this.line.fill(0);
  }

  private fit(): void {
    const { at, offset, roundTrip, line, count } = this;
    let shortest = roundTrip[0];
    let total = roundTrip[0];
    for (let i = 1; i < count; i++) {
      shortest = Math.min(shortest, roundTrip[i]);
      total += roundTrip[i];
    }
    const least = LEAST_ERROR_US + LEAST_ERROR_SHARE * (total / count - shortest);
    // Offsets may be large and device times larger: both are taken relative to the first of the ring.
    const at0 = at[0];
    const offset0 = offset[0];
    let sum = 0;
    let sumAt = 0;
    let sumOffset = 0;
    for (let i = 0; i < count; i++) {
      const weight = weightOf(roundTrip[i] - shortest, least);
      sum += weight;
      sumAt += weight * (at[i] - at0);
      sumOffset += weight * (offset[i] - offset0);
    }
    const meanAt = sumAt / sum;
    const meanOffset = sumOffset / sum;
    let squares = 1 / PRIOR_DRIFT ** 2;
    let products = 0;
    for (let i = 0; i < count; i++) {
      const weight = weightOf(roundTrip[i] - shortest, least);
      const x = at[i] - at0 - meanAt;
      squares += weight * x * x;
      products += weight * x * (offset[i] - offset0 - meanOffset);
    }
    line[0] = at0 + meanAt;
    line[1] = offset0 + meanOffset;
    line[2] = products / squares;
    line[3] = shortest;
  }
}

/** 1 / variance of an offset whose round trip took `excessUs` longer than the shortest one. */
function weightOf(excessUs: number, leastErrorUs: number): number {
  const error = leastErrorUs + excessUs / 2;
  return 1 / (error * error);
}
