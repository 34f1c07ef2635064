import type { StateArray } from '../online/index.js';

/** Step sizes a network of the race may come to. */
const RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
/** Who leads is looked at after so many labels. */
const LOOK_EVERY = 500;
/** Looks after the first at which the same network must lead. */
const LOOKS = 2;
/** By how much the discounted losses of the loser must be larger: its weight is e⁻³ of the winner's then. */
const CLEAR = 6;
/** Networks that race for rates: the first ones. */
const RACERS = 3;
/** It keeps its rate and weights, so that one is always there that bends soon. */
const STAYS = 1;

const LABELS = 0;
const LEADER = 1;
const LED = 2;

/**
 * The step sizes of the race's networks. Where one of three has long been the best, another will do better beside it than far
 * behind: it goes on from the winner's weights, a step beyond where the winner is the slowest or the fastest, and else half way to the
 * third.
 */
export class RateGrid {
  /** Of the move found last. */
  winner = 0;
  loser = 0;
  /** [networks]: index of each one's rate. */
  private readonly places: Int32Array;
  private readonly declared: Int32Array;
  /** [3]: labels since the last look · who led then · looks before at which it led too. */
  private readonly looks = Int32Array.of(0, -1, 0);

  /** @param rates of every network, each one of RATES; those behind the third never change */
  constructor(rates: readonly number[]) {
    this.declared = Int32Array.from(rates, (rate) => RATES.indexOf(rate));
    this.places = this.declared.slice();
  }

  rateOf(k: number): number {
    return RATES[this.places[k]];
  }

  /** Network k has its declared rate again. */
  reset(k: number): void {
    this.places[k] = this.declared[k];
  }

  /**
   * After a label.
   *
   * @param sums discounted losses of the networks
   * @returns whether `loser` has another rate now, and is to go on from the weights of `winner`
   * @hot
   */
  judge(sums: Float32Array): boolean {
    const { looks } = this;
    looks[LABELS] = looks[LABELS] + 1;
    return looks[LABELS] >= LOOK_EVERY && this.look(sums);
  }

  private look(sums: Float32Array): boolean {
    const { looks, places } = this;
    looks[LABELS] = 0;
    let winner = 0;
    for (let k = 1; k < RACERS; k++) if (sums[k] < sums[winner]) winner = k;
    looks[LED] = winner === looks[LEADER] ? looks[LED] + 1 : 0;
    looks[LEADER] = winner;
    const loser = winner === 0 || (winner === STAYS && sums[2] > sums[0]) ? 2 : 0;
    if (looks[LED] < LOOKS || sums[loser] - sums[winner] < CLEAR) return false;
    const third = RACERS - winner - loser;
    const own = places[winner];
    const place =
      own < places[loser] && own < places[third]
        ? own - 1
        : own > places[loser] && own > places[third]
          ? own + 1
          : (own + places[third]) >> 1;
    if (place < 0 || place >= RATES.length || place === own || place === places[third]) return false;
    places[loser] = place;
    looks[LED] = 0;
    this.winner = winner;
    this.loser = loser;
    return true;
  }

  state(prefix: string): StateArray[] {
    const { places, looks } = this;
    return [
      { name: `${prefix}.places`, shape: [places.length], data: places },
      { name: `${prefix}.looks`, shape: [looks.length], data: looks },
    ];
  }
}
