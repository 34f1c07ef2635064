/* Values in units to raw values. */
#include "eg_internal.h"

static uint32_t float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static bool is_nan(float value) { return value != value; }

uint16_t eg_half(float value) {
  const uint32_t bits = float_bits(value);
  const uint32_t size = bits & 0x7FFFFFFFu;
  const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
  uint32_t half, rest, tie;
  if (size >= 0x7F800000u) return (uint16_t)(sign | (size > 0x7F800000u ? 0x7E00u : 0x7C00u));
  if (size >= 0x477FE000u) return (uint16_t)(sign | 0x7BFFu); /* 65504 and more */
  if (size >= 0x38800000u) {
    half = (size - 0x38000000u) >> 13;
    rest = size & 0x1FFFu;
    tie = 0x1000u;
  } else {
    /* Subnormal: units of 2^-24. */
    const uint8_t exponent = (uint8_t)(size >> 23);
    const uint32_t mantissa = (size & 0x7FFFFFu) | 0x800000u;
    if (exponent < 102) return sign;
    half = mantissa >> (126 - exponent);
    rest = mantissa & (((uint32_t)1 << (126 - exponent)) - 1);
    tie = (uint32_t)1 << (125 - exponent);
  }
  if (rest > tie || (rest == tie && (half & 1) != 0)) half++;
  return (uint16_t)(sign | half);
}

/* The nearest integer, halves away from zero, limited to [low, high]. */
static int32_t nearest(float x, int32_t low, int32_t high) {
  int32_t whole;
  if (is_nan(x)) return 0;
  if (x >= (float)high) return high;
  if (x <= (float)low) return low;
  whole = (int32_t)x;
  x -= (float)whole;
  if (x >= 0.5f) whole++;
  if (x <= -0.5f) whole--;
  return whole;
}

static void put_value(eg_device *device, const eg_column *column, float value) {
  const uint8_t type = column->type;
  float raw = value;
  uint32_t whole;
  /* Division only where it is asked for: a value that needs none stays what it is, to the last bit. */
  if (column->offset != 0) raw -= column->offset;
  if (column->scale != 0 && column->scale != 1) raw /= column->scale;
  switch (type) {
    case EG_F32: whole = float_bits(raw); break;
    case EG_F16: whole = eg_half(raw); break;
    case EG_I32: whole = (uint32_t)nearest(raw, INT32_MIN, INT32_MAX); break;
    case EG_I16: whole = (uint32_t)nearest(raw, INT16_MIN, INT16_MAX); break;
    case EG_U16: whole = (uint32_t)nearest(raw, 0, UINT16_MAX); break;
    case EG_U8: whole = (uint32_t)nearest(raw, 0, UINT8_MAX); break;
    default: whole = value != 0 && !is_nan(value);
  }
  eg_put_bytes(device, &whole, eg_type_bytes(type));
}

eg_status eg_send_floats(eg_device *device, const float *values) {
  const uint8_t columns = device->row_columns;
  uint16_t bytes = device->row_bytes;
  uint8_t mask[EG_COLUMNS_MAX / 8] = {0};
  uint8_t mask_bytes = 0;
  eg_column column;
  bool has_begun;
  /* Floats say themselves that they are missing; integers need a mask. */
  for (uint8_t i = 0; i < columns; i++) {
    if (!is_nan(values[i])) continue;
    mask[i >> 3] = (uint8_t)(mask[i >> 3] | 1u << (i & 7));
    EG_READ(&column.type, &device->config->columns[i].type, 1);
    if (column.type > EG_F16) mask_bytes = (uint8_t)((columns + 7) >> 3);
  }
  bytes = (uint16_t)(bytes + mask_bytes);
  if (!eg_fits(device, bytes)) return EG_TOO_LARGE;
  has_begun = eg_begin(device, mask_bytes != 0 ? EG_ROW | EG_MASKED : EG_ROW, bytes);
  if (has_begun) {
    eg_put_bytes(device, mask, mask_bytes);
    for (uint8_t i = 0; i < columns; i++) {
      EG_READ(&column, &device->config->columns[i], sizeof column);
      put_value(device, &column, values[i]);
    }
  }
  return eg_end_rows(device, has_begun, 1);
}
