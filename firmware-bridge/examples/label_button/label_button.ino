// Tells the host the truth with a button: rows of a sensor go all the time, and a press says that the row sent just
// then was of class 1, a release that it was of class 0. A label is repeated until the host has it.
//
// Wiring: any analog sensor on A0; a button from pin 2 to GND.

#include <EEPROM.h>
#include <Edgegrad.h>

const uint32_t PERIOD_US = 20000;
const uint32_t REPEAT_US = 200000;
const uint32_t DEBOUNCE_MS = 30;
const uint8_t BUTTON = 2;

const eg_column COLUMNS[] EG_FLASH = {
  {"sensor", "V", EG_U16, 5.0f / 1024.0f, 0, false},
  {"class", "", EG_U8, 1, 0, true},
};
const char FIRMWARE[] EG_FLASH = "label_button 1";

Edgegrad edgegrad(Serial, COLUMNS, FIRMWARE);
uint32_t nextUs;
uint32_t changedMs;
bool wasPressed;
uint8_t label;  // stays as it is until the host has it

void setup() {
  pinMode(BUTTON, INPUT_PULLUP);
  Serial.begin(115200);
  uint32_t boot;
  EEPROM.get(0, boot);
  EEPROM.put(0, ++boot);
  edgegrad.begin(boot, PERIOD_US);
  nextUs = micros();
}

void loop() {
  edgegrad.poll();
  if (static_cast<int32_t>(micros() - nextUs) < 0) return;
  nextUs += PERIOD_US;
  const uint16_t row = static_cast<uint16_t>(analogRead(A0));
  const uint32_t number = edgegrad.nextRow();
  edgegrad.sendRaw(&row);

  const bool isPressed = digitalRead(BUTTON) == LOW;
  if (isPressed == wasPressed || millis() - changedMs < DEBOUNCE_MS || edgegrad.labelWaits()) return;
  wasPressed = isPressed;
  changedMs = millis();
  label = isPressed ? 1 : 0;
  edgegrad.sendLabel(number, &label, REPEAT_US);
}
