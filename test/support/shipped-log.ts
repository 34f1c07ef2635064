/** Hash of the default race after the shipped log, from its first row to its last, on every machine and executor. */
export const SHIPPED_HASH = '20d5f7c5adcb961f';
