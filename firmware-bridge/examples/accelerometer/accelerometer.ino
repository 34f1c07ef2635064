// Sends three axes of an ADXL335 as binary frames, 100 rows a second.
//
// Wiring: VCC to 3.3 V and to AREF, GND to GND, X, Y and Z to A0, A1 and A2.
// The ADXL335 gives half its supply at 0 g and a tenth of it more for each g.

#include <EEPROM.h>
#include <Edgegrad.h>

const uint32_t PERIOD_US = 10000;

// Raw readings go over the wire: two bytes an axis instead of four. Scale and offset make g of them:
// 1024 steps are the supply, so 102.4 steps are 1 g and 512 are 0 g.
const float SCALE = 1.0f / 102.4f;
const float OFFSET = -512.0f / 102.4f;

const eg_column COLUMNS[] EG_FLASH = {
  {"x_g", "g", EG_U16, SCALE, OFFSET, false},
  {"y_g", "g", EG_U16, SCALE, OFFSET, false},
  {"z_g", "g", EG_U16, SCALE, OFFSET, false},
};
const char FIRMWARE[] EG_FLASH = "accelerometer 1";

Edgegrad edgegrad(Serial, COLUMNS, FIRMWARE);
uint32_t nextUs;

void setup() {
  analogReference(EXTERNAL);
  Serial.begin(115200);
  uint32_t boot;  // counts starts, so that the host can tell one from the next
  EEPROM.get(0, boot);
  EEPROM.put(0, ++boot);
  edgegrad.begin(boot, PERIOD_US);
  nextUs = micros();
}

void loop() {
  edgegrad.poll();
  if (static_cast<int32_t>(micros() - nextUs) < 0) return;
  nextUs += PERIOD_US;
  const uint16_t row[3] = {
    static_cast<uint16_t>(analogRead(A0)),
    static_cast<uint16_t>(analogRead(A1)),
    static_cast<uint16_t>(analogRead(A2)),
  };
  edgegrad.sendRaw(row);
}
