#!/usr/bin/env python3
"""Writes binary.json and binary.txt: frames of ../binary.md as bytes, beside what they mean.

An implementation of its own, so that neither the C library nor the host's decoder says what is right. Needs nothing but
Python 3; the CRC is zlib's. binary.txt has the same in lines, for programs without JSON, but for the bare byte stuffing.
Run it after a change of the protocol; the output depends on nothing but this file. An argument names another folder.
"""

import json
import math
import os
import struct
import sys
import zlib

F32, F16, I32, I16, U16, U8, BOOL = range(1, 8)
TYPE_NAMES = [None, 'f32', 'f16', 'i32', 'i16', 'u16', 'u8', 'bool']
PACKING = [None, '<f', '<e', '<i', '<h', '<H', '<B', '<B']
HELLO, ROW, ROW_BATCH, LOG, STATS, PONG, LABEL = range(1, 8)
HELLO_REQ, RATE, PING, OUTPUT, LABEL_ACK = range(0x81, 0x86)


# ---- columns and values


class Column:
    def __init__(self, name, unit='', type=F32, scale=1.0, offset=0.0, label=False):
        self.name, self.unit, self.type, self.label = name, unit, type, label
        self.scale, self.offset = f32(scale), f32(offset)

    def encoded(self):
        scaled = (self.scale, self.offset) != (1.0, 0.0)
        kind = self.type | (0x40 if self.label else 0) | (0x80 if scaled else 0)
        numbers = struct.pack('<ff', self.scale, self.offset) if scaled else b''
        return bytes([kind]) + numbers + text8(self.name) + text8(self.unit)

    def value(self, raw):
        """What a raw value means; None where it is missing."""
        if isinstance(raw, float) and math.isnan(raw):
            return None
        number = (1 if raw else 0) if self.type == BOOL else raw
        return f32(number * self.scale + self.offset)

    def json(self):
        return {
            'name': self.name, 'unit': self.unit, 'type': TYPE_NAMES[self.type],
            'scale': self.scale, 'offset': self.offset, 'label': self.label,
        }


class Schema:
    def __init__(self, name, columns):
        self.name, self.columns = name, columns
        self.rows = [c for c in columns if not c.label]
        self.labels = [c for c in columns if c.label]
        self.hash = zlib.crc32(b''.join(c.encoded() for c in columns)) & 0xFFFF or 1


def f32(number):
    return struct.unpack('<f', struct.pack('<f', number))[0]


def text8(text):
    data = text.encode()
    return bytes([len(data)]) + data


def pack(columns, raws):
    return b''.join(struct.pack(PACKING[c.type], raw) for c, raw in zip(columns, raws, strict=True))


def unpack(columns, data):
    raws, at = [], 0
    for c in columns:
        raws.append(struct.unpack_from(PACKING[c.type], data, at)[0])
        at += struct.calcsize(PACKING[c.type])
    return raws


def values(columns, raws, missing=()):
    return [None if i in missing else c.value(raw) for i, (c, raw) in enumerate(zip(columns, raws, strict=True))]


# ---- frames


def cobs(body):
    out = bytearray()
    for block in body.split(b'\0'):
        while len(block) >= 254:
            out += b'\xff' + block[:254]
            block = block[254:]
        out += bytes([len(block) + 1]) + block
    return bytes(out)


def frame_body(type, flags, seq, t_us, schema, payload):
    head = struct.pack('<BBHIH', type, flags, seq & 0xFFFF, t_us & 0xFFFFFFFF, schema) + payload
    return head + struct.pack('<I', zlib.crc32(head))


def wire(body):
    return cobs(body) + b'\0'


schemas, frames, rejects, sequences, stuffing, lines = [], [], [], [], [], []


def schema(name, columns):
    s = Schema(name, columns)
    schemas.append(s)
    return s


def hexed(data):
    return data.hex() or '-'


def bits(number):
    """The bits of a float32 in hexadecimal; every NaN, and what is missing, is 7fc00000."""
    if number is None or math.isnan(number):
        return '7fc00000'
    return struct.pack('>f', number).hex()


def plain(number):
    """NaN has no JSON: null."""
    return None if number is None or math.isnan(number) else number


def add_frame(name, direction, message, body, meaning, line):
    type, flags, seq, t_us, hash = struct.unpack_from('<BBHIH', body)
    frames.append({
        'name': name, 'direction': direction, 'bytes': wire(body).hex(), 'body': body.hex(),
        'header': {'type': type, 'flags': flags, 'seq': seq, 'tUs': t_us, 'schema': hash},
        'message': message, **meaning,
    })
    lines.append(' '.join([direction, message, name.replace(' ', '_'), wire(body).hex(), *map(str, line)]))


