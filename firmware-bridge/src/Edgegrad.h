/*
 * Edgegrad.h: the device library over any Arduino Stream. edgegrad.h, which this includes, is the manual.
 *
 *   const eg_column columns[] EG_FLASH = {{"x", "g", EG_F32}, {"y", "g", EG_F32}};
 *   const char firmware[] EG_FLASH = "demo 1.0";
 *   Edgegrad edgegrad(Serial, columns, firmware);
 *
 *   void setup() { Serial.begin(115200); edgegrad.begin(bootId); }
 *   void loop() { edgegrad.poll(); … edgegrad.send(values); }
 */
#ifndef EDGEGRAD_ARDUINO_H
#define EDGEGRAD_ARDUINO_H

#include "../include/edgegrad.h"

#if defined(__cplusplus) && defined(ARDUINO)
#include <Arduino.h>

/*
 * TxBytes  of the send buffer: a row and 16 bytes, and a HELLO of one column (eg_init says whether it is enough)
 * Values   a prediction may have
 */
template <uint16_t TxBytes = 96, uint8_t Values = 1>
class EdgegradStream {
 public:
  /* Called with each prediction; it may send, but not poll. */
  typedef void (*OutputHandler)(const eg_output &output);
  /* Called with the period in microseconds the host wants; returns the one there will be. */
  typedef uint32_t (*RateHandler)(uint32_t periodUs);

  /*
   * columns, firmware  in flash: EG_FLASH
   * waits              false: writes only what port.availableForWrite() says, so nothing ever waits. true: for ports
   *                    that do not know how much they take (availableForWrite() is always 0); writing may wait then
   */
  template <size_t Columns>
  EdgegradStream(Stream &port, const eg_column (&columns)[Columns], const char *firmware, bool waits = false)
      : port_(port), waits_(waits), onOutput_(NULL), onRate_(NULL) {
    memset(&config_, 0, sizeof config_);
    config_.columns = columns;
    config_.column_count = Columns;
    config_.firmware = firmware;
    config_.tx = tx_;
    config_.tx_bytes = TxBytes;
    config_.rx = rx_;
    config_.rx_bytes = sizeof rx_;
    config_.now_us = nowUs;
    config_.write = write;
    config_.on_output = output;
    config_.on_rate = rate;
    config_.ctx = this;
  }

  /* After port.begin(). boot: differs from one start to the next. EG_OK, or what is wrong with the columns or TxBytes. */
  eg_status begin(uint32_t boot, uint32_t periodUs = 0) { return eg_init(&device_, &config_, boot, periodUs); }

  void onOutput(OutputHandler handler) { onOutput_ = handler; }
  void onRate(RateHandler handler) { onRate_ = handler; }

  /* To be called often: reads what has come, answers, sends what waits. */
  void poll() {
    uint8_t bytes[8];
    do {
      uint8_t n = 0;
      while (n < sizeof bytes && port_.available() > 0) bytes[n++] = static_cast<uint8_t>(port_.read());
      eg_poll(&device_, bytes, n);
    } while (port_.available() > 0);
  }

  eg_status send(const float *values) { return eg_send_floats(&device_, values); }
  eg_status sendRaw(const void *row, const uint8_t *missing = NULL) { return eg_send_row(&device_, row, missing); }
  eg_status log(uint8_t level, const char *text) { return eg_log(&device_, level, text); }

  /* The truth of a row; raw must stay as it is while labelWaits(). */
  eg_status sendLabel(uint32_t row, const void *raw, uint32_t repeatUs) { return eg_send_label(&device_, row, raw, repeatUs); }
  bool labelWaits() const { return eg_label_waits(&device_); }

  uint32_t nextRow() const { return eg_next_row(&device_); }
  uint32_t periodUs() const { return eg_period_us(&device_); }
  eg_device *device() { return &device_; }

 private:
  static EdgegradStream *self(void *ctx) { return static_cast<EdgegradStream *>(ctx); }
  static uint32_t nowUs(void *) { return micros(); }

  static size_t write(void *ctx, const uint8_t *bytes, size_t n) {
    Stream &port = self(ctx)->port_;
    if (!self(ctx)->waits_) {
      const int room = port.availableForWrite();
      if (room <= 0) return 0;
      if (static_cast<size_t>(room) < n) n = static_cast<size_t>(room);
    }
    return port.write(bytes, n);
  }

  static void output(void *ctx, const eg_output *output) {
    if (self(ctx)->onOutput_ != NULL) self(ctx)->onOutput_(*output);
  }

  static uint32_t rate(void *ctx, uint32_t periodUs) {
    EdgegradStream *me = self(ctx);
    return me->onRate_ != NULL ? me->onRate_(periodUs) : eg_period_us(&me->device_);
  }

  Stream &port_;
  bool waits_;
  OutputHandler onOutput_;
  RateHandler onRate_;
  eg_config config_;
  eg_device device_;
  uint8_t tx_[TxBytes];
  uint8_t rx_[EG_RX_BYTES(Values)];
};

typedef EdgegradStream<> Edgegrad;

#endif
#endif
