import { Command } from 'commander';
import { listPorts, type PortInfo } from '../ingest/index.js';

export function portsCommand(): Command {
  return new Command('ports')
    .description('list the serial ports of this machine, with names that stay when a board is plugged in again')
    .option('--json', 'print one array of objects')
    .action(({ json }: { json?: boolean }) => {
      const ports = listPorts();
      process.stdout.write(json ? `${JSON.stringify(ports, null, 2)}\n` : `${describe(ports)}\n`);
    });
}

function describe(ports: readonly PortInfo[]): string {
  if (ports.length === 0) return 'no serial port is there';
  return ports
    .map((port) => {
      const { path, byId, byPath, usb, serialNumber, manufacturer, product, driver } = port;
      const what = [manufacturer, product].filter(Boolean).join(' ') || `driver ${driver}`;
      const names = [...byId, ...byPath];
      if (usb !== undefined) names.push(`usb:${usb}${serialNumber === undefined ? '' : `:${serialNumber}`}`);
      return [`${path}  ${what}`, ...names.map((name) => `  ${name}`)].join('\n');
    })
    .join('\n');
}
