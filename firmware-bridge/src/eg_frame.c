/* Frames into the tx buffer, and from there to `write`. */
#include "eg_internal.h"

/* tx_code of a frame that is not written. */
#define DRY 0xFFFF

/*
 * Adds a byte of the body, stuffed: a zero ends a block, and each block begins with its length, for which a zero holds
 * the place. A body of at most 250 bytes has no block of 254, so none is ever cut.
 */
EG_NOINLINE static void stuff(eg_device *device, uint8_t byte) {
  const uint16_t at = device->tx_out++;
  uint8_t *tx = device->config->tx;
  if (device->tx_code == DRY) return;
  tx[at] = byte;
  if (byte == 0) {
    tx[device->tx_code] = (uint8_t)(at - device->tx_code);
    device->tx_code = at;
  }
}

void eg_put(eg_device *device, uint8_t byte) {
  device->crc = eg_crc_add(device->crc, byte);
  stuff(device, byte);
}

void eg_put_bytes(eg_device *device, const void *bytes, uint8_t n) {
  const uint8_t *p = (const uint8_t *)bytes;
  while (n-- > 0) eg_put(device, *p++);
}

void eg_put32(eg_device *device, uint32_t value) { eg_put_bytes(device, &value, 4); }

void eg_begin_dry(eg_device *device) {
  device->tx_out = 0;
  device->tx_code = DRY;
}

void eg_flush(eg_device *device) {
  const eg_config *config = device->config;
  const uint16_t used = device->tx_used;
  if (used == 0) return;
  const uint16_t taken = (uint16_t)config->write(config->ctx, config->tx, used);
  device->tx_used = (uint16_t)(used - taken);
  memmove(config->tx, config->tx + taken, device->tx_used);
}

bool eg_fits(const eg_device *device, uint16_t payload_bytes) {
  return payload_bytes <= EG_PAYLOAD_MAX && payload_bytes + EG_FRAME_BYTES <= device->config->tx_bytes;
}

bool eg_begin_at(eg_device *device, uint16_t type, uint32_t t_us, uint16_t payload_bytes) {
  eg_header *header = &device->header;
  const uint8_t message = (uint8_t)type;
  uint16_t out;
  bool has_room;
  eg_flush(device);
  out = device->tx_used;
  has_room = out + payload_bytes + EG_FRAME_BYTES + (message == EG_HELLO) <= device->config->tx_bytes;
  /* While a HELLO waits for room the others take turns with it: on a full link it would never go otherwise. */
  if (message == EG_HELLO) {
    device->is_hello_due = false;
  } else if (device->hello_left != 0) {
    has_room = has_room && !device->is_hello_due;
    if (has_room) device->is_hello_due = true;
  }
  if (!has_room) {
    device->count.dropped_frames++;
    return false;
  }
  header->type = message;
  header->flags = (uint8_t)((uint8_t)(type >> 8) | (uint8_t)((uint8_t)device->boot << 4));
  header->seq = (uint16_t)device->count.rows;
  header->t_us = t_us;
  header->schema = message <= EG_ROW_BATCH || message == EG_LABEL ? device->schema : 0;
  if (message == EG_HELLO) device->config->tx[out++] = 0;
  device->tx_code = out;
  device->tx_out = (uint16_t)(out + 1);
  device->crc = EG_CRC_START;
  eg_put_bytes(device, header, EG_HEADER_BYTES);
  return true;
}

bool eg_begin(eg_device *device, uint16_t type, uint16_t payload_bytes) {
  return eg_begin_at(device, type, eg_now(device), payload_bytes);
}

eg_status eg_end(eg_device *device) {
  eg_put32(device, ~device->crc);
  stuff(device, 0);
  device->tx_used = device->tx_out;
  eg_flush(device);
  return EG_OK;
}

eg_status eg_end_rows(eg_device *device, bool has_begun, uint8_t rows) {
  device->count.rows += rows;
  if (has_begun) return eg_end(device);
  device->count.dropped_rows += rows;
  return EG_DROPPED;
}
