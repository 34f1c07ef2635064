import { InvalidArgumentError } from 'commander';

/** `max`, or how many times real time. */
export function parseSpeed(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const speed = Number(text);
  if (!(speed >= 1e-3 && speed <= 1e6)) {
    throw new InvalidArgumentError('expected "max" or a number from 0.001 to 1000000 (times real time).');
  }
  return speed;
}
