import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packageFile } from '../../ingest/index.js';

/** A file of the page. */
export interface Asset {
  type: string;
  /** Compressed. */
  bytes: Uint8Array<ArrayBuffer>;
  etag: string;
}

const FILES: Record<string, [file: string, type: string]> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};

/** The page by its paths, as `npm run build` made it. */
export function loadAssets(): Map<string, Asset> {
  const folder = packageFile('dist/page');
  const assets = Object.entries(FILES).map(([path, [file, type]]): [string, Asset] => {
    const bytes = new Uint8Array(gzipSync(readFileSync(join(folder, file)), { level: 9 }));
    return [path, { type, bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` }];
  });
  return new Map(assets);
}
