import fc from 'fast-check';

// Property tests draw the same inputs on every machine, so that a red run is a change and not luck; to look further,
// FUZZ_SEED=random npm test draws others (fast-check prints the seed of a failure), FUZZ_SEED=123 draws those again.
const wanted = process.env.FUZZ_SEED ?? '1';
if (wanted !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) });
