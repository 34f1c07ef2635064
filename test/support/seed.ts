import fc from 'fast-check';

// Property tests draw the same inputs on every machine, so that a red run is a change and not luck; to look further,
// FUZZ_SEED=random npm test draws others and prints their seed, FUZZ_SEED=123 draws those of that seed again.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FUZZ_SEED ?? 1) });
