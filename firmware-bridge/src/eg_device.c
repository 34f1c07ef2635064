/* What a device sends: rows, labels, log, counters. */
#include "eg_internal.h"

uint32_t eg_now(const eg_device *device) { return device->config->now_us(device->config->ctx); }

eg_status eg_send_row(eg_device *device, const void *raw, const uint8_t *missing) {
  uint8_t mask_bytes = 0;
  uint16_t type = EG_ROW, bytes = device->row_bytes;
  bool has_begun;
  if (missing != NULL) {
    type = EG_ROW | EG_MASKED;
    mask_bytes = (uint8_t)((device->row_columns + 7) >> 3);
    bytes = (uint16_t)(bytes + mask_bytes);
    if (!eg_fits(device, bytes)) return EG_TOO_LARGE;
  }
  has_begun = eg_begin(device, type, bytes);
  if (has_begun) {
    eg_put_bytes(device, missing, mask_bytes);
    eg_put_bytes(device, raw, device->row_bytes);
  }
  return eg_end_rows(device, has_begun, 1);
}

eg_status eg_send_batch(eg_device *device, uint32_t t_us, uint32_t step_us, uint8_t count, const void *raw) {
  const uint16_t bytes = (uint16_t)((uint16_t)count * device->row_bytes); /* an int of 16 bits would overflow */
  bool has_begun;
  if (count == 0 || !eg_fits(device, (uint16_t)(bytes + 5))) return EG_TOO_LARGE;
  has_begun = eg_begin_at(device, EG_ROW_BATCH, t_us, (uint16_t)(bytes + 5));
  if (has_begun) {
    eg_put(device, count);
    eg_put32(device, step_us);
    eg_put_bytes(device, raw, (uint8_t)bytes);
  }
  return eg_end_rows(device, has_begun, count);
}

eg_status eg_log(eg_device *device, uint8_t level, const char *text) {
  uint8_t bytes = 0;
  while (text[bytes] != 0 && eg_fits(device, (uint16_t)(bytes + 2))) bytes++;
  /* Never through the middle of a character. */
  while (bytes > 0 && ((uint8_t)text[bytes] & 0xC0) == 0x80) bytes--;
  if (!eg_begin(device, EG_LOG, (uint16_t)(bytes + 1))) return EG_DROPPED;
  eg_put(device, level);
  eg_put_bytes(device, text, bytes);
  return eg_end(device);
}

eg_status eg_send_stats(eg_device *device, uint16_t free_ram) {
  if (!eg_begin(device, EG_STATS, 22)) return EG_DROPPED;
  eg_put_bytes(device, &device->count, sizeof device->count);
  eg_put_bytes(device, &free_ram, 2);
  return eg_end(device);
}

static eg_status put_label(eg_device *device, uint32_t t_us, uint32_t row, const uint8_t *raw) {
  if (!eg_begin_at(device, EG_LABEL, t_us, (uint16_t)(4 + device->label_bytes))) return EG_DROPPED;
  eg_put32(device, row);
  eg_put_bytes(device, raw, device->label_bytes);
  return eg_end(device);
}

static void repeat_label(eg_device *device, uint32_t t_us) {
  if (t_us - device->label_sent_us < device->label_repeat_us) return;
  device->label_sent_us = t_us;
  put_label(device, device->label_us, device->label_row, device->label);
}

eg_status eg_send_label(eg_device *device, uint32_t row, const void *raw, uint32_t repeat_us) {
  const uint32_t t_us = eg_now(device);
  if (repeat_us != 0) {
    if (device->repeat_label != NULL) return EG_LABEL_WAITS;
    device->repeat_label = repeat_label;
    device->label = (const uint8_t *)raw;
    device->label_row = row;
    device->label_us = t_us;
    device->label_sent_us = t_us;
    device->label_repeat_us = repeat_us;
  }
  return put_label(device, t_us, row, (const uint8_t *)raw);
}

void eg_poll(eg_device *device, const uint8_t *bytes, size_t n) {
  while (n-- > 0) eg_receive(device, *bytes++);
  const uint32_t t_us = eg_now(device);
  if (device->repeat_label != NULL) device->repeat_label(device, t_us);
  if (t_us - device->hello_us >= 10000000u) {
    device->hello_us = t_us;
    eg_ask_hello(device);
  }
  eg_say_hello(device);
  eg_flush(device);
}
