import { relative } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

const SLOWEST = 5;

/** After a run: what was skipped and why, and the slowest files. With CI set, a skipped test is a failure: nothing passes untested. */
export default class Report implements Reporter {
  /** Tests are chosen by name: the others are left out on purpose. */
  private isChosen = false;

  onInit(vitest: Vitest): void {
    this.isChosen = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state !== 'skipped' || (this.isChosen && result.note === undefined)) continue;
        skipped.push(`  ${relative('.', module.moduleId)}: ${test.fullName}: ${result.note ?? 'no reason given'}`);
      }
    }
    const slowest = [...modules]
      .sort((a, b) => b.diagnostic().duration - a.diagnostic().duration)
      .slice(0, SLOWEST)
      .map((each) => `${relative('.', each.moduleId)} ${(each.diagnostic().duration / 1000).toFixed(1)} s`);
    if (modules.length > SLOWEST) console.log(`slowest files: ${slowest.join(', ')}`);
    if (skipped.length === 0) return;
    console.log(`${skipped.length} skipped:\n${skipped.join('\n')}`);
    if (process.env.CI) {
      console.log('CI is set, where nothing may be skipped: install what is missing (.ci/run)');
      process.exitCode = 1;
    }
  }
}
