import { expect, test, vi } from 'vitest';
import { SaveSchedule } from '../../src/daemon/save-schedule.js';

test('a failed save is tried again sooner, then less and less often, and as ever once one has worked', async () => {
  vi.useFakeTimers();
  try {
    const times: number[] = [];
    let works = false;
    const start = Date.now();
    const schedule = new SaveSchedule(
      () => true,
      async () => {
        times.push((Date.now() - start) / 1000);
        if (!works) throw new Error('full');
      },
    );
    schedule.every(300);
    await vi.advanceTimersByTimeAsync(460_000);
    expect(times).toEqual([300, 305, 315, 335, 375, 455]);
    works = true;
    await vi.advanceTimersByTimeAsync(460_000);
    expect(times.slice(6)).toEqual([615, 915]);
    schedule.stop();
    await vi.advanceTimersByTimeAsync(1e6);
    expect(times).toHaveLength(8);
  } finally {
    vi.useRealTimers();
  }
});
