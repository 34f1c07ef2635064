/* What a device hears: frames out of the bytes, and what they ask for. */
#include "eg_internal.h"

/* rx_state */
enum { BETWEEN, INSIDE, BAD };

float eg_output_value(const eg_output *output, uint8_t i) {
  float value;
  memcpy(&value, output->values + (uint16_t)(4 * i), sizeof value);
  return value;
}

static void call_output(const eg_config *config, uint8_t flags, const uint8_t *payload) {
  eg_output output;
  memcpy(&output.row, payload, 4);
  memcpy(&output.score, payload + 4, 4);
  output.is_warming_up = (flags & 1) != 0;
  output.is_alarm = (flags & 2) != 0;
  output.count = payload[8];
  output.values = payload + 9;
  config->on_output(config->ctx, &output);
}

static void pong(eg_device *device, uint32_t token) {
  const uint32_t rx_us = eg_now(device);
  eg_flush(device);
  if (!eg_begin(device, EG_PONG, 8)) return;
  eg_put32(device, token);
  eg_put32(device, rx_us);
  eg_end(device);
}

/* A frame has ended. Returns whether it was a good one. */
static bool take_frame(eg_device *device) {
  const eg_config *config = device->config;
  const uint8_t *body = config->rx;
  const uint8_t *payload = body + EG_HEADER_BYTES;
  const uint8_t used = device->rx_used;
  const uint8_t bytes = (uint8_t)(used - EG_BODY_MIN);
  uint32_t argument, crc = EG_CRC_START;
  if (used < EG_BODY_MIN) return false;
  for (uint8_t i = 0; i < used; i++) crc = eg_crc_add(crc, body[i]);
  if (crc != EG_CRC_RESIDUE) return false;

  memcpy(&argument, payload, 4);
  switch (body[0]) {
    case EG_HELLO_REQ:
      if (bytes != 0) return false;
      eg_ask_hello(device);
      return true;
    case EG_OUTPUT:
      if (bytes < 9 || bytes != 9 + 4 * payload[8]) return false;
      if (config->on_output != NULL) call_output(config, body[1], payload);
      return true;
    case EG_PING:
      if (bytes != 4) return false;
      pong(device, argument);
      return true;
    case EG_RATE:
      if (bytes != 4) return false;
      eg_set_period(device, config->on_rate != NULL ? config->on_rate(config->ctx, argument) : device->period_us);
      return true;
    case EG_LABEL_ACK:
      if (bytes != 4) return false;
      if (device->label_row == argument) device->repeat_label = NULL;
      if (config->on_label_ack != NULL) config->on_label_ack(config->ctx, argument);
      return true;
    default:
      return false;
  }
}

static void keep(eg_device *device, uint8_t byte) {
  if (device->rx_used == device->config->rx_bytes) {
    device->rx_state = BAD;
    return;
  }
  device->config->rx[device->rx_used++] = byte;
}

void eg_receive(eg_device *device, uint8_t byte) {
  if (byte == 0) {
    const uint8_t state = device->rx_state;
    device->rx_state = BETWEEN;
    if (state == BETWEEN) return;
    if (state == INSIDE && device->rx_left == 0 && take_frame(device)) device->count.rx_frames++;
    else device->count.rx_bad++;
    return;
  }
  if (device->rx_state == BAD) return;
  if (device->rx_state == BETWEEN) {
    device->rx_state = INSIDE;
    device->rx_used = 0;
    device->rx_left = (uint8_t)(byte - 1);
  } else if (device->rx_left > 0) {
    device->rx_left--;
    keep(device, byte);
  } else {
    /* The next block: the one before stood for a zero behind its bytes. */
    device->rx_left = (uint8_t)(byte - 1);
    keep(device, 0);
  }
}
