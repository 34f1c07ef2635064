/** The protocol of `firmware-bridge/protocol/binary.md` this codec speaks. */
export const PROTOCOL = 1;

/** Messages from the device. */
export const HELLO = 0x01;
export const ROW = 0x02;
export const ROW_BATCH = 0x03;
export const LOG = 0x04;
export const STATS = 0x05;
export const PONG = 0x06;
export const LABEL = 0x07;

/** Messages from the host. */
export const HELLO_REQ = 0x81;
export const RATE = 0x82;
export const PING = 0x83;
export const OUTPUT = 0x84;
export const LABEL_ACK = 0x85;

/** Set in the types of messages from the host. */
export const FROM_HOST = 0x80;

/** ROW: a mask of missing values stands before them. */
export const FLAG_MASK = 1;
/** OUTPUT: the network is warming up; something is out of the ordinary. */
export const FLAG_WARMING_UP = 1;
export const FLAG_ALARM = 2;

/** Where the fields of the header are, and its size. */
export const AT_FLAGS = 1;
export const AT_SEQ = 2;
export const AT_TIME = 4;
export const AT_SCHEMA = 8;
export const HEADER_BYTES = 10;
export const CRC_BYTES = 4;

export const MIN_BODY_BYTES = HEADER_BYTES + CRC_BYTES;
export const MAX_BODY_BYTES = 250;
export const MAX_PAYLOAD_BYTES = MAX_BODY_BYTES - MIN_BODY_BYTES;
/** A stuffed body, without the 0x00 that ends it. */
export const MAX_STUFFED_BYTES = MAX_BODY_BYTES + 1;

/** `count` and `step_us` before the rows of a batch; `row` before the values of a label. */
export const BATCH_HEAD_BYTES = 5;
export const LABEL_HEAD_BYTES = 4;
export const STATS_BYTES = 22;
export const PONG_BYTES = 8;
/** `row`, `score` and `count` before the values of an OUTPUT. */
export const OUTPUT_HEAD_BYTES = 9;
export const MAX_OUTPUT_VALUES = Math.floor((MAX_PAYLOAD_BYTES - OUTPUT_HEAD_BYTES) / 4);
/** The numbers of a HELLO, up to the firmware's name. */
export const HELLO_HEAD_BYTES = 16;

export const MAX_COLUMNS = 64;
export const MAX_NAME_BYTES = 31;
export const MAX_UNIT_BYTES = 15;
export const MAX_FIRMWARE_BYTES = 31;

/** The types of columns: the index is the number on the wire. */
export const WIRE_TYPES = ['', 'f32', 'f16', 'i32', 'i16', 'u16', 'u8', 'bool'] as const;
export type WireType = Exclude<(typeof WIRE_TYPES)[number], ''>;
export const F32 = 1;
export const F16 = 2;
export const I32 = 3;
export const I16 = 4;
export const U16 = 5;
export const U8 = 6;
export const BOOL = 7;

/** [8]: bytes of a value of each type. */
export const TYPE_BYTES = new Uint8Array([0, 4, 2, 4, 2, 2, 1, 1]);

/** The bits of a column's `kind`. */
export const KIND_TYPE = 0x0f;
export const KIND_UNUSED = 0x30;
export const KIND_LABEL = 0x40;
export const KIND_SCALED = 0x80;
