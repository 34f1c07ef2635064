/* The least a device needs: what size.sh links to see what the library takes. Not run. */
#include "../include/edgegrad.h"

const eg_column columns[] EG_FLASH = {{"x", "", EG_U16, 0, 0, false}};
const char firmware[] EG_FLASH = "size";
uint8_t tx[64], rx[EG_RX_BYTES(1)];
volatile uint8_t port;
eg_device device;

static uint32_t now_us(void *ctx) { return (uint32_t)(uintptr_t)ctx + port; }

static size_t write_bytes(void *ctx, const uint8_t *bytes, size_t n) {
  (void)ctx;
  port = bytes[0];
  return n > 0;
}

static void on_output(void *ctx, const eg_output *output) {
  (void)ctx;
  port = output->count;
}

eg_config config = {columns, 1, firmware, tx, sizeof tx, rx, sizeof rx, now_us, write_bytes, NULL, on_output, NULL, NULL};

int main(void) {
  eg_init(&device, &config, port, 0);
  for (;;) {
    const uint8_t byte = port;
    eg_poll(&device, &byte, 1);
#ifdef FLOATS
    const float row = port;
    eg_send_floats(&device, &row);
#else
    const uint16_t row = port;
    eg_send_row(&device, &row, NULL);
#endif
  }
}
