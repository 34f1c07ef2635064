import { request } from 'node:http';
import { expect, test } from 'vitest';
import { startDaemon } from '../support/live-daemon.js';

test('bodies in chunks are read, absent, broken and too long ones are refused: never a fault of the server', async (context) => {
  const { url } = await startDaemon(context);
  /** Chunked unless `body` is undefined, which sends neither a body nor its length. */
  const send = (method: string, path: string, body?: string) =>
    new Promise<number>((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        ...(body === undefined ? {} : { 'transfer-encoding': 'chunked' }),
      };
      const sent = request(url + path, { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on('error', reject);
      if (body === undefined) sent.removeHeader('transfer-encoding');
      else for (let at = 0; at < body.length; at += 7000) sent.write(body.slice(at, at + 7000));
      sent.end();
    });
  expect(await send('POST', '/api/tasks/line/learning', '{"on":false}')).toBe(200);
  expect(await send('POST', '/api/tasks/line/learning', '{"on":"no"}')).toBe(400);
  expect(await send('POST', '/api/tasks/line/learning', '{')).toBe(400);
  expect(await send('POST', '/api/tasks/line/learning')).toBe(400);
  expect(await send('POST', '/api/tasks/line/label', `{"values":[${'0,'.repeat(7000)}0]}`)).toBe(400);
  expect(await send('POST', '/api/tasks/line/label', `{"values":[${'0,'.repeat(9000)}0]}`)).toBe(413);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    for (const path of ['/', '/healthz', '/metrics', '/api/login', '/api/status', '/api/tasks/line/save']) {
      for (const body of [undefined, '', '{}', '[', 'null']) {
        const status = await send(method, path, body);
        expect(status === 200 || (status >= 400 && status < 500), `${method} ${path} ${body}: ${status}`).toBe(true);
      }
    }
  }
  expect(await send('GET', '/healthz')).toBe(200);
});
