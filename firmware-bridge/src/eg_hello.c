/* The columns: what they take in a row, their hash, and the HELLO that tells the host of them. */
#include "eg_internal.h"

#define FIRMWARE_MAX 31

uint8_t eg_type_bytes(uint8_t type) {
  if (type == 0 || type > EG_BOOL) return 0;
  if (type >= EG_U8) return 1;
  return type == EG_F32 || type == EG_I32 ? 4 : 2;
}

/* Text of at most `limit` bytes, its length before it. */
static void put_text(eg_device *device, const char *text, uint8_t limit) {
  uint8_t length = 0;
  while (length < limit && text[length] != 0) length++;
  eg_put(device, length);
  eg_put_bytes(device, text, length);
}

static void put_firmware(eg_device *device) {
  char text[FIRMWARE_MAX + 1];
  EG_READ_TEXT(text, device->config->firmware, FIRMWARE_MAX);
  put_text(device, text, FIRMWARE_MAX);
}

static void read_column(const eg_device *device, uint8_t i, eg_column *out_column) {
  EG_READ(out_column, device->config->columns + i, sizeof *out_column);
}

#define FLOAT_ONE 0x3F800000u

/* In bits: comparing floats would bring their library with it. */
static void put_column(eg_device *device, const eg_column *column) {
  uint32_t scale, offset;
  uint8_t kind = column->type;
  memcpy(&scale, &column->scale, 4);
  memcpy(&offset, &column->offset, 4);
  if (scale << 1 == 0) scale = FLOAT_ONE;
  if (column->is_label) kind |= EG_KIND_LABEL;
  if (scale == FLOAT_ONE && offset << 1 == 0) {
    eg_put(device, kind);
  } else {
    eg_put(device, kind | EG_KIND_SCALED);
    eg_put32(device, scale);
    eg_put32(device, offset);
  }
  put_text(device, column->name, sizeof column->name - 1);
  put_text(device, column->unit, sizeof column->unit - 1);
}

static void put_hello(eg_device *device, uint8_t first, uint8_t here) {
  eg_put(device, EG_PROTOCOL);
  eg_put(device, first);
  eg_put(device, here);
  eg_put(device, device->config->column_count);
  eg_put32(device, device->boot);
  eg_put32(device, device->count.rows);
  eg_put32(device, device->period_us);
  put_firmware(device);
}

eg_status eg_init(eg_device *device, const eg_config *config, uint32_t boot, uint32_t period_us) {
  uint16_t row_bytes = 0, label_bytes = 0, longest = 0;
  memset(device, 0, sizeof *device);
  device->config = config;
  device->boot = boot;
  device->period_us = period_us;
  eg_ask_hello(device);
  if ((uint8_t)(config->column_count - 1) >= EG_COLUMNS_MAX) return EG_BAD_COLUMNS;
  device->crc = EG_CRC_START;
  for (uint8_t i = 0; i < config->column_count; i++) {
    eg_column column;
    eg_begin_dry(device);
    read_column(device, i, &column);
    put_column(device, &column);
    if (device->tx_out > longest) longest = device->tx_out;
    const uint8_t bytes = eg_type_bytes(column.type);
    if (bytes == 0 || column.name[0] == 0) return EG_BAD_COLUMNS;
    if (column.is_label) {
      label_bytes = (uint16_t)(label_bytes + bytes);
    } else {
      if (label_bytes != 0) return EG_BAD_COLUMNS;
      row_bytes = (uint16_t)(row_bytes + bytes);
      device->row_columns++;
    }
  }
  device->schema = (uint16_t)~device->crc;
  if (device->schema == 0) device->schema = 1;
  if (row_bytes > EG_PAYLOAD_MAX || label_bytes > EG_PAYLOAD_MAX - 4) return EG_BAD_COLUMNS;
  eg_begin_dry(device);
  put_hello(device, 0, 0);
  if (!eg_fits(device, (uint16_t)(device->tx_out + longest + 1)) || !eg_fits(device, row_bytes) ||
      !eg_fits(device, (uint16_t)(label_bytes + 4))) {
    return EG_TX_TOO_SMALL;
  }
  if (config->rx_bytes < EG_RX_BYTES(0)) return EG_RX_TOO_SMALL;
  device->row_bytes = (uint8_t)row_bytes;
  device->label_bytes = (uint8_t)label_bytes;
  device->hello_us = eg_now(device);
  config->tx[0] = 0; /* whatever the host has heard before ends here */
  device->tx_used = 1;
  return EG_OK;
}

void eg_ask_hello(eg_device *device) {
  /* One that is under way goes on where it is and comes round: on a slow link it would never end otherwise. */
  device->hello_left = device->config->column_count;
}

void eg_set_period(eg_device *device, uint32_t period_us) {
  device->period_us = period_us;
  eg_ask_hello(device);
}

/* Puts columns [first, end) as long as tx_out does not pass `limit`. Returns the first that was not to be put, or passed. */
static uint8_t put_columns(eg_device *device, uint8_t first, uint8_t end, uint16_t limit) {
  for (; first < end; first++) {
    eg_column column;
    read_column(device, first, &column);
    put_column(device, &column);
    if (device->tx_out > limit) break;
  }
  return first;
}

void eg_say_hello(eg_device *device) {
  while (device->hello_left > 0) {
    const uint8_t first = device->hello_next;
    uint8_t end = device->config->column_count;
    uint16_t room = (uint16_t)(device->config->tx_bytes - device->tx_used);
    if (end - first > device->hello_left) end = (uint8_t)(first + device->hello_left);
    if (room > EG_PAYLOAD_MAX + EG_FRAME_BYTES + 1) room = EG_PAYLOAD_MAX + EG_FRAME_BYTES + 1;
    if (room < EG_FRAME_BYTES + 1) return;
    room = (uint16_t)(room - (EG_FRAME_BYTES + 1));
    /* Once without writing, to see how many columns fit. */
    eg_begin_dry(device);
    put_hello(device, 0, 0);
    end = put_columns(device, first, end, room);
    if (end == first) return;
    eg_begin(device, EG_HELLO, 0); /* there is room: that has been seen to */
    put_hello(device, first, (uint8_t)(end - first));
    put_columns(device, first, end, UINT16_MAX);
    eg_end(device);
    device->hello_left = (uint8_t)(device->hello_left - (end - first));
    device->hello_next = end == device->config->column_count ? 0 : end;
  }
}
