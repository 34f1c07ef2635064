import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../../src/models/index.js';

const tensor = (name: string, data: Tensor['data'], shape: number[] = [data.length]): Tensor => {
  const dtype = ({ Float64Array: 'F64', Float32Array: 'F32', Int32Array: 'I32', Uint32Array: 'U32' } as const)[
    data.constructor.name as 'Float64Array'
  ];
  return { name, dtype, shape, data };
};

test('safetensors: what is written is read back, every type, empty ones included', () => {
  const tensors = [
    tensor('b', new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3]),
    tensor('a', new Float64Array([Math.PI])),
    tensor('n', new Int32Array([-1, 2])),
    tensor('u', new Uint32Array([4294967295])),
    tensor('none', new Float32Array(0)),
  ];
  const { tensors: read, metadata } = decodeSafetensors(encodeSafetensors(tensors, { greeting: 'ahoi' }));
  expect(metadata).toEqual({ greeting: 'ahoi' });
  expect(read.size).toBe(5);
  for (const each of tensors) expect(read.get(each.name)).toEqual(each);
});

test('safetensors: reading from a Buffer, as files come, copies', () => {
  const file = Buffer.from(encodeSafetensors([tensor('w', new Float32Array([1, -2]))], {}));
  const read = decodeSafetensors(file).tensors.get('w');
  file.fill(0);
  expect([...(read?.data ?? [])]).toEqual([1, -2]);
});

test('safetensors: the layout is the published one', () => {
  const file = encodeSafetensors([tensor('w', new Float32Array([1, -2]))], {});
  const view = new DataView(file.buffer);
  const headerBytes = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerBytes)));
  expect(header.w).toEqual({ dtype: 'F32', shape: [2], data_offsets: [0, 8] });
  expect(Object.values(header.__metadata__).every((value) => typeof value === 'string')).toBe(true);
  expect(headerBytes % 8).toBe(0);
  expect([view.getFloat32(8 + headerBytes, true), view.getFloat32(12 + headerBytes, true)]).toEqual([1, -2]);
});

test('safetensors: a file without our digest, as other writers make it, is read', () => {
  const json = '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  const file = new Uint8Array(8 + json.length + 4);
  new DataView(file.buffer).setUint32(0, json.length, true);
  file.set(new TextEncoder().encode(json), 8);
  new DataView(file.buffer).setFloat32(8 + json.length, 2.5, true);
  expect([...decodeSafetensors(file, 'w', false).tensors.get('w')!.data]).toEqual([2.5]);
  expect(() => decodeSafetensors(file)).toThrow(/no edgegrad_sha256/);
});

test('safetensors: hostile bytes give a one-line CheckpointError, never anything else', () => {
  const good = encodeSafetensors([tensor('w', new Float32Array([1, -2]))], { a: 'b' });
  const headers = [
    '[]',
    'null',
    '{"w":null}',
    '{"w":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}',
    '{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
    '{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
    '{"w":{"dtype":"F32","shape":[1e9,1e9],"data_offsets":[0,8]}}',
    '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
    '{"__metadata__":7,"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"v":3}',
  ].map((json) => {
    const file = new Uint8Array(8 + json.length + 8);
    new DataView(file.buffer).setUint32(0, json.length, true);
    file.set(new TextEncoder().encode(json), 8);
    return file;
  });
  const refused = (bytes: Uint8Array) => {
    try {
      decodeSafetensors(bytes, 'x.safetensors');
    } catch (error) {
      expect(String(error)).toMatch(/^CheckpointError: CHECKPOINT_DAMAGED: x\.safetensors: found .*, expected [^\n]*$/);
      return true;
    }
    return false;
  };
  for (const file of headers) expect(refused(file)).toBe(true);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refused));
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (i, value) => {
      const damaged = good.slice();
      damaged[i] = value;
      if (refused(damaged)) return true;
      expect(decodeSafetensors(damaged)).toEqual(decodeSafetensors(good)); // white space between words of the header
      return true;
    }),
    { numRuns: 500 },
  );
});