class Device:
    """Makes frames of one start of a device; adds them to the vectors where they get a name."""

    def __init__(self, schema, boot=0x5A3C19E7, rows=0, firmware='demo 1.0', period_us=10000):
        self.schema, self.boot, self.rows = schema, boot, rows
        self.firmware, self.period_us = firmware, period_us

    def body(self, type, payload, t_us, schema=0, flags=0, seq=None):
        return frame_body(type, flags | (self.boot & 15) << 4, self.rows if seq is None else seq, t_us, schema, payload)

    def emit(self, name, message, body, meaning, line):
        if name:
            known = {'schema': self.schema.name, 'boot': self.boot, 'rows': self.rows}
            t_us = struct.unpack_from('<I', body, 4)[0]
            add_frame(name, 'device', message, body, {'given': known, **meaning},
                      [self.schema.name.replace(' ', '_'), self.boot, self.rows, t_us, *line])
        return wire(body)

    def hello(self, t_us=1000, first=0, here=None, name=None, extra=b'', hash=None, protocol=1):
        columns = self.schema.columns
        here = len(columns) - first if here is None else here
        some = columns[first:first + here]
        payload = struct.pack('<BBBBIII', protocol, first, here, len(columns), self.boot, self.rows, self.period_us)
        payload += text8(self.firmware) + b''.join(c.encoded() for c in some) + extra
        body = self.body(HELLO, payload, t_us, self.schema.hash if hash is None else hash)
        meaning = {
            'protocol': protocol, 'first': first, 'here': here, 'columns': len(columns), 'bootId': self.boot,
            'nextRow': self.rows, 'periodUs': self.period_us, 'firmware': self.firmware,
            'columnsHere': [c.json() for c in some],
        }
        return self.emit(name, 'HELLO', body, meaning, [self.period_us, hexed(self.firmware.encode()), first, here])

    def row(self, raws, t_us, missing=None, name=None, bad=False):
        data = pack(self.schema.rows, raws)
        mask = b''
        if missing is not None:
            mask = bytearray((len(self.schema.rows) + 7) // 8)
            for i in missing:
                mask[i // 8] |= 1 << i % 8
        body = self.body(ROW, bytes(mask) + data, t_us, self.schema.hash, 0 if missing is None else 1)
        found = [] if bad else values(self.schema.rows, unpack(self.schema.rows, data), missing or ())
        out = self.emit(name, 'ROW', body, {'missing': missing, 'raw': data.hex(), 'values': [found]},
                        [hexed(bytes(mask)), hexed(data), *map(bits, found)])
        self.rows += 1
        return out

    def batch(self, rows, t_us, step_us, name=None, bad=False):
        data = b''.join(pack(self.schema.rows, raws) for raws in rows)
        body = self.body(ROW_BATCH, struct.pack('<BI', len(rows), step_us) + data, t_us, self.schema.hash)
        size = len(data) // len(rows)
        found = [] if bad else [values(self.schema.rows, unpack(self.schema.rows, data[i * size:(i + 1) * size]))
                                for i in range(len(rows))]
        out = self.emit(name, 'ROW_BATCH', body, {'count': len(rows), 'stepUs': step_us, 'raw': data.hex(), 'values': found},
                        [step_us, len(rows), hexed(data), *[bits(v) for r in found for v in r]])
        self.rows += len(rows)
        return out

    def log(self, level, text, t_us, name=None):
        body = self.body(LOG, bytes([level]) + text.encode(), t_us)
        return self.emit(name, 'LOG', body, {'level': level, 'text': text}, [level, hexed(text.encode())])

    def stats(self, numbers, t_us, name=None, extra=b''):
        dropped_rows, dropped_frames, rx_frames, rx_bad, free_ram = numbers
        payload = struct.pack('<IIIIIH', self.rows, *numbers) + extra
        meaning = {'nextRow': self.rows, 'droppedRows': dropped_rows, 'droppedFrames': dropped_frames,
                   'rxFrames': rx_frames, 'rxBad': rx_bad, 'freeRam': free_ram}
        return self.emit(name, 'STATS', self.body(STATS, payload, t_us), meaning, numbers)

    def pong(self, token, rx_us, t_us, name=None):
        body = self.body(PONG, struct.pack('<II', token, rx_us), t_us)
        return self.emit(name, 'PONG', body, {'token': token, 'rxUs': rx_us}, [token, rx_us])

    def label(self, row, raws, t_us, name=None):
        data = pack(self.schema.labels, raws)
        found = values(self.schema.labels, unpack(self.schema.labels, data))
        body = self.body(LABEL, struct.pack('<I', row) + data, t_us, self.schema.hash)
        return self.emit(name, 'LABEL', body, {'row': row, 'raw': data.hex(), 'values': [found]},
                         [row, hexed(data), *map(bits, found)])


def host(message, name, payload, seq, t_us, meaning, line, flags=0):
    types = {'HELLO_REQ': HELLO_REQ, 'RATE': RATE, 'PING': PING, 'OUTPUT': OUTPUT, 'LABEL_ACK': LABEL_ACK}
    body = frame_body(types[message], flags, seq, t_us, 0, payload)
    add_frame(name, 'host', message, body, meaning, [seq, t_us, *line])
    return wire(body)


def output(name, row, score, numbers, seq, t_us, warming=False, alarm=False):
    payload = struct.pack('<IfB', row, score, len(numbers)) + struct.pack(f'<{len(numbers)}f', *numbers)
    numbers, score = [f32(v) for v in numbers], f32(score)
    flags = (1 if warming else 0) | (2 if alarm else 0)
    host('OUTPUT', name, payload, seq, t_us,
         {'row': row, 'score': plain(score), 'warmingUp': warming, 'alarm': alarm, 'values': [plain(v) for v in numbers]},
         [flags, row, bits(score), len(numbers), *map(bits, numbers)], flags)


def reject(name, direction, reason, data, known=None):
    """`known`: the schema the receiver has; the bytes are one frame or what is meant to be one, with the 0x00."""
    rejects.append({'name': name, 'direction': direction, 'reason': reason,
                    'schema': known.name if known else None, 'bytes': data.hex()})
    lines.append(f"reject {direction} {name.replace(' ', '_')} {known.name.replace(' ', '_') if known else '-'} {reason} {data.hex()}")


def sequence(name, parts, events, text=''):
    """A stream as a receiver that has just begun to listen hears it. What is printed is compared as a whole."""
    data = b''.join(parts)
    sequences.append({'name': name, 'bytes': data.hex(), 'events': events, 'text': text})
    lines.append(f"sequence {name.replace(' ', '_')} {hexed(data)} {hexed(text.encode('utf-8'))}")
    for e in events:
        kind = e['event']
        if kind == 'row':
            lines.append(' '.join(['event row', str(e['row']), str(e['timeUs']), *map(bits, e['values'])]))
        elif kind == 'label':
            lines.append(' '.join(['event label', str(e['row']), *map(bits, e['values'])]))
        elif kind == 'gap':
            lines.append(f"event gap {e['reason']} {e.get('rows', 0)}")
        else:
            lines.append(' '.join(['event', kind, *[str(v) for k, v in e.items() if k != 'event']]))
    lines.append('end')


def hello_event(device):
    return {'event': 'hello', 'bootId': device.boot, 'nextRow': device.rows, 'periodUs': device.period_us}


def schema_event(s):
    return {'event': 'schema', 'hash': s.hash}


def row_event(s, row, time_us, raws, missing=()):
    return {'event': 'row', 'row': row, 'timeUs': time_us,
            'values': values(s.rows, unpack(s.rows, pack(s.rows, raws)), missing)}


def lost(rows):
    return {'event': 'gap', 'reason': 'lost', 'rows': rows}


def gap(reason):
    return {'event': 'gap', 'reason': reason}


def rejected(reason):
    return {'event': 'reject', 'reason': reason}


# ---- schemas

axes = schema('axes', [Column('x', 'g'), Column('y', 'g'), Column('z', 'g')])
every = schema('every type', [
    Column('temperature', '°C'),
    Column('pressure', 'hPa', F16),
    Column('count', '', I32),
    Column('angle', 'deg', I16, 0.01),
    Column('supply', 'V', U16, 0.0048875855, -1.5),
    Column('level', '%', U8, 0.5),
    Column('door', '', BOOL),
    Column('truth', '°C', F32, label=True),
    Column('class', '', U8, label=True),
])
one = schema('one bool', [Column('on', '', BOOL)])
nine = schema('nine bytes', [Column(f'c{i}', '', U8) for i in range(9)])
full = schema('full row', [Column(f'c{i:02}') for i in range(59)])
wide = schema('64 columns', [Column(f'column_{i:02}_' + 'n' * 21, 'u' * 15, U8, 0.25, -3.0) for i in range(63)]
              + [Column('label_' + 'ß' * 12 + 'n', 'µ' * 7 + 'u', F32, label=True)])
half = schema('halves', [Column('h', '', F16), Column('scaled', 'A', F16, 0.001, 10.0)])
tiny = schema('integers', [Column('i', '', I32, 1 / 3, 0.1), Column('s', '', I16, -2.5), Column('u', '', U16), Column('b', '', U8)])


def with_hash_of_zero():
    """Columns whose CRC ends in 16 zeros: 0 stands for no schema, so it becomes 1."""
    n = 0
    while zlib.crc32(Column(f'c{n}', '', U8).encoded()) & 0xFFFF != 0:
        n += 1
    return [Column(f'c{n}', '', U8)]


zero = schema('hash of zero', with_hash_of_zero())

for s in schemas:
    lines.append(f"schema {s.name.replace(' ', '_')} {s.hash} {len(s.columns)}")
    for c in s.columns:
        lines.append(f"column {hexed(c.name.encode())} {hexed(c.unit.encode())} {c.type} {bits(c.scale)} {bits(c.offset)} {int(c.label)}")


# ---- frames of a device

d = Device(axes)
d.hello(name='hello of three axes')
d.row([0.0, -1.0, 0.98], 123456, name='row of three floats')
d.row([float('nan'), 1e-40, 3.4028234663852886e38], 0xFFFFFFFF, name='row with NaN for missing, a subnormal and the largest float')
d.row([1.0, 2.0, 3.0], 7, missing=[1], name='row of floats with a mask')
Device(axes, rows=0x0001FFFF).row([0, 0, 0], 0, name='row number above 16 bits')
Device(axes, boot=0).row([0, 0, 0], 0, name='nothing but zeros in the payload')
Device(axes, boot=0, firmware='', period_us=0).hello(t_us=0, name='hello with an empty firmware name')
Device(axes, boot=0xFFFFFFFF, rows=0xFFFFFFFF, firmware='f' * 31, period_us=0xFFFFFFFF).hello(t_us=0xFFFFFFFF, name='hello of largest numbers')

d = Device(every, boot=0x00000100, rows=0xFFFE)
d.hello(name='hello of every type, labels and scales')
d.row([21.5, 1013.5, -2147483648, -32768, 0, 0, 0], 1, name='every type, lowest')
d.row([-0.0, 65504.0, 2147483647, 32767, 65535, 255, 1], 2, name='every type, highest, before the count is 2^16')
d.row([21.5, 1013.5, 5, -9000, 1023, 7, 255], 3, missing=[0, 2, 6], name='every type with a mask')
d.row([21.5, 1013.5, 5, -9000, 1023, 7, 255], 3, missing=[], name='a mask with nothing missing')
d.row([21.5, 1013.5, 5, -9000, 1023, 7, 255], 3, missing=list(range(7)), name='a mask with everything missing')
d.batch([[20.25, 1000.0, i, -i, 2 * i, i, i % 2] for i in range(3)], 5000, 250, name='batch of three rows')
d.batch([[20.25, 1000.0, 1, 1, 1, 1, 1]], 0xFFFFFF00, 0, name='batch of one row')
d.label(0x00010002, [22.125, 3], 6000, name='label')
d.label(0xFFFFFFFF, [float('nan'), 255], 6000, name='label with a missing value')

d = Device(one, boot=0xFFFFFFF0 | 15)
d.hello(name='hello of one column')
d.row([1], 0x01010101, name='shortest row')
d.row([2], 0x01010101, name='bool other than 0 and 1')
d.batch([[i % 3 > 0] for i in range(231)], 99, 1000, name='batch of 231 rows, a body of 250 bytes')
d = Device(nine, rows=5)
d.row([0, 1, 2, 3, 4, 5, 6, 7, 255], 4, missing=[0, 8], name='mask of two bytes')
d.row([255] * 9, 0xFFFFFFFF, name='bytes 0xFF')
d = Device(full, rows=1)
for i in range(0, 59, 8):
    d.hello(first=i, here=min(8, 59 - i), name=f'hello of a full row, from column {i}')
d.row([math.sin(i) for i in range(59)], 11, name='row of 236 bytes, a body of 250 bytes')
d.row([struct.unpack('<f', b'\x01\x02\x03\x04')[0]] * 59, 0x01020304, name='a body of 250 bytes with hardly a zero')
d.row([0.0] * 59, 0, name='a body of 250 bytes, nearly all zeros')
d = Device(wide, firmware='f' * 31)
for i in range(0, 64, 3):
    d.hello(first=i, here=min(3, 64 - i), name=f'hello of 64 columns, from column {i}')
d.row(list(range(63)), 12, name='row of 63 columns')
d.row(list(range(63)), 12, missing=[0, 7, 8, 62], name='row of 63 columns with a mask')
d.label(2, [1.0], 13, name='label beside 63 columns')
d = Device(half)
d.row([0.0, 0.0], 1, name='half: zero')
d.row([-0.0, 1.0], 1, name='half: minus zero')
d.row([5.960464477539063e-08, 6.097555160522461e-05], 1, name='half: subnormals')
d.row([6.103515625e-05, 0.333251953125], 1, name='half: smallest normal')
d.row([65504.0, -65504.0], 1, name='half: largest')
d.row([float('nan'), 2.0], 1, name='half: NaN is missing')
d = Device(tiny)
d.row([2147483647, -32768, 65535, 255], 1, name='integers: scale and offset in float64, rounded once')
d.row([-16777217, 32767, 0, 0], 1, name='integers: more bits than a float32 has')
d = Device(zero)
d.hello(name='hello whose hash would be 0')
d.row([7], 1, name='row of the schema 1')
d = Device(axes, rows=77)
d.log(0, '', 1, name='log: empty')
d.log(2, 'ready: 21 °C', 2, name='log: UTF-8')
d.log(3, 'x' * 235, 3, name='log: longest')
d.stats((0, 0, 0, 0, 0xFFFF), 4, name='stats: nothing yet')
d.stats((1, 2, 3, 0xFFFFFFFF, 1234), 5, name='stats: numbers')
d.pong(0, 0, 0, name='pong: zeros')
d.pong(0xDEADBEEF, 0xFFFFFFFE, 0xFFFFFFFF, name='pong')

# ---- frames of the host

host('HELLO_REQ', 'hello request', b'', 0, 0, {}, [])
host('HELLO_REQ', 'hello request, last number', b'', 0xFFFF, 0xFFFFFFFF, {}, [])
for us in (0, 1, 10000, 0xFFFFFFFF):
    host('RATE', f'rate {us}', struct.pack('<I', us), 1, 1000, {'periodUs': us}, [us])
for token in (0, 0x01020304, 0xFFFFFFFF):
    host('PING', f'ping {token}', struct.pack('<I', token), 2, 2000, {'token': token}, [token])
output('output: one value', 41, 0.25, [21.5], 3, 3000)
output('output: score unknown, warming up', 0, float('nan'), [0.0], 4, 4000, warming=True)
output('output: alarm', 0xFFFFFFFF, -3.5, [1e30, -1e-30], 5, 5000, alarm=True)
output('output: both flags, NaN among the values', 1, 1.0, [float('nan'), 1.0, 0.0], 6, 6000, warming=True, alarm=True)
output('output: no values', 1, 0.0, [], 7, 7000)
output('output: 56 values', 0x01020304, 0.5, [i / 7 for i in range(56)], 8, 8000)
for row in (0, 0x00010000, 0xFFFFFFFF):
    host('LABEL_ACK', f'label acknowledged {row}', struct.pack('<I', row), 9, 9000, {'row': row}, [row])

# ---- byte stuffing on its own, the 0x00 at the end included

for name, data in [
    ('one zero', b'\0'), ('one byte', b'\x01'), ('zeros', b'\0' * 14), ('zero at the start', b'\0\x11\x22'),
    ('zero at the end', b'\x11\x22\0'), ('zeros in the middle', b'\x11\0\0\x22'), ('0xFF', b'\xff' * 20),
    ('250 bytes, no zero', bytes(i % 255 + 1 for i in range(250))), ('250 zeros', b'\0' * 250),
    ('250 bytes of 0xFF', b'\xff' * 250), ('249 bytes and a zero', b'\x7f' * 249 + b'\0'), ('a zero and 249 bytes', b'\0' + b'\x80' * 249),
    ('every byte', bytes(range(250))),
]:
    stuffing.append({'name': name, 'body': data.hex(), 'bytes': wire(data).hex()})

# ---- one frame, dropped; each reason

d = Device(axes)
good = d.body(ROW, pack(axes.rows, [1.0, 2.0, 3.0]), 5, axes.hash)
reject('252 bytes', 'device', 'tooLong', b'\xfc' + b'\x81' * 251 + b'\0', axes)
reject('600 bytes', 'device', 'tooLong', b'\x81' * 600 + b'\0', axes)
reject('252 bytes of right stuffing', 'device', 'tooLong', wire(bytes(frame_body(ROW, 0, 0, 0, axes.hash, b'\x09' * 237))), axes)
reject('252 bytes to the device', 'host', 'tooLong', b'\xfc' + b'\x81' * 251 + b'\0')
reject('a block longer than the bytes', 'device', 'cobs', b'\x05\x81\x82\0', axes)
reject('a block one longer than the bytes', 'device', 'cobs', bytes([wire(good)[0] + 40]) + wire(good)[1:], axes)
reject('0xFF', 'device', 'cobs', b'\xff' * 200 + b'\0', axes)
reject('printable without a line feed', 'device', 'cobs', b'hello\0', axes)
reject('a line feed but not printable', 'device', 'cobs', b'hello\n\x01\x05\0', axes)
reject('a frame cut off', 'device', 'cobs', wire(good)[:-4] + b'\0', axes)
reject('a block longer than the bytes, to the device', 'host', 'cobs', b'\x05\x81\x82\0')
reject('nothing in a block', 'device', 'tooShort', b'\x01\0', axes)
reject('13 bytes', 'device', 'tooShort', wire(good[:13]), axes)
reject('13 bytes to the device', 'host', 'tooShort', wire(good[:13]))
reject('14 bytes of zeros', 'device', 'crc', wire(b'\0' * 14), axes)
reject('one bit of the CRC', 'device', 'crc', wire(good[:-1] + bytes([good[-1] ^ 0x80])), axes)
reject('one bit of the type', 'device', 'crc', wire(bytes([good[0] ^ 1]) + good[1:]), axes)
reject('a byte missing', 'device', 'crc', wire(good[:9] + good[10:]), axes)
reject('CRC with its bytes the other way round', 'device', 'crc', wire(good[:-4] + good[:-5:-1]), axes)
reject('one bit of the CRC, to the device', 'host', 'crc', wire(good[:-1] + bytes([good[-1] ^ 0x80])))
reject('type 0', 'device', 'unknownType', wire(d.body(0, b'', 5)), axes)
reject('type 8', 'device', 'unknownType', wire(d.body(8, b'', 5)), axes)
reject('private type', 'device', 'unknownType', wire(d.body(0x70, b'abc', 5)), axes)
reject('a request from the device', 'device', 'unknownType', wire(frame_body(HELLO_REQ, 0, 0, 0, 0, b'')), axes)
reject('a row to the device', 'host', 'unknownType', wire(good))
reject('a private type to the device', 'host', 'unknownType', wire(frame_body(0xF0, 0, 0, 0, 0, b'abc')))

for name, type, payload in [
    ('row one byte short', ROW, b'\0' * 11), ('row one byte long', ROW, b'\0' * 13), ('row of nothing', ROW, b''),
    ('batch of nothing', ROW_BATCH, b'\0' * 5), ('batch without a step', ROW_BATCH, b'\x01\0'),
    ('batch of two in the room of one', ROW_BATCH, b'\x02' + b'\0' * 16), ('batch one byte long', ROW_BATCH, b'\x01' + b'\0' * 17),
    ('log without a level', LOG, b''), ('stats one byte short', STATS, b'\0' * 21), ('pong of 7 bytes', PONG, b'\0' * 7),
    ('pong of 9 bytes', PONG, b'\0' * 9), ('label of 3 bytes', LABEL, b'\0' * 3), ('label with a byte too many', LABEL, b'\0' * 5),
]:
    reject(name, 'device', 'length', wire(d.body(type, payload, 5, axes.hash if type in (ROW, ROW_BATCH, LABEL) else 0)), axes)
reject('mask without a row', 'device', 'length', wire(d.body(ROW, b'\0', 5, axes.hash, flags=1)), axes)
reject('no mask where one is said to be', 'device', 'length', wire(d.body(ROW, b'\0' * 12, 5, axes.hash, flags=1)), axes)
reject('label one byte short', 'device', 'length', wire(d.body(LABEL, b'\0' * 8, 5, every.hash)), every)
for name, head, rest in [
    ('hello cut in the numbers', b'\x01\0\x01\x01' + b'\0' * 11, b''),
    ('hello without firmware', b'\x01\0\x01\x01' + b'\0' * 12, b''),
    ('hello with a firmware name of 32 bytes', b'\x01\0\x01\x01' + b'\0' * 12, b'\x20' + b'f' * 32 + b'\x01\x01x\0'),
    ('hello without its column', b'\x01\0\x01\x01' + b'\0' * 12, b'\0'),
    ('hello cut in a name', b'\x01\0\x01\x01' + b'\0' * 12, b'\0\x01\x05x'),
    ('hello cut in a scale', b'\x01\0\x01\x01' + b'\0' * 12, b'\0\x81\0\0\0'),
    ('hello cut before a unit', b'\x01\0\x01\x01' + b'\0' * 12, b'\0\x01\x01x'),
    ('hello with an empty name', b'\x01\0\x01\x01' + b'\0' * 12, b'\0\x01\0\0'),
    ('hello with a name of 32 bytes', b'\x01\0\x01\x01' + b'\0' * 12, b'\0\x01\x20' + b'x' * 32 + b'\0'),
    ('hello with a unit of 16 bytes', b'\x01\0\x01\x01' + b'\0' * 12, b'\0\x01\x01x\x10' + b'u' * 16),
    ('hello with a column of type 0', b'\x01\0\x01\x01' + b'\0' * 12, b'\0\0\x01x\0'),
    ('hello with a column of type 8', b'\x01\0\x01\x01' + b'\0' * 12, b'\0\x08\x01x\0'),
    ('hello with more columns here than there are', b'\x01\0\x02\x01' + b'\0' * 12, b'\0\x01\x01x\0\x01\x01y\0'),
    ('hello with columns beyond the last', b'\x01\x01\x01\x01' + b'\0' * 12, b'\0\x01\x01x\0'),
    ('hello of 65 columns', b'\x01\0\x01\x41' + b'\0' * 12, b'\0\x01\x01x\0'),
]:
    reject(name, 'device', 'length', wire(d.body(HELLO, head + rest, 5, 0x1234)), None)
for name, type, payload in [
    ('hello request with a byte', HELLO_REQ, b'\0'), ('rate of 3 bytes', RATE, b'\0' * 3), ('rate of 5 bytes', RATE, b'\0' * 5),
    ('ping of nothing', PING, b''), ('output of 8 bytes', OUTPUT, b'\0' * 8), ('output with a value too few', OUTPUT, b'\0' * 8 + b'\x01'),
    ('output with a byte too many', OUTPUT, b'\0' * 10), ('label acknowledged, 3 bytes', LABEL_ACK, b'\0' * 3),
]:
    reject(name, 'host', 'length', wire(frame_body(type, 0, 0, 0, 0, payload)))

reject('row before any schema', 'device', 'schema', wire(good))
reject('row of another schema', 'device', 'schema', wire(good), every)
reject('row without a schema', 'device', 'schema', wire(d.body(ROW, b'\0' * 12, 5, 0)), axes)
reject('batch of another schema', 'device', 'schema', wire(d.body(ROW_BATCH, b'\x01' + b'\0' * 16, 5, 9)), axes)
reject('label of another schema', 'device', 'schema', wire(d.body(LABEL, b'\0' * 9, 5, 9)), every)
for name, numbers in [('infinity', [1.0, math.inf, 0.0]), ('minus infinity', [-math.inf, 1.0, 0.0])]:
    reject(name, 'device', 'range', wire(d.body(ROW, pack(axes.rows, numbers), 5, axes.hash)), axes)
reject('half infinity', 'device', 'range', wire(d.body(ROW, pack(half.rows, [math.inf, 1.0]), 5, half.hash)), half)
huge = schema('huge', [Column('h', '', I32, 3e38, 0.0)])
lines.insert(0, f'column {hexed(b"h")} - {I32} {bits(f32(3e38))} {bits(0.0)} 0')
lines.insert(0, f'schema huge {huge.hash} 1')
reject('a scaled value beyond float32', 'device', 'range', wire(d.body(ROW, pack(huge.rows, [2]), 5, huge.hash)), huge)
reject('a label that is infinite', 'device', 'range', wire(d.body(LABEL, struct.pack('<IfB', 1, math.inf, 0), 5, every.hash)), every)

# ---- streams

A, B, C, D = [1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [0.5, 0.25, 0.125]


def begin(s=axes, **given):
    """A device, the bytes of its start and what a receiver says of them."""
    d = Device(s, **given)
    parts, events = [b'\0', d.hello(t_us=0)], [hello_event(d), schema_event(s)]
    return d, parts, events


d, p, e = begin()
p += [d.row(A, 10), d.row(B, 20), b'\0\0\0', d.row(C, 30)]
e += [row_event(axes, 0, 10, A), row_event(axes, 1, 20, B), row_event(axes, 2, 30, C)]
sequence('rows after a hello', p, e)

d, p, e = begin()
d.row(A, 10)
d.row(A, 20)
p += [d.row(B, 30), d.row(C, 40)]
e += [lost(2), row_event(axes, 2, 30, B), row_event(axes, 3, 40, C)]
sequence('two rows lost', p, e)

d, p, e = begin()
p += [d.row(A, 10)]
d.row(B, 20)
p += [d.log(1, 'late', 25), d.row(C, 30)]
e += [row_event(axes, 0, 10, A), lost(1), {'event': 'log', 'level': 1, 'text': 'late'}, row_event(axes, 2, 30, C)]
sequence('a log shows that a row was lost', p, e)

d, p, e = begin()
p += [d.row(A, 10)]
bad = bytearray(d.row(B, 20))
bad[6] ^= 4
p += [bytes(bad), d.row(C, 30)]
e += [row_event(axes, 0, 10, A), rejected('crc'), lost(1), row_event(axes, 2, 30, C)]
sequence('a damaged row', p, e)

d, p, e = begin()
first, second = d.row(A, 10), d.row(B, 20)
p += [first, second, first, second, d.row(C, 30)]
e += [row_event(axes, 0, 10, A), row_event(axes, 1, 20, B), rejected('duplicate'), rejected('duplicate'), row_event(axes, 2, 30, C)]
sequence('rows twice', p, e)

d, p, e = begin()
p += [d.batch([A, B, C], 100, 10), d.row(D, 130)]
e += [row_event(axes, 0, 100, A), row_event(axes, 1, 110, B), row_event(axes, 2, 120, C), row_event(axes, 3, 130, D)]
sequence('a batch', p, e)

d, p, e = begin()
p += [d.row(A, 100), d.row(B, 110)]
d.rows = 1
p += [d.batch([B, C, D], 110, 10)]
e += [row_event(axes, 0, 100, A), row_event(axes, 1, 110, B), rejected('duplicate'), row_event(axes, 2, 120, C), row_event(axes, 3, 130, D)]
sequence('a batch whose first row has come before', p, e)

d, p, e = begin()
p += [d.batch([A, [math.inf, 0, 0], C], 100, 10, bad=True), d.row(D, 130)]
e += [rejected('range'), row_event(axes, 0, 100, A), row_event(axes, 2, 120, C), row_event(axes, 3, 130, D)]
sequence('a batch with an infinite value', p, e)

d, p, e = begin()
p += [d.row([math.inf, 0, 0], 10, bad=True), d.row(B, 20)]
e += [rejected('range'), row_event(axes, 1, 20, B)]
sequence('an infinite value uses its number', p, e)

d, p, e = begin(boot=0x11111111)
p += [d.row(A, 1000)]
e += [row_event(axes, 0, 1000, A)]
d = Device(axes, boot=0x22222222)
p += [d.hello(t_us=5), d.row(B, 15)]
e += [gap('restart'), hello_event(Device(axes, boot=0x22222222)), row_event(axes, 0, 15, B)]
sequence('a restart', p, e)

d, p, e = begin(boot=0x11111111)
p += [d.row(A, 1000)]
e += [row_event(axes, 0, 1000, A)]
d = Device(axes, boot=0x22222222)
d.row(B, 15)
p += [d.row(C, 25)]
e += [gap('restart'), lost(1), row_event(axes, 1, 25, C)]
sequence('a restart whose hello and first row were lost', p, e)

d, p, e = begin(boot=0x11111115)
p += [d.row(A, 1000)]
e += [row_event(axes, 0, 1000, A)]
d = Device(axes, boot=0x22222225)
p += [d.hello(t_us=5), d.row(B, 15)]
e += [gap('restart'), hello_event(Device(axes, boot=0x22222225)), row_event(axes, 0, 15, B)]
sequence('a restart with the same boot bits', p, e)

d, p, e = begin(boot=0x11111111)
p += [d.row(A, 1000)]
e += [row_event(axes, 0, 1000, A)]
d = Device(every, boot=0x22222222)
raws = [1.0, 2.0, 3, 4, 5, 6, 1]
p += [d.row(raws, 10), d.hello(t_us=15), d.row(raws, 20)]
e += [gap('restart'), rejected('schema'), lost(1), {**hello_event(d), 'nextRow': 1}, schema_event(every), row_event(every, 1, 20, raws)]
sequence('a restart with another schema, a row before the hello', p, e)

d = Device(axes)
p = [d.row(A, 10), d.row(B, 20), d.hello(t_us=25), d.row(C, 30)]
e = [rejected('schema'), rejected('schema'), {**hello_event(d), 'nextRow': 2}, schema_event(axes), row_event(axes, 2, 30, C)]
sequence('listening from the middle of a stream', p, e)

d, p, e = begin(rows=65534)
p += [d.row(A, 10), d.row(B, 20), d.row(C, 30)]
e += [row_event(axes, 65534, 10, A), row_event(axes, 65535, 20, B), row_event(axes, 65536, 30, C)]
sequence('row numbers pass 2^16', p, e)

d, p, e = begin(rows=0xFFFFFFFF)
p += [d.row(A, 10)]
d.rows = 0
p += [d.row(B, 20)]
e += [row_event(axes, 0xFFFFFFFF, 10, A), row_event(axes, 0, 20, B)]
sequence('row numbers pass 2^32', p, e)

d, p, e = begin()
p += [d.row(A, 10)]
d.rows += 32767
p += [d.row(B, 20)]
e += [row_event(axes, 0, 10, A), lost(32767), row_event(axes, 32768, 20, B)]
sequence('32767 rows lost', p, e)

d, p, e = begin()
p += [d.row(A, 10)]
d.rows += 100000
e += [row_event(axes, 0, 10, A), lost(100000), hello_event(d), row_event(axes, 100001, 40, B)]
p += [d.hello(t_us=30), d.row(B, 40)]
sequence('a hello tells of 100000 rows lost', p, e)

d, p, e = begin()
p += [d.row(A, 10)]
d.rows += 70000
e += [row_event(axes, 0, 10, A), lost(70000),
      {'event': 'stats', 'nextRow': d.rows, 'droppedRows': 70000, 'droppedFrames': 70000, 'rxFrames': 1, 'rxBad': 2, 'freeRam': 900},
      row_event(axes, 70001, 40, B)]
p += [d.stats((70000, 70000, 1, 2, 900), 30), d.row(B, 40)]
sequence('stats tell of 70000 rows lost', p, e)

d, p, e = begin(rows=30000)
p += [d.row(A, 900)]
e += [row_event(axes, 30000, 900, A), gap('restart')]
d.rows = 3
p += [d.row(B, 10), d.row(C, 20)]
e += [row_event(axes, 3, 10, B), row_event(axes, 4, 20, C)]
sequence('the count jumps back under the same boot bits', p, e)

d, p, e = begin(rows=65536 + 100)
p += [d.row(A, 900)]
e += [row_event(axes, 65636, 900, A), gap('restart')]
d.rows = 0
e += [hello_event(d), row_event(axes, 0, 20, B)]
p += [d.hello(t_us=10), d.row(B, 20)]
sequence('a hello shows that the count began again', p, e)

d, p, e = begin()
p += [d.row(A, 1000), d.row(B, 900), d.row(C, 950)]
e += [row_event(axes, 0, 1000, A), gap('clock'), row_event(axes, 1, 900, B), row_event(axes, 2, 950, C)]
sequence('the clock goes back', p, e)

d, p, e = begin()
p += [d.row(A, 1000), d.pong(7, 1190, 1200), d.batch([B, C], 1100, 150), d.row(D, 1260)]
e += [row_event(axes, 0, 1000, A), {'event': 'pong', 'token': 7, 'rxUs': 1190, 'tUs': 1200}, row_event(axes, 1, 1100, B),
      row_event(axes, 2, 1250, C), row_event(axes, 3, 1260, D)]
sequence('a pong while a batch is gathered', p, e)

d, p, e = begin()
p += [d.batch([A, B], 1000, 100), d.row(C, 1050)]
e += [row_event(axes, 0, 1000, A), row_event(axes, 1, 1100, B), gap('clock'), row_event(axes, 2, 1050, C)]
sequence('a row earlier than the last of a batch', p, e)

d = Device(axes)
p = [b'\0', d.hello(t_us=0xFFFFFF00), d.row(A, 0xFFFFFFF0), d.row(B, 0x10), d.batch([C, D], 0x7FFFFFFF, 0x40000000), d.row(A, 0xEFFFFFFF), d.row(B, 5)]
e = [{**hello_event(d), 'nextRow': 0}, schema_event(axes), row_event(axes, 0, 0xFFFFFFF0, A), row_event(axes, 1, 0x100000010, B),
     row_event(axes, 2, 0x17FFFFFFF, C), row_event(axes, 3, 0x1BFFFFFFF, D), row_event(axes, 4, 0x1EFFFFFFF, A), row_event(axes, 5, 0x200000005, B)]
sequence('the clock wraps', p, e)

d, p, e = begin()
p += [d.log(2, 'old', 5), d.row(A, 10), d.row(B, 20)]
d.rows = 0
p += [d.log(2, 'old', 5)]
d.rows = 2
p += [d.row(C, 30)]
log = {'event': 'log', 'level': 2, 'text': 'old'}
e += [log, row_event(axes, 0, 10, A), row_event(axes, 1, 20, B), log, row_event(axes, 2, 30, C)]
sequence('an old log says nothing about rows', p, e)

d = Device(every, rows=9)
p, e = [b'\0', d.hello(t_us=0, first=4), b'\0', d.hello(t_us=0, first=0, here=4), d.row(raws, 10)], [{**hello_event(d), 'nextRow': 9}] * 2
e += [schema_event(every), row_event(every, 9, 10, raws)]
sequence('a schema in two hellos, the second first', p, e)

d = Device(every)
p = [d.hello(t_us=0, first=0, here=4), d.hello(t_us=0, first=0, here=4), d.row(raws, 10), d.hello(t_us=20, first=4), d.row(raws, 30)]
e = [{**hello_event(d), 'nextRow': 0}] * 2 + [rejected('schema'), lost(1), {**hello_event(d), 'nextRow': 1}, schema_event(every), row_event(every, 1, 30, raws)]
sequence('half a schema is no schema', p, e)

d = Device(axes)
p = [d.hello(t_us=0, hash=axes.hash ^ 1), d.row(A, 10), d.hello(t_us=20), d.row(B, 30)]
e = [{**hello_event(d), 'nextRow': 0}, rejected('schema'), lost(1), {**hello_event(d), 'nextRow': 1}, schema_event(axes), row_event(axes, 1, 30, B)]
sequence('a hash that is not that of the columns', p, e)

d, p, e = begin()
p += [d.hello(t_us=5), d.row(A, 10), d.hello(t_us=15, extra=b'\x01\x02\x03'), d.row(B, 20), d.stats((0, 0, 0, 0, 1), 25, extra=b'new'), d.row(C, 30)]
e += [{**hello_event(d), 'nextRow': 0}, row_event(axes, 0, 10, A), {**hello_event(d), 'nextRow': 1}, row_event(axes, 1, 20, B),
      {'event': 'stats', 'nextRow': 2, 'droppedRows': 0, 'droppedFrames': 0, 'rxFrames': 0, 'rxBad': 0, 'freeRam': 1}, row_event(axes, 2, 30, C)]
sequence('hellos again, and more bytes at the end of hello and stats', p, e)

d, p, e = begin(every)
p += [d.row(raws, 10), d.label(0, [1.5, 2], 15), d.label(0, [1.5, 2], 16), d.row(raws, 20), d.label(1, [float('nan'), 1], 25)]
e += [row_event(every, 0, 10, raws), {'event': 'label', 'row': 0, 'values': [1.5, 2.0]}, {'event': 'label', 'row': 0, 'values': [1.5, 2.0]},
      row_event(every, 1, 20, raws), {'event': 'label', 'row': 1, 'values': [None, 1.0]}]
sequence('labels, one of them twice', p, e)

d, p, e = begin()
unknown = wire(d.body(0x70, b'private', 15))
p += [unknown, d.row(A, 20)]
e += [rejected('unknownType'), row_event(axes, 0, 20, A)]
sequence('a type unknown', p, e)

d, p, e = begin()
p += [b'boot 1.0\r\n\0', d.row(A, 10), b'note: 21 \xc2\xb0C\n', d.row(B, 20), b'one\ntwo\nthree\n', d.row(C, 30)]
e += [row_event(axes, 0, 10, A), row_event(axes, 1, 20, B), row_event(axes, 2, 30, C)]
sequence('text between frames', p, e, 'boot 1.0\r\nnote: 21 °C\none\ntwo\nthree\n')

d = Device(axes)
long = ''.join(f'line {i} of a long greeting\n' for i in range(30))
p = [long.encode(), d.hello(t_us=0), d.row(A, 10), long.encode(), b'\0', d.row(B, 20)]
e = [{**hello_event(d), 'nextRow': 0}, schema_event(axes), row_event(axes, 0, 10, A), row_event(axes, 1, 20, B)]
sequence('more text than a frame is long', p, e, long + long)

d, p, e = begin()
line = 'x' * 400 + '\n'
p += [line.encode(), d.row(A, 10)]
e += [row_event(axes, 0, 10, A)]
sequence('a line longer than a frame', p, e, line)

d, p, e = begin()
p += [b'no line feed\0', d.row(A, 10), b'bell\x07\n\0', d.row(B, 20)]
e += [rejected('cobs'), row_event(axes, 0, 10, A), rejected('cobs'), row_event(axes, 1, 20, B)]
sequence('what is not text counts as damage', p, e)

d, p, e = begin()
p += [b'\x81' * 700 + b'\0', d.row(A, 10), wire(good)[:9], d.row(B, 20), d.row(C, 30)]
e += [rejected('tooLong'), row_event(axes, 0, 10, A), rejected('cobs'), lost(1), row_event(axes, 2, 30, C)]
sequence('noise, and a frame cut off', p, e)

with_line_feed = Device(axes, rows=0x0A0A)
p = [b'\0', with_line_feed.hello(t_us=0x0A0A0A0A), with_line_feed.row([struct.unpack('<f', b'\n\n\n\n')[0]] * 3, 0x0A0A0A0A)]
newline = struct.unpack('<f', b'\n\n\n\n')[0]
e = [{'event': 'hello', 'bootId': with_line_feed.boot, 'nextRow': 0x0A0A, 'periodUs': 10000}, schema_event(axes), row_event(axes, 0x0A0A, 0x0A0A0A0A, [newline] * 3)]
sequence('line feeds inside a frame are no text', p, e)

# ---- files

COMMENT = (
    'Frames of protocol 1 and what they mean; the rules are in ../binary.md, this file is written by make.py. bytes is '
    'hexadecimal and ends with the 0x00. null is NaN or a missing value; values are exact float32. frames: each is one '
    'good frame; of a device, given is what it knows when it sends. rejects: one bad frame, for a receiver that has the '
    'named schema and has taken no frame since. sequences: a stream for a receiver that knows nothing yet, what it says '
    'in order, and the text it hears; of a frame, gaps and the reject come before its rows. cobs: byte stuffing alone.'
)


def main():
    here = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    doc = {
        'comment': COMMENT,
        'schemas': [{'name': s.name, 'hash': s.hash, 'encoded': b''.join(c.encoded() for c in s.columns).hex(),
                     'columns': [c.json() for c in s.columns]} for s in schemas],
        'frames': frames, 'rejects': rejects, 'sequences': sequences, 'cobs': stuffing,
    }
    with open(os.path.join(here, 'binary.json'), 'w', encoding='utf-8') as out:
        out.write('{\n')
        for i, (key, value) in enumerate(doc.items()):
            if isinstance(value, list):
                rows = ',\n'.join('    ' + json.dumps(v, ensure_ascii=False) for v in value)
                text = f'[\n{rows}\n  ]'
            else:
                text = json.dumps(value, ensure_ascii=False)
            out.write(f'  "{key}": {text}{"," if i < len(doc) - 1 else ""}\n')
        out.write('}\n')
    with open(os.path.join(here, 'binary.txt'), 'w', encoding='utf-8') as out:
        out.write('\n'.join(lines) + '\n')


main()
